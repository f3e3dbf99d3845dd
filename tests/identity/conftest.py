"""Servers for registration: one that certifies by code, one where an operator decides every time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from identity.extract import people_lines, write
from identity.people import EVERYBODY, PRACTISING
from identity.post_office import PostOffice
from miss_server.register_load import load


@pytest.fixture
def post_office(tmp_path: Path) -> Iterator[PostOffice]:
    """A server whose register once had everybody, and now who practises."""
    with _loaded(tmp_path).open() as office:
        yield office


@pytest.fixture(scope="module")
def judging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    """The same, one for all the rows of a table."""
    office = _loaded(tmp_path_factory.mktemp("judging"))
    office.claims_at_once = 100_000
    with office.open():
        yield office


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[PostOffice]:
    """A server where an operator decides every time."""
    office = PostOffice(tmp_path, always=True)
    office.load(EVERYBODY)
    with office.open():
        yield office


def _loaded(folder: Path) -> PostOffice:
    office = PostOffice(folder)
    office.load(EVERYBODY)
    load(office.database.transaction, [write(folder / "newer.txt", people_lines(PRACTISING))])
    return office
