"""Runs the works: ``python -m tests.bench [--works NAMES] [--runs N] [--seconds S]``; results go to ``out/bench``."""

import argparse
import json
import os
import platform
import resource
import sys
import time
from pathlib import Path

from .meter import wait_for_quiet
from .peers import PEERS
from .report import lines_of, picture, table
from .works import WORKS, Options, Record, measure

OUT = Path(__file__).resolve().parents[2] / "out/bench"


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--works", default=",".join(WORKS), help="names with commas between them")
    arguments.add_argument("--peers", default="relay,miss", help=f"of {', '.join(PEERS)}")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    arguments.add_argument("--connections", type=int, default=2_000, help="of the work idle")
    arguments.add_argument("--backlog", type=int, default=10_000, help="messages of the work catch-up")
    arguments.add_argument("--beside", metavar="FOLDER", help="another checkout, measured in the same pass as beside")
    arguments.add_argument("--quiet", type=float, default=0, help="wait at most so many seconds for others to be quiet")
    arguments.add_argument("--nice", type=int, default=0, help="priority of both sides, where others use the machine")
    chosen = arguments.parse_args()
    _allow(chosen.connections)
    if chosen.nice:
        _prefer(chosen.nice)
    peers = chosen.peers.split(",")
    if chosen.beside:
        os.environ["MISS_BESIDE"] = str(Path(chosen.beside).resolve())
        peers.append("beside")
    options = Options(seconds=chosen.seconds, connections=chosen.connections, backlog=chosen.backlog)
    OUT.mkdir(parents=True, exist_ok=True)
    records: list[Record] = []
    log = OUT / "runs.jsonl"
    for name in chosen.works.split(","):
        for run in range(chosen.runs):
            for peer in peers:
                record = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "run": run}
                wait_for_quiet(chosen.quiet)
                record |= measure(name, peer, options)
                records.append(record)
                with log.open("a") as file:
                    file.write(json.dumps(record) + "\n")
                print(json.dumps(record), flush=True)
    lines = lines_of(records)
    (OUT / "figures.svg").write_text(picture(lines))
    (OUT / "figures.md").write_text(f"{_machine()}\n\n{table(lines)}\n")
    print(f"\n{_machine()}\n\n{table(lines)}\n")
    return 0


def _machine() -> str:
    others = "the server on processor 0, the generator on processor 1"
    if len(os.sched_getaffinity(0)) < 2:
        others = "server and generator on one and the same processor"
    return f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {others}."


def _prefer(nice: int) -> None:
    """A better priority, where the operating system grants it."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        Path("/proc/self/autogroup").write_text(str(nice))
    except OSError as error:
        print(f"priority unchanged: {error}", file=sys.stderr)


def _allow(connections: int) -> None:
    """Open files for so many connections, for this process and the servers it starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < connections + 100:
        print(f"only {hard} open files are allowed here", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
