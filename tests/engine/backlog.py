"""A device that comes back to a large team: its account without a server, and the rows that waited for it."""

import os
import secrets
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.authority import NOW_MS, Certified, Registrar
from miss_app.engine.account import Account, OwnDevice, keep_own_device
from miss_app.engine.events import Event
from miss_app.engine.locker import Locker
from miss_app.engine.membership import Clock, Membership
from miss_app.engine.people import People
from miss_app.engine.profile import Server, login_key
from miss_app.engine.session import Credentials
from miss_app.engine.store import Store
from miss_protocol import content as contents
from miss_protocol.frames import Class, Deliver, Kind
from miss_protocol.invitation import Invitation
from miss_protocol.mls import group as mls

NOW_SECONDS = NOW_MS // 1000
DEVICES_EACH = 3


def written_bytes() -> int:
    """What this process has given to the operating system to write, so far."""
    lines = Path(f"/proc/{os.getpid()}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar"))


@dataclass
class Team:
    """A conversation of so many devices, whose founder writes while the last one is away.

    Args:
        folder: for the stores.
        leaves: how many devices, the founder's and the absent one's among them.
    """

    folder: Path
    leaves: int
    registrar: Registrar = field(default_factory=Registrar)
    events: list[Event] = field(default_factory=list)
    chat: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    number: int = 1

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        founder, *others, absent = self._devices()
        self.identity = mls.Identity(founder.keys.signature_seed, mls.Credential.x509(founder.certificate.der))
        package = self._package(absent)
        self.account = self._account(absent, package)
        store = Store(self.folder / "founder.db", secrets.token_bytes(32))
        people = People(store, founder.certificate)
        membership = Membership(
            founder.certificate, founder.keys.signature_seed, self.registrar.authority, people, Clock()
        )
        adds = [mls.Add(self._package(one).decoded) for one in others] + [mls.Add(package.decoded)]
        group = membership.begin_group(self.chat)
        staged = mls.commit(group, self.identity, adds, rules=mls.OPEN_RULES)
        store.close()
        self.group = staged.group
        self.welcome = self._row(Kind.WELCOME, staged.welcome or b"")

    def _devices(self) -> list[Certified]:
        made: list[Certified] = []
        while len(made) < self.leaves:
            who = self.registrar.person(f"Membre {len(made)}")
            first = self.registrar.device(who)
            made += [first, *(self.registrar.device(who, first) for _ in range(DEVICES_EACH - 1))]
        return made[: self.leaves]

    def _package(self, one: Certified) -> mls.KeyPackageSecrets:
        identity = mls.Identity(one.keys.signature_seed, mls.Credential.x509(one.certificate.der))
        return mls.make_key_package(identity, not_before=NOW_SECONDS - 60, not_after=NOW_SECONDS + 86_400)

    def _account(self, one: Certified, package: mls.KeyPackageSecrets) -> Account:
        store = Store(self.folder / "store.db", secrets.token_bytes(32), self.events.append)
        keep_own_device(store, OwnDevice(one.keys, one.certificate.der))
        with store.step() as step:
            step.put("key_packages", package.reference, package.encode(), place=NOW_SECONDS + 86_400)
        invitation = Invitation("127.0.0.1", 9, self.registrar.authority.server_id).link()
        server = Server(invitation, self.registrar.authority.encode(), "test")
        credentials = Credentials(one.keys.device_id, login_key(one.keys.login_der))
        tls = ssl.create_default_context()
        return Account(store, server, credentials, tls, Locker(self.folder), "fr", self.events.append)

    def _row(self, kind: Kind, body: bytes) -> Deliver:
        self.number += 1
        return Deliver(self.chat, self.number, kind, Class.NORMAL, NOW_MS + self.number, self.group.epoch, body)

    async def take(self, rows: Iterable[Deliver]) -> None:
        """What waited for the account, from the login on to the end of the backlog."""
        self.account.backlog.begin()
        for row in rows:
            await self.account.take(row)
        self.account.backlog.end()

    def said(self) -> list[str]:
        """The texts of the conversation, in order."""
        lines = self.account.messages.page(self.chat, None, 100_000)
        return [line.text.strip() for line in lines if line.kind == "text"]

    def rows(self, count: int) -> Iterator[Deliver]:
        """So many texts of the founder, of a hundred characters."""
        for number in range(count):
            text = f"{number:>6} : pansement refait ce matin, plaie propre, pas de fièvre ; prochain passage demain.".ljust(
                100
            )
            content = contents.encode(contents.Content(secrets.token_bytes(16), NOW_MS, contents.Text(text)))
            sealed = mls.seal(self.group, self.identity, content)
            self.group = sealed.group
            yield self._row(Kind.APPLICATION, sealed.message)
