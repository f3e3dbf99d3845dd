"""Touches and keys made by the driver, which reach widgets the way a finger's do."""

import itertools
from typing import Any

from kivy.base import EventLoop
from kivy.core.window import Window
from kivy.input.motionevent import MotionEvent

KEYS = {"enter": 13, "escape": 27, "backspace": 8, "tab": 9, "up": 273, "down": 274, "left": 276, "right": 275}
KEYS |= {"space": 32, "home": 278, "end": 279, "page_up": 280, "page_down": 281, "f1": 282, "f10": 291, "menu": 319}

_numbers = itertools.count(1)


class DriverTouch(MotionEvent):
    """One finger at a place of the window, in window pixels from the lower left."""

    def __init__(self, x: float, y: float) -> None:
        width, height = Window.size
        super().__init__("driver", next(_numbers), {"x": x / width, "y": y / height}, is_touch=True, type_id="touch")
        self.profile = ["pos"]

    def depack(self, args: Any) -> None:
        """Take the place, from 0 to 1 in both directions."""
        self.sx, self.sy = args["x"], args["y"]
        super().depack(args)

    def down(self) -> None:
        """Put the finger on the screen."""
        EventLoop.post_dispatch_input("begin", self)

    def go(self, x: float, y: float) -> None:
        """Move the finger, which stays on the screen."""
        width, height = Window.size
        self.move({"x": x / width, "y": y / height})
        EventLoop.post_dispatch_input("update", self)

    def up(self) -> None:
        """Lift the finger."""
        EventLoop.post_dispatch_input("end", self)


def press_key(name: str, modifiers: list[str]) -> None:
    """Press and release a key of the keyboard."""
    code = KEYS.get(name) or ord(name)
    Window.dispatch("on_key_down", code, 0, name if len(name) == 1 else None, modifiers)
    Window.dispatch("on_key_up", code, 0)


def type_text(text: str) -> None:
    """Type characters into whatever has the cursor."""
    Window.dispatch("on_textinput", text)
