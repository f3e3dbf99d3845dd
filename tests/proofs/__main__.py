"""Runs the proofs: ``python -m tests.proofs [NAME…] [--seed N] [--again]``."""

import argparse
import importlib
import json
import sys
import time

from tests.proofs.kept import ROOT, commit

VERDICTS = ROOT / "docs/proofs"
PROOFS = (
    "bare_debian",
    "catch_up",
    "device_schedules",
    "devices",
    "frame_fuzz",
    "fuzz",
    "http_fuzz",
    "installed",
    "kills",
    "long_talks",
    "mls_mutations",
    "mls_schedules",
    "newest_python",
    "register_scale",
    "save_points",
    "storm",
    "tls",
)


def passed_before(name: str, at: str) -> bool:
    path = VERDICTS / f"{name}.jsonl"
    if not path.exists():
        return False
    lines = (json.loads(line) for line in path.read_text().splitlines() if line)
    return any(line["commit"] == at and line["passed"] for line in lines)


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make prove")
    arguments.add_argument("names", nargs="*", default=PROOFS, metavar="NAME", help=", ".join(PROOFS))
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--again", action="store_true")
    chosen = arguments.parse_args()
    VERDICTS.mkdir(parents=True, exist_ok=True)
    at, failed = commit(), []
    for name in chosen.names:
        if not chosen.again and passed_before(name, at):
            print(f"{name}: passed before at {at}")
            continue
        start = time.monotonic()
        verdict = importlib.import_module(f"tests.proofs.{name}").run(chosen.seed)
        line = {
            "proof": name,
            "commit": at,
            "seed": chosen.seed,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "seconds": round(time.monotonic() - start, 1),
            **verdict,
        }
        with (VERDICTS / f"{name}.jsonl").open("a") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        print(json.dumps(line, ensure_ascii=False), flush=True)
        if not verdict["passed"]:
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
