"""Two people share a workstation; after each lock nothing of either is in any process of it, nor in any file."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.demo.window import DESKTOP, Stuck, Window

from cast import Post
from miss_app.workstation import Workstation
from workstation.memory import Needles, family
from workstation.people import Person, settle

PATIENCE_SECONDS = 60.0
# One arena of memory, and drawing without threads of its own: a quarter of the picture to take.
SMALL = {"MALLOC_ARENA_MAX": "1", "LP_NUM_THREADS": "0"}


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    one = Post(tmp_path_factory.mktemp("post") / "server", people=8)
    one.start()
    yield one
    one.stop()


def sit_down(window: Window, person: Person) -> None:
    window.tap(window.until(person.name, prefix="vault-", patience_s=PATIENCE_SECONDS))
    window.until_there("unlock-pin", patience_s=PATIENCE_SECONDS)


def unlock(window: Window, person: Person) -> None:
    window.tap("unlock-go")
    window.tap(window.until(person.friend, prefix="conversation-", patience_s=PATIENCE_SECONDS))
    window.until(person.text, prefix="message-", patience_s=PATIENCE_SECONDS)


def lock(window: Window, button: str) -> float:
    """Lock, and find the process that follows; seconds until its screen is there."""
    window.tap("rail-settings")
    window.until_there("lock-now", patience_s=PATIENCE_SECONDS)
    window.reach(button)
    began = time.monotonic()
    with contextlib.suppress(Stuck):  # the process may be gone before it has answered
        window.tap(button)
    window.follow()
    return time.monotonic() - began


def test_nothing_is_left_of_whoever_locked(post: Post, tmp_path: Path) -> None:
    workstation, people = settle(post, tmp_path)
    green, blue = people["vert"], people["bleu"]
    needles = {one.name: one.needles(post, workstation, tmp_path) for one in (green, blue)}
    every = set(needles["vert"].kinds)
    window = Window("poste", tmp_path, DESKTOP, environment=SMALL)
    try:
        window.open()
        starter = window.process.pid
        sit_down(window, green)
        window.type("unlock-pin", green.pin)
        (seated,) = family(starter)[1:2]
        found = needles["vert"].in_memory(seated, tmp_path)
        assert "PIN" in found, "the control: the search finds a PIN that is there"
        assert "store key" not in found
        unlock(window, green)
        found |= needles["vert"].in_memory(seated, tmp_path)
        assert found == every, "the control: each of them is found while it is open"
        seconds = [lock(window, "lock-now")]
        window.until_there("unlock-pin", patience_s=PATIENCE_SECONDS)
        assert nothing_left(needles, starter, seated, workstation, tmp_path)

        window.tap("unlock-other")
        sit_down(window, blue)
        window.type("unlock-pin", blue.pin)
        unlock(window, blue)
        (seated,) = family(starter)[1:2]
        found = Needles.of(needles).in_memory(seated, tmp_path)
        # The friend is the same: that name is Blue's to know.
        assert {one for one in found if one.startswith("vert")} <= {"vert: name"}
        assert {"bleu: store key", "bleu: MLS secret", "bleu: message text"} <= found
        seconds.append(lock(window, "other-person"))
        window.until(green.name, prefix="vault-", patience_s=PATIENCE_SECONDS)
        assert nothing_left(needles, starter, seated, workstation, tmp_path)
        print({"seconds from the lock to the next screen": [round(one, 2) for one in seconds]})
    finally:
        window.close()


def nothing_left(
    needles: dict[str, Needles], starter: int, ended: int, workstation: Workstation, scratch: Path
) -> bool:
    """No process, no file; the one that held the keys is gone."""
    living = family(starter)
    assert ended not in living
    assert len(living) >= 2
    every = Needles.of(needles)
    for pid in living:
        assert every.in_memory(pid, scratch) == set(), Path(f"/proc/{pid}/cmdline").read_bytes()
    assert every.in_files(workstation.data, scratch) == set()
    return True
