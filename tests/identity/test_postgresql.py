"""The register, its search and registration on a PostgreSQL server, as on a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import postgres
from identity.people import EVERYBODY
from identity.population import Population
from identity.post_office import PostOffice
from identity.test_codes import test_of_fifty_parallel_uses_one_succeeds  # noqa: F401 - run here once more
from identity.test_register_changes import (  # noqa: F401
    test_a_departure_suspends_and_tells_who_shares_a_conversation,
    test_a_move_and_a_new_name_are_followed,
)
from identity.test_register_scale import (  # noqa: F401
    filled,
    population,
    test_the_right_person_is_among_the_first_ten,
)
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
