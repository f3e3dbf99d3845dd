"""Threads that are lost: damaged states, commits nobody can follow, crashes on the way back; everybody comes together."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cast import Device, Post, Scene, play, until
from miss_app.engine import conversations, ladder, session
from miss_app.engine.events import Tick
from miss_app.engine.http import Http
from miss_app.engine.model import Act, Item
from miss_app.engine.session import Session
from miss_protocol.frames import Class, Deliver, Kind, Submit
from miss_protocol.mls import group as mls
from miss_protocol.mls import treekem
from miss_protocol.mls.member import EPOCH
from miss_protocol.succession import generation_of, next_group_id
from plays.test_faults import open_copy
from plays.test_group import PATIENT, TITLE, persons, team, titled
from plays.test_hostile import unreadable
from plays.test_renewal import epoch


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(session, "BACKOFF_SECONDS_MAX", 0.5)


def group_of(one: Device, chat: bytes) -> mls.Group:
    account = one.client._account
    assert account is not None
    group = account.conversations.group(chat)
    assert group is not None
    return group


def renew(one: Device, chat: bytes) -> None:
    """A commit that changes nothing but this device's keys."""
    account = one.client._account
    assert account is not None
    with account.store.step() as step:
        account.outbox.enqueue(step, Item(os.urandom(16), chat, Act.RENEW))


async def agree(chat: bytes, *devices: Device) -> None:
    """Everybody shares the secrets of one epoch."""

    def same() -> bool:
        groups = [one.client._account.conversations.group(chat) for one in devices if one.client._account]
        return (
            len({None if group is None else group.epoch_authenticator for group in groups} | {None}) == 2
            and None not in groups
        )

    await until(same, f"{[one.name for one in devices]} agree")


def truncated(_group: mls.Group) -> mls.Group | None:
    """Of a state that cannot be read."""
    return None


def with_other_privates(group: mls.Group) -> mls.Group:
    """Of a state whose leaf secret is not that of its leaf."""
    return replace(group, member=replace(group.member, privates={at: os.urandom(32) for at in group.member.privates}))


def with_other_secrets(group: mls.Group) -> mls.Group:
    """Of a state that is whole by itself, and of an epoch that nobody else is in."""
    secrets = replace(group.member.secrets, authenticator=os.urandom(32), sender_data=os.urandom(32))
    return replace(group, member=replace(group.member, secrets=secrets))


def damage(folder: Path, chat: bytes, how: Callable[[mls.Group], mls.Group | None]) -> None:
    """Alter what a device that is off knows of a group, as a bug would; the store itself stays sound."""
    store = open_copy(folder)
    rows = {row.name[16:].decode(): row.body for row in store.rows("groups", chat)}
    altered = how(mls.Group.from_parts(rows))
    body = rows[EPOCH][:-40] if altered is None else altered.part(EPOCH)
    with store.step() as step:
        step.put("groups", chat + EPOCH.encode(), body, shelf=chat)
        if altered is not None:
            step.put("epochs", chat, conversations._encoded(conversations._report(chat, altered)))
    store.close()


DAMAGES = {"cut": truncated, "other keys": with_other_privates, "another epoch's secrets": with_other_secrets}


def test_a_damaged_state_is_noticed_and_the_device_comes_back(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind shows in its own way: it cannot be read, a commit cannot be opened, the digest is not the others'."""

    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        said: list[str] = []
        for what, how in DAMAGES.items():
            await agree(chat, camille, hugo, nadia)
            await nadia.client.stop()
            damage(nadia.folder, chat, how)
            before = camille.notices(chat).count("device-returned")
            await nadia.begin()
            if how is with_other_privates:
                await nadia.online()
                renew(camille, chat)
            await until(lambda n=before: camille.notices(chat).count("device-returned") == n + 1, what)
            await agree(chat, camille, hugo, nadia)
            for one in (camille, nadia):
                said.append(f"{one.name} {what}")
                await one.client.send_text(chat, said[-1])
            for one in (camille, hugo, nadia):
                await until(lambda one=one: sorted(one.said(chat)) == sorted(said), f"{one.name} reads both: {what}")
        assert nadia.notices(chat).count("rejoined") == len(DAMAGES)
        assert unreadable(nadia, chat) == unreadable(camille, chat) == []
        assert (titled(nadia, chat), len(persons(hugo, chat))) == ((TITLE, PATIENT), 3)
        # Who went while she was away is a line of its own.
        await nadia.client.stop()
        damage(nadia.folder, chat, truncated)
        await camille.client.remove_person(chat, hugo.view.person_id)
        await until(lambda: len(persons(camille, chat)) == 2, "Hugo is removed")
        with monkeypatch.context() as patched:
            patched.setattr(ladder, "REJOINS_MAX", 9)  # it is the fourth time today
            await nadia.begin()
            await until(lambda: nadia.notices(chat)[-2:] == ["rejoined", "went-meanwhile"], "Nadia sees it")
        assert nadia.lines(chat)[-1].names == (hugo.view.display_name,)

    play(post, tmp_path, acts, threads_may_be_lost=True)


def poisoned(seal: Callable[..., treekem.UpdatePath]) -> Callable[..., treekem.UpdatePath]:
    """A path whose public half is sound, and whose sealed secrets are noise."""

    def sealed(*arguments: object) -> treekem.UpdatePath:
        path = seal(*arguments)
        nodes = tuple(
            replace(node, sealed=tuple(replace(one, ciphertext=os.urandom(len(one.ciphertext))) for one in node.sealed))
            for node in path.nodes
        )
        return replace(path, nodes=nodes)

    return sealed


def turn_hostile(one: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on this device's own commits cannot be opened by anybody."""
    account = one.client._account
    assert account is not None
    stage = account.membership.stage

    def hostile(group: mls.Group, item: Item) -> mls.Staged | None:
        with monkeypatch.context() as patched:
            patched.setattr(treekem, "seal_path", poisoned(treekem.seal_path))
            return stage(group, item)

    monkeypatch.setattr(account.membership, "stage", hostile)


def test_a_commit_that_nobody_can_open_separates_nobody_for_long(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        await camille.client.send_text(chat, "avant")
        for one in (hugo, nadia):
            await one.reads(chat, "avant")
        turn_hostile(hugo, monkeypatch)
        nadia.cable.pull()
        await nadia.offline()
        await nadia.client.send_text(chat, "écrit hors ligne")
        at = epoch(camille, chat)
        renew(hugo, chat)
        await until(lambda: "rejoined" in camille.notices(chat), "Camille came back")
        await camille.client.send_text(chat, "pendant")
        nadia.cable.plug()
        await until(lambda: "rejoined" in nadia.notices(chat), "so did Nadia")
        await agree(chat, camille, nadia, hugo)
        assert epoch(camille, chat) == at + 3, "one return each, and no more"
        await nadia.client.send_text(chat, "après")
        await camille.reads(chat, "avant", "pendant", "écrit hors ligne", "après")
        # What was sealed before she came back is told as such; all else is there, in the same order.
        await until(lambda: nadia.said(chat) == ["avant", "écrit hors ligne", "après"], "Nadia reads hers")
        assert unreadable(nadia, chat) == ["thread-lost"]
        assert unreadable(camille, chat) == []

    play(post, tmp_path, acts, threads_may_be_lost=True)


@pytest.mark.parametrize("when", ["before the bytes leave", "before the answer comes"])
def test_a_crash_on_the_way_back_changes_nothing(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """What is on disk at that moment is all there is: the same bytes are offered again, and taken once."""

    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        await nadia.client.stop()
        damage(nadia.folder, chat, truncated)
        at, submit = epoch(camille, chat), Session.submit

        async def crash(self: Session, frame: Submit) -> None:
            if frame.kind is Kind.COMMIT and not (tmp_path / "left").exists():
                shutil.copytree(nadia.folder, tmp_path / "left")
                nadia.cable.deafen() if when == "before the answer comes" else nadia.cable.pull()
            await submit(self, frame)

        monkeypatch.setattr(Session, "submit", crash)
        await nadia.begin()
        await until(lambda: (tmp_path / "left").exists(), "the commit is on disk")
        if when == "before the answer comes":
            await until(lambda: epoch(camille, chat) == at + 1, "it was accepted")
        await nadia.client.stop()
        shutil.rmtree(nadia.folder)
        shutil.copytree(tmp_path / "left", nadia.folder)
        nadia.cable.pull()
        nadia.cable.plug()
        await nadia.begin()
        await until(lambda: nadia.notices(chat).count("rejoined") == 1, "Nadia came back")
        await agree(chat, camille, hugo, nadia)
        assert epoch(camille, chat) == at + 1, "by one commit"
        await nadia.client.send_text(chat, "me revoilà")
        await hugo.reads(chat, "me revoilà")

    play(post, tmp_path, acts, threads_may_be_lost=True)


def test_the_server_goes_away_on_the_way_back(post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        chat = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(chat, "un")
        await hugo.reads(chat, "un")
        await hugo.client.stop()
        damage(hugo.folder, chat, truncated)
        get, asked = Http.json, list[str]()

        async def killed(self: Http, method: str, path: str, **options: Any) -> dict[str, Any]:
            if path.endswith("/way-back"):
                asked.append(path)
                if len(asked) == 1:
                    post.kill()
            return await get(self, method, path, **options)

        monkeypatch.setattr(Http, "json", killed)
        await hugo.begin()
        try:
            await until(lambda: asked, "the way back is asked for")
            await hugo.offline()
            await hugo.client.send_text(chat, "deux")
        finally:
            await asyncio.to_thread(post.start)
        await camille.reads(chat, "un", "deux")
        assert hugo.notices(chat) == ["rejoined"]
        assert len(asked) >= 2

    play(post, tmp_path, acts, threads_may_be_lost=True)


def break_way_back(post: Post, chat: bytes) -> None:
    """What the server keeps for those who lost track is noise from now on."""
    database = sqlite3.connect(post.folder / "miss.db", timeout=20)
    changed = database.execute(
        "UPDATE public_groups SET group_info = x'ff' WHERE stream = (SELECT stream FROM streams WHERE stream_id = ?)",
        (chat,),
    )
    assert changed.rowcount == 1
    database.commit()
    database.close()


def test_where_nobody_can_come_back_an_admin_s_device_resets(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new group under the same conversation: what was said before and after stands in one chat, for everybody."""

    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        await camille.client.send_text(chat, "avant")
        for one in (hugo, nadia):
            await one.reads(chat, "avant")
        turn_hostile(hugo, monkeypatch)
        get, asked = Http.json, list[str]()

        async def counted(self: Http, method: str, path: str, **options: Any) -> dict[str, Any]:
            asked.extend([path] if path.endswith("/way-back") else [])
            return await get(self, method, path, **options)

        monkeypatch.setattr(Http, "json", counted)
        camille.cable.pull()
        nadia.cable.pull()
        await camille.offline()
        await nadia.offline()
        at = epoch(hugo, chat)
        renew(hugo, chat)
        await until(lambda: epoch(hugo, chat) == at + 1, "Hugo's commit is accepted")
        await hugo.client.send_text(chat, "personne ne peut lire cela")
        break_way_back(post, chat)
        nadia.cable.plug()
        await until(lambda: nadia.notices(chat)[-1:] == ["cannot-follow"], "Nadia may not reset, and is told")
        assert len(asked) == ladder.REJOINS_MAX
        await nadia.restart()
        await nadia.online()
        view = nadia.client.conversation(chat)
        assert view is not None
        assert not view.active
        failed = await nadia.client.send_text(chat, "perdu")
        await nadia.ticks(chat, failed, Tick.FAILED)
        assert len(asked) == ladder.REJOINS_MAX, "a restart does not begin to count anew"
        await camille.client.send_text(chat, "pendant")
        camille.cable.plug()
        for one in (camille, hugo, nadia):
            await until(lambda one=one: "conversation-reset" in one.notices(chat), f"{one.name} sees the reset")
        await agree(chat, camille, hugo, nadia)
        assert {generation_of(group_of(one, chat).group_id) for one in (camille, hugo, nadia)} == {1}
        await nadia.client.retry(chat, failed)
        await hugo.client.send_text(chat, "après")
        for one in (camille, nadia):
            await until(lambda one=one: sorted(one.said(chat)) == ["après", "avant", "pendant", "perdu"], one.name)
            assert unreadable(one, chat) == ["thread-lost"], "what Hugo said to himself"
            assert (titled(one, chat), len(persons(one, chat))) == ((TITLE, PATIENT), 3)
        assert camille.said(chat)[0] == "avant"
        await nadia.restart()
        await nadia.client.send_text(chat, "encore là")
        await until(lambda: "encore là" in camille.said(chat), "the new group outlives a restart")

    play(post, tmp_path, acts, threads_may_be_lost=True)


def forged_reset(by: Device, victim: Device, chat: bytes) -> bytes:
    """The Welcome of a reset that this member may not make, for a key package that is really the victim's."""
    mine, theirs = by.client._account, victim.client._account
    assert mine is not None
    assert theirs is not None
    package = mls.KeyPackageSecrets.decode(theirs.store.all_rows("key_packages")[0].body)
    old = group_of(by, chat)
    founded = mine.membership.found(next_group_id(old.group_id), old.extensions)
    welcome = mine.membership.commit_adds(founded, [mls.Add(package.decoded)]).welcome
    assert welcome is not None
    return welcome


def test_a_reset_by_who_may_not_is_refused_by_members_too(post: Post, tmp_path: Path) -> None:
    """As a server that lies would deliver it: in the place of a row that is really another one."""

    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        account = nadia.client._account
        assert account is not None
        await agree(chat, camille, hugo, nadia)
        nadia.cable.pull()
        await nadia.offline()
        await camille.client.send_text(chat, "la vraie ligne")
        await hugo.reads(chat, "la vraie ligne")
        record, before = account.conversations.get(chat), group_of(nadia, chat).parts()
        assert record is not None
        welcome = forged_reset(hugo, nadia, chat)
        row = Deliver(chat, record.position + 1, Kind.WELCOME, Class.SILENT, account.clock.now_ms(), 1, welcome)
        account.inbox.receive(row)
        assert group_of(nadia, chat).parts() == before, "nothing of it is kept"
        assert chat in account.lost
        assert account.conversations.get(chat) == record
        assert not account.inbox.read_again(chat), "nor when it is read again"
        assert group_of(nadia, chat).parts() == before
        nadia.cable.plug()
        await until(lambda: nadia.notices(chat)[-1:] == ["rejoined"], "she comes back to the group that there is")
        await agree(chat, camille, hugo, nadia)
        assert generation_of(group_of(nadia, chat).group_id) == 0
        assert "conversation-reset" not in nadia.notices(chat)
        await hugo.client.send_text(chat, "sans suite")
        await until(lambda: nadia.said(chat)[-1:] == ["sans suite"], "and reads on")

    play(post, tmp_path, acts, threads_may_be_lost=True)


def test_who_was_removed_meanwhile_is_told_so(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        who = nadia.view.person_id
        await nadia.client.stop()
        damage(nadia.folder, chat, truncated)
        await camille.client.remove_person(chat, who)
        await until(lambda: len(persons(hugo, chat)) == 2, "Nadia is removed")
        await nadia.begin()
        await until(lambda: nadia.notices(chat)[-1:] == ["no-longer-in"], "she is told, and nothing more is tried")
        view = nadia.client.conversation(chat)
        assert view is not None
        assert not view.active
        # Whoever is added again begins afresh.
        await camille.client.add_people(chat, [await camille.find(nadia)])
        await camille.client.send_text(chat, "te revoilà")
        await nadia.reads(chat, "te revoilà")
        assert nadia.notices(chat)[-1] == "you-were-added"

    play(post, tmp_path, acts, threads_may_be_lost=True)


def test_what_could_not_be_followed_comes_from_a_sibling(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        chat = await camille.client.create_group("Équipe", "", [await camille.find(hugo)])
        await camille.client.send_text(chat, "avant")
        await hugo.reads(chat, "avant")
        tablet = scene.device("tablette", camille.who)
        await tablet.link_from(camille, days=0)
        await tablet.reads(chat, "avant")
        await tablet.client.stop()
        damage(tablet.folder, chat, truncated)
        await hugo.client.send_text(chat, "pendant")
        await camille.reads(chat, "avant", "pendant")
        await tablet.begin()
        await until(lambda: "rejoined" in tablet.notices(chat), "the tablet comes back")
        await tablet.reads(chat, "avant", "pendant")
        assert unreadable(tablet, chat) == []
        order = [[line.message_id for line in one.lines(chat) if line.kind == "text"] for one in (camille, tablet)]
        assert order[0] == order[1]
        counts = [view.unread for one in (camille, tablet) if (view := one.client.conversation(chat))]
        assert counts == [1, 1]

    play(post, tmp_path, acts, threads_may_be_lost=True)
