"""The register, its search and registration on a PostgreSQL server, as on a file."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

import postgres
from establishments.hospital import PEOPLE, Hospitals
from establishments.test_imports import (  # noqa: F401
    test_a_dry_run_then_all_of_it,
    test_a_machine_that_removes_many_waits,
    test_two_managers_at_once,
)
from establishments.test_outside_search import test_by_name_profession_or_place  # noqa: F401
from establishments.test_vouchers import (  # noqa: F401
    test_a_secretary_is_certified_by_her_establishment,
    test_of_many_parallel_uses_one_succeeds,
)
from identity.people import EVERYBODY, GP, UNLISTED
from identity.population import Population
from identity.post_office import PostOffice
from identity.test_codes import test_of_fifty_parallel_uses_one_succeeds  # noqa: F401 - run here once more
from identity.test_decisions import test_two_operators_at_once_are_two_approvals_or_one_decision  # noqa: F401
from identity.test_register_changes import (  # noqa: F401
    test_a_departure_suspends_and_tells_who_shares_a_conversation,
    test_a_move_and_a_new_name_are_followed,
)
from identity.test_register_scale import (  # noqa: F401
    filled,
    population,
    test_the_right_person_is_among_the_first_ten,
)
from miss_server.console import home, operators, people, sessions
from miss_server.database import Database
from miss_server.postgresql import PostgresqlDatabase


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with postgres.cluster() as url:
        yield url


@pytest.fixture(scope="module")
def database(
    cluster: str,
    population: Population,  # noqa: F811 - the fixture
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Database]:
    yield from filled(
        PostgresqlDatabase(postgres.new_database(cluster)), population, tmp_path_factory.mktemp("postgresql")
    )


@pytest.fixture
def post_office(cluster: str, tmp_path: Path) -> Iterator[PostOffice]:
    office = PostOffice(tmp_path, database=PostgresqlDatabase(postgres.new_database(cluster)))
    office.load(EVERYBODY)
    with office.open():
        yield office


def test_the_consoles_rooms_are_read(post_office: PostOffice) -> None:
    """Whom the console lets in, and what it looks for."""
    opened = post_office.claim(GP).json()
    post_office.step(opened, "code", code=post_office.code_for(GP))
    post_office.claim(UNLISTED)
    now = post_office.clock()

    def enter(connection: Connection) -> str:
        operators.add(connection, "Hélène", operators.MANAGER, "590000014", who="root", now_ms=now)
        token = operators.add(connection, "Une opératrice", operators.OPERATOR, "", who="root", now_ms=now)
        found = operators.use_link(connection, token, now)
        assert [one.name for one in operators.listed(connection)] == ["Hélène", "Une opératrice"]
        return sessions.open_session(connection, found.operator, now)

    with post_office.database.transaction() as connection:
        token = enter(connection)
        sessions.touch(connection, token, now + 1)
    with post_office.database.snapshot() as connection:
        visitor = sessions.look(connection, token, now + 1)
        assert visitor is not None
        assert [row.rpps for row in people.find(connection, "lefevre CAM", visitor).people] == [GP.rpps]
        assert [row.devices for row in people.find(connection, GP.rpps[:9], visitor).people] == [1]
        assert people.find(connection, "personne", visitor).people == ()
        manager = replace(visitor, role=operators.MANAGER, establishment="590000014")
        assert people.find(connection, "lefevre", manager).people == ()
        assert [(tile.text, tile.count) for tile in home.tiles(connection, visitor)][:4] == [
            ("tile-waiting", 1),
            ("tile-second", 0),
            ("tile-people", 1),
            ("tile-devices", 2),
        ]


@pytest.fixture
def hospitals(cluster: str, tmp_path: Path) -> Iterator[Hospitals]:
    """Two hospitals whose staff is kept there."""
    office = PostOffice(tmp_path, database=PostgresqlDatabase(postgres.new_database(cluster)))
    office.load(PEOPLE)
    with office.open():
        yield Hospitals(office)
