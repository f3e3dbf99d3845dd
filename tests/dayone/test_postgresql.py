"""Wishes, invitations, neighbours and leaving on a PostgreSQL server, as on a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import postgres
from dayone.town import COAST, HOSPITAL
from identity.extract import Someone
from identity.post_office import PEPPER, PostOffice
from miss_server import availability, charter, departures, invites, neighbours, problem_reports, wishes
from miss_server.availability import Availability
from miss_server.invites import Invited
from miss_server.postgresql import PostgresqlDatabase
from miss_server.refusals import Refusal
from miss_server.register_tables import people
from miss_server.wishes import Wishes

HERE = Someone(901, "EXEMPLE", "Camille", (HOSPITAL,), "Docteur", "camille@medecin.mssante.example")
NEAR = Someone(902, "FICTIF", "Hugo", (HOSPITAL,), "Docteur", "hugo@medecin.mssante.example")
GUEST = Someone(903, "MODELE", "Inès", (COAST,), "Docteur", "ines@medecin.mssante.example")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PostOffice]:
    with postgres.cluster() as url:
        one = PostOffice(tmp_path, database=PostgresqlDatabase(postgres.new_database(url)))
        one.load([HERE, NEAR, GUEST])
        with one.open():
            yield one


def registered(office: PostOffice, who: Someone) -> bytes:
    opened = office.claim(who).json()
    assert office.step(opened, "code", code=office.code_for(who)).json()["state"] == "certified"
    return bytes(next(one.person_id for one in office.rows(people) if one.rpps == who.rpps))


def test_the_same_on_postgresql(office: PostOffice) -> None:
    me, near = registered(office, HERE), registered(office, NEAR)
    now = office.clock()
    with office.database.transaction() as connection:
        assert [one.person_id for one in neighbours.new_near(connection, me, now)] == [near]
        assert wishes.may_write(connection, me, near)
        for wanted in (Wishes(True, "known"), Wishes(True, "known"), Wishes(True, "establishment")):
            wishes.keep(connection, near, wanted, now)
            assert wishes.of_person(connection, near) == wanted
        assert wishes.may_write(connection, me, near)  # the same hospital
        assert wishes.hidden(connection, me, [near]) == {near}
        for state in ("away", "busy"):
            availability.keep(connection, me, Availability(state, now + 1_000), now)
            assert availability.of_person(connection, me, now) == Availability(state, now + 1_000)
        assert [one["state"] for one in availability.told(connection, near, [me, near], now)] == ["busy"]
        assert availability.told(connection, near, [me], now + 1_000) == []
        number = problem_reports.keep(connection, "version: 1", now)
        assert [one.text for one in problem_reports.newest(connection, number.lower())] == ["version: 1"]
        problem_reports.forget(connection, now + 1)
        assert problem_reports.newest(connection) == []
        assert wishes.hidden_numbers(connection, me, [HERE.rpps, NEAR.rpps]) == {NEAR.rpps}
        assert neighbours.new_near(connection, me, now) == []
        charter.accept(connection, me, "1", now)
        charter.accept(connection, me, "1", now + 1)
        assert charter.accepted_at_ms(connection, me, "1") == now
        reference = invites.refer(PEPPER, me, GUEST.rpps)
        first = invites.invite(connection, me, reference, PEPPER, now)
        assert isinstance(first, Invited)
        assert (first.state, first.letter is not None) == ("mailed", True)
        assert invites.invite(connection, me, reference, PEPPER, now) == Invited("noted")
        assert first.letter is not None
        assert not invites.refuse(connection, b"x" * 32, now)
        assert invites.refuse(connection, first.letter.secret, now)
        assert invites.invite(connection, me, reference, PEPPER, now) == Refusal("invite-refused")
        left = departures.leave(connection, near, now)
        assert len(left.devices) == 1
    assert {one.rpps for one in office.rows(people)} == {HERE.rpps}
