"""``make chaos``: besieges a server, or two nodes, and appends the verdict to docs/proofs/chaos.jsonl."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # the tests' own folder, as pytest has it

from chaos.fort import Castle, Fort
from chaos.siege import Siege, besiege
from chaos.sums import append_line, enough, next_seed, read_lines, sums_of, table, wanted
from chaos.team import campaign
from proofs.kept import commit

USUAL = Siege(devices=24, streams=12, members=12, kills=30, spells=9, jumps=10, messages=150, faults=2_000)


def main() -> int:
    """One run, or as many as the sums want; 1 where something was lost."""
    arguments = argparse.ArgumentParser(prog="make chaos")
    arguments.add_argument("--seed", type=int, default=0, help="0 for one that no run had yet")
    arguments.add_argument("--on", choices=("sqlite", "nodes"), default="sqlite")
    arguments.add_argument("--engines", type=int, default=0, help="real engines instead of opaque messages: how many")
    arguments.add_argument("--sums", action="store_true", help="what all runs come to, and nothing else")
    arguments.add_argument("--until-enough", action="store_true", help="run after run, until the sums have come true")
    for name, value in vars(USUAL).items():
        arguments.add_argument(f"--{name}", type=int, default=value)
    chosen = arguments.parse_args()
    if chosen.sums:
        sums = sums_of(read_lines())
        print(table(sums))
        return 0 if enough(sums) else 1
    siege = Siege(**{name: getattr(chosen, name) for name in vars(USUAL)})
    if not chosen.until_enough:
        return 0 if _run(chosen.on, chosen.engines, siege, chosen.seed or next_seed(read_lines())) else 1
    while not enough(sums := sums_of(read_lines())):
        on, engines, numbers = wanted(sums, read_lines())
        if not _run(on, engines, replace(USUAL, **numbers), next_seed(read_lines())):
            return 1
    print(table(sums))
    return 0


def _run(on: str, engines: int, siege: Siege, seed: int) -> bool:
    """One run; its line is appended, also where it came to no end."""
    at, begun = commit(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="miss-chaos-", ignore_cleanup_errors=True) as folder:
        fort = (Castle if on == "nodes" else Fort)(Path(folder) / "data")
        try:
            if engines:
                options = {"people": engines, "kills": siege.kills, "messages": siege.messages}
                verdict = asyncio.run(campaign(fort, Path(folder), seed, **options))
            else:
                verdict = asyncio.run(besiege(fort, siege, seed))
        except AssertionError as error:  # it hangs: that is a finding as well
            print(error, file=sys.stderr)
            verdict = {"passed": False, "stopped": str(error).splitlines()[0][:200]}
    line = {
        "proof": "chaos",
        "commit": at,
        "seed": seed,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(time.monotonic() - begun, 1),
        "on": on,
        **verdict,
    }
    append_line(line)
    print(json.dumps(line, ensure_ascii=False), flush=True)
    return bool(line["passed"])


if __name__ == "__main__":
    sys.exit(main())
