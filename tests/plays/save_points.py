"""A life of one device whose store fails, or whose process dies, at chosen calls: nothing lost, no key used twice."""

import asyncio
import contextlib
import shutil
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cast import Device, Post, Scene, until
from engine.photo_files import jpeg
from engine.photo_files import scene as picture_of
from miss_app.engine import gathering, latecomers, outbox, receipts, session, transfers, turns
from miss_app.engine.account import Account, new_id
from miss_app.engine.client import Client
from miss_app.engine.conversations import Conversations
from miss_app.engine.events import Tick
from miss_app.engine.model import Act, Item
from miss_app.engine.problems import Problem
from miss_app.engine.session import Session
from miss_protocol.errors import MissError
from miss_protocol.frames import Kind, Submit
from miss_protocol.mls import application
from miss_protocol.mls import group as mls
from miss_protocol.mls.messages import encode_message
from plays.failing_disk import Disk, Faults, Killed, put_under

T = TypeVar("T")
# How many calls lie between two that go wrong in one life: a life with each beginning below strikes every call once.
EVERY = {"write": 37, "read": 37, "before": 23, "after": 23}
LIFE_SECONDS_MAX = 120.0  # hang guard
TROUBLES = ("cannot-follow", "store-from-the-past", "gap")


class Keys:
    """Every key with which an application message was sealed, and what left under it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.key_of: dict[bytes, tuple[object, ...]] = {}
        self.left: dict[tuple[object, ...], set[bytes]] = defaultdict(set)
        self.unknown = 0
        seal, submit = application.private_message, Session.submit

        def watched_seal(suite: Any, content: Any, generation: int, key: bytes, nonce: bytes, secret: bytes) -> Any:
            sealed = seal(suite, content, generation, key, nonce, secret)
            place = (content.content.group_id, content.content.epoch, content.content.sender.index, generation, key)
            self.key_of[encode_message(sealed)] = place
            return sealed

        async def watched_submit(session: Session, frame: Submit) -> None:
            if frame.kind is Kind.APPLICATION:
                place = self.key_of.get(frame.body)
                self.unknown += place is None
                self.left[place or ()].add(frame.body)
            await submit(session, frame)

        monkeypatch.setattr(application, "private_message", watched_seal)
        monkeypatch.setattr(Session, "submit", watched_submit)

    def used_twice(self) -> int:
        """How many keys, or places of a key (group, epoch, leaf, generation), sealed two things that left."""
        places: dict[tuple[object, ...], set[bytes]] = defaultdict(set)
        for place, bodies in self.left.items():
            places[place[:4]] |= bodies
        keys = {place[4] for place in self.left if place}
        assert not self.unknown, "every ciphertext that left is known by its key"
        assert len(keys) == len([place for place in self.left if place]), "one key, one place"
        return sum(len(bodies) > 1 for bodies in places.values())


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for long: a life is lived many times."""
    monkeypatch.setattr(receipts, "SECONDS_SMALL", 0.02)
    monkeypatch.setattr(turns, "COMMIT_RANK_SECONDS", 0.3)
    monkeypatch.setattr(outbox, "STORE_RETRY_SECONDS", 0.05)
    monkeypatch.setattr(outbox, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(gathering, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(session, "BACKOFF_SECONDS_MIN", 0.02)
    monkeypatch.setattr(session, "BACKOFF_SECONDS_MAX", 0.2)
    monkeypatch.setattr(transfers, "RETRY_SECONDS_MIN", 0.05)
    monkeypatch.setattr(latecomers, "LOOK_SECONDS_MIN", 0.1)


class Lives:
    """Four people, one of whom, Camille, has a store that goes wrong; each life is a conversation of its own."""

    def __init__(self, post: Post, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scene = Scene(post, folder)
        self.keys = Keys(monkeypatch)
        self.faults = Faults()
        self.folder = folder
        self.generations = 0
        self.watched: set[Path] = set()
        self.grave: list[Client] = []
        self.accounts: list[Account] = []
        hurry(monkeypatch)
        make = Account.__init__

        def make_known(account: Account, *rest: Any) -> None:
            make(account, *rest)
            self.accounts.append(account)

        monkeypatch.setattr(Account, "__init__", make_known)
        put_under(monkeypatch, lambda path: self.faults if path.parent in self.watched else None)

    async def gather(self) -> None:
        self.camille, self.hugo, self.nadia, self.zoe = await self.scene.enter("camille", "hugo", "nadia", "zoe")
        self.people = [await self.camille.find(one) for one in (self.hugo, self.nadia)]
        self.third = await self.camille.find(self.zoe)
        self.watched.add(self.camille.folder)
        await self.camille.restart()
        await self.camille.online()

    async def close(self) -> None:
        await self.scene.close()

    # Dying, and waking up.

    def _die(self) -> None:
        """What a kill leaves: the files as they are at this moment, and a connection that falls."""
        self.generations += 1
        after = self.folder / f"camille-{self.generations}"
        shutil.copytree(self.camille.folder, after)
        self.watched.add(after)
        self.camille.cable.pull()
        self.grave.append(self.camille.client)
        self.camille.folder = after

    async def _bury(self) -> None:
        """Let go of what a process that is no more would not have: tasks, sockets, the file."""
        for client in self.grave:
            with contextlib.suppress(Killed, Exception):
                await client.door._stop_watch()
        for account in self.accounts:
            disk = account.store._database
            if not isinstance(disk, Disk) or not disk.dead:
                continue
            for room in (account.inbox.turns, account.receipts, account.renewal):
                room.stop()
            for work in (account.outbox, account.latecomers, account.transfers, account.session):
                with contextlib.suppress(Killed, Exception):
                    await work.stop()
            await account.http.close()
            disk.close()
        self.accounts = [one for one in self.accounts if not getattr(one.store._database, "dead", False)]
        self.grave.clear()

    async def awake(self) -> None:
        """Camille starts her program again if it died, as often as it takes."""
        while self.grave:
            await self._bury()
            self.camille.cable.plug()
            await self._begin_again()

    async def _begin_again(self) -> None:
        """A person whose program does not open starts it once more."""
        with contextlib.suppress(Killed, Problem):
            await self.camille.begin()
        while self.camille.client._account is None and not self.grave:
            await self.camille.client.stop()
            with contextlib.suppress(Killed, Problem):
                await self.camille.begin()

    def look(self, at: Callable[[], T]) -> T:
        with self.faults.unseen():
            return at()

    async def insist(self, wish: Callable[[], Awaitable[Any]], granted: Callable[[], Any]) -> None:
        """Do as people do: what is not on the screen after a restart or an error is asked for again."""
        while True:
            await self.awake()
            if self.look(granted):
                return
            with contextlib.suppress(Killed, Problem, MissError):
                await wish()

    async def comes(self, what: Callable[[], Any], said: str) -> None:
        """Wait for something, starting Camille again whenever she died."""
        while True:
            await self.awake()
            await until(lambda: bool(self.grave) or self.look(what), said)
            if not self.grave:
                return

    # The life.

    async def live(self, kind: str, first: int) -> int:
        """One conversation from its creation to Camille's leaving; AssertionError at the first thing that is wrong.

        Args:
            kind: what goes wrong, of KINDS.
            first: the first call that does, from 0; every EVERY[kind]th after it does too.

        Returns:
            How often something went wrong.
        """
        self.faults = Faults(kind, first, EVERY[kind], self._die)
        for account in self.accounts:
            if isinstance(account.store._database, Disk):
                account.store._database.faults = self.faults
        async with asyncio.timeout(LIFE_SECONDS_MAX):
            chat = await self._begin(f"{kind} {first}")
            said = await self._speak(chat)
            await self._change(chat, said)
            await self._end(chat, said)
        return self.faults.struck

    @property
    def account(self) -> Account:
        found = self.camille.client._account
        assert found is not None
        return found

    def chats(self, title: str) -> list[bytes]:
        return [view.conversation_id for view in self.camille.client.conversations() if view.title == title]

    async def _begin(self, title: str) -> bytes:
        await self.insist(lambda: self.camille.client.create_group(title, "", self.people), lambda: self.chats(title))
        (chat,) = self.look(lambda: self.chats(title))
        for one in (self.hugo, self.nadia):
            await self.comes(lambda one=one: one.client.conversation(chat) is not None, f"{one.name} is in")
            await self.comes(lambda one=one: one.client.conversation(chat).title == title, f"{one.name}: title")
        return chat

    async def says(self, chat: bytes, text: str) -> None:
        await self.insist(lambda: self.camille.client.send_text(chat, text), lambda: text in self.camille.said(chat))

    async def all_read(self, chat: bytes, said: list[str], *others: Device) -> None:
        for one in (self.camille, *others):
            await self.comes(
                lambda one=one: one.said(chat)[-len(said) :] == said or one.said(chat) == said,
                f"{one.name} reads {said}",
            )

    async def _speak(self, chat: bytes) -> list[str]:
        await self.says(chat, "un")
        await self.comes(lambda: self.hugo.said(chat) == ["un"], "Hugo reads the first text")
        await self.hugo.client.send_text(chat, "deux")
        await self.all_read(chat, ["un", "deux"], self.hugo, self.nadia)
        picture = jpeg(picture_of(320, 240))
        await self.insist(
            lambda: self.camille.client.send_photo(chat, picture, file_name="a.jpg", caption="trois"),
            lambda: "trois" in self.camille.said(chat),
        )
        await self.all_read(chat, ["un", "deux", "trois"], self.hugo, self.nadia)
        await self._photo_arrives(chat, self.hugo)
        await self.hugo.client.send_photo(chat, picture, file_name="b.jpg", caption="quatre")
        said = ["un", "deux", "trois", "quatre"]
        await self.all_read(chat, said, self.hugo, self.nadia)
        await self._photo_arrives(chat, self.camille)
        return said

    async def _photo_arrives(self, chat: bytes, one: Device) -> None:
        line = self.look(lambda: [line for line in one.lines(chat) if line.kind == "photo"][-1])
        while True:
            await self.awake()
            with contextlib.suppress(Killed, Problem):
                assert await one.client.photo(chat, line.message_id)
                return
            await asyncio.sleep(0.01)

    def inside(self, chat: bytes) -> set[bytes]:
        view = self.camille.client.conversation(chat)
        return set() if view is None else {member.person.person_id for member in view.members}

    def waiting(self, chat: bytes, act: Act) -> bool:
        return any(item.act is act for item in self.account.outbox.items(chat))

    async def _change(self, chat: bytes, said: list[str]) -> None:
        zoe = self.zoe.view.person_id
        await self.insist(
            lambda: self.camille.client.add_people(chat, [self.third]),
            lambda: zoe in self.inside(chat) or self.waiting(chat, Act.ADD),
        )
        await self.comes(lambda: self.zoe.client.conversation(chat) is not None, "Zoé is in")
        await self.agree(chat, self.hugo, self.nadia, self.zoe)
        await self._lose_a_race(chat, zoe)
        said.append("cinq")
        await self.all_read(chat, said, self.hugo, self.nadia)
        await self.agree(chat, self.hugo, self.nadia)
        await self.nadia.client.leave(chat)
        nadia = self.nadia.view.person_id
        await self.comes(lambda: nadia not in self.inside(chat), "Nadia's leave is committed")
        await self.agree(chat, self.hugo)
        before = self.look(lambda: self.epoch(self.camille, chat))
        await self.insist(
            lambda: self.renew(self.camille, chat),
            lambda: self.epoch(self.camille, chat) > before or self.waiting(chat, Act.RENEW),
        )
        await self.comes(lambda: self.epoch(self.camille, chat) > before, "Camille's keys are new")
        await self.agree(chat, self.hugo)

    async def _lose_a_race(self, chat: bytes, zoe: bytes) -> None:
        """Hugo's commit wins while Camille hears nothing; hers, and a text, are made again."""
        before = self.epoch(self.hugo, chat)
        self.camille.cable.hold()
        await self.renew(self.hugo, chat)
        await self.comes(lambda: self.epoch(self.hugo, chat) > before, "Hugo's commit won")
        await self.insist(
            lambda: self.camille.client.remove_person(chat, zoe),
            lambda: zoe not in self.inside(chat) or self.waiting(chat, Act.REMOVE),
        )
        await self.says(chat, "cinq")
        self.camille.cable.release()
        await self.comes(lambda: zoe not in self.inside(chat), "Zoé is out")

    async def renew(self, one: Device, chat: bytes) -> None:
        account = one.client._account
        assert account is not None
        with account.store.step() as step:
            account.outbox.enqueue(step, Item(new_id(), chat, Act.RENEW))

    def epoch(self, one: Device, chat: bytes) -> int:
        group = self.group(one, chat)
        return -1 if group is None else group.epoch

    def group(self, one: Device, chat: bytes) -> mls.Group | None:
        account = one.client._account
        return None if account is None else account.conversations.group(chat)

    async def agree(self, chat: bytes, *others: Device) -> None:
        """All are in one epoch, and share its secret."""

        def agreed() -> bool:
            groups = [self.group(one, chat) for one in (self.camille, *others)]
            return None not in groups and len({group.epoch_authenticator for group in groups if group}) == 1

        await self.comes(agreed, "one epoch, one authenticator")

    async def _end(self, chat: bytes, said: list[str]) -> None:
        await self.awake()
        with contextlib.suppress(Killed, Problem):
            await self.camille.client.stop()
        if not self.grave:
            await self._begin_again()
        message = await self.hugo.client.send_text(chat, "six")
        said.append("six")
        await self.all_read(chat, said, self.hugo)
        await self.insist(
            lambda: self.camille.client.mark_read(chat),
            lambda: not self.camille.client.conversation(chat).unread,
        )

        def read() -> bool:
            return any(line.message_id == message and line.tick is Tick.READ for line in self.hugo.lines(chat))

        await self.comes(read, "Hugo sees that it was read")
        self.check_store(chat)
        await self.insist(lambda: self.camille.client.leave(chat), lambda: self.is_leaving(chat))
        await self.comes(lambda: "you-left" in self.camille.notices(chat), "Camille has left")
        self.faults.kind = ""
        await self.awake()
        self.check_end(chat, said)

    def is_leaving(self, chat: bytes) -> bool:
        record = self.account.conversations.get(chat)
        return record is None or record.leaving or not record.active

    # What must hold.

    def check_store(self, chat: bytes) -> None:
        """What is in memory is what is on disk."""
        if self.grave:
            return
        with self.faults.unseen():
            mine, fresh = self.account.conversations, Conversations(self.account.store)
            assert mine.get(chat) == fresh.get(chat)
            group, stored = mine.group(chat), fresh.group(chat)
            assert (group is None) == (stored is None)
            if group is not None and stored is not None:
                assert group.parts() == stored.parts()

    def check_end(self, chat: bytes, said: list[str]) -> None:
        self.check_store(chat)
        with self.faults.unseen():
            assert self.camille.said(chat) == said
            assert self.hugo.said(chat) == said
            assert self.nadia.said(chat) == said[:5]
            for one in (self.camille, self.hugo, self.nadia, self.zoe):
                assert not [line.problem for line in one.lines(chat) if line.kind == "unreadable"], one.name
                assert not set(one.notices(chat)) & set(TROUBLES), one.name
            assert not self.account.outbox.items(chat)
            assert self.group(self.camille, chat) is None
            assert self.account.store.get("staged", chat) is None
        assert self.keys.used_twice() == 0
