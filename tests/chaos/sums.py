"""What all runs together come to: the verdict lines of docs/proofs/chaos.jsonl, summed and held against the goals."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from proofs.kept import ROOT

LINES = ROOT / "docs/proofs/chaos.jsonl"
# The least of each sum, over all runs since the last one that found something.
GOALS = {
    "faults_in_flight": 10_000,
    "kills": 300,
    "node-kill": 50,
    "client-kill": 50,
    "postgresql-kill": 50,
    "nats-kill": 50,
    "opaque": 1_000_000,
    "opened_by_mls": 200_000,
}
WRONGS = (
    "lost",
    "doubled",
    "altered",
    "ghosts",
    "order",
    "unequal",
    "gaps",
    "unreadable",
    "unordered",
    "keys_used_twice",
)
KILLS = ("node-kill", "client-kill", "postgresql-kill", "nats-kill")
ENGINES = 7
Line = dict[str, Any]


def read_lines() -> list[Line]:
    """Every run so far."""
    return [json.loads(line) for line in LINES.read_text().splitlines() if line] if LINES.exists() else []


def append_line(line: Line) -> None:
    """One more run."""
    LINES.parent.mkdir(parents=True, exist_ok=True)
    with LINES.open("a") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def next_seed(lines: Sequence[Line]) -> int:
    """One that no run had yet."""
    return max((line["seed"] for line in lines), default=0) + 1


def sums_of(lines: Sequence[Line]) -> Counter[str]:
    """The sums of the runs since the last that found something wrong: it was mended, and they begin at nothing again.

    A run that came to no end adds nothing but itself.

    Only kills that hit an operation in flight count.
    """
    failed = [at for at, line in enumerate(lines) if any(line.get(one) for one in WRONGS)]
    sums: Counter[str] = Counter(runs=0)
    for line in lines[failed[-1] + 1 if failed else 0 :]:
        if "stopped" in line:
            sums["runs without an end"] += 1
            continue
        sums["runs"] += 1
        sums[f"runs on {line['on']}"] += 1
        sums["opaque"] += line.get("deliveries", 0)
        sums["opened_by_mls"] += line.get("opened_by_mls", 0)
        sums["faults_in_flight"] += line["faults_in_flight"]
        for kind, count in line["faults"].items():
            sums[kind] += count
            sums["kills"] += count if kind in KILLS else 0
        for one in WRONGS:
            sums[one] += line.get(one, 0)
    return sums


def enough(sums: Counter[str]) -> bool:
    """Whether every goal is reached."""
    return all(sums[name] >= goal for name, goal in GOALS.items())


def table(sums: Counter[str]) -> str:
    """The sums beside their goals, a line each."""
    lines = [f"{name:18} {sums[name]:>10,}  of {goal:>9,}" for name, goal in GOALS.items()]
    lines += [f"{one:18} {sums[one]:>10,}  of         0" for one in WRONGS]
    others = sorted(set(sums) - set(GOALS) - set(WRONGS))
    return "\n".join(lines + [f"{name:18} {sums[name]:>10,}" for name in others])


def wanted(sums: Counter[str], lines: Sequence[Line]) -> tuple[str, int, dict[str, int]]:
    """What to run next, for what is missing most: (on, engines, numbers of the siege)."""
    on = "nodes" if sum(line["on"] == "nodes" for line in lines) <= len(lines) // 2 else "sqlite"
    missing = {name: 1 - sums[name] / goal for name, goal in GOALS.items()}
    most = max(missing, key=lambda name: missing[name])
    if most in ("client-kill", "opened_by_mls"):
        return on, ENGINES, {"kills": 24, "messages": 3_500}
    if most in ("postgresql-kill", "nats-kill"):
        on = "nodes"
    return on, 0, {"members": 24, "kills": 45, "messages": 40}
