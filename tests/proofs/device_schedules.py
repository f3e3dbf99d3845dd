"""Random lives of one person's devices among four contacts: in the end all of them show the same.

A thousand schedules are twenty parts of fifty, each with people and a server of its own; a part that passed is not
played again when the proof was stopped.
"""

import asyncio
import contextlib
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))

from cast import PIN, Device, Post, Scene, until
from miss_app.engine import records, state_sync
from miss_app.engine.account import Account
from miss_app.engine.events import Event, HistoryProgress, Link, Stage
from miss_app.engine.model import Item
from miss_app.engine.problems import Problem
from plays.save_points import hurry
from proofs.kept import in_parts

ACTS = 8  # in one schedule
PART = 50  # schedules on the same people
DEVICES = 3
CONTACTS = ("hugo", "nadia", "inès", "marc")
SECONDS_MAX = 120.0
# How often each thing is done, among them all.
VERBS = {
    "contact_says": 6,
    "say": 5,
    "read": 4,
    "draft": 4,
    "pin": 1,
    "archive": 1,
    "mute": 1,
    "cable": 4,
    "restart": 2,
    "die": 3,
    "lock": 2,
    "contact_restarts": 1,
    "contact_dies": 1,
    "server_dies": 1,
    "link_or_revoke": 2,
}


@dataclass
class Life:
    """One person's devices, those they write with, and what was said so far."""

    scene: Scene
    mine: list[Device]
    contacts: list[Device]
    chats: list[bytes]
    chance: random.Random
    said: dict[bytes, dict[bytes, str]] = field(default_factory=dict)
    perhaps: set[bytes] = field(default_factory=set)  # what a device had not sent yet when it was ended
    cut: set[str] = field(default_factory=set)
    giver: dict[Device, Device | None] = field(default_factory=dict)  # by whom a device was vouched for
    number: int = 0
    done: Counter[str] = field(default_factory=Counter)
    last: list[str] = field(default_factory=list)  # what was done in this schedule

    async def act(self) -> None:
        """One random thing."""
        name = self.chance.choices(list(VERBS), list(VERBS.values()))[0]
        self.done[name] += 1
        self.last.append(name)
        await getattr(self, name)()

    # Saying and deciding.

    async def contact_says(self) -> None:
        place = self.chance.randrange(len(self.chats))
        who = self.contacts[place] if place < len(self.contacts) else self.chance.choice(self.contacts)
        await self.speak(who, self.chats[place])

    async def say(self) -> None:
        one, chat = self._somewhere()
        await self.speak(one, chat)

    async def speak(self, who: Device, chat: bytes) -> None:
        self.number += 1
        text = f"n° {self.number}"
        message_id = await who.client.send_text(chat, text)
        self.said.setdefault(chat, {})[message_id] = text

    async def read(self) -> None:
        one, chat = self._somewhere()
        await one.client.mark_read(chat)

    async def draft(self) -> None:
        self.number += 1
        one, chat = self._somewhere()
        text = f"brouillon {self.number}" if self.chance.random() < 0.8 else ""
        await one.client.preferences.set_draft(chat, text)

    async def pin(self) -> None:
        one, chat = self._somewhere()
        await one.client.preferences.pin(chat, self.chance.random() < 0.5)

    async def archive(self) -> None:
        one, chat = self._somewhere()
        await one.client.preferences.archive(chat, self.chance.random() < 0.5)

    async def mute(self) -> None:
        one, chat = self._somewhere()
        await one.client.preferences.mute(chat, self.chance.choice((0, 4_000_000_000_000)))

    def _somewhere(self) -> tuple[Device, bytes]:
        """An open device, and a conversation that it shows: one just linked is let in one after the other."""
        awake = [one for one in self.mine if one.client.stage() is Stage.OPEN]
        pairs = [(one, chat) for one in awake for chat in self.chats if one.client.conversation(chat) is not None]
        return self.chance.choice(pairs)

    # What happens to machines.

    async def cable(self) -> None:
        """Pull one's cable, or plug it in again."""
        one = self.chance.choice(self.mine)
        if one.name in self.cut:
            self.cut.discard(one.name)
            one.cable.plug()
        else:
            self.cut.add(one.name)
            one.cable.pull()

    async def restart(self) -> None:
        await self.chance.choice(self.mine).restart()

    async def die(self) -> None:
        await _die(self.chance.choice(self.mine), plug=self.cut)

    async def lock(self) -> None:
        """Lock one of the devices; it is unlocked when it is wanted."""
        if sum(one.client.stage() is Stage.OPEN for one in self.mine) > 1:
            await self.chance.choice(self.mine).client.lock()

    async def contact_restarts(self) -> None:
        await self.chance.choice(self.contacts).restart()

    async def contact_dies(self) -> None:
        await _die(self.chance.choice(self.contacts), plug=set())

    async def server_dies(self) -> None:
        await asyncio.to_thread(self.scene.post.kill)
        await asyncio.to_thread(self.scene.post.start)

    async def link_or_revoke(self) -> None:
        await (self._revoke() if len(self.mine) >= DEVICES else self._link())

    async def _revoke(self) -> None:
        """One is ended, online or not; what it had not sent may have been said or not."""
        gone = self.chance.choice(self.mine)
        rest = [one for one in self.mine if one is not gone]
        left = self.chance.choice(rest)
        await self._wake(rest)
        await self._wake([gone], online=False)
        if any(self.giver[one] is gone for one in rest):
            await self._wake([gone])
            await until(lambda: self._has_given(gone), "its handovers have come to an end", SECONDS_MAX)
        account = _account(gone)
        items = [records.decode(Item, row.body) for row in account.store.all_rows("outbox")]
        self.perhaps |= {one.message_id for one in items}
        await _insist(lambda: left.client.own_devices.revoke(account.certificate.device_id, pin=PIN))
        self.mine.remove(gone)
        self.done["revoke"] += 1
        if gone.name in self.cut:
            self.cut.discard(gone.name)
            gone.cable.plug()
        store = gone.folder / "store.db"
        await until(
            lambda: _hurried(gone, Stage.REVOKED) and not store.exists(), "the ended device is empty", SECONDS_MAX
        )
        await gone.close()
        self.scene.devices.remove(gone)

    def _has_given(self, gone: Device) -> bool:
        """Whether what this one hands over has come: what goes with a lost device is nobody's any more."""
        _online(gone)
        finished = (any(_is_finished(event) for event in one.events) for one in self.mine if self.giver[one] is gone)
        return all(finished)

    async def _link(self) -> None:
        """A new one comes, vouched for by any of them, and gets everything."""
        await self._wake(self.mine)
        self.number += 1
        self.done["link"] += 1
        new = self.scene.device(f"appareil {self.number}", self.mine[0].who)
        giver = self.giver[new] = self.chance.choice(self.mine)
        await new.client.start()
        await _insist(lambda: new.client.use_invitation(new.invitation))
        await _insist(new.client.start_linking)
        await _insist(lambda: giver.client.link_device(new.client.link_code(), pin=PIN, days=0))
        await until(lambda: new.client.stage() is Stage.PIN, "the new one is linked", SECONDS_MAX)
        await new.enter()
        self.mine.append(new)

    # The end of a schedule.

    async def _wake(self, some: list[Device], *, online: bool = True) -> None:
        for one in some:
            if one.client.stage() is Stage.LOCKED:
                await one.client.unlock(PIN)
            if online and one.name in self.cut:
                self.cut.discard(one.name)
                one.cable.plug()
        for one in some:
            if online:
                await until(lambda one=one: _online(one), f"{one.name} online", SECONDS_MAX)

    async def converge(self) -> None:
        """All devices show all that was said, once, in one order, and share one state."""
        await self._wake([*self.mine, *self.contacts])
        try:
            await until(lambda: not self._difference(), "", SECONDS_MAX)
        except AssertionError:
            raise AssertionError(f"{self._difference()} after {self.last}") from None
        self.last.clear()

    def _difference(self) -> str:
        for place, chat in enumerate(self.chats):
            shown = self._shown(self.mine[0], chat)
            others = [self.contacts[place]] if place < len(self.contacts) else self.contacts
            said = self.said.get(chat, {})
            here = {message_id for message_id, _ in shown}
            if here - set(said) or set(said) - here - self.perhaps:
                return f"{place}: {len(here)} shown of {len(said)} said"
            for one in [*self.mine[1:], *others]:
                if (them := self._shown(one, chat)) != shown:
                    return f"{place}: {one.name} shows {len(them)} lines, {self.mine[0].name} {len(shown)}"
            grey = [self._grey(one, chat) for one in self.mine]
            for one, lines in zip(self.mine, grey, strict=True):
                if lines != grey[0]:
                    return f"{place}: {one.name} shows {lines}, {self.mine[0].name} {grey[0]}"
            views = [self._view(one, chat) for one in self.mine]
            for one, view in zip(self.mine, views, strict=True):
                if view != views[0]:
                    return f"{place}: {one.name} shows {view}, {self.mine[0].name} {views[0]}"
        states = [_account(one).states.snapshot() for one in self.mine]
        return "" if all(one == states[0] for one in states) else "their shared entries differ"

    def _shown(self, one: Device, chat: bytes) -> list[tuple[bytes, str]]:
        lines = one.client.messages(chat, limit=100_000)
        assert not [line for line in lines if line.kind == "unreadable" or line.notice == "cannot-follow"], one.name
        ids = [line.message_id for line in lines]
        assert len(ids) == len(set(ids)), f"{one.name} shows a line twice"
        return [(line.message_id, line.text) for line in lines if line.kind == "text"]

    def _grey(self, one: Device, chat: bytes) -> list[tuple[str, tuple[str, ...]]]:
        """What it says beside what people said; a device tells nothing of rows of before its person came."""
        lines = one.client.messages(chat, limit=100_000)
        return [(line.notice, line.names) for line in lines if line.kind != "text"]

    def _view(self, one: Device, chat: bytes) -> tuple[object, ...]:
        view = one.client.conversation(chat)
        assert view is not None
        last = None if view.last is None else (view.last.kind, view.last.notice, view.last.text)
        members = tuple(sorted(member.person.person_id for member in view.members))
        state = (view.draft, view.pinned, view.archived, view.muted_until_ms, view.active)
        return (view.unread, view.title, last, members, *state)


def _is_finished(event: Event) -> bool:
    return isinstance(event, HistoryProgress) and event.finished and not event.giving


def _account(one: Device) -> Account:
    account = one.client._account
    assert account is not None, f"{one.name} is not open"
    return account


def _online(one: Device) -> bool:
    """Whether a device is connected; it tries at once, as a program does that comes to the front."""
    return _hurried(one, Stage.OPEN) and one.client.link() is Link.ONLINE


def _hurried(one: Device, stage: Stage) -> bool:
    account = one.client._account
    if one.client.link() is Link.OFFLINE and account is not None:
        account.session.hurry()
    return one.client.stage() is stage


async def _insist(wish: Callable[[], Awaitable[object]]) -> None:
    """Ask until the server answers, as a person does."""
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            try:
                await wish()
            except Problem as problem:
                if problem.reason != "server-away":
                    raise
                await asyncio.sleep(0.1)
                continue
            return


async def _die(one: Device, plug: set[str]) -> None:
    """What a kill leaves: the files as they are at this moment, and nothing that was on its way."""
    account = one.client._account
    cut = threading.Event()
    one.cable.pull()
    one.cable._loop.call_soon_threadsafe(cut.set)
    cut.wait(20)
    before = one.folder
    after = before.with_name(f"{one.name} {time.monotonic_ns()}")
    with contextlib.nullcontext() if account is None else account.store.lock:
        shutil.copytree(before, after)
    dead, one.folder = one.client, after
    await dead.stop()
    shutil.rmtree(before)
    if one.name not in plug:
        one.cable.plug()
    await one.begin()


async def live(scene: Scene, seed: int, schedules: int, acts: int) -> dict[str, object]:
    """Play the schedules one after the other, on the same people."""
    phone, *contacts = await scene.enter("téléphone", *CONTACTS)
    chats = [await phone.client.open_direct(await phone.find(one)) for one in contacts]
    chats.append(await phone.client.create_group("Équipe", "", [await phone.find(one) for one in contacts]))
    life = Life(scene, [phone], contacts, chats, random.Random(seed), giver={phone: None})
    for chat in chats:
        await life.speak(phone, chat)
    for place, one in enumerate(contacts):
        for chat in (chats[place], chats[-1]):
            await until(lambda one=one, chat=chat: one.said(chat), f"{one.name} is in")
    while len(life.mine) < DEVICES:
        await life._link()
    await life.converge()
    for schedule in range(schedules):
        try:
            for _ in range(acts):
                await life.act()
            await life.converge()
        except Exception as error:
            why = f"schedule {schedule}: {type(error).__name__}: {error} after {life.last}"
            return {"passed": False, "why": why[:1500], "schedules": schedule, "acts": dict(life.done)}
    acts_done = {**life.done, "messages": sum(map(len, life.said.values()))}
    return {"passed": True, "schedules": schedules, "acts": acts_done}


def part(seed: int, schedules: int, acts: int, folder: Path) -> dict[str, object]:
    """Some schedules on a server of their own."""
    post = Post(folder / "server", people=8)
    post.start()
    began = time.monotonic()
    try:

        async def play() -> dict[str, object]:
            scene = Scene(post, folder)
            try:
                return await live(scene, seed, schedules, acts)
            finally:
                await scene.close()

        with pytest.MonkeyPatch.context() as patch:
            hurry(patch)  # what is waited for in a life of hours is short here
            patch.setattr(state_sync, "SAY_SECONDS", 0.05)
            verdict = asyncio.run(play())
    finally:
        post.stop()
    return {**verdict, "seed": seed, "seconds": round(time.monotonic() - began, 1)}


def run(seed: int, schedules: int = 1_000, acts: int = ACTS) -> dict[str, object]:
    """The proof; its verdict."""

    def play(number: int) -> dict[str, object]:
        with tempfile.TemporaryDirectory(prefix="miss-schedules-") as made:
            return part(seed * 1_000 + number, PART, acts, Path(made))

    parts = in_parts("device_schedules", seed, schedules // PART, play)
    done: Counter[str] = Counter()
    for one in parts:
        done.update(one["acts"])  # type: ignore[arg-type]  # as ``live`` wrote it
    failed = [f"seed {one['seed']}: {one['why']}" for one in parts if not one["passed"]]
    return {
        "passed": not failed,
        "schedules": sum(int(str(one["schedules"])) for one in parts),
        "acts_each": acts,
        "failed": failed[:5],
        "counts": dict(sorted(done.items())),
        "played_seconds": round(sum(float(str(one["seconds"])) for one in parts), 1),
    }
