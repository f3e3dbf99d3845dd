"""Random lives of one person's devices among four contacts: in the end all of them show the same."""

import asyncio
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from cast import PIN, Device, Post, Scene, until
from miss_app.engine.events import Link

ACTS = 8  # in one schedule
LINK_EVERY = 10  # schedules between a device that goes and one that comes
CONTACTS = ("hugo", "nadia", "inès", "marc")
SECONDS_MAX = 120.0


@dataclass
class Life:
    """One person's devices, those they write with, and what was said so far."""

    scene: Scene
    mine: list[Device]
    contacts: list[Device]
    chats: list[bytes]
    chance: random.Random
    said: dict[bytes, set[str]] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    number: int = 0
    done: dict[str, int] = field(default_factory=dict)

    async def act(self) -> None:
        """One random thing."""
        verbs = (
            self.contact_says,
            self.contact_says,
            self.say,
            self.read,
            self.draft,
            self.pin,
            self.cable,
            self.restart,
        )
        verb = self.chance.choice(verbs)
        self.done[verb.__name__] = self.done.get(verb.__name__, 0) + 1
        await verb()

    def _text(self, chat: bytes) -> str:
        self.number += 1
        text = f"n° {self.number}"
        self.said.setdefault(chat, set()).add(text)
        return text

    async def contact_says(self) -> None:
        place = self.chance.randrange(len(self.chats))
        chat = self.chats[place]
        who = self.contacts[place] if place < len(self.contacts) else self.chance.choice(self.contacts)
        await who.client.send_text(chat, self._text(chat))

    async def say(self) -> None:
        chat = self.chance.choice(self.chats)
        await self.chance.choice(self.mine).client.send_text(chat, self._text(chat))

    async def read(self) -> None:
        await self.chance.choice(self.mine).client.mark_read(self.chance.choice(self.chats))

    async def draft(self) -> None:
        self.number += 1
        client = self.chance.choice(self.mine).client
        await client.preferences.set_draft(self.chance.choice(self.chats), f"brouillon {self.number}")

    async def pin(self) -> None:
        client = self.chance.choice(self.mine).client
        await client.preferences.pin(self.chance.choice(self.chats), self.chance.random() < 0.5)

    async def cable(self) -> None:
        one = self.chance.choice(self.mine)
        if one.name in self.cut:
            self.cut.discard(one.name)
            one.cable.plug()
        else:
            self.cut.add(one.name)
            one.cable.pull()
            await one.offline()

    async def restart(self) -> None:
        await self.chance.choice(self.mine).restart()

    async def replace_a_device(self) -> None:
        """One goes for good, another comes and gets everything."""
        await self.plug_all()
        gone = self.mine.pop(self.chance.randrange(1, len(self.mine)))
        account = gone.client._account
        assert account is not None
        device_id = account.certificate.device_id
        await until(lambda: not account.store.all_rows("outbox"), "it has said everything", SECONDS_MAX)
        await self.mine[0].client.own_devices.revoke(device_id, pin=PIN)
        await gone.close()
        self.number += 1
        new = self.scene.device(f"appareil {self.number}", self.mine[0].who)
        await new.link_from(self.mine[0], days=0)
        self.mine.append(new)

    async def plug_all(self) -> None:
        for one in self.mine:
            if one.name in self.cut:
                one.cable.plug()
        self.cut.clear()
        for one in self.mine:
            await until(lambda one=one: _online(one), f"{one.name} online", SECONDS_MAX)

    async def converge(self) -> None:
        """All devices show all that was said, once, in one order, and share one state."""
        await self.plug_all()

        def same() -> bool:
            for chat in self.chats:
                shown = [self._shown(one, chat) for one in self.mine]
                if any(one != shown[0] for one in shown) or {line[1] for line in shown[0]} != self.said.get(
                    chat, set()
                ):
                    return False
            return len({self._state(one) for one in self.mine}) == 1

        try:
            await until(same, "", SECONDS_MAX)
        except AssertionError:
            told = [
                (one.name, len(self._shown(one, chat)), len(self.said.get(chat, ())))
                for chat in self.chats
                for one in self.mine
            ]
            raise AssertionError(
                f"they differ: {told}, states {len({self._state(one) for one in self.mine})}"
            ) from None

    def _shown(self, one: Device, chat: bytes) -> list[tuple[bytes, str, bool]]:
        lines = one.client.messages(chat, limit=100_000)
        assert not [line for line in lines if line.kind == "unreadable" or line.notice == "cannot-follow"], one.name
        ids = [line.message_id for line in lines]
        assert len(ids) == len(set(ids)), f"{one.name} shows a line twice"
        return [(line.message_id, line.text, line.mine) for line in lines if line.kind == "text"]

    def _state(self, one: Device) -> tuple[object, ...]:
        account = one.client._account
        return () if account is None else account.states.snapshot()


def _online(one: Device) -> bool:
    """Whether a device is connected; it tries at once, as a program does that comes to the front."""
    account = one.client._account
    if one.client.link() is Link.OFFLINE and account is not None:
        account.session.hurry()
    return one.client.link() is Link.ONLINE


async def live(scene: Scene, seed: int, schedules: int, acts: int) -> dict[str, object]:
    """Play the schedules one after the other, on the same people."""
    phone, *contacts = await scene.enter("téléphone", *CONTACTS)
    chats = [await phone.client.open_direct(await phone.find(one)) for one in contacts]
    chats.append(await phone.client.create_group("Équipe", "", [await phone.find(one) for one in contacts]))
    life = Life(scene, [phone], contacts, chats, random.Random(seed))
    for chat in chats:
        await phone.client.send_text(chat, life._text(chat))
    for place, one in enumerate(contacts):
        for chat in (chats[place], chats[-1]):
            await until(lambda one=one, chat=chat: one.said(chat), f"{one.name} is in")
    for name in ("poste", "tablette"):
        new = scene.device(name, phone.who)
        await new.link_from(phone, days=0)
        life.mine.append(new)
    await life.converge()
    for schedule in range(1, schedules + 1):
        for _ in range(acts):
            await life.act()
        if schedule % LINK_EVERY == 0:
            await life.replace_a_device()
        await life.converge()
    return {"passed": True, "schedules": schedules, "messages": life.number, **life.done}


def run(seed: int, schedules: int = 1_000, acts: int = ACTS, folder: Path | None = None) -> dict[str, object]:
    """The proof; its verdict."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="miss-schedules-") as made:
            return run(seed, schedules, acts, Path(made))
    post = Post(folder / "server", people=8)
    post.start()
    began = time.monotonic()
    try:

        async def play() -> dict[str, object]:
            scene = Scene(post, folder)
            try:
                return await live(scene, seed, schedules, acts)
            except AssertionError as error:
                return {"passed": False, "why": str(error)[:500]}
            finally:
                await scene.close()

        verdict = asyncio.run(play())
    finally:
        post.stop()
    return {**verdict, "played_seconds": round(time.monotonic() - began, 1)}
