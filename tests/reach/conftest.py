"""A push service for the tests of this room, and a server that may use one on this machine."""

import pytest

from cast import free_port
from engines import copied
from reach.push_service import Running
from server.office import Office

PRIVATE = "[reach]\nprivate_push = true\n"


@pytest.fixture
def push_service(tmp_path):
    """A push service as a process."""
    one = Running(tmp_path, free_port())
    one.start()
    yield one
    one.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request, tmp_path):
    """A server on each engine; its own rounds are made by hand, with a clock that is moved."""
    url = copied(request.getfixturevalue("postgresql_server")) if request.param == "postgresql" else ""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/miss.toml").write_text(PRIVATE)
    one = Office(tmp_path / "data", url)
    one.start()
    yield one
    one.stop()
