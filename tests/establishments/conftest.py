"""Servers that know two hospitals, copies of one that was made once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from establishments.hospital import PEOPLE, RETIRED_DOCTOR, Hospitals
from identity.extract import mailbox_lines, people_lines, write
from identity.post_office import PostOffice
from miss_server import migrations
from miss_server.database import Database
from miss_server.register_load import load


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database whose register names both hospitals, and once had one more doctor."""
    folder = tmp_path_factory.mktemp("registered")
    database = Database(folder / "miss.db")
    migrations.apply(database)
    once = (*PEOPLE, RETIRED_DOCTOR)
    mailboxes = write(folder / "mailboxes.txt", mailbox_lines(once))
    load(database.transaction, [write(folder / "once.txt", people_lines(once)), mailboxes])
    load(database.transaction, [write(folder / "newer.txt", people_lines(PEOPLE))])
    database.close()
    return folder / "miss.db"


@pytest.fixture
def hospitals(registered: Path, tmp_path: Path) -> Iterator[Hospitals]:
    """A server where a voucher certifies at once."""
    shutil.copy(registered, tmp_path / "miss.db")
    with PostOffice(tmp_path).open() as office:
        yield Hospitals(office)


@pytest.fixture
def strict_hospitals(registered: Path, tmp_path: Path) -> Iterator[Hospitals]:
    """A server where an operator decides every time."""
    shutil.copy(registered, tmp_path / "miss.db")
    with PostOffice(tmp_path, always=True).open() as office:
        yield Hospitals(office)
