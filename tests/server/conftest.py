"""The server of a test, and of a module's tests."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.office import Office, Process


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A server of one's own."""
    one = Office(tmp_path / "data")
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def shared_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server for a whole module."""
    one = Office(tmp_path_factory.mktemp("shared") / "data")
    one.start()
    yield one
    one.stop()


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """What a command changes of its process does not outlive the test."""
    root = logging.getLogger()
    handlers, level, mask = root.handlers[:], root.level, os.umask(0o022)
    os.umask(mask)
    yield
    Process.end_all()
    root.handlers[:], _ = handlers, os.umask(mask)
    root.setLevel(level)
