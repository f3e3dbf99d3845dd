"""No question that is asked often reads a whole table: what SQLite plans for each statement is looked at."""

import os
import re

from sqlalchemy import Connection, event, insert, text

from miss_protocol.frames import Class, Kind, Report, Submit
from miss_protocol.identity import make_authority
from miss_protocol.notices import DeviceAdded
from miss_server import (
    caretaker,
    conversations,
    devices,
    migrations,
    standings,
    streams,
    tables,
    undelivered,
    unread,
    wakeups,
)
from miss_server.clock import now_ms
from miss_server.conversations import Submission
from miss_server.database import Database
from miss_server.handshakes import Handshakes
from miss_server.reach_settings import Unread

GROWING = (
    "claims",
    "rows",
    "memberships",
    "streams",
    "cursors",
    "devices",
    "key_packages",
    "public_groups",
    "welcomes",
    "standings",
)


def asked(database: Database, ask) -> list[tuple[str, object]]:
    """The statements that ``ask`` executes on a connection."""
    found = []

    def note(_connection, _cursor, statement, parameters, _context, executemany) -> None:
        found.append((statement, parameters[0] if executemany else parameters))

    event.listen(database._writing, "before_cursor_execute", note)
    with database.transaction() as connection:
        ask(connection)
    event.remove(database._writing, "before_cursor_execute", note)
    return [one for one in found if not one[0].startswith("BEGIN")]


def scans(connection: Connection, statement: str, parameters: object) -> list[str]:
    """The growing tables that a statement reads whole."""
    plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    aliases = dict(re.findall(r"(?:FROM|JOIN) (\w+)(?: AS)? (\w)\b", statement))
    aliases = {alias: table for table, alias in aliases.items()}
    scanned = [found[1] for line in plan if (found := re.match(r"SCAN (\w+)", line)) and "CONSTANT" not in line]
    return [one for one in scanned if aliases.get(one, one) in GROWING]


def test_no_question_reads_a_whole_table(tmp_path):
    database = Database(tmp_path / "miss.db")
    migrations.apply(database)
    ids = [os.urandom(16) for _ in range(10)]
    with database.transaction() as connection:
        connection.execute(
            insert(tables.devices),
            [
                {
                    "device": n,
                    "device_id": ids[n],
                    "person_id": ids[n],
                    "name": "",
                    "certificate": b"",
                    "login_key": b"",
                }
                | {"checked_how": "", "endorsed": False, "added_at_ms": 0}
                for n in range(1, 5)
            ],
        )
        for n in range(1, 5):
            streams.open_device_stream(connection, n, ids[n], 0)
        connection.execute(
            insert(tables.streams).values(stream=9, stream_id=ids[9], kind="group", head=1, epoch=0, created_at_ms=0)
        )
        members = [{"stream": 9, "device": n, "added": 1, "removed": None} for n in range(1, 5)]
        connection.execute(insert(tables.memberships), members)

    def submission(n: int) -> Submission:
        head = b"\x00\x01\x00\x02\x14" + ids[9] + bytes(12) + b"\x01"
        frame = Submit(os.urandom(16), ids[9], Kind.APPLICATION, Class.NORMAL, 0, head)
        return Submission(n, ids[n], ids[n], frame, lambda _verdict: None)

    handshakes = Handshakes(make_authority("test", 0)[0], now_ms)
    questions = [
        lambda c: conversations.accept(c, [submission(n) for n in (1, 2, 3)]),
        lambda c: streams.heads(c, 1),
        lambda c: streams.read(c, 1, [(9, 1)], 100, 10_000),
        lambda c: streams.move_cursors(c, [(1, 9, 2), (2, 9, 3)]),
        lambda c: streams.progress(c, 1),
        lambda c: streams.tell(c, ids[1], DeviceAdded(ids[2], True), now_ms()),
        lambda c: streams.noticed_since(c, 0),
        lambda c: devices.find(c, ids[1]),
        lambda c: devices.seen(c, {1: 1}),
        lambda c: devices.of_person(c, ids[1]),
        lambda c: devices.key_packages_left(c, 1),
        lambda c: devices.take_key_packages(c, ids[1], ids[2], 0),
        lambda c: devices.keep_key_packages(
            c, devices.Device(1, ids[1], ids[1], b"", b"", False), [(bytes(32), False, b"x", 1)], 0
        ),
        lambda c: devices.revoked_since(c, 0),
        lambda c: devices.revoke(c, ids[4], "test", 1),
        lambda c: standings._write(c, standings._news(c, {(9, 1): Report(ids[9], 0, 0, bytes(32))})),
        lambda c: standings._apart(c, {9}),
        lambda c: handshakes.way_back(c, ids[9], 1),
        lambda c: caretaker.forget_rows(c, 9, 0, 1),
        lambda c: caretaker.forget_claims(c, 1, 0),
        lambda c: wakeups.queue(c, [9], 1),
        lambda c: wakeups.due(c, 1),
        lambda c: wakeups.claim(c, 1),
        lambda c: unread.note(c, [9], 1, Unread()),
        lambda c: unread.letters(c, 1 << 60, Unread()),
        lambda c: unread._unaware(c, 9),
        lambda c: undelivered.tell(c, 9, 1, 2),
    ]
    statements = [one for question in questions for one in asked(database, question)]
    assert len(statements) > 30
    with database.snapshot() as connection:
        assert connection.execute(text("SELECT count(*) FROM rows")).scalar() == 4
        found = {statement: scans(connection, statement, parameters) for statement, parameters in statements}
    database.close()
    assert {statement: tables for statement, tables in found.items() if tables} == {}
