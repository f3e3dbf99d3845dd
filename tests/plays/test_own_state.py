"""What a person's devices share: the same on each, whoever wrote last, and what a device missed for weeks."""

import asyncio
import sqlite3
import time
from pathlib import Path

import pytest

from cast import PIN, Device, Post, Scene, play, until
from miss_app.engine import receipts
from miss_app.engine.events import HistoryProgress, Stage
from miss_app.engine.problems import Problem
from miss_app.engine.receiving import Receiving
from miss_app.engine.store import Row
from miss_protocol.own_state import Entry


def entries(one: Device) -> tuple[Entry, ...]:
    account = one.client._account
    assert account is not None
    return account.states.snapshot()


async def same(*devices: Device) -> None:
    await until(lambda: len({entries(one) for one in devices}) == 1 and entries(devices[0]), "all share the same")


def test_drafts_pins_and_settings_are_the_same_everywhere(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        direct = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(direct, "bonjour")
        # Written before there is anybody to tell: it is in the snapshot of the next device.
        await camille.client.preferences.set_draft(direct, "brouillon")
        await camille.client.preferences.block(hugo.view.person_id, True)
        tablet = scene.device("tablette", camille.who)
        await tablet.link_from(camille, days=0)
        await until(lambda: tablet.client.conversation(direct), "the tablet is in")
        await same(camille, tablet)
        assert tablet.client.preferences.draft(direct) == "brouillon"
        assert tablet.client.preferences.blocked() == [hugo.view.person_id]
        await tablet.client.preferences.set_draft(direct, "")
        await tablet.client.preferences.pin(direct, True)
        await tablet.client.preferences.mute(direct, 12_345)
        await tablet.client.set_setting("language", "en")

        def told() -> bool:
            view = camille.client.conversation(direct)
            return view is not None and (view.draft, view.pinned, view.muted_until_ms) == ("", True, 12_345)

        await until(told, "the phone follows")
        await until(lambda: camille.client.settings()["language"] == "en", "settings too")
        # Both write while neither hears of the other: all come to the same.
        for one in (camille, tablet):
            one.cable.pull()
            await one.offline()
        for number in range(3):
            await camille.client.preferences.set_draft(direct, f"du téléphone {number}")
        await tablet.client.preferences.set_draft(direct, "de la tablette")
        await tablet.client.preferences.archive(direct, True)
        for one in (tablet, camille):
            one.cable.plug()
            await one.online()
        await same(camille, tablet)
        drafts = {one.client.preferences.draft(direct) for one in (camille, tablet)}
        assert drafts == {"du téléphone 2"}, "three writings against one"
        assert not [line for line in hugo.lines(direct) if line.text not in ("bonjour", "")], "nobody else hears of it"
        with pytest.raises(Problem, match="conversation-unknown"):
            await camille.client.preferences.pin(bytes(16), True)

    play(post, tmp_path, acts)


def test_who_is_blocked_is_neither_listed_nor_found_and_folded_in_teams(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        tablet = scene.device("tablette", camille.who)
        await tablet.link_from(camille)
        direct = await hugo.client.open_direct(await hugo.find(camille))
        team = await hugo.client.create_group("Équipe", "", [await hugo.find(camille)])
        for chat in (direct, team):
            await hugo.client.send_text(chat, "avant le blocage")
            for one in (camille, tablet):
                await one.reads(chat, "avant le blocage")
        him = hugo.view.person_id

        def listed(one: Device) -> set[bytes]:
            return {view.conversation_id for view in one.client.conversations()}

        await camille.client.preferences.block(him, True)
        for one in (camille, tablet):
            await until(lambda one=one: one.client.preferences.is_blocked(him), "blocked everywhere")
            assert listed(one) == {team}
            assert [person.person_id for person in one.client.preferences.blocked_people()] == [him]
        for chat in (direct, team):
            await hugo.client.send_text(chat, "pendant le blocage")
        for one in (camille, tablet):
            await one.reads(direct, "avant le blocage", "pendant le blocage")
            await one.reads(team, "avant le blocage", "pendant le blocage")
            assert listed(one) == {team}
            assert all(line.blocked for line in one.lines(team) if line.kind == "text")
            found = one.client.search("blocage")
            assert not found.messages
            assert direct not in {view.conversation_id for view in one.client.search("hugo").conversations}
        await tablet.client.preferences.block(him, False)
        for one in (camille, tablet):
            await until(lambda one=one: listed(one) == {team, direct}, "back everywhere, nothing lost")
            assert not any(line.blocked for line in one.lines(team))

    play(post, tmp_path, acts)


def forget_application_rows(folder: Path, *streams: bytes) -> int:
    """As the caretaker does with what is older than thirty days, in these streams."""
    forgotten = 0
    with sqlite3.connect(folder / "miss.db", timeout=30) as database:
        for stream in streams:
            forget = "DELETE FROM rows WHERE kind = 1 AND stream = (SELECT stream FROM streams WHERE stream_id = ?)"
            forgotten += database.execute(forget, (stream,)).rowcount
    return forgotten


def test_what_is_read_is_the_same_on_a_device_that_was_just_linked(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at before its history came, and vouched for by one that ends before it says what was read on it."""
    come = asyncio.Event()
    take = Receiving._take_parcel

    async def take_later(receiving: Receiving, row: Row) -> None:
        await come.wait()
        await take(receiving, row)

    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        desk, tablet = (scene.device(name, camille.who) for name in ("poste", "tablette"))
        talks = []
        for one in (camille, hugo):
            talks.append(
                await one.client.create_group(one.name, "", [await one.find(hugo if one is camille else camille)])
            )
        for talk in talks:
            await until(lambda talk=talk: hugo.client.conversation(talk), "Hugo is in")
            await hugo.client.send_text(talk, "un")
            await hugo.client.send_text(talk, "deux")
            await camille.reads(talk, "un", "deux")
        await desk.link_from(camille, days=0)
        for talk in talks:
            await desk.reads(talk, "un", "deux")
        monkeypatch.setattr(Receiving, "_take_parcel", take_later)
        monkeypatch.setattr(receipts, "SECONDS_SMALL", 3_600.0)
        await camille.client.mark_read(talks[0])
        assert [unread(camille, talk) for talk in talks] == [0, 2]
        await tablet.link_from(camille, days=0)
        for talk in talks:
            await until(lambda talk=talk: tablet.client.conversation(talk), "the tablet is in")
            await tablet.client.mark_read(talk)
        come.set()
        for talk in talks:
            await tablet.reads(talk, "un", "deux")
        await until(lambda: any(isinstance(e, HistoryProgress) and e.finished for e in tablet.events), "all has come")
        phone = next(one for one in await desk.client.devices() if one.name == "camille")
        await desk.client.own_devices.revoke(phone.device_id, pin=PIN)
        await until(lambda: camille.client.stage() is Stage.REVOKED, "the phone is ended")
        for one in (desk, tablet):
            assert [unread(one, talk) for talk in talks] == [2, 2], one.name
        monkeypatch.setattr(receipts, "SECONDS_SMALL", 0.02)
        for talk in talks:
            await tablet.client.mark_read(talk)
            await until(lambda talk=talk: unread(desk, talk) == 0, "read on the tablet")

    play(post, tmp_path, acts)


def test_what_a_device_missed_for_weeks_comes_from_its_sibling(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        direct = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(direct, "avant")
        await hugo.reads(direct, "avant")
        desktop = scene.device("poste", camille.who)
        await desktop.link_from(camille, days=0)
        await desktop.reads(direct, "avant")
        await same_or_empty(camille, desktop)
        camille.cable.pull()
        await camille.offline()
        await hugo.client.send_text(direct, "pendant l’absence")
        await desktop.reads(direct, "avant", "pendant l’absence")
        await desktop.client.send_text(direct, "réponse du poste")
        await hugo.reads(direct, "avant", "pendant l’absence", "réponse du poste")
        await desktop.client.mark_read(direct)
        await desktop.client.preferences.pin(direct, True)
        account = desktop.client._account
        assert account is not None
        await until(lambda: not account.store.all_rows("outbox"), "everything is said")
        own = account.own_stream.record()
        assert own is not None
        assert forget_application_rows(post.folder, direct, own.conversation_id) > 0
        camille.cable.plug()
        await camille.online()
        await camille.reads(direct, "avant", "pendant l’absence", "réponse du poste")
        await until(lambda: "gap-filled" in camille.notices(direct), "told what was missing")
        await same(camille, desktop)
        assert "gap" not in camille.notices(direct)
        shown = [
            [(one.message_id, one.at_ms, one.mine) for one in d.lines(direct) if one.text] for d in (camille, desktop)
        ]
        assert shown[0] == shown[1]
        await until(lambda: unread(camille, direct) == 0, "read on the desktop")
        await camille.client.send_text(direct, "me revoilà")
        await hugo.reads(direct, "avant", "pendant l’absence", "réponse du poste", "me revoilà")

    play(post, tmp_path, acts)


def unread(one: Device, chat: bytes) -> int:
    view = one.client.conversation(chat)
    return -1 if view is None else view.unread


async def same_or_empty(*devices: Device) -> None:
    await until(lambda: len({entries(one) for one in devices}) == 1, "all share the same")


def test_a_device_that_was_ended_erases_what_it_held(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        (camille,) = await scene.enter("camille")
        tablet = scene.device("tablette", camille.who)
        await tablet.link_from(camille)
        mine = next(one for one in await tablet.client.devices() if one.this)
        tablet.cable.pull()
        await tablet.offline()
        assert (tablet.folder / "store.db").exists()
        await camille.client.own_devices.revoke(mine.device_id, pin=PIN)
        began = time.monotonic()
        tablet.cable.plug()
        await until(lambda: tablet.client.stage() is Stage.REVOKED, "told at the next contact")
        left = ("store.db", "vault", "login")
        await until(lambda: not any((tablet.folder / name).exists() for name in left), "erased")
        assert time.monotonic() - began < 60
        await tablet.client.start_over()
        assert tablet.client.stage() is Stage.INVITATION

    play(post, tmp_path, acts)
