"""A store that fails, or a process that dies, at every call of a device's life: nothing lost, no key used twice."""

import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))

from cast import Post
from plays.failing_disk import KINDS
from plays.save_points import EVERY, Lives


def run(seed: int) -> dict[str, object]:
    """The proof; it needs no chance. ``failed`` names the lives that went wrong, as kind and first call."""
    del seed
    with tempfile.TemporaryDirectory(prefix="miss-save-points-") as made, pytest.MonkeyPatch.context() as patch:
        post = Post(Path(made) / "server", people=8)
        post.start()
        try:
            return asyncio.run(_live(post, Path(made) / "people", patch))
        finally:
            post.stop()


async def _live(post: Post, folder: Path, patch: pytest.MonkeyPatch) -> dict[str, object]:
    lives = Lives(post, folder, patch)
    lived: Counter[str] = Counter()
    struck: Counter[str] = Counter()
    failed: list[str] = []
    try:
        await lives.gather()
        for kind in KINDS:
            for first in range(EVERY[kind]):
                try:
                    struck[kind] += await lives.live(kind, first)
                except (AssertionError, TimeoutError) as error:
                    failed.append(f"{kind} {first}: {error}"[:200])
                    break  # its people are in disorder; the other kinds go on with theirs
                lived[kind] += 1
        twice = lives.keys.used_twice()
    finally:
        await lives.close()
    return {
        "passed": not failed and not twice,
        "lives": lived.total(),
        "calls_failed": {"write": struck["write"], "read": struck["read"]},
        "deaths": {"before a save": struck["before"], "after a save": struck["after"]},
        "ciphertexts_that_left": len(lives.keys.left),
        "keys_used_twice": twice,
        "failed": failed,
    }
