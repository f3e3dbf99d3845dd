"""Plays the scene: ``python -m tests.demo [--show] [--out DIR] [--stop-server-after ACT] [--nodes 2]``."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.demo.scene import Scene


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make demo", description="MiSS: the main scene, on the real screens.")
    arguments.add_argument("--show", action="store_true", help="real windows, left open at the end")
    arguments.add_argument("--out", type=Path, default=Path("out/demo"), help="where the pictures go")
    arguments.add_argument("--stop-server-after", default="", metavar="ACT", help="to see an act fail")
    arguments.add_argument("--nodes", type=int, choices=(1, 2), default=1, help="servers, one of two is killed midway")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="miss-demo-") as folder:
        how = {"visible": chosen.show, "stop_after": chosen.stop_server_after, "nodes": chosen.nodes}
        scene = Scene(Path(folder), chosen.out.resolve(), **how)
        try:
            code = scene.perform()
            if chosen.show:
                scene.leave_open()
            return code
        finally:
            scene.end()


if __name__ == "__main__":
    sys.exit(main())
