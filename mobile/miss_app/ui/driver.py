"""The test driver: a local socket through which a play's actor looks at the screen, touches it and types.

It exists only when ``MISS_DRIVER`` names the socket's path. It acts through touches at a widget's place in the window
and through typed text, never on a widget itself: what a finger could not reach, it refuses to tap.

One JSON object a line each way; answers are ``{"ok": true, "value": …}`` or ``{"ok": false, "error": "…"}``:

- ``{"op": "tap", "id": …, "part": …}`` (a part: a button drawn in a bubble), ``{"op": "ask", "id": …}`` a right click
- ``{"op": "stroke", "id": …, "points": [[x, y], …]}`` a finger drawn over a widget, in shares of its box
- ``{"op": "scroll", "id": …, "by": pixels}`` (positive: towards the end)
- ``{"op": "type", "id": …, "text": …}`` taps the widget first when ``id`` is given; ``{"op": "key", "name": "enter",
  "modifiers": ["shift"]}``
- ``{"op": "read", "id": …}`` the text of a widget in sight; ``{"op": "list"}`` all of them
- ``{"op": "shot", "path": …}``, ``{"op": "resize", "width": …, "height": …}``
"""

import json
import logging
import os
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kivy.base import EventLoop
from kivy.clock import Clock
from kivy.core.window import Window
from kivy.uix.scrollview import ScrollView
from kivy.uix.widget import Widget

from miss_app.ui.picture_file import write_frame
from miss_app.ui.sight import box_of, walk
from miss_app.ui.touch import DriverTouch, press_key, type_text

logger = logging.getLogger(__name__)

VARIABLE = "MISS_DRIVER"
LINE_BYTES_MAX = 1_000_000
DRAG_FRAMES, DRAG_STEPS = 4, 8


class OutOfReach(Exception):
    """What was asked cannot be done on the screen as it stands."""


def in_sight() -> Iterator[tuple[str, Widget]]:
    """Every widget with a ``test_id`` that is drawn, in reading order of the tree."""
    for root in reversed(Window.children):
        for widget in walk(root):
            name = getattr(widget, "test_id", "")
            if name and box_of(widget) is not None:
                yield name, widget


def find(name: str) -> Widget:
    """The widget in sight called ``name``; the last drawn one when there are several. Raises OutOfReach."""
    found = [widget for each, widget in in_sight() if each == name]
    if not found:
        raise OutOfReach(f"nothing called {name!r} is in sight")
    return found[-1]


def touch_point(widget: Widget, part: str = "") -> tuple[float, float]:
    """Where a finger would touch ``widget``, in window pixels. Raises OutOfReach when it is covered or disabled."""
    box = box_of(widget)
    if box is None:
        raise OutOfReach("it is outside the window")
    point = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    if part:
        aimed = widget.part_point(part)
        if aimed is None:
            raise OutOfReach(f"it shows no {part}")
        point = widget.to_window(*aimed)
        if not (box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]):
            raise OutOfReach(f"its {part} is outside the list")
    elif hasattr(widget, "touch_point"):
        aimed = widget.to_window(*widget.touch_point())
        point = (min(max(aimed[0], box[0]), box[2]), min(max(aimed[1], box[1]), box[3]))
    if widget.disabled:
        raise OutOfReach("it is disabled")
    cover = covering(widget, point)
    if cover is not None:
        raise OutOfReach(f"it is covered by {type(cover).__name__}")
    return point


def covering(widget: Widget, point: tuple[float, float]) -> Widget | None:
    """The widget drawn over ``widget`` at a point of the window, or None: later siblings of it and of its parents."""
    here: Any = widget
    while here is not None and here is not Window:
        parent = here.parent
        if parent is None:
            break
        for sibling in parent.children:  # the last drawn comes first
            if sibling is here:
                break
            if getattr(sibling, "touch_through", False) or sibling.opacity == 0:
                continue
            if sibling.collide_point(*parent.to_widget(*point)):
                return sibling
        here = parent
    return None


class Driver:
    """Serves one socket; every act runs on the main thread, between two frames."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def start(self) -> None:
        """Listen, in a thread of its own."""
        self._path.unlink(missing_ok=True)
        self._listener.bind(str(self._path))
        os.chmod(self._path, 0o600)
        self._listener.listen()
        threading.Thread(target=self._serve, name="miss-driver", daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._answer, args=(connection,), name="miss-driver", daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream:
            while line := stream.readline(LINE_BYTES_MAX):
                answer = self._on_main_thread(line)
                try:
                    stream.write(json.dumps(answer).encode() + b"\n")
                    stream.flush()
                except OSError:
                    return

    def _on_main_thread(self, line: bytes) -> dict[str, Any]:
        answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

        def act(_dt: float) -> None:
            try:
                question = json.loads(line)
                answers.put({"ok": True, "value": ACTS[question.pop("op")](**question)})
            except OutOfReach as error:
                answers.put({"ok": False, "error": str(error)})
            except Exception as error:
                logger.exception("The driver could not act.")
                answers.put({"ok": False, "error": f"{type(error).__name__}: {error}"})

        Clock.schedule_once(act)
        return answers.get()


def tap(id: str, part: str = "") -> None:
    """Touch a widget, or something drawn inside it, and lift the finger."""
    touch = DriverTouch(*_aim(id, part))
    touch.down()
    touch.up()


def stroke(id: str, points: list[tuple[float, float]]) -> None:
    """Put a finger on a widget, draw it from point to point, and lift it."""
    widget = find(id)
    box = box_of(widget)
    if box is None or widget.disabled:
        raise OutOfReach(f"{id}: it is disabled or outside the window")
    left, bottom, right, top = box
    places = [(left + x * (right - left), top - y * (top - bottom)) for x, y in points]
    cover = covering(widget, places[0])
    if cover is not None:
        raise OutOfReach(f"{id}: it is covered by {type(cover).__name__}")
    touch = DriverTouch(*places[0])
    touch.down()
    for place in places[1:]:
        touch.go(*place)
    touch.up()


def ask(id: str) -> None:
    """Click a widget with the right button."""
    touch = DriverTouch(*_aim(id))
    touch.button = "right"
    touch.down()
    touch.up()


def drag(id: str, right: float = 0, up: float = 0, *, lift: bool = True) -> DriverTouch:
    """Put a finger on a widget, move it in steps, a frame each, and lift it."""
    touch = DriverTouch(*_aim(id))
    touch.down()
    for _ in range(DRAG_FRAMES):  # a list lets no touch through before it has drawn three
        EventLoop.idle()
    for step in range(1, DRAG_STEPS + 1):
        x = touch.ox + right * step / DRAG_STEPS
        touch.go(x, touch.oy + up * step / DRAG_STEPS)
        EventLoop.idle()
    if lift:
        touch.up()
    return touch


def _aim(id: str, part: str = "") -> tuple[float, float]:
    try:
        return touch_point(find(id), part)
    except OutOfReach as error:
        raise OutOfReach(f"{id}: {error}") from error


def type_into(text: str, id: str = "") -> None:
    """Type, into ``id`` if given."""
    if id:
        tap(id)
        if not getattr(find(id), "focus", True):
            raise OutOfReach(f"{id}: it did not take the cursor")
    type_text(text)


def key(name: str, modifiers: list[str] | None = None) -> None:
    """Press a key."""
    press_key(name, modifiers or [])


def read(id: str) -> str:
    """The text of a widget in sight."""
    return str(getattr(find(id), "text", ""))


def describe() -> list[dict[str, Any]]:
    """Every widget in sight: id, text, state, kind and box (left, bottom, right, top)."""
    return [
        {
            "id": name,
            "text": str(getattr(widget, "text", "")),
            "state": str(getattr(widget, "state_name", "")),
            "kind": str(getattr(widget, "kind", "")),
            "disabled": bool(widget.disabled),
            "box": [round(side) for side in box_of(widget) or ()],
        }
        for name, widget in in_sight()
    ]


def scroll(id: str, by: float) -> None:
    """Drag the list that holds a widget; positive ``by`` shows what comes later."""
    widget: Any = find(id)
    while widget is not None and not isinstance(widget, ScrollView):
        widget = widget.parent if isinstance(widget, Widget) else None
    if widget is None:
        raise OutOfReach(f"{id}: it is in no list")
    hidden = widget.viewport_size[1] - widget.height
    if hidden > 0:
        widget.scroll_y = min(1.0, max(0.0, widget.scroll_y - by / hidden))


def shot(path: str) -> list[int]:
    """Write the frame shown now; returns its size in pixels."""
    return list(write_frame(Path(path)))


def resize(width: int, height: int) -> None:
    """Change the window's size in pixels."""
    Window.size = (width, height)


ACTS: dict[str, Callable[..., Any]] = {
    "tap": tap,
    "stroke": stroke,
    "ask": ask,
    "type": type_into,
    "key": key,
    "read": read,
    "list": describe,
    "scroll": scroll,
    "shot": shot,
    "resize": resize,
}


def start_if_asked() -> Driver | None:
    """Start the driver if, and only if, ``MISS_DRIVER`` names its socket."""
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    driver = Driver(path)
    driver.start()
    return driver
