"""The cast of the plays: fictional professionals, their devices as engines, and the server as a process of its own."""

import asyncio
import atexit
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, TypeVar

import httpx

from identity.extract import Job, Someone, mailbox_lines, people_lines, write
from miss_app.engine import vault
from miss_app.engine.client import Client
from miss_app.engine.events import Event, Link, MessageView, PersonView, Stage, Tick
from miss_app.engine.vault import Vault
from miss_app.ports.interfaces import SecureStore
from miss_protocol.identity import Authority
from miss_protocol.invitation import Invitation
from plays.half_deaf import HalfDeafCable

T = TypeVar("T")
PIN = "271828"
KEYSTORE = "MISS_TESTS_KEYSTORE"  # what names the folder, for processes that a play starts too
SECONDS_MAX = 30.0  # hang guard, not a pace
_GIVEN = ("Camille", "Hugo", "Nadia", "Inès", "Marc", "Zoé", "Paul", "Léa")
_FAMILY = ("Exemple", "Fictif", "Modèle", "Imaginaire", "Inventé", "Factice")
PROFESSIONS = {"Camille": "10", "Hugo": "10", "Nadia": "60"}

vault.ARGON2_MEMORY_KIB = 8 * 1024  # the plays unlock often; the vault's own tests use the real cost


def fictional(serial: int) -> Someone:
    """The fictional professional with that serial, with a mailbox of their own."""
    given = _GIVEN[serial % len(_GIVEN)]
    family = f"{_FAMILY[serial // len(_GIVEN) % len(_FAMILY)]} {'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[serial // 48]}"
    mailbox = f"p{serial}@medecin.mssante.example"
    job = Job(profession=PROFESSIONS.get(given, "10"), place="Cabinet Fictif", town="LILLE")
    return Someone(5_000 + serial, family.upper(), given, (job,), "Docteur", mailbox)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Post:
    """``miss-server serve`` on a data folder whose register holds the cast.

    Args:
        folder: the server's own; made here.
        people: how many fictional professionals the register lists.
        options: of ``serve``.
    """

    def __init__(self, folder: Path, people: int = 24, *options: str) -> None:
        self.folder = folder
        self._options = options
        self.people = [fictional(serial) for serial in range(people)]
        self._taken = 0
        self._used_codes = {""}
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.server_id = b""
        self.command = [sys.executable, "-m", "miss_server"]

    def start(self) -> None:
        """Start, load the register the first time, and wait until the server listens."""
        first = not self.folder.exists()
        (self.folder / "listening").unlink(missing_ok=True)
        command = self.command
        serve = [
            "serve",
            "--data",
            str(self.folder),
            "--listen",
            f"127.0.0.1:{self._port}",
            "--language",
            "fr",
            *self._options,
        ]
        with self.folder.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen([*command, *serve], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not (self.folder / "listening").exists():
            assert self._process.poll() is None, self.folder.with_suffix(".log").read_text()
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.02)
        if first:
            files = [
                write(self.folder.with_name("personne-activite.txt"), people_lines(self.people)),
                write(self.folder.with_name("correspondance-mssante.txt"), mailbox_lines(self.people)),
            ]
            load = ["register", "load", "--data", str(self.folder), *map(str, files)]
            done = subprocess.run([*command, *load], capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stdout + done.stderr
            self.server_id = self._read_server_id()

    def _read_server_id(self) -> bytes:
        return Authority.decode(httpx.get(f"http://127.0.0.1:{self._port}/v1/authority").content).server_id

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self._port

    def kill(self) -> None:
        """As ``kill -9`` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def someone(self) -> Someone:
        """The next of the cast who has not registered yet."""
        self._taken += 1
        return self.people[self._taken - 1]

    async def code_for(self, mailbox: str) -> str:
        """The code in the last mail to this mailbox, as soon as it is there."""

        def look() -> str:
            for path in sorted(self.folder.glob("outbox/*.eml"), key=lambda one: one.stat().st_mtime_ns, reverse=True):
                mail = message_from_bytes(path.read_bytes(), policy=policy.default)
                body = mail.get_body(("plain",))
                if mailbox in str(mail["To"]) and body is not None:
                    found = re.search(r"^\s+([0-9A-Z]{4}[ -]?[0-9A-Z]{4})\s*$", body.get_content(), re.MULTILINE)
                    code = found.group(1) if found else ""
                    if code not in self._used_codes:
                        self._used_codes.add(code)
                        return code
            return ""

        return await until(look, f"a mail to {mailbox}")


async def until(look: Callable[[], T | None], what: str, seconds: float = SECONDS_MAX) -> T:
    """What ``look`` finds, as soon as it is something; an AssertionError that says ``what`` never came."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"never came: {what}"
        await asyncio.sleep(0.01)


class FolderKeystore:
    """A keystore that answers on every machine, for plays about other things: one folder for all of a run."""

    def __init__(self) -> None:
        if KEYSTORE not in os.environ:
            os.environ[KEYSTORE] = tempfile.mkdtemp(prefix="miss-keystore-")
            atexit.register(shutil.rmtree, os.environ[KEYSTORE], ignore_errors=True)
        self._folder = Path(os.environ[KEYSTORE])

    def usable(self) -> bool:
        return True

    def put(self, name: str, secret: bytes) -> None:
        (self._folder / name.replace("/", "-")).write_bytes(secret)

    def get(self, name: str) -> bytes | None:
        path = self._folder / name.replace("/", "-")
        return path.read_bytes() if path.exists() else None

    def erase(self, name: str) -> None:
        (self._folder / name.replace("/", "-")).unlink(missing_ok=True)


def store_key(folder: Path) -> bytes:
    """The key of the store in a profile's folder, as the person's PIN opens it."""
    locked = Vault(folder / "vault")
    share = FolderKeystore().get(locked.place())
    return locked.open(locked.attempt(PIN), share or b"")


@dataclass(eq=False)
class Device:
    """One device of somebody: an engine on its own folder, behind a cable that can be pulled."""

    post: Post
    folder: Path
    name: str
    who: Someone
    cable: HalfDeafCable
    events: list[Event] = field(default_factory=list)
    keystore: SecureStore | None = field(default_factory=FolderKeystore)
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = self._make()

    def _make(self) -> Client:
        return Client(self.folder, on_event=self.events.append, device_name=self.name, keystore=self.keystore)

    @property
    def invitation(self) -> str:
        return Invitation("127.0.0.1", self.cable.port, self.post.server_id).link()

    async def register(self) -> None:
        """From the invitation to a certificate, by the code mailed to the listed mailbox."""
        await self.prove()
        assert self.client.stage() is Stage.PIN

    async def prove(self) -> None:
        """From the invitation to the right code."""
        await self.client.start()
        await self.client.use_invitation(self.invitation)
        given, family = self.who.given, self.who.family
        await self.claim(self.who.rpps, family, given, self.who.jobs[0].profession)
        await self.client.enter_code(await self.post.code_for(self.who.mailbox))

    async def claim(self, rpps: str, family: str, given: str, profession: str) -> None:
        """Say who one is, having read and accepted the charter."""
        version = (await self.client.presence.charter()).version
        await self.client.claim(rpps, family, given, profession, charter_version=version)

    async def enter(self) -> None:
        """Choose the PIN and come online."""
        await self.client.choose_pin(PIN)
        await self.online()
        account = self.client._account
        assert account is not None
        await until(lambda: account.store.get("profile", b"last resort"), f"{self.name} can be added by others")

    async def online(self) -> None:
        await until(lambda: self.client.link() is Link.ONLINE, f"{self.name} online")

    async def offline(self) -> None:
        await until(lambda: self.client.link() is not Link.ONLINE, f"{self.name} offline")

    async def restart(self) -> None:
        """The program ends as if its process had died, and starts again."""
        await self.client.stop()
        await self.begin()

    async def begin(self) -> None:
        self.client = self._make()
        await self.client.start()
        await self.client.unlock(PIN)

    @property
    def view(self) -> PersonView:
        me = self.client.me()
        assert me is not None
        return me

    async def find(self, other: "Device") -> PersonView:
        """The other as the directory shows them."""
        found = await self.client.search_people(other.who.family, profession="", place="")
        return next(one for one in found if one.person_id == other.view.person_id)

    def said(self, conversation_id: bytes) -> list[str]:
        """The texts of a conversation, in the order of the screen."""
        return [one.text for one in self.lines(conversation_id) if one.kind in ("text", "photo", "document")]

    def lines(self, conversation_id: bytes) -> list[MessageView]:
        return self.client.messages(conversation_id, limit=10_000)

    def notices(self, conversation_id: bytes) -> list[str]:
        return [one.notice for one in self.lines(conversation_id) if one.kind in ("notice", "warning")]

    async def reads(self, conversation_id: bytes, *texts: str) -> None:
        """Waits until the conversation says exactly this."""
        try:
            await until(lambda: self.said(conversation_id) == list(texts), "")
        except AssertionError:
            raise AssertionError(f"{self.name} reads {self.said(conversation_id)}, not {list(texts)}") from None

    async def ticks(self, conversation_id: bytes, message_id: bytes, tick: Tick) -> None:
        def reached() -> bool:
            found = [one for one in self.lines(conversation_id) if one.message_id == message_id]
            return bool(found) and found[0].tick is tick

        await until(reached, f"{self.name}: tick {tick}")

    async def link_from(self, trusted: "Device", days: int | None = None) -> None:
        """Become a further device of the same person, by the code typed on a trusted one; ``days`` of history."""
        await self.client.start()
        await self.client.use_invitation(self.invitation)
        code = await self.client.start_linking()
        await trusted.online()
        await trusted.client.link_device(code, pin=PIN, days=days)
        await until(lambda: self.client.stage() is Stage.PIN, f"{self.name} is linked")
        await self.enter()

    async def close(self) -> None:
        await self.client.stop()


class Scene:
    """Where a play takes place: one server, and everybody who comes in."""

    def __init__(self, post: Post, folder: Path) -> None:
        self.post = post
        self.folder = folder
        self.devices: list[Device] = []

    def device(self, name: str, who: Someone, **options: Any) -> Device:
        """A device that has not registered yet."""
        one = Device(self.post, self.folder / name, name, who, HalfDeafCable(self.post.address), **options)
        self.devices.append(one)
        return one

    async def enter(self, *names: str) -> list[Device]:
        """People come in, each registered and online."""
        devices = [self.device(name, self.post.someone()) for name in names]
        for one in devices:
            await one.register()
            await one.enter()
        return devices

    async def close(self) -> None:
        for one in self.devices:
            await one.close()


def play(
    post: Post, folder: Path, acts: Callable[[Scene], Awaitable[None]], *, threads_may_be_lost: bool = False
) -> None:
    """Play the acts on one loop, and let everybody go home whatever happened.

    A device that lost the thread of a conversation and came back by itself is a fault, but where that is the play.
    """

    async def run() -> None:
        stage = Scene(post, folder)
        try:
            await acts(stage)
            accounts = [one.client._account for one in stage.devices]
            lost = [one.store.all_rows("lost") for one in accounts if one is not None]
            assert threads_may_be_lost or not any(lost), "a device lost the thread of a conversation"
        finally:
            await stage.close()

    asyncio.run(run())
