"""One browser and one server with a console, for all that does not harm them."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser

from console.browser import Desk, chromium
from console.claims import load_register
from identity.people import PRACTISING
from miss_server.buckets import Buckets
from miss_server.clock import now_ms
from server.office import Office

_NUMBERS = count(1)
NewDesk = Callable[..., Desk]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Ends with this folder: while it runs, its thread can run no other loop."""
    with chromium() as one:
        yield one


@pytest.fixture(scope="package")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server with a console."""
    folder = tmp_path_factory.mktemp("console")
    office = Office(folder / "data", console="127.0.0.1:0")
    office.start()
    load_register(office, folder, PRACTISING)
    assert office.server is not None
    assert office.server.console is not None
    office.server.console.state.entrance_buckets = Buckets("console", 100_000, 1_000, now_ms)  # a whole run in a minute
    yield office
    office.stop()


@pytest.fixture
def desk(browser: Browser, console: Office) -> Iterator[NewDesk]:
    """Makes desks, each with a name of its own; a page that reported a fault fails the test."""
    desks: list[Desk] = []

    def make(name: str = "", **options: Any) -> Desk:
        one = Desk(browser, console, name or f"Opératrice n° {next(_NUMBERS)}", **options)
        desks.append(one)
        return one

    yield make
    faults = [fault for one in desks for fault in one.faults]
    for one in desks:
        one.close()
    assert faults == []
