"""A thousand random lives of a group: all agree on the epoch, everyone entitled reads, nobody removed does."""

import sys
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from mls.schedules import MEMBERS_MAX, STEPS, Schedule

SCHEDULES = 1000


def run(seed: int, schedules: int = SCHEDULES) -> dict[str, object]:
    """The proof; its verdict names the first schedules that failed, each run again by ``Schedule(seed).run()``."""
    counts: Counter[str] = Counter()
    failed = []
    for number in range(seed * SCHEDULES, seed * SCHEDULES + schedules):
        try:
            counts.update(Schedule(number).run())
        except Exception as error:  # any error at all is a finding, and the other schedules go on
            failed.append(f"{number}: {type(error).__name__}: {error}"[:200])
    return {
        "passed": not failed,
        "schedules": schedules,
        "steps": STEPS,
        "members_max": MEMBERS_MAX,
        "failed": failed[:10],
        "counts": dict(sorted(counts.items())),
    }
