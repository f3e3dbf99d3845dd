"""One server for the plays that do not harm it."""

from collections.abc import Iterator

import pytest

from dayone.town import Town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    one = Town(tmp_path_factory.mktemp("dayone") / "server")
    one.start()
    yield one
    one.stop()
