"""Who takes part: devices with certified keys and conversations, written into a data folder before its server starts."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from sqlalchemy import Connection, insert, select

from miss_protocol import identity
from miss_protocol.enrolment import CertificateRequest
from miss_server import config, data_folder, devices, migrations
from miss_server.clock import now_ms
from miss_server.postgresql import open_database
from miss_server.tables import devices as devices_table
from miss_server.tables import memberships, streams

EPOCH = 1


@dataclass
class User:
    """A device that can log in, and the conversations it is a member of."""

    number: int
    device_id: bytes
    login: ec.EllipticCurvePrivateKey
    streams: list[bytes] = field(default_factory=list)


@dataclass
class Town:
    """The people of one measurement."""

    server_id: bytes
    users: list[User]

    def stream(self, *members: User) -> bytes:
        """A new conversation of these users."""
        stream = os.urandom(16)
        for one in members:
            one.streams.append(stream)
        return stream


def build(folder: Path, size: int, database_url: str = "", *, unlimited: bool = True) -> Town:
    """A data folder with this many enrolled devices, each of a person of its own.

    Args:
        unlimited: what is measured is the server, not how fast one person may write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if unlimited:
        (folder / config.FILE_NAME).write_text("[quotas]\nmessages_a_second = 1000000\nmessages_at_once = 1000000\n")
    settings = config.load(folder, listen="127.0.0.1:0", database=database_url or None)
    now = now_ms()
    keyring, _ = data_folder.make(settings, now)
    database = open_database(settings)
    try:
        migrations.apply(database)
        with database.transaction() as connection:
            users = [_enrol(connection, keyring, number, now) for number in range(size)]
    finally:
        database.close()
    return Town(keyring.authority.server_id, users)


def settle(folder: Path, town: Town, database_url: str = "") -> None:
    """Writes the conversations of a town, as they stand once their first epoch has begun."""
    database = open_database(config.load(folder, listen="127.0.0.1:0", database=database_url or None))
    try:
        with database.transaction() as connection:
            _settle(connection, town)
    finally:
        database.close()


def _enrol(connection: Connection, keyring: data_folder.Keyring, number: int, now: int) -> User:
    user = User(number, os.urandom(16), ec.generate_private_key(ec.SECP256R1()))
    request = CertificateRequest.sign(user.device_id, "poste", ed25519.Ed25519PrivateKey.generate(), user.login)
    who = identity.Professional(
        os.urandom(16),
        f"Dr Camille Exemple {number}",
        "Exemple",
        "Camille",
        "99700000001",
        "10",
        "Médecin",
        "Cabinet fictif",
        "mailbox",
        now,
    )
    certificate = identity.certify(keyring.authority, keyring.keys.issuing, who, request, now, None)
    devices.enrol(connection, certificate, request.device_name, now)
    return user


def _settle(connection: Connection, town: Town) -> None:
    rows = {
        bytes(one): row for one, row in connection.execute(select(devices_table.c.device_id, devices_table.c.device))
    }
    members: dict[bytes, list[int]] = {}
    for user in town.users:
        for stream in user.streams:
            members.setdefault(stream, []).append(rows[user.device_id])
    for stream_id, readers in members.items():
        written = connection.execute(
            insert(streams).values(
                stream_id=stream_id, kind="group", head=0, epoch=EPOCH, version=1, created_at_ms=now_ms()
            )
        )
        stream = written.inserted_primary_key[0]
        connection.execute(
            insert(memberships),
            [{"stream": stream, "device": one, "added": 1, "removed": None} for one in readers],
        )
