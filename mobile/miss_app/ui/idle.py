"""A window that nobody touches locks by itself."""

import time
from typing import Any, Protocol

from kivy.clock import Clock
from kivy.core.window import Window

LOOK_SECONDS = 1.0
_SIGNS = ("on_touch_down", "on_touch_move", "on_key_down", "mouse_pos", "on_textinput")


class Locking(Protocol):
    """What locks."""

    def idle_seconds(self) -> int: ...
    def lock(self) -> None: ...


class Idle:
    """Watches for signs of a person; a machine that was put to sleep meanwhile counts as untouched."""

    def __init__(self, app: Locking) -> None:
        self._app = app
        self._touched = self._now()
        self._look: Any = None

    @staticmethod
    def _now() -> tuple[float, float]:
        """The clock that stands still while the machine sleeps, and the one that may be set."""
        return time.monotonic(), time.time()

    def start(self, *, again: bool = False) -> None:
        """Begin to watch; ``again`` after the program lay aside: that time counts."""
        self.stop()
        if not again:
            self._touched = self._now()
        for sign in _SIGNS:
            Window.fbind(sign, self._touch)
        self._look = Clock.schedule_interval(lambda _dt: self.look(), LOOK_SECONDS)
        self.look()

    def stop(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
            for sign in _SIGNS:
                Window.funbind(sign, self._touch)

    def _touch(self, *_args: object, **_options: object) -> bool:
        self._touched = self._now()
        return False

    def look(self) -> None:
        """Lock where it is time."""
        seconds = self._app.idle_seconds()
        waited = max(now - before for now, before in zip(self._now(), self._touched, strict=True))
        if seconds and waited >= seconds:
            self._touched = self._now()  # asked once
            self._app.lock()
