"""The window that follows a lock comes up where the one before stood, and as large: on a real display, moved by hand."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.demo.test_show import display as display  # a fixture
from tests.demo.test_show import x_window, xdotool
from tests.demo.window import DESKTOP, Window

from cast import Post
from workstation.people import settle
from workstation.test_lock import PATIENCE_SECONDS, lock, sit_down, unlock


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    one = Post(tmp_path_factory.mktemp("post") / "server", people=8)
    one.start()
    yield one
    one.stop()


def stands(x_id: str) -> tuple[int, int, int, int]:
    """Left, top, width and height."""
    told = xdotool("getwindowgeometry", x_id)
    place, size = re.search(r"Position: (-?\d+),(-?\d+)", told), re.search(r"Geometry: (\d+)x(\d+)", told)
    assert place is not None
    assert size is not None
    return (*map(int, place.groups()), *map(int, size.groups()))  # type: ignore[return-value]  # four of them


def until_still(window: Window) -> tuple[int, int, int, int]:
    """Where the window stands once it moves no more."""
    before, deadline = None, time.monotonic() + 30
    while time.monotonic() < deadline:
        now = stands(x_window(window))
        if now == before:
            return now
        before = now
        time.sleep(0.5)
    raise AssertionError("the window does not come to rest")


@pytest.mark.usefixtures("display")
def test_the_next_window_stands_where_the_one_before_stood(post: Post, tmp_path: Path) -> None:
    _, people = settle(post, tmp_path)
    green = people["vert"]
    # No size is imposed on it: the file beside the profiles is all it knows.
    window = Window("poste", tmp_path, DESKTOP, visible=True, environment={"MISS_WINDOW": ""})
    try:
        window.open()
        sit_down(window, green)
        window.type("unlock-pin", green.pin)
        unlock(window, green)
        xdotool("windowsize", "--sync", x_window(window), "900", "700")
        xdotool("windowmove", "--sync", x_window(window), "333", "144")
        before = until_still(window)
        assert before[2:] == (900, 700)
        time.sleep(11)  # the process in waiting has been loaded, and knows of none of it
        assert len(psutil.Process(window.process.pid).children()) == 2
        lock(window, "lock-now")
        window.until_there("unlock-pin", patience_s=PATIENCE_SECONDS)
        assert until_still(window) == before
    finally:
        window.close()
