"""The certificate log on a real server: every certificate is in it, whoever asks sees their own, nothing is taken back."""

import asyncio
import os
from pathlib import Path

import pytest
from sqlalchemy import Connection, Delete, Update, delete, func, select, text, update
from sqlalchemy.exc import DatabaseError

from miss_protocol.certificate_log import Following, Statement, book_of, certificates_of
from miss_protocol.errors import RemoteError
from miss_server import certificate_log, devices, migrations
from miss_server.database import Database
from miss_server.log_tables import log_books, log_entries
from server.office import Device, Office, play

SERVER = Path(certificate_log.__file__).parent


@pytest.fixture
def office(shared_office: Office) -> Office:
    return shared_office


async def read(office: Office, device: Device, first: int = 0) -> Statement:
    async with await office.http(device) as http:
        answer = await http.get("/v1/log", params={"first": first})
        assert answer.status_code == 200, answer.text
        return Statement.decode(answer.content)


def test_a_person_sees_all_their_certificates_and_only_those(office: Office) -> None:
    async def scene() -> None:
        phone = office.device()
        office.device()
        following = Following(book_of(phone.person_id))
        statement = await read(office, phone)
        following = following.follow(statement, office.keyring.authority)
        found = certificates_of(statement, phone.person_id)
        assert [one.der for _, one in found] == [phone.certificate.der]
        computer = office.device(phone.person_id)
        statement = await read(office, computer, following.size)
        after = following.follow(statement, office.keyring.authority)
        assert after.size == following.size + len(statement.entries)
        assert [one.device_id for _, one in certificates_of(statement, phone.person_id)] == [computer.device_id]

    play(scene)


def test_nobody_reads_the_log_without_a_ticket_or_out_of_range(office: Office) -> None:
    async def scene() -> None:
        device = office.device()
        async with await office.http(device) as http:
            assert (await http.get("/v1/log", headers={"Authorization": "Bearer x"})).status_code == 401
            for first in ("-1", "x", "99999999999999999999"):
                answer = await http.get("/v1/log", params={"first": first})
                assert (answer.status_code, answer.json()["reason"]) == (422, "malformed")
            beyond = Statement.decode((await http.get("/v1/log", params={"first": 1_000_000})).content)
        assert beyond.entries == ()
        with pytest.raises(RemoteError):
            Following(book_of(device.person_id)).follow(beyond, office.keyring.authority)

    play(scene)


def test_many_at_once_are_each_entered_once(office: Office) -> None:
    person_id = os.urandom(16)
    office.enrol(Device(person_id))

    async def scene() -> None:
        await asyncio.gather(*(asyncio.to_thread(office.enrol, Device(person_id)) for _ in range(6)))
        statement = await read(office, office.device(person_id))
        Following(book_of(person_id)).follow(statement, office.keyring.authority)
        assert len(certificates_of(statement, person_id)) == 8

    play(scene)


def test_a_certificate_that_is_not_kept_is_not_in_the_log(office: Office) -> None:
    before = office.in_database(lambda connection: connection.scalar(select(func.count()).select_from(log_entries)))
    device = office.device()

    def fails(connection: Connection) -> None:
        certificate_log.enter(connection, device.certificate, 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        office.in_database(fails)
    after = office.in_database(lambda connection: connection.scalar(select(func.count()).select_from(log_entries)))
    assert after == before + 1
    play(lambda: read(office, device))


@pytest.mark.parametrize("statement", [update(log_entries).values(at_ms=0), delete(log_entries)])
def test_the_database_refuses_to_change_the_log(office: Office, statement: Update | Delete) -> None:
    office.device()
    with pytest.raises(DatabaseError, match="entries of the log are only added"):
        office.in_database(lambda connection: connection.execute(statement))


def test_a_log_changed_behind_the_servers_back_is_found_by_its_person(tmp_path: Path) -> None:
    """By whoever reads an altered entry for the first time; an altered tree also by who had read it before."""
    office = Office(tmp_path / "data")
    office.start()

    def judged(since: Following, statement: Statement) -> str:
        try:
            since.follow(statement, office.keyring.authority)
        except RemoteError as error:
            return error.reason
        return ""

    async def scene() -> None:
        device = office.device()
        anew = Following(book_of(device.person_id))
        followed = anew.follow(await read(office, device), office.keyring.authority)

        def alter(connection: Connection) -> None:
            connection.execute(text("DROP TRIGGER log_entries_stay_update"))
            connection.execute(update(log_entries).values(fingerprint=bytes(32)))

        office.in_database(alter)
        assert judged(anew, await read(office, device)) == "log-rewritten"
        office.in_database(lambda connection: connection.execute(update(log_books).values(root=bytes(32))))
        office.device()  # the tree of all books is computed anew
        assert judged(followed, await read(office, device, followed.size)) == "log-rewritten"

    play(scene)
    office.stop()


def test_what_was_issued_before_there_was_a_log_is_entered_once(office: Office, tmp_path: Path) -> None:
    database = Database(tmp_path / "old.db")
    migrations.apply(database)
    with database.transaction() as connection:
        for one in (office.device(), office.device()):
            devices.enrol(connection, one.certificate, "téléphone", 1)
        assert certificate_log.begin(connection, 2) == 2
        assert certificate_log.begin(connection, 3) == 0
        assert connection.scalar(select(func.count()).select_from(log_entries)) == 2
    database.close()


def test_certificates_are_issued_in_one_place() -> None:
    """No other module of the server calls what makes one, so that none is made beside the log."""
    callers = {path.name for path in SERVER.rglob("*.py") if " certify(" in path.read_text()}
    assert callers == {"certificate_log.py"}
