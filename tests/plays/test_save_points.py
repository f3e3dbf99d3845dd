"""A store that fails, or a process that dies, at calls of every kind: nothing lost, nothing twice, no key used twice."""

import asyncio
from pathlib import Path

import pytest

from cast import Post
from miss_app.engine.session import Session
from miss_protocol.frames import Class, Kind, Submit
from miss_protocol.mls import group as mls
from mls.cast import Device, Room
from plays.failing_disk import KINDS
from plays.save_points import Keys, Lives


def test_a_life_whose_store_goes_wrong(post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One life of each kind; the proof ``save_points`` lives them at every call."""

    async def run() -> None:
        lives = Lives(post, tmp_path, monkeypatch)
        try:
            await lives.gather()
            for kind in KINDS:
                assert await lives.live(kind, 7) >= 3, f"{kind}: struck too rarely"
        finally:
            await lives.close()

    asyncio.run(run())


def test_a_key_used_twice_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lives' own eyes: two texts sealed from one and the same state."""
    sent: list[Submit] = []

    async def send(_: Session, frame: Submit) -> None:
        sent.append(frame)

    monkeypatch.setattr(Session, "submit", send)
    keys = Keys(monkeypatch)
    alice = Device("alice")
    Room(alice)

    def say(group: mls.Group, text: bytes) -> mls.Group:
        sealed = mls.seal(group, alice.identity, text)
        frame = Submit(bytes(16), bytes(16), Kind.APPLICATION, Class.NORMAL, group.epoch, sealed.message, b"")
        asyncio.run(Session.submit(None, frame))  # type: ignore[arg-type] # the eyes look at the frame alone
        return sealed.group

    after = say(alice.group, b"one")
    say(after, b"two")
    assert keys.used_twice() == 0
    say(alice.group, b"three")
    assert keys.used_twice() == 1
    assert len(sent) == 3
