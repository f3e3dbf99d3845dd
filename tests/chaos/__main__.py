"""``make chaos``: besieges a server, or two nodes, and appends the verdict to docs/proofs/chaos.jsonl."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # the tests' own folder, as pytest has it

from chaos.fort import Castle, Fort
from chaos.siege import Siege, besiege
from chaos.team import campaign
from proofs.__main__ import VERDICTS, commit


def main() -> int:
    """One run; 1 where something was lost."""
    arguments = argparse.ArgumentParser(prog="make chaos")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--on", choices=("sqlite", "nodes"), default="sqlite")
    arguments.add_argument("--engines", type=int, default=0, help="real engines instead of opaque messages: how many")
    usual = Siege(devices=24, streams=12, members=12, kills=30, spells=9, jumps=10, messages=150, faults=2_000)
    for name, value in vars(usual).items():
        arguments.add_argument(f"--{name}", type=int, default=value)
    chosen = arguments.parse_args()
    siege = Siege(**{name: getattr(chosen, name) for name in vars(usual)})
    at, begun = commit(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="miss-chaos-") as folder:
        fort = (Castle if chosen.on == "nodes" else Fort)(Path(folder) / "data")
        if chosen.engines:
            options = {"people": chosen.engines, "kills": siege.kills, "messages": siege.messages}
            verdict = asyncio.run(campaign(fort, Path(folder), chosen.seed, **options))
        else:
            verdict = asyncio.run(besiege(fort, siege, chosen.seed))
    line = {
        "proof": "chaos",
        "commit": at,
        "seed": chosen.seed,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(time.monotonic() - begun, 1),
        "on": chosen.on,
        **verdict,
    }
    VERDICTS.mkdir(parents=True, exist_ok=True)
    with (VERDICTS / "chaos.jsonl").open("a") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
    print(json.dumps(line, ensure_ascii=False), flush=True)
    return 0 if line["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
