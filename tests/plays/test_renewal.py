"""Keys are made anew without anybody noticing: within a day of joining, then weekly."""

from pathlib import Path

import pytest

from cast import Device, Post, Scene, play, until
from miss_app.engine import renewal
from plays.test_group import team


def leaf_key(one: Device, of: Device, chat: bytes) -> bytes:
    """The encryption key of somebody's leaf, as ``one`` has it."""
    account = one.client._account
    assert account is not None
    group = account.conversations.group(chat)
    if group is None:
        return b""
    me = of.client._account
    assert me is not None
    leaves = [leaf for leaf in group.roster().values() if leaf.signature_key == me.membership.identity.key.public]
    return leaves[0].encryption_key


def epoch(one: Device, chat: bytes) -> int:
    account = one.client._account
    assert account is not None
    group = account.conversations.group(chat)
    return -1 if group is None else group.epoch


def test_who_joined_renews_its_keys_once(post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def acts(scene: Scene) -> None:
        monkeypatch.setattr(renewal, "AFTER_JOINING_MS", 1)
        camille, hugo, nadia, chat = await team(scene)
        monkeypatch.setattr(renewal, "AFTER_JOINING_MS", 86_400_000)
        before, at = leaf_key(camille, hugo, chat), epoch(camille, chat)
        lines = len(camille.lines(chat))
        await hugo.restart()
        await until(lambda: leaf_key(camille, hugo, chat) not in (b"", before), "Hugo's keys are new")
        for one in (camille, hugo, nadia):
            await until(lambda one=one: epoch(one, chat) == at + 1, f"{one.name} follows")
        await hugo.restart()
        await hugo.online()
        await hugo.client.send_text(chat, "toujours là")
        for one in (camille, nadia):
            await one.reads(chat, "toujours là")
        assert epoch(camille, chat) == at + 1, "not again before a week is over"
        assert len(camille.lines(chat)) == lines + 1, "nobody is told"

    play(post, tmp_path, acts)
