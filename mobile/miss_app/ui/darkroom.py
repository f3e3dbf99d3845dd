"""Photos about to be sent, worked on off the main thread: how they look with their edits, and what they will weigh."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from kivy.clock import Clock
from kivy.graphics.texture import Texture
from PIL import Image

from miss_app.engine import photos
from miss_app.engine.attachments import Draft
from miss_app.engine.photos import Picture
from miss_app.engine.problems import Problem
from miss_app.engine.retouching import AnyEdit, weigh
from miss_app.ui.pictures import decoder

EDGE_MAX = 1280
PAUSE_S = 0.35  # of editing, before the photo is weighed

_scales = ThreadPoolExecutor(max_workers=1, thread_name_prefix="miss-scales")


@dataclass(eq=False)
class Negative:
    """One photo about to be sent, and what its person has done to it so far.

    ``weighed`` holds the photo as it would travel, reduced and in full definition, once that is known for these edits.
    """

    data: bytes
    name: str
    caption: str = ""
    edits: tuple[AnyEdit, ...] = ()
    full: bool = False
    weighed: tuple[Picture, Picture | None] | None = None
    texture: Texture | None = None
    _drawn: dict[tuple[AnyEdit, ...], Image.Image] = field(default_factory=dict)

    def draft(self) -> Draft:
        """What is handed to the engine; a photo that was weighed already is not made again."""
        picture = None if self.weighed is None else self.weighed[1 if self.full else 0]
        return Draft(self.data, self.name, self.caption, self.edits, self.full, picture)

    def look(self, edits: tuple[AnyEdit, ...]) -> Image.Image:
        """The small picture with these edits; each state since the first is kept, so that undoing costs nothing."""
        found = self._drawn.get(edits)
        if found is None:
            if edits:
                found = edits[-1].apply(self.look(edits[:-1]))
            else:
                found = photos.decoded(self.data, self.name, full=False)
                found.thumbnail((EDGE_MAX, EDGE_MAX), Image.Resampling.LANCZOS)
            self._drawn[edits] = found
        for known in list(self._drawn):  # what was undone and gone another way from is not needed again
            if known != edits[: len(known)]:
                del self._drawn[known]
        return found


class Darkroom:
    """Works for one screen; nothing is told once it is closed."""

    def __init__(self, failed: Callable[[str], None]) -> None:
        self._failed = failed
        self._closed = False
        self._soon: Any = None

    def show(self, negative: Negative, ready: Callable[[], None]) -> None:
        """Draw ``negative.texture`` with its edits of now; ``ready`` is called on the main thread."""
        edits = negative.edits

        def done(image: Image.Image) -> None:
            if negative.edits == edits:
                negative.texture = _texture(image)
                ready()

        self._work(decoder, lambda: negative.look(edits), done)

    def weigh(self, negative: Negative, ready: Callable[[], None]) -> None:
        """Find out what the photo will weigh, once its person rests."""
        negative.weighed = None
        edits = negative.edits

        def weighed() -> tuple[Picture, Picture | None] | None:
            return weigh(negative.data, negative.name, edits) if negative.edits == edits and not self._closed else None

        def done(found: tuple[Picture, Picture | None] | None) -> None:
            if found is not None and negative.edits == edits:
                negative.weighed = found
                ready()

        if self._soon is not None:
            self._soon.cancel()
        self._soon = Clock.schedule_once(lambda _dt: self._work(_scales, weighed, done), PAUSE_S)

    def close(self) -> None:
        """Tell nothing any more."""
        self._closed = True
        if self._soon is not None:
            self._soon.cancel()

    def _work(self, where: ThreadPoolExecutor, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        def land(future: "Future[Any]") -> None:
            Clock.schedule_once(lambda _dt: self._land(future, done))

        where.submit(work).add_done_callback(land)

    def _land(self, future: "Future[Any]", done: Callable[[Any], None]) -> None:
        if self._closed:
            return
        try:
            result = future.result()
        except Problem as problem:
            self._failed(problem.reason)
            return
        done(result)


def _texture(image: Image.Image) -> Texture:
    texture = Texture.create(size=image.size, colorfmt="rgb")
    texture.blit_buffer(image.tobytes(), colorfmt="rgb", bufferfmt="ubyte")
    texture.flip_vertical()  # decoded rows go down, OpenGL's go up
    return texture
