"""A phone that is off for five weeks while the desktop goes on alone: it is told what expired, and gets it back."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from cast import Device, Post, until
from miss_app.engine.events import Tick
from plays.half_deaf import HalfDeafCable
from proofs.pictures import jpeg
from ui import moved_time

DAY_MS = 86_400_000
SECONDS_MAX = 240.0
SAID, PHOTOS = 40, 4  # while it is off, on most days


class LaterPost(Post):
    """A server whose clock goes ahead of the machine's by what a file says."""

    def __init__(self, folder: Path, people: int) -> None:
        super().__init__(folder, people)
        self.clock = folder.with_name("clock")
        self.days(0)
        self.command = [sys.executable, str(Path(moved_time.__file__)), str(self.clock), "miss_server"]

    def days(self, ahead: float) -> None:
        """So many days later than in truth, here and on the server."""
        moved_time.ahead(self.clock, int(ahead * DAY_MS))


def run(post: LaterPost, folder: Path, chat: bytes) -> dict[str, object]:
    """From a phone and a desktop that hold the same, to the same again; what was seen on the way."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("time", "time_ns"):
            patch.setattr(time, name, getattr(time, name))  # put back at the end
        moved_time.follow(post.clock)
        return asyncio.run(_play(post, folder, chat))


async def _play(post: LaterPost, folder: Path, chat: bytes) -> dict[str, object]:
    camille, hugo_who = post.people[:2]
    desktop, hugo, phone = (
        Device(post, folder / name, name, who, HalfDeafCable(post.address))
        for name, who in (("desktop", camille), ("hugo", hugo_who), ("phone", camille))
    )
    try:
        for one in (desktop, hugo):
            await one.begin()
            await one.online()
        for number in range(SAID):
            day = 1 + number * 33 // SAID
            post.days(day)
            who = desktop if number % 3 else hugo
            if number % (SAID // PHOTOS) == 0:
                data = jpeg(900_000 + number)
                await who.client.send_photo(chat, data, file_name="a.jpg", caption=f"photo {number}")
            else:
                await who.client.send_text(chat, f"sans le téléphone {number}")
            await until(lambda who=who: _settled(who, chat), "said on that day", SECONDS_MAX)
        await until(lambda: _same(desktop, hugo, chat), "the two others read each other", SECONDS_MAX)
        await desktop.client.mark_read(chat)
        await desktop.client.preferences.set_draft(chat, "en attente")
        await asyncio.sleep(2)  # what is shared is said a moment later
        post.days(35)
        await asyncio.to_thread(post.stop)
        await asyncio.to_thread(post.start)  # the caretaker's round forgets what is older than thirty days
        for one in (desktop, hugo):
            await until(lambda one=one: _online(one), f"{one.name} online", SECONDS_MAX)
        await hugo.client.send_text(chat, "cinq semaines plus tard")
        began = time.monotonic()
        await phone.begin()
        await until(lambda: _online(phone), "the phone is back", SECONDS_MAX)
        await until(lambda: {"gap", "gap-filled"} & set(phone.notices(chat)), "told what expired", SECONDS_MAX)
        await until(lambda: _same(phone, desktop, chat), "the desktop hands it over", SECONDS_MAX)
        await until(lambda: "gap" not in phone.notices(chat), "told that it is here again", SECONDS_MAX)
        for one in (phone, desktop):
            await _look_at_photos(one, chat)
        await until(lambda: phone.client.preferences.draft(chat) == "en attente", "what is shared too", SECONDS_MAX)
        seconds = time.monotonic() - began
        await phone.client.send_text(chat, "me revoilà")
        await until(lambda: _same(phone, hugo, chat, last="me revoilà"), "and it writes on", SECONDS_MAX)
        await until(lambda: _same(phone, desktop, chat, last="me revoilà"), "to both", SECONDS_MAX)
        views = [one.client.conversation(chat) for one in (phone, desktop)]
        return {
            "said_meanwhile": SAID + 1,
            "told": "gap-filled" in phone.notices(chat),
            "unread_same": len({view.unread for view in views if view}) == 1,
            "back_seconds": round(seconds, 1),
        }
    finally:
        for one in (desktop, hugo, phone):
            await one.close()


def _online(one: Device) -> bool:
    account = one.client._account
    if account is not None and one.client.link() != "online":
        account.session.hurry()
    return one.client.link() == "online"


def _lines(one: Device, chat: bytes) -> list[tuple[bytes, str, str]]:
    found = one.client.messages(chat, limit=SAID + 20)
    return [(line.message_id, line.kind, line.text) for line in found if line.kind in ("text", "photo", "unreadable")]


def _same(one: Device, other: Device, chat: bytes, last: str = "") -> bool:
    """The same last lines on both, in one order, none that cannot be read."""
    here, there = (_lines(device, chat)[-SAID:] for device in (one, other))
    return here == there and not any(kind == "unreadable" for _, kind, _ in here) and here[-1][2].endswith(last)


def _settled(one: Device, chat: bytes) -> bool:
    account = one.client._account
    assert account is not None
    waiting = any(line.tick is Tick.QUEUED for line in one.lines(chat)[-SAID:])
    return not waiting and not account.store.all_rows("uploads") and not account.store.all_rows("outbox")


async def _look_at_photos(one: Device, chat: bytes) -> None:
    """Open every photo of these weeks, as a person does who scrolls through them."""
    for line in one.client.messages(chat, limit=SAID + 20):
        if line.photo is not None:
            assert await one.client.photo(chat, line.message_id), "a photo that opens"
