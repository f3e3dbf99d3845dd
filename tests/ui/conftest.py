"""Kivy set up for the screens' tests, before anything imports it."""

import os
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
