"""Kivy set up for the screens' tests, before anything imports it."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

os.environ["SDL_VIDEODRIVER"] = "offscreen"
os.environ["KIVY_METRICS_FONTSCALE"] = "1"
os.environ["TZ"] = "Europe/Paris"
time.tzset()

from miss_app.ui import window  # noqa: E402  # the environment comes first

window.prepare(Path(tempfile.mkdtemp(prefix="miss-ui-")), headless=True, size="420x760")

from kivy.config import Config  # noqa: E402  # the environment comes first

Config.set("graphics", "maxfps", "0")  # a test waits for what it wants to see, not for the next frame's turn

if TYPE_CHECKING:
    from ui.rehearsal import Rehearsal
    from ui.stage import Scene


@pytest.fixture
def rehearse() -> Iterator[Callable[..., "Rehearsal"]]:
    """Makes rehearsals and takes them down."""
    from ui.rehearsal import Rehearsal

    made: list[Rehearsal] = []

    def make(scene: "Scene", size: tuple[int, int] = (420, 760), **options: str) -> Rehearsal:
        made.append(Rehearsal(scene, size=size, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def x_display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real X server of one's own, whose clipboard xclip fills and reads."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "64x64x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()
    monkeypatch.setenv("DISPLAY", f":{number}")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    yield number
    server.terminate()
    server.wait(30)
