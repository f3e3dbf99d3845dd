"""A phone hands its whole history to a desktop while either is killed: every message and photo there, in order, once."""

import asyncio
import random
import secrets
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from cast import PIN, Device, Post, Scene, store_key, until
from miss_app.engine import records
from miss_app.engine.account import Account
from miss_app.engine.events import Stage
from miss_app.engine.model import Message, PhotoPart, place_of
from miss_app.engine.store import Store
from miss_protocol.sealing import open_blob, seal_blob
from proofs import five_weeks
from proofs.pictures import jpeg

QUIET_SECONDS_MAX = 1_800.0
DAY_MS = 86_400_000
STEP_LINES = 500


@dataclass
class Holder:
    """A device's engine in a process that is killed and started again."""

    folder: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        awake = self.lines("awake")
        program = Path(__file__).with_name("holder.py")
        with self.log.with_suffix(".out").open("ab") as out:
            command = [sys.executable, str(program), str(self.folder), str(self.log)]
            self.process = subprocess.Popen(command, stdout=out, stderr=out)
        deadline = time.monotonic() + 120
        while self.lines("awake") == awake:
            assert self.process.poll() is None, self.log.with_suffix(".out").read_text()
            assert time.monotonic() < deadline, "never awake"
            time.sleep(0.02)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
            self.process = None

    def lines(self, kind: str) -> int:
        text = self.log.read_text() if self.log.exists() else ""
        return sum(line.startswith(kind) for line in text.splitlines())


def fill(
    account: Account,
    chat: bytes,
    messages: int,
    photos: int,
    *,
    author: bytes = b"",
    first_ms: int = 0,
    each_ms: int = 1_000,
    edge: int = 160,
) -> None:
    """Write a long history into a device's store, as if its rows had come over the past year.

    Args:
        author: who said what the device's person did not; the other one of a direct conversation where it is empty.
        first_ms: when the first was said, and ``each_ms`` how much later each other; 300 days ago where it is 0.
        edge: of the photos, in pixels.
    """
    record = account.conversations.get(chat)
    assert record is not None
    other, me = author or record.peer, account.people.me
    first_ms = first_ms or account.clock.now_ms() - DAY_MS * 300
    every = max(1, messages // max(1, photos))
    for start in range(0, messages, STEP_LINES):
        with account.store.step() as step:
            for number in range(start, min(start + STEP_LINES, messages)):
                mine = number % 3 == 0
                message = Message(
                    secrets.token_bytes(16),
                    chat,
                    "text",
                    mine,
                    me if mine else other,
                    first_ms + number * each_ms,
                    1,
                    f"message {number}",
                )
                if number % every == 0 and number // every < photos:
                    picture = jpeg(number, edge)
                    sealed = seal_blob(picture)
                    size = len(sealed.ciphertext)
                    part = PhotoPart(sealed.name, sealed.key, size, 80, 80, len(picture), 0, jpeg(number, 32))
                    message = replace(message, kind="photo", photo=part)
                    step.put("blobs", sealed.name, sealed.ciphertext)
                # Row 1 is the conversation's creation: its lines come before everything that was really said.
                place = place_of(1, 1 + number)
                step.put("messages", chat + message.message_id, records.encode(message), shelf=chat, place=place)


async def prepare(post: Post, folder: Path, messages: int, photos: int) -> tuple[bytes, Path, Path]:
    """A phone with its history, and a desktop that it has just accepted; both asleep."""
    scene = Scene(post, folder)
    camille, hugo = await scene.enter("phone", "hugo")
    chat = await camille.client.open_direct(await camille.find(hugo))
    await camille.client.send_text(chat, "vraiment dit")
    await hugo.reads(chat, "vraiment dit")
    account = camille.client._account
    assert account is not None
    fill(account, chat, messages, photos)
    desktop = scene.device("desktop", camille.who)
    await desktop.client.start()
    await desktop.client.use_invitation(desktop.invitation)
    await camille.client.link_device(await desktop.client.start_linking(), pin=PIN, days=0)
    await until(lambda: desktop.client.stage() is Stage.PIN, "accepted")
    await desktop.enter()
    for one in (camille, desktop, hugo):
        _straight(one, post)
    await scene.close()
    return chat, camille.folder, desktop.folder


def _straight(one: Device, post: Post) -> None:
    """A killed process takes no cable along."""
    server = one.client._profile.server()
    assert server is not None
    one.client._profile.set_server(server.at(post.address[1]))


def lines_of(folder: Path, chat: bytes) -> tuple[list[tuple[object, ...]], int, int]:
    """(lines as a person sees them, in order; photos that open; lines that cannot be read) of a store."""
    store = Store(folder / "store.db", store_key(folder))
    found = [records.decode(Message, row.body) for row in store.rows("messages", chat)]
    opened = 0
    for one in found:
        ciphertext = None if one.photo is None else store.get("blobs", one.photo.blob)
        if one.photo is not None and ciphertext is not None:
            opened += len(open_blob(ciphertext, one.photo.blob, one.photo.key)) == one.photo.picture_bytes
    unreadable = sum(one.kind == "unreadable" for one in found)
    store.close()
    said = [one for one in found if one.kind in ("text", "photo")]
    return [(one.message_id, one.kind, one.text, one.mine, one.author, one.at_ms) for one in said], opened, unreadable


def run(
    seed: int, messages: int = 50_000, photos: int = 500, kills: int = 12, folder: Path | None = None
) -> dict[str, object]:
    """The proof; its verdict."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="miss-devices-") as made:
            return run(seed, messages, photos, kills, Path(made))
    chance = random.Random(seed)
    post = five_weeks.LaterPost(folder / "server", people=8)
    post.start()
    holders: list[Holder] = []
    try:
        chat, phone, desktop = asyncio.run(prepare(post, folder, messages, photos))
        holders = [Holder(phone, folder / "phone.log"), Holder(desktop, folder / "desktop.log")]
        for one in holders:
            one.start()
        began, under_way = time.monotonic(), 0
        for number in range(kills):
            victim = holders[number % 2]
            time.sleep(chance.random() * (0.5 if messages < 10_000 else 6.0))
            under_way += not holders[1].lines("finished")
            victim.kill()
            victim.start()
        while not all(one.lines("finished") for one in holders):
            assert time.monotonic() - began < QUIET_SECONDS_MAX, "never finished"
            time.sleep(0.1)
        seconds = time.monotonic() - began
        for one in holders:
            one.kill()
        verdict = _verdict(phone, desktop, chat, holders, messages, photos, kills, under_way, seconds)
        weeks = five_weeks.run(post, folder, chat)
        after = [lines_of(one, chat) for one in (phone, desktop)]
    finally:
        for one in holders:
            one.kill()
        post.stop()
    # But for the hour: what a device says itself it shows as of when it was written.
    lines = [[line[:5] for line in one] for one, _, _ in after]
    same = lines[0] == lines[1] and [one[1:] for one in after] == [(photos + five_weeks.PHOTOS, 0)] * 2
    all_there = len(after[0][0]) == messages + 1 + five_weeks.SAID + 2
    passed = verdict["passed"] and same and all_there and weeks["told"] and weeks["unread_same"]
    return {**verdict, "passed": bool(passed), "five_weeks": {**weeks, "same": same, "all_there": all_there}}


def _verdict(
    phone: Path,
    desktop: Path,
    chat: bytes,
    holders: list[Holder],
    messages: int,
    photos: int,
    kills: int,
    under_way: int,
    seconds: float,
) -> dict[str, object]:
    here, photos_here, _ = lines_of(phone, chat)
    there, photos_there, unreadable = lines_of(desktop, chat)
    troubles = sum(one.lines("trouble") for one in holders)
    doubled = len(there) - len({line[0] for line in there})
    passed = here == there and len(there) == messages + 1 and photos_here == photos_there == photos
    return {
        "passed": passed and not (doubled or unreadable or troubles),
        "messages": len(there),
        "photos": photos_there,
        "kills": kills,
        "kills_under_way": under_way,
        "lost": len(set(here) - set(there)),
        "doubled": doubled,
        "unreadable": unreadable,
        "one_order": here == there,
        "handover_seconds": round(seconds, 1),
    }
