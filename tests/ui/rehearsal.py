"""The real application on a scene: frames are drawn, touches and text arrive as the driver sends them."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kivy.animation import Animation
from kivy.base import EventLoop
from kivy.clock import Clock
from kivy.core.window import Window
from kivy.graphics.opengl import glFinish
from kivy.lang import Builder
from kivy.uix.scrollview import ScrollView

from miss_app.device import Device
from miss_app.engine.events import Stage
from miss_app.ui import driver
from miss_app.ui.app import MissApp
from miss_app.ui.texts import words
from ui.stage import NOW_MS, Scene

HANG_SECONDS = 60


class Rehearsal:
    """One application, mounted on the session's window.

    ``drawing`` False lays out and hears as ever, but rasterises nothing: most of what a frame costs without a GPU.
    """

    drawing = True
    back_to_french = True  # for whoever comes next, at the price of writing everything again

    def __init__(
        self, scene: Scene, *, size: tuple[int, int] | None = None, invitation: str = "", device: Device | None = None
    ) -> None:
        EventLoop.ensure_window()
        if EventLoop.status != "started":
            EventLoop.start()
        self.scene = scene
        self.typed: list[str] = []
        self.app = MissApp(scene, device or Device("linux"), invitation)
        self.app.now_ms = lambda: NOW_MS  # the scene's own time
        if size:
            Window.size = size
        for child in list(Window.children):
            Window.remove_widget(child)
        self.app.root = self.app.build()
        Window.add_widget(self.app.root)
        self.app.root.size = Window.size
        self.app.on_start()
        self.pump()

    def close(self) -> None:
        for page in self.app.shell.pages:
            page.left()
        Window.remove_widget(self.app.root)
        Window.unbind(on_key_down=self.app._key_down, on_request_close=self.app._closing)
        self.app.on_stop()
        for moving in list(Animation._instances):  # they would go on, and keep what they move alive
            for held in list(moving._widgets.values()):
                moving.cancel(held["widget"])
        if self.back_to_french:
            words.speak("fr")

    def pump(self, frames: int = 4) -> None:
        for _ in range(frames):
            if self.drawing:
                EventLoop.idle()
                glFinish()
            else:
                self._idle()

    @staticmethod
    def _idle() -> None:
        """What ``EventLoop.idle`` does before it draws."""
        Clock.tick()
        EventLoop.dispatch_input()
        Builder.sync()
        Clock.tick_draw()
        Builder.sync()

    def until(self, condition: Callable[[], Any], what: str = "") -> None:
        end = time.monotonic() + HANG_SECONDS
        while not condition():
            self.pump(1)
            assert time.monotonic() < end, (
                f"never came: {what or condition}; in sight: {[n for n, _ in driver.in_sight()]}"
            )

    def sees(self, name: str) -> bool:
        return any(each == name for each, _ in driver.in_sight())

    def tap(self, name: str) -> None:
        self.until(lambda: self.sees(name), name)
        self.pump(2)
        driver.tap(name)
        time.sleep(0.001)
        self.pump(3)

    def reach(self, name: str, beside: str) -> None:
        """Scroll the list that holds ``beside`` until ``name`` is in sight: large type puts it further down."""
        self.until(lambda: self.sees(beside) or self.sees(name), beside)
        self.pump(8)  # what the engine answers may still push it down
        column = None if self.sees(name) else driver.find(beside)
        while column is not None and not isinstance(column, ScrollView):
            column = column.parent
        while column is not None and not self.sees(name):
            assert column.scroll_y > 0, f"{name} is nowhere below {beside}"
            column.scroll_y = max(0.0, column.scroll_y - 0.15)
            self.pump(2)

    def type(self, name: str, text: str) -> None:
        self.until(lambda: self.sees(name), name)
        self.pump(2)
        driver.type_into(text, name)
        self.typed.append(text)
        self.pump(2)

    def read(self, name: str) -> str:
        return driver.read(name)

    def did(self, verb: str) -> tuple[Any, ...]:
        """The last time the screens asked for ``verb``, waiting for it."""
        self.until(lambda: any(each[0] == verb for each in self.scene.asked), verb)
        return next(each for each in reversed(self.scene.asked) if each[0] == verb)

    def shot(self, path: Path) -> None:
        for _ in range(12):
            time.sleep(0.02)
            self.pump(1)
        driver.shot(str(path))


def opened(scene: Scene) -> Scene:
    """The scene with its vault open."""
    scene.now_stage = Stage.OPEN
    return scene
