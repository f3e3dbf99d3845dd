"""What must hold on a file and on PostgreSQL alike: logs that are only added to, chains, and revocation from elsewhere."""

import time
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DatabaseError

from engines import copied
from miss_protocol.certificate_log import Following, book_of, certificates_of
from miss_protocol.frames import Close
from miss_server import acts, certificate_log, devices
from miss_server.acts_reading import Wanted, as_csv, find
from miss_server.certificate_log import Heads
from miss_server.clock import now_ms
from miss_server.database import Database
from miss_server.log_tables import log_entries
from miss_server.register_tables import registrar_acts
from protocol.log import Log
from server.office import Office, play

HANG_SECONDS = 30.0


@pytest.mark.parametrize("table", [log_entries, registrar_acts], ids=lambda table: table.name)
def test_logs_are_only_added_to(engine: Database, table) -> None:
    log, person = Log(), b"p" * 16
    with engine.transaction() as connection:
        certificate_log.enter(connection, log.issue(person), 1)
        acts.record(connection, who="x", what="y", about="z", now_ms=1)
    changes = [update(table).values({table.c.at_ms: 2}), delete(table)]
    if type(engine) is not Database:  # SQLite has no TRUNCATE
        changes.append(text(f"TRUNCATE {table.name}"))
    for change in changes:
        with pytest.raises(DatabaseError, match="only added"), engine.transaction() as connection:
            connection.execute(change)
    with engine.snapshot() as connection:
        assert len(connection.execute(select(table)).all()) == 1


def test_the_certificate_log_is_followed(engine: Database) -> None:
    log, person = Log(), b"p" * 16
    heads, following = Heads(log.keys.issuing, now_ms), Following(book_of(person))
    for count in (1, 3, 8):
        with engine.transaction() as connection:
            for _ in range(count):
                certificate_log.enter(connection, log.issue(person), 1)
        with engine.snapshot() as connection:
            statement = heads.statement(connection, person, following.size)
        following = following.follow(statement, log.authority)
        assert len(certificates_of(statement, person)) == count
    assert following.size == 12
    with engine.transaction() as connection:
        certificate_log.enter(connection, log.issue(b"q" * 16), 1)
    with engine.snapshot() as connection:
        assert heads.statement(connection, person, 12).head.size == 13


def test_acts_are_chained_found_and_exported(engine: Database) -> None:
    with engine.transaction() as connection:
        for at in range(60):
            acts.record(
                connection, who="Hélène" if at % 2 else "server", what="approved", about=f"100% {at}", now_ms=at
            )
    with engine.snapshot() as connection:
        assert acts.verify(connection).broken_at is None
        page = find(connection, Wanted(who="hélène"))
        assert [act.act_id for act in page.acts] == list(range(60, 0, -2))
        assert len(find(connection, Wanted(about="100% 5")).acts) == 11
        assert len(list(as_csv(connection, Wanted(since_ms=50)))) == 11


def test_a_device_ended_by_another_process_is_shut_out_within_a_second(postgresql_server: str, tmp_path: Path) -> None:
    """As another node, or the operator's command, does it: by the database that they share."""
    office = Office(tmp_path / "data", copied(postgresql_server))
    office.start()

    async def scene() -> list[float]:
        took = []
        for _ in range(3):
            device = office.device()
            async with office.wire(device) as wire:
                token = await wire.ticket()
                office.in_database(devices.revoke, device.device_id, "elsewhere", now_ms())
                began = time.monotonic()
                await wire.websocket.wait_closed()
                took.append(time.monotonic() - began)
                assert wire.websocket.close_code == Close.REVOKED
            async with httpx.AsyncClient(base_url=office.url, headers={"Authorization": f"Bearer {token}"}) as http:
                assert (await http.get("/v1/devices")).json()["reason"] == "revoked"
        return took

    took = play(scene)
    office.stop()
    print(f"closed after {sorted(took)} s")
    assert max(took) < HANG_SECONDS
