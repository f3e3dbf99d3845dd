"""A store that fails, or a process that dies, at every call of a device's life: nothing lost, no key used twice."""

import asyncio
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))

from cast import Post
from plays.failing_disk import KINDS
from plays.save_points import EVERY, Lives

LIVES_TOGETHER = 12  # more conversations would be more calls at each login than lie between two that fail


def run(seed: int) -> dict[str, object]:
    """The proof; it needs no chance. ``failed`` names the lives that went wrong, as kind and first call."""
    del seed
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="miss-save-points-") as made:
        post = Post(Path(made) / "server", people=64)
        post.start()
        try:
            for kind in KINDS:
                for begin in range(0, EVERY[kind], LIVES_TOGETHER):
                    firsts = range(begin, min(begin + LIVES_TOGETHER, EVERY[kind]))
                    with pytest.MonkeyPatch.context() as patch:
                        asyncio.run(tally.live(post, Path(made) / f"{kind}-{begin}", patch, kind, firsts))
        finally:
            post.stop()
    return {
        "passed": not tally.failed and not tally.twice,
        "lives": tally.lived.total(),
        "calls_failed": {"write": tally.struck["write"], "read": tally.struck["read"]},
        "deaths": {"before a save": tally.struck["before"], "after a save": tally.struck["after"]},
        "ciphertexts_that_left": tally.left,
        "keys_used_twice": tally.twice,
        "failed": tally.failed,
    }


@dataclass
class Tally:
    """What happened in all the lives so far."""

    lived: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    left: int = 0
    twice: int = 0

    async def live(self, post: Post, folder: Path, patch: pytest.MonkeyPatch, kind: str, firsts: range) -> None:
        """Lives of four people of their own, one after the other."""
        lives = Lives(post, folder, patch)
        try:
            await lives.gather()
            for first in firsts:
                try:
                    self.struck[kind] += await lives.live(kind, first)
                except (AssertionError, TimeoutError) as error:
                    self.failed.append(f"{kind} {first}: {error}"[:200])
                    break  # these people are in disorder; others go on
                self.lived[kind] += 1
            self.left += len(lives.keys.left)
            self.twice += lives.keys.used_twice()
        finally:
            lives.faults.kind = ""
            await lives.awake()
            await lives.close()
