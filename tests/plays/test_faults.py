"""What goes wrong on the way: lost answers, races for an epoch, stores kept aside, copies from the past."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from cast import PIN, Device, Post, Scene, play, store_key, until
from miss_app.engine.conversations import Conversations
from miss_app.engine.events import Tick
from miss_app.engine.lock_events import Waiting
from miss_app.engine.problems import Problem
from miss_app.engine.session import Session
from miss_app.engine.store import Store
from miss_app.engine.vault import Vault
from miss_protocol.errors import RemoteError
from miss_protocol.frames import Kind, Submit
from miss_protocol.mls import group as mls
from miss_protocol.mls.framing import SenderType
from miss_protocol.mls.messages import decode_public
from plays.test_group import persons, team


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[Submit]:
    """Every row that anybody hands to a connection, in order."""
    frames: list[Submit] = []
    submit = Session.submit

    async def record(self: Session, frame: Submit) -> None:
        frames.append(frame)
        await submit(self, frame)

    monkeypatch.setattr(Session, "submit", record)
    return frames


async def epoch_moves(one: Device, leaver: Device, chat: bytes, seconds: float = 30) -> None:
    """Somebody leaves, and ``one`` commits it: whoever does not hear of it is an epoch behind."""
    before = len(persons(one, chat))
    await leaver.client.leave(chat)
    await until(lambda: len(persons(one, chat)) == before - 1, "the epoch moved", seconds)


def test_answer_lost_then_the_epoch_moved(post: Post, tmp_path: Path, submitted: list[Submit]) -> None:
    """The row was accepted, its answer lost, and the group has changed since: it is there once, and known as sent."""

    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        await until(lambda: not waiting(camille, chat), "nothing is under way")
        camille.cable.deafen()
        message = await camille.client.send_text(chat, "une fois")
        await hugo.reads(chat, "une fois")
        await camille.ticks(chat, message, Tick.QUEUED)
        await epoch_moves(hugo, nadia, chat)
        camille.cable.pull()
        await camille.offline()
        camille.cable.plug()
        await camille.ticks(chat, message, Tick.DELIVERED)
        await camille.client.send_text(chat, "puis")
        await hugo.reads(chat, "une fois", "puis")
        await camille.reads(chat, "une fois", "puis")
        assert len([one for one in submitted if one.message_id == message]) == 1

    play(post, tmp_path, acts)


def test_answer_lost_and_offered_again_at_once(post: Post, tmp_path: Path, submitted: list[Submit]) -> None:
    """A device that offers an accepted row again gets the first answer, and nobody reads it twice."""

    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        await until(lambda: not waiting(camille, chat), "nothing is under way")
        message = await camille.client.send_text(chat, "une fois")
        await hugo.reads(chat, "une fois")
        frame = next(one for one in submitted if one.message_id == message)
        await epoch_moves(hugo, nadia, chat)
        account = camille.client._account
        assert account is not None
        await account.session.submit(frame)  # as a device does that lost its answer, an epoch too late
        await camille.client.send_text(chat, "puis")
        await hugo.reads(chat, "une fois", "puis")
        await camille.reads(chat, "une fois", "puis")

    play(post, tmp_path, acts)


def waiting(one: Device, chat: bytes) -> int:
    account = one.client._account
    return 0 if account is None else len(account.outbox.items(chat))


def test_refused_then_sealed_again_under_the_same_id(post: Post, tmp_path: Path, submitted: list[Submit]) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        await until(lambda: not waiting(camille, chat), "nothing is under way")
        camille.cable.hold()
        await epoch_moves(hugo, nadia, chat)
        message = await camille.client.send_text(chat, "malgré tout")
        await camille.client.send_text(chat, "et la suite")
        await until(lambda: any(one.message_id == message for one in submitted), "sent in the old epoch")
        camille.cable.release()
        await hugo.reads(chat, "malgré tout", "et la suite")
        tries = [one for one in submitted if one.message_id == message]
        assert len(tries) == 2
        assert tries[0].epoch < tries[1].epoch
        assert tries[0].body != tries[1].body
        assert next(line.message_id for line in hugo.lines(chat) if line.kind == "text") == message
        await camille.reads(chat, "malgré tout", "et la suite")

    play(post, tmp_path, acts)


def commits(submitted: list[Submit], chat: bytes) -> int:
    return sum(one.kind is Kind.COMMIT and one.stream == chat for one in submitted)


def test_own_commit_accepted_but_its_answer_lost(post: Post, tmp_path: Path, submitted: list[Submit]) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        await until(lambda: not waiting(camille, chat), "nothing is under way")
        camille.cable.deafen()
        before = commits(submitted, chat)
        await camille.client.remove_person(chat, nadia.view.person_id)
        await until(lambda: len(persons(hugo, chat)) == 2, "the removal was accepted")
        assert len(persons(camille, chat)) == 3, "not merged before its row has come"
        await camille.client.send_text(chat, "après")
        camille.cable.pull()
        await camille.offline()
        await camille.restart()
        camille.cable.plug()
        await hugo.reads(chat, "après")
        assert len(persons(camille, chat)) == 2
        assert commits(submitted, chat) == before + 1

    play(post, tmp_path, acts)


def test_two_commits_for_one_epoch(post: Post, tmp_path: Path) -> None:
    """Two people change the group at once: one wins, the other's wish comes true in the next epoch."""

    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        tablet = scene.device("tablette", hugo.who)
        zoe, *_ = await scene.enter("zoe")
        await until(lambda: not waiting(camille, chat), "nothing is under way")
        camille.cable.hold()
        await tablet.link_from(hugo)
        await until(lambda: devices(hugo, chat) == 4, "Hugo's tablet is in")
        await camille.client.add_people(chat, [await nadia.find(zoe)])
        await camille.client.send_text(chat, "bienvenue")
        camille.cable.release()
        for one in (camille, hugo, nadia, tablet, zoe):
            await until(lambda one=one: devices(one, chat) == 5, f"{one.name} sees five devices")
            await one.reads(chat, "bienvenue")

    play(post, tmp_path, acts)


def devices(one: Device, chat: bytes) -> int:
    view = one.client.conversation(chat)
    return 0 if view is None else sum(member.devices for member in view.members)


def open_copy(folder: Path) -> Store:
    return Store(folder / "store.db", store_key(folder))


def stored_rows(post: Post, chat: bytes) -> list[tuple[int, Kind, bytes]]:
    """The rows of a conversation as the server keeps them."""
    database = sqlite3.connect(f"file:{post.folder / 'miss.db'}?mode=ro", uri=True)
    found = database.execute(
        "SELECT number, rows.kind, body FROM rows JOIN streams USING (stream) WHERE stream_id = ? ORDER BY number",
        (chat,),
    ).fetchall()
    database.close()
    return [(number, Kind(kind), bytes(body)) for number, kind, body in found]


def follow(store: Store, chat: bytes, rows: list[tuple[int, Kind, bytes]]) -> list[bytes]:
    """What somebody with this store can open of these rows, following commits as far as they go."""
    group = Conversations(store).group(chat)
    opened: list[bytes] = []
    for _, kind, body in rows:
        if group is None:
            break
        try:
            if kind is Kind.COMMIT:
                group = mls.receive_commit(group, body, mls.OPEN_RULES).group or group
            elif kind is Kind.APPLICATION:
                result = mls.open_message(group, body)
                group = result.group
                opened.append(result.plaintext)
        except RemoteError:
            continue
    return opened


def test_a_removed_device_s_store_kept_aside_opens_nothing_that_follows(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        for one in (hugo, nadia):
            await one.client.stop()
            shutil.copytree(one.folder, tmp_path / f"{one.name}-aside")
            await one.begin()
            await one.online()
        last = stored_rows(post, chat)[-1][0]
        await camille.client.remove_person(chat, nadia.view.person_id)
        await camille.client.send_text(chat, "sans Nadia")
        await hugo.reads(chat, "sans Nadia")
        rows = [row for row in stored_rows(post, chat) if row[0] > last]
        assert [kind for _, kind, _ in rows].count(Kind.APPLICATION) >= 1
        aside = open_copy(tmp_path / "nadia-aside")
        assert Conversations(aside).group(chat) is not None, "her keys of before are there"
        assert follow(aside, chat, rows) == []
        member = open_copy(tmp_path / "hugo-aside")
        assert any(b"sans Nadia" in text for text in follow(member, chat, rows)), "the same bytes open for a member"

    play(post, tmp_path, acts)


def test_nothing_is_sealed_from_a_store_of_the_past(post: Post, tmp_path: Path, submitted: list[Submit]) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        chat = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(chat, "un")
        await hugo.reads(chat, "un")
        await until(lambda: not waiting(camille, chat), "nothing is under way")
        await camille.client.stop()
        shutil.copytree(camille.folder, tmp_path / "backup")
        await camille.begin()
        await camille.online()
        await camille.client.send_text(chat, "deux")
        await hugo.reads(chat, "un", "deux")
        await until(lambda: not waiting(camille, chat), "the row of its own has come")
        await camille.client.stop()
        shutil.rmtree(camille.folder)
        shutil.copytree(tmp_path / "backup", camille.folder)
        sent = len(submitted)
        await camille.begin()
        message = await camille.client.send_text(chat, "trois")
        await until(lambda: "store-from-the-past" in camille.notices(chat), "the chat says so")
        await hugo.reads(chat, "un", "deux", "trois")
        await camille.ticks(chat, message, Tick.DELIVERED)
        assert camille.notices(chat)[-1:] == ["rejoined"]
        back, *after = [one for one in submitted[sent:] if one.stream == chat]
        assert back.kind is Kind.COMMIT, "before anything is said, the device comes back"
        assert decode_public(back.body).authenticated.content.sender.type == SenderType.NEW_MEMBER_COMMIT
        assert all(one.epoch > back.epoch for one in after if one.kind is Kind.APPLICATION)

    play(post, tmp_path, acts, threads_may_be_lost=True)


def test_a_copied_folder_opens_only_with_the_pin(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        chat = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(chat, "CANARI-TEXTE")
        await hugo.reads(chat, "CANARI-TEXTE")
        await camille.client.stop()
        shutil.copytree(camille.folder, tmp_path / "elsewhere")
        for path in (tmp_path / "elsewhere").iterdir():
            data = path.read_bytes()
            for form in ("CANARI-TEXTE".encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be")):
                assert form not in data, path.name
                assert form.hex().encode() not in data, path.name
            seed = camille_seed(tmp_path / "elsewhere")
            assert path.name == "store.db" or seed not in data
        assert not (tmp_path / "elsewhere" / "pending").exists()
        alone = Vault(tmp_path / "elsewhere" / "vault")
        for typed in ("000000", PIN):  # who has the disk alone cannot even tell which of them is the PIN
            with pytest.raises(Problem, match="pin-wrong"):
                alone.open(alone.attempt(typed))
        store = open_copy(tmp_path / "elsewhere")
        assert any(b"CANARI-TEXTE" in row.body for row in store.all_rows("messages"))
        store.close()

    play(post, tmp_path, acts)


def camille_seed(folder: Path) -> bytes:
    """The signature key, as it lies sealed in the store."""
    from miss_app.engine import records
    from miss_app.engine.account import OwnDevice

    store = open_copy(folder)
    data = store.get("profile", b"own device")
    store.close()
    assert data is not None
    return records.decode(OwnDevice, data).keys.signature_seed


def test_locked_and_unlocked_again(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        chat = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(chat, "un")
        await hugo.reads(chat, "un")
        await camille.client.lock()
        assert camille.client.conversations() == []
        with pytest.raises(Problem, match="locked"):
            await camille.client.send_text(chat, "non")
        message = await hugo.client.send_text(chat, "deux")
        await hugo.ticks(chat, message, Tick.DELIVERED)
        await until(lambda: Waiting(1) in camille.events, "one message waits")
        for path in camille.folder.iterdir():
            assert b"deux" not in path.read_bytes()
        camille.cable.pull()  # what was delivered while locked is here, not on the server
        with pytest.raises(Problem, match="pin-wrong"):
            await camille.client.unlock("000000")
        await camille.client.unlock(PIN)
        await camille.reads(chat, "un", "deux")
        camille.cable.plug()
        await camille.client.send_text(chat, "trois")
        await hugo.reads(chat, "un", "deux", "trois")

    play(post, tmp_path, acts)


def test_a_full_disk_loses_nothing(post: Post, tmp_path: Path) -> None:
    """What cannot be stored is not acknowledged, what cannot be sealed does not leave; both go on when there is room."""

    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        chat = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(chat, "un")
        await hugo.reads(chat, "un")
        await until(lambda: not waiting(camille, chat), "nothing is under way")
        account = camille.client._account
        assert account is not None
        disk = account.store._database
        pages = disk.execute("PRAGMA page_count").fetchone()[0]
        disk.execute(f"PRAGMA max_page_count = {pages}")
        texts = [f"long {number} " + "x" * 9000 for number in range(8)]
        for text in texts:
            await hugo.client.send_text(chat, text)
        await until(lambda: any(getattr(e, "problem", "") == "disk-full" for e in camille.events), "the disk is full")
        with pytest.raises(Problem, match="disk-full"):
            await camille.client.send_text(chat, "y" * 10_000)
        disk.execute(f"PRAGMA max_page_count = {pages + 10_000}")
        account.session.hurry()
        await camille.reads(chat, "un", *texts)
        await camille.client.send_text(chat, "deux")
        await hugo.reads(chat, "un", *texts, "deux")
        assert [line.kind for line in camille.lines(chat) if line.kind == "unreadable"] == []

    play(post, tmp_path, acts)


def test_a_retried_message_keeps_its_id(post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed message is sent when the person says so, once."""

    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        chat = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(chat, "un")
        await hugo.reads(chat, "un")
        await until(lambda: not waiting(camille, chat), "nothing is under way")
        account = camille.client._account
        assert account is not None
        fail: Callable[..., bool] = account.outbox._fail
        camille.cable.pull()
        await camille.offline()
        message = await camille.client.send_text(chat, "deux")
        item = account.outbox.find(message)
        assert item is not None
        fail(item, "too-large")
        await camille.ticks(chat, message, Tick.FAILED)
        await camille.client.retry(chat, message)
        camille.cable.plug()
        await camille.ticks(chat, message, Tick.DELIVERED)
        await hugo.reads(chat, "un", "deux")

    play(post, tmp_path, acts)
