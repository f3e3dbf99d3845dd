"""One server for the plays that do not harm it."""

from collections.abc import Iterator

import pytest

from cast import Post


@pytest.fixture(scope="session")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    one = Post(tmp_path_factory.mktemp("post") / "server", people=192)
    one.start()
    yield one
    one.stop()
