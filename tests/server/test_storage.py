"""The database: batches, failures, shapes; what survives a killed server; what is forgotten, and when."""

import asyncio
import itertools
import json
import os
import signal
import sqlite3
import time

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text, update
from websockets.exceptions import ConnectionClosed

from miss_protocol.frames import Accepted, Deliver, Gap, Kind, Refusal, Refused
from miss_server import authority, caretaker, conversations, devices, migrations, tables
from miss_server.clock import now_ms
from miss_server.database import Database
from miss_server.metadata import metadata
from server.office import Office, Process, make_circle, opaque, play, until

DAY_MS = 86_400_000


def test_migrations_make_exactly_the_tables(tmp_path):
    database = Database(tmp_path / "miss.db")
    migrations.apply(database)
    migrations.apply(database)
    with database.snapshot() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert migrations.revision(connection) == migrations.head()
        made = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")).all()
    database.close()
    other = Database(tmp_path / "other.db")
    with other.transaction() as connection:
        metadata.create_all(connection)
        wanted = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")).all()
    other.close()

    def shapes(found) -> dict[str, str]:
        return {name: "".join(sql.split()) for name, sql in found if not name.startswith(("alembic", "sqlite"))}

    assert shapes(made) == shapes(wanted), "to the letter: partial indexes, row ids, defaults"


def test_a_newer_database_is_refused_and_left_alone(tmp_path):
    database = Database(tmp_path / "miss.db")
    migrations.apply(database)
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(migrations.NewerDatabaseError, match="9999"):
        migrations.apply(database)
    with database.snapshot() as connection:
        assert migrations.revision(connection) == "9999"
    database.close()


def test_every_commit_is_on_disk(tmp_path):
    database = Database(tmp_path / "miss.db")
    with database.transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    database.close()


def test_a_batch_that_fails_is_replayed_one_by_one(office, monkeypatch):
    """One submission that the database cannot store: its neighbours are stored, it is refused and claims nothing."""
    poison = b"poison"
    honest = conversations._append

    def append(ledger, one, stream):
        answer = honest(ledger, one, stream)
        if one.frame.body.endswith(poison):
            raise sqlite3.OperationalError("database or disk is full")
        return answer

    monkeypatch.setattr(conversations, "_append", append)

    async def scene() -> None:
        async with office.wire(office.device()) as a:
            circle = await make_circle(office, a)
            bodies = [b"one", b"two", poison, b"three", b"four"]
            submits = [opaque(circle.stream, 0, body) for body in bodies]
            await a.say(*submits)
            answers = [await a.answer(submit) for submit in submits]
            numbers = [answer.number if isinstance(answer, Accepted) else answer.reason for answer in answers]
            assert numbers == [2, 3, Refusal.SLOW_DOWN, 4, 5]
            assert [row.number for row in await a.rows(4, circle.stream)] == [2, 3, 4, 5]
            monkeypatch.setattr(conversations, "_append", honest)
            again = await a.submit(submits[2])
            assert isinstance(again, Accepted)
            assert again.number == 6

    play(scene)


def test_a_function_that_raises_keeps_nothing(tmp_path):
    database = Database(tmp_path / "miss.db")
    migrations.apply(database)

    def half(connection) -> None:
        connection.execute(text("INSERT INTO direct_pairs VALUES (x'01', x'02', 1)"))
        raise ValueError("halfway")

    async def scene() -> None:
        database.start(conversations.accept, lambda _batch, _verdicts: None, conversations.failed)
        with pytest.raises(ValueError, match="halfway"):
            await database.run(half)
        count = select(tables.direct_pairs.c.stream)
        assert await database.read(lambda connection: connection.execute(count).all()) == []

    play(scene)
    database.close()


def test_what_was_accepted_survives_a_server_killed_twice(tmp_path):
    """SIGKILL in the middle of batches: everything accepted is there once, and everything there was submitted."""
    office = Office(tmp_path / "data")
    process = Process(office.folder)
    office.port = process.start()
    office.keyring = authority.load(office.folder / "keys")
    camille, hugo = office.device(), office.device()
    submitted, accepted = {}, {}

    async def first() -> object:
        async with office.wire(camille) as a:
            return await make_circle(office, a, hugo)

    circle = play(first)

    async def speak_until_killed(at: int) -> None:
        wire = await office.dial(camille)
        try:
            while True:
                batch = [opaque(circle.stream, 1, os.urandom(400)) for _ in range(20)]
                submitted.update((one.message_id, one) for one in batch)
                await wire.say(*batch)
                for one in batch:
                    answer = await wire.answer(one)
                    assert isinstance(answer, Accepted)
                    accepted[one.message_id] = answer
                    if len(accepted) == at:
                        process.kill()
        except ConnectionClosed:
            pass

    for at in (67, 211):
        play(lambda at=at: speak_until_killed(at))
        assert len(accepted) >= at
        process.start(office.port)

    async def after() -> None:
        async with office.wire(camille) as a:
            for message_id, answer in accepted.items():
                assert await a.submit(submitted[message_id]) == answer
            unknown = [one for one in submitted.values() if one.message_id not in accepted]
            for one in unknown:
                answer = await a.submit(one)
                assert isinstance(answer, Accepted)
                accepted[one.message_id] = answer
        async with office.wire(hugo) as b:
            rows = [f for f in b.waiting if isinstance(f, Deliver) and f.stream == circle.stream]
            assert [row.number for row in rows] == list(range(2, 3 + len(accepted)))
            by_number = {answer.number: submitted[message_id].body for message_id, answer in accepted.items()}
            assert {row.number: row.body for row in rows[1:]} == by_number

    play(after)
    process.kill()


def test_a_stop_signal_closes_with_1012_and_the_log_names_nobody(tmp_path):
    office = Office(tmp_path / "data")
    process = Process(office.folder)
    office.port = process.start()
    office.keyring = authority.load(office.folder / "keys")
    device = office.device()

    async def scene() -> None:
        async with office.wire(device) as wire:
            circle = await make_circle(office, wire)
            await wire.submit(circle.text(b"secret medical"))
            await wire.websocket.send(b"garbage")
            assert (await wire.closed())[0] == 4400
        httpx.post(f"{office.url}/v1/links", content=b"garbage")
        wire = await office.dial(device)
        process.process.send_signal(signal.SIGTERM)
        assert (await wire.closed())[0] == 1012

    play(scene)
    assert process.process.wait(120) == 0
    assert not (office.folder / "listening").exists()
    said = office.folder.with_suffix(".log").read_text().splitlines()
    events = [json.loads(line) for line in said if line.startswith("{")]
    assert all({"at_ms", "level", "event"} <= event.keys() for event in events)
    closed = next(event for event in events if event["event"] == "socket-closed")
    assert {"code": 4400, "reason": "malformed"}.items() <= closed.items()
    log = "\n".join(line for line in said if line.startswith("{"))
    for word in ("secret medical", "Exemple", device.device_id.hex(), device.person_id.hex(), "127.0.0.1"):
        assert word not in log


def test_rows_are_forgotten_when_every_reader_has_passed_them(office):
    async def scene() -> None:
        camille, hugo = office.device(), office.device()
        async with office.wire(camille) as a:
            circle = await make_circle(office, a, hugo)
            await a.submit(circle.text())
            [_own] = await a.rows(1, circle.stream)
            go_round = office.app.state.caretaker.go_round
            stream = office.in_database(_stream, circle.stream)

            async def kept() -> list[int]:
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(go_round(), office.server_loop))
                return office.in_database(_numbers, stream)

            office.server_loop = office.app.state.database._writer._loop

            async def without_the_first() -> bool:
                return await kept() == [2, 3]

            await until("row 1 was the creator's alone", without_the_first)
            async with office.wire(hugo) as b:
                assert [f.number for f in b.waiting if isinstance(f, Deliver)] == [2, 3]

            async def forgotten() -> bool:
                return await kept() == []

            await until("everybody has read everything", forgotten)
            await a.submit(circle.text())
            assert await kept() == [4]
            office.in_database(devices.revoke, hugo.device_id, "test", now_ms())
            await a.rows(1, circle.stream)

            async def given_up() -> bool:
                return 4 not in await kept()  # the proposal to remove the device may have come as row 5

            await until("a revoked device holds nothing back", given_up)

    play(scene)


def test_a_round_leaves_most_of_the_writer_s_time_to_others(office, monkeypatch):
    monkeypatch.setattr(caretaker, "TURN_SECONDS", 0.0)

    async def scene() -> None:
        for _ in range(5):
            office.device()  # each with a stream of its own
        state = office.app.state
        turns, run = [], state.database.run

        async def watched(function, *args):
            begun = time.monotonic()
            result = await run(function, *args)
            if function is caretaker._one_turn:
                turns.append((begun, time.monotonic(), result[1]))
            return result

        monkeypatch.setattr(state.database, "run", watched)
        round_made = asyncio.run_coroutine_threadsafe(state.caretaker.go_round(), state.database._writer._loop)
        await asyncio.wrap_future(round_made)
        assert len(turns) >= 10, "a turn for each stream, then one for each device"
        for (_, ended, seconds), (begun, _, _) in itertools.pairwise(turns[:5]):
            assert begun - ended >= 8 * seconds

    play(scene)


def test_old_messages_are_forgotten_unread_but_commits_are_kept(office):
    async def scene() -> None:
        camille, hugo, nadia = (office.device() for _ in range(3))
        async with office.wire(camille) as a:
            circle = await make_circle(office, a, hugo)
            await a.submit(circle.text())
            commit, circle.group = circle.adding(nadia.key_package())
            await a.submit(commit)
            await a.submit(circle.text())
            await a.rows(3, circle.stream)
        stream = office.in_database(_stream, circle.stream)
        office.in_database(
            lambda c: c.execute(
                update(tables.rows)
                .where(tables.rows.c.stream == stream, tables.rows.c.number <= 4)
                .values(at_ms=now_ms() - 31 * DAY_MS)
            )
        )
        office.in_database(caretaker.forget_rows, stream, now_ms() - 30 * DAY_MS, now_ms())
        async with office.wire(hugo) as b:
            seen = [f for f in b.waiting if isinstance(f, Deliver | Gap) and f.stream == circle.stream]
            shape = [(f.first, f.last) if isinstance(f, Gap) else (f.number, f.kind) for f in seen]
            assert shape == [(2, Kind.WELCOME), (3, 3), (4, Kind.COMMIT), (5, Kind.APPLICATION)]

    play(scene)


def test_claims_outlive_their_rows_by_thirty_days(office):
    async def scene() -> None:
        camille = office.device()
        async with office.wire(camille) as a:
            circle = await make_circle(office, a)
            message = circle.text()
            first = await a.submit(message)
            stream = office.in_database(_stream, circle.stream)
            office.in_database(lambda c: c.execute(tables.rows.delete().where(tables.rows.c.stream == stream)))
            claims_before = now_ms() - 60 * DAY_MS
            office.in_database(caretaker.forget_claims, camille.row, claims_before)
            assert await a.submit(message) == first
            assert office.in_database(caretaker.forget_claims, camille.row, now_ms() + 1) == 2
            assert isinstance(await a.submit(opaque(circle.stream, 0)), Accepted | Refused)

    play(scene)


def _stream(connection, stream_id: bytes) -> int:
    return connection.execute(
        select(tables.streams.c.stream).where(tables.streams.c.stream_id == stream_id)
    ).scalar_one()


def _numbers(connection, stream: int) -> list[int]:
    numbers = select(tables.rows.c.number).where(tables.rows.c.stream == stream).order_by(tables.rows.c.number)
    return list(connection.scalars(numbers))


def test_old_photos_and_abandoned_parts_are_forgotten(tmp_path):
    from miss_server.blobs import Blobs, Piece

    blobs, device = Blobs(tmp_path), os.urandom(16)
    import hashlib

    names = {}
    for what in ("old", "new"):
        names[what] = hashlib.sha256(what.encode()).digest()
        assert blobs.put(device, names[what], Piece(0, 3, what.encode())) == (True, 3)
    assert blobs.put(device, bytes(32), Piece(0, 9, b"part")) == (False, 4)
    past = (now_ms() - 40 * DAY_MS) / 1000
    os.utime(blobs.find(names["old"]).path, (past, past))
    assert blobs.forget(now_ms() - 37 * DAY_MS, now_ms() - 2 * DAY_MS) == 1
    assert blobs.find(names["old"]) is None
    assert blobs.find(names["new"]) is not None
    assert blobs.have(device, bytes(32)) == 4
    assert blobs.forget(0, now_ms() + 1) == 1
    assert blobs.have(device, bytes(32)) is None
