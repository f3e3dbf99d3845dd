"""Keys are made anew without anybody noticing: within a day of joining, then weekly."""

import time
from pathlib import Path

import pytest

from cast import Device, Post, Scene, play, until
from miss_app.engine import membership, renewal
from miss_app.engine.account import new_id
from miss_app.engine.model import Act, Item
from miss_protocol.terms import Terms
from plays.test_group import persons, team


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


async def renew(one: Device, chat: bytes, *others: Device) -> None:
    """A new epoch, made by this device and followed by all."""
    account = one.client._account
    assert account is not None
    before = epoch(one, chat)
    with account.store.step() as step:
        account.outbox.enqueue(step, Item(new_id(), chat, Act.RENEW))
    for member in (one, *others):
        await until(lambda member=member: epoch(member, chat) > before, f"{member.name} follows")


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


def terms(one: Device, chat: bytes) -> Terms:
    account = one.client._account
    assert account is not None
    group = account.conversations.group(chat)
    assert group is not None
    return Terms.of(group.extensions)


def test_a_client_below_a_raised_least_version_goes_after_thirty_days(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        assert terms(hugo, chat).least_version == 1
        monkeypatch.setattr(membership, "VERSION", 2)
        await nadia.restart()  # she updates first
        await nadia.online()
        await renew(nadia, chat, camille, hugo)
        monkeypatch.setattr(membership, "LEAST_VERSION", 2)
        await camille.restart()  # her new version asks for as much of the others
        await camille.online()
        await renew(camille, chat, hugo, nadia)
        assert terms(hugo, chat).least_version == 1, "not before her own leaf says what she has"
        await renew(camille, chat, hugo, nadia)
        for one in (camille, hugo, nadia):
            await until(lambda one=one: terms(one, chat).least_version == 2, f"{one.name}: the least version is raised")
        since = terms(hugo, chat).least_since
        assert abs(since - time.time()) < 600
        account = camille.client._account
        assert account is not None
        monkeypatch.setattr(account.outdated, "_now_ms", lambda: 1000 * (since + 30 * 86_400 - 1))
        account.outdated.resume()
        await camille.client.send_text(chat, "il reste une seconde")
        await hugo.reads(chat, "il reste une seconde")
        assert len(persons(hugo, chat)) == 3
        monkeypatch.setattr(account.outdated, "_now_ms", lambda: 1000 * (since + 30 * 86_400))
        account.outdated.resume()
        for one in (camille, nadia):
            await until(lambda one=one: len(persons(one, chat)) == 2, f"{one.name} sees Hugo gone")
        await camille.client.send_text(chat, "après")
        await nadia.reads(chat, "il reste une seconde", "après")
        assert hugo.said(chat) == ["il reste une seconde"]

    play(post, tmp_path, acts)
