"""Lays out what goes onto a telephone: ``python mobile/packaging/android_source.py FOLDER``.

Client and protocol as the wheel has them, with the wheel's own description, which the program asks for its version.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = ("miss_server/",)  # the server's own


def lay_out(folder: Path) -> list[str]:
    """Fill ``folder`` anew; the names of what is in it.

    Raises:
        subprocess.CalledProcessError: the wheel could not be built.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="miss-wheel-") as scratch:
        words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", scratch]
        subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as found:
            names = [one for one in found.namelist() if not one.startswith(LEFT_OUT)]
            found.extractall(folder, names)
    shutil.copy(Path(__file__).with_name("start.py"), folder / "main.py")
    return sorted([*names, "main.py"])


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=Path)
    print(f"{len(lay_out(arguments.parse_args().folder))} files")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
