"""Every screen worth a picture, by name: how the stage is set for it, and how a person comes to it.

A file called ``*_scenes.py`` beside this one adds to it with ``@scene("name")`` above the function that goes there.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from miss_app.engine.events import Stage
from ui.cast import fill
from ui.rehearsal import Rehearsal
from ui.stage import Scene

Come = Callable[[Rehearsal], None]
Prepare = Callable[[Scene], None]


@dataclass(frozen=True)
class Named:
    """One scene; ``scene`` says what its parts are."""

    name: str
    come: Come
    stage: Stage
    before: Prepare
    key: bool
    only: str


SCENES: dict[str, Named] = {}


def as_it_is(_scene: Scene) -> None:
    """Nothing to prepare."""


def scene(
    name: str, *, stage: Stage = Stage.OPEN, before: Prepare = as_it_is, key: bool = False, only: str = ""
) -> Callable[[Come], Come]:
    """Add the function below it as the way to the scene ``name``.

    Args:
        stage: where the profile stands when the window opens.
        before: what must be true before the window opens.
        key: whether it is one of the ten that are also drawn on tablets and in large type.
        only: the one device it is drawn on, where it is not for all.
    """

    def add(come: Come) -> Come:
        assert name not in SCENES, f"two scenes are called {name}"
        SCENES[name] = Named(name, come, stage, before, key, only)
        return come

    return add


def gather() -> dict[str, Named]:
    """All scenes of all files, in the files' order."""
    for path in sorted(Path(__file__).parent.glob("*_scenes.py")):
        importlib.import_module(f"ui.{path.stem}")
    return SCENES


def staged(name: str, theme: str = "light", language: str = "fr") -> Scene:
    """The stage as it must be when the window opens on the scene called ``name``."""
    named = SCENES[name]
    stage = fill(Scene())
    stage.now_settings = {"theme": theme, "language": language}
    stage.now_stage = named.stage
    named.before(stage)
    return stage
