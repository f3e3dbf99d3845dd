"""How long everything is kept, table by table, proved with moved time: there the day before, gone the day after.

A new table needs its line here: either in ``KEPT`` with its days, or in ``STAYS`` with the reason why it stays.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Integer, LargeBinary, Table, func, insert, select

from engines import copied
from miss_protocol import limits
from miss_protocol.frames import Accepted, Kind
from miss_server import devices, forgetting
from miss_server.blobs import PARTS_KEPT_MS, Piece
from miss_server.clock import now_ms
from miss_server.metadata import metadata
from server.office import Office, make_circle, play

ROOT = Path(__file__).resolve().parents[2]
DAY_MS = 86_400_000
# Table → (the column its age is counted from, days): of what is forgotten by age alone.
KEPT = {
    "links": ("opened_at_ms", 1),
    "sign_ins": ("begun_at_ms", 1),
    "unlock_requests": ("opened_at_ms", limits.UNLOCK_REQUEST_SECONDS / 86_400),
    "buckets": ("full_at_ms", 0),
    "key_packages": ("not_after_ms", limits.CLOCK_TOLERANCE_MINUTES / 1_440),
    "directory_imports": ("made_at_ms", 30),
    "operator_links": ("expires_at_ms", 30),
    "claims": ("at_ms", 60),
    "problem_reports": ("received_at_ms", 180),
    "registrations": ("opened_at_ms", 365),
    "invites": ("invited_at_ms", 365),
    "establishment_staff": ("removed_at_ms", 365),
    "vouchers": ("expires_at_ms", 365),
}
STAYS = {
    "rows": "until everybody has read, 30 days at most: below",
    "welcomes": "with the row they belong to: below",
    "public_groups": "while a member lives: below",
    "standings": "the same: below",
    "streams": "numbers only, so that none is used twice; whether a conversation was, not whose",
    "memberships": "row numbers only: what a device may read",
    "cursors": "row numbers only: how far a device has read",
    "direct_pairs": "until one of the two leaves: test_who_leaves_is_gone_from_everywhere",
    "devices": "the row number and key by which an ended device is refused; blank once its person has left",
    "people": "while somebody is on MiSS: test_who_leaves_is_gone_from_everywhere",
    "charter_acceptances": "the same",
    "wishes": "the same",
    "availabilities": "the same",
    "reach_wishes": "the same",
    "unread_mails": "the same",
    "unread_streams": "until it was looked at; row numbers only",
    "push_endpoints": "until the device ends or registers another: below",
    "push_queue": "until it was sent; with the endpoint: below",
    "reach_looks": "one time, of the server's own",
    "vault_shares": "until the device ends: below",
    "invite_mails": "who refused to be invited ever again must be known for ever: a number and a hash",
    "charter_heads": "whom an establishment accepted by: a contract",
    "establishments": "while they take part: what an operator wrote",
    "establishment_referents": "who vouched, for the log of acts",
    "facts": "of the server's own",
    "operators": "who decided, for the log of acts",
    "operator_passkeys": "while the operator is",
    "operator_sessions": "ended ones go with the next login of an operator: console/sessions.py",
    "log_entries": "the log of certificates, by which clients see that nobody was certified behind their back: grows only",
    "log_books": "the same",
    "registrar_acts": "the chained log: evidence of who was certified by whom, never shortened",
    **dict.fromkeys(
        ("register_establishments", "register_loads", "register_mailboxes", "register_names", "register_people",
         "register_professions", "register_slips", "register_words"),
        "the public register, replaced by the next one that is loaded",
    ),
}  # fmt: skip


def test_the_log_is_kept_between_six_and_twelve_months() -> None:
    assert "\nLogNamespace=miss\n" in (ROOT / "backend/miss-server.service").read_text()
    kept = re.search(r"^MaxRetentionSec=(\d+)month$", (ROOT / "backend/journald@miss.conf").read_text(), re.MULTILINE)
    assert kept is not None
    assert 6 <= int(kept[1]) <= 12


@pytest.fixture(params=["sqlite", "postgresql"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    url = copied(request.getfixturevalue("postgresql_server")) if request.param == "postgresql" else ""
    one = Office(tmp_path / "data", url)
    one.start()
    yield one
    one.stop()


def test_every_table_says_how_long_it_keeps_what_it_holds() -> None:
    assert set(KEPT) | set(STAYS) == set(metadata.tables)
    assert not set(KEPT) & set(STAYS)


def test_each_is_there_the_day_before_and_gone_the_day_after(town: Office) -> None:
    begun = now_ms()
    device = town.device()

    def fill(connection: Any) -> None:
        finess, operator = {"finess": "590000014"}, {"operator": 7}
        connection.execute(_filled("establishments", **finess))
        connection.execute(_filled("establishment_referents", referent_id=1, **finess))
        connection.execute(_filled("operators", **operator))
        of: dict[str, dict[str, Any]] = {
            "operator_links": operator,
            "directory_imports": finess,
            "establishment_staff": {**finess, "staff_id": 5},
            "vouchers": {"staff_id": 6, "referent_id": 1},
        }
        connection.execute(_filled("establishment_staff", **finess, staff_id=6, staff_key="stays"))
        for name in KEPT:
            values: dict[str, Any] = of.get(name, {})
            if "device" in metadata.tables[name].c:
                values = values | {"device": device.row}
            column, _ = KEPT[name]
            connection.execute(_filled(name, **values | {column: begun}))

    town.in_database(fill)
    for days in sorted({days for _, days in KEPT.values()}):
        names = [name for name in KEPT if KEPT[name][1] == days]
        if days >= 1:
            _round(town, begun + int((days - 0.5) * DAY_MS))
            assert not [name for name in names if not _count(town, name)], f"still there before {days} days"
        _round(town, begun + int((days + 0.5) * DAY_MS))
        for name in names:
            assert _count(town, name) == (name == "establishment_staff"), f"{name}: gone after {days} days"


def test_messages_photos_trees_and_keys_of_ended_devices(town: Office) -> None:
    """A message nobody fetches, a photo, a half-sent one; then everybody's devices end."""
    begun, data = now_ms(), os.urandom(1_000)
    camille, away = town.device(), town.device()

    async def scene() -> None:
        async with town.wire(camille) as wire:
            circle = await make_circle(town, wire, away)
            assert isinstance(await wire.submit(circle.text()), Accepted)
            await wire.rows(1, circle.stream)

    play(scene)
    blobs = town.app.state.blobs
    name = hashlib.sha256(data).digest()
    blobs.put(camille.device_id, name, Piece(0, len(data), data))
    blobs.put(camille.device_id, bytes(32), Piece(0, 9, b"part"))
    rows = select(func.count()).select_from(metadata.tables["rows"])
    messages = rows.where(metadata.tables["rows"].c.kind == int(Kind.APPLICATION))
    _round(town, begun + (limits.SERVER_KEEPS_MESSAGES_DAYS * DAY_MS) - DAY_MS // 2)
    assert town.in_database(lambda c: c.scalar(messages)) == 1
    assert blobs.have(camille.device_id, bytes(32)) is None, f"half a photo is kept {PARTS_KEPT_MS // DAY_MS} days"
    _round(town, begun + (limits.SERVER_KEEPS_MESSAGES_DAYS * DAY_MS) + DAY_MS // 2)
    assert town.in_database(lambda c: c.scalar(messages)) == 0
    assert _count(town, "welcomes") == 1, "who is away must be able to follow"
    assert blobs.find(name) is not None
    _round(town, begun + (limits.SERVER_KEEPS_PHOTOS_DAYS * DAY_MS) + DAY_MS // 2)
    assert blobs.find(name) is None
    # Their devices end: neither trees with their certificates nor keys of theirs are kept.
    stream = town.in_database(lambda c: c.scalar(select(metadata.tables["public_groups"].c.stream)))
    for one in (camille, away):
        for table in ("push_endpoints", "push_queue", "vault_shares", "standings"):
            more = {"stream": stream} if table == "standings" else {}
            town.in_database(lambda c, t=table, r=one.row, m=more: c.execute(_filled(t, device=r, **m)))
    assert _count(town, "public_groups") == 1
    for one in (camille, away):
        town.in_database(devices.revoke, one.device_id, "operator", now_ms())
    _round(town, now_ms())
    for table in ("public_groups", "standings", "push_endpoints", "push_queue", "vault_shares", "welcomes"):
        assert _count(town, table) == 0, table


def test_a_tree_stays_while_one_member_lives(town: Office) -> None:
    async def scene() -> None:
        camille, hugo = town.device(), town.device()
        async with town.wire(camille) as wire:
            circle = await make_circle(town, wire, hugo)
            town.in_database(devices.revoke, hugo.device_id, "operator", now_ms())
            town.in_database(forgetting.forget_small, now_ms() + 400 * DAY_MS)
            assert _count(town, "public_groups") == 1
            assert isinstance(await wire.submit(circle.text()), Accepted)

    play(scene)


def _round(town: Office, at_ms: int) -> None:
    """A round of the caretaker's, on that day."""
    keeper = town.app.state.caretaker

    async def scene() -> None:
        keeper._now_ms = lambda: at_ms
        await keeper.go_round()

    play(scene)


def _count(town: Office, name: str) -> int:
    found: int = town.in_database(lambda c: c.scalar(select(func.count()).select_from(metadata.tables[name])))
    return found


def _filled(name: str, **values: Any) -> Any:
    """A row whose other columns hold anything."""
    table: Table = metadata.tables[name]
    for column in table.c:
        if (
            column.name in values
            or column.nullable
            or column.server_default is not None
            or column.autoincrement is True
        ):
            continue
        kind = column.type
        if isinstance(kind, LargeBinary):
            values[column.name] = os.urandom(getattr(kind, "length", None) or 16)
        elif isinstance(kind, Boolean):
            values[column.name] = False
        elif isinstance(kind, Integer | BigInteger):
            values[column.name] = 1
        else:
            values[column.name] = os.urandom(4).hex()[: getattr(kind, "length", None)]
    return insert(table).values(**values)
