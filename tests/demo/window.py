"""One app process and its window, reached as a person reaches it: taps, typed text, and what is on the screen."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_S = 10.0


class Stuck(Exception):
    """An act did not show on the screen in time."""


@dataclass(frozen=True)
class Shape:
    """Size of a window in pixels, and how dense its screen is."""

    width: int
    height: int
    density: float = 1.0


PHONE = Shape(410, 850)
DESKTOP = Shape(1280, 840)


def python(module: str, log: Path, recording: Sequence[str]) -> list[str]:
    """The command that runs a module, under the recorder where functions are to be recorded."""
    watched = ["-m", "tests.recorder", str(log), ",".join(recording)] if recording else ["-m"]
    return [sys.executable, *watched, module]


class Window:
    """A running ``miss`` with its own data folder.

    Args:
        name: who sits before it; used in messages and file names.
        folder: the person's data folder.
        shape: of the window.
        language: "fr" or "en".
        visible: leave the display as it is instead of rendering offscreen.
        command: the command line instead of ``miss`` with a data folder of its own.
        recording: functions whose calls are noted, in ``calls.log`` in the folder.
        environment: what else the process finds in its environment.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        shape: Shape,
        *,
        language: str = "fr",
        visible: bool = False,
        command: Sequence[str] = (),
        recording: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self.shape = shape
        self.language = language
        self.visible = visible
        own = python("miss_app", folder / "calls.log", recording)
        own += ["--data", str(folder / "data"), "--language", language]
        own += ["--one-process"] if recording else []  # the recorder hears its own process only
        self.command = list(command) or own
        self.environment = dict(environment or {})
        self.process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Start the process and wait until its driver answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "driver.sock"
        path.unlink(missing_ok=True)
        size = f"{self.shape.width}x{self.shape.height}"
        environment = os.environ | {
            "MISS_DRIVER": str(path),
            "MISS_WINDOW": size,
            "KIVY_NO_ARGS": "1",
            "KIVY_LOG_MODE": "PYTHON",
            "KIVY_HOME": str(self.folder / "kivy"),
            "KIVY_METRICS_DENSITY": str(self.shape.density),
            "KIVY_METRICS_FONTSCALE": "1",
            "KIVY_DPI": "96",
            **self.environment,
        }
        if not self.visible:
            environment["SDL_VIDEODRIVER"] = "offscreen"
        with (self.folder / "window.log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env=environment)
        self._connect(path)

    def _connect(self, path: Path) -> None:
        """Wait until a driver answers there."""
        assert self.process is not None
        deadline = time.monotonic() + 60
        while True:
            if self.process.poll() is not None:
                raise Stuck(f"{self.name}: the program ended\n{self.log_tail()}")
            try:
                self._socket = socket.socket(socket.AF_UNIX)
                self._socket.connect(str(path))
                break
            except OSError:
                self._socket.close()
                if time.monotonic() > deadline:
                    raise Stuck(f"{self.name}: the window did not open\n{self.log_tail()}") from None
                time.sleep(0.05)
        self._file = self._socket.makefile("rw")

    def follow(self) -> None:
        """The process behind the window ended at the lock: reach the one that took its place."""
        with contextlib.suppress(OSError, Stuck):
            while True:
                self.ask("list")
                time.sleep(0.01)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, Stuck):
                self._file.close()
                self._connect(self.folder / "driver.sock")
                self.ask("list")
                return
        raise Stuck(f"{self.name}: nobody follows\n{self.log_tail()}")

    def reach(self, test_id: str) -> None:
        """Scroll until a widget of the page is in sight."""
        for _ in range(30):
            if test_id in self.screen():
                return
            self.ask("scroll", id=next(iter(self.screen())), by=120)
            time.sleep(0.05)

    def is_open(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def log_tail(self) -> str:
        """The last lines the process wrote."""
        path = self.folder / "window.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-25:]) if path.exists() else ""

    def close(self) -> None:
        """End the process as a person closes a window."""
        if self._socket is not None:
            self._file.close()
            self._socket.close()
            self._socket = None
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.close()

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """One request to the driver; its answer, or Stuck where the process is gone."""
        try:
            self._file.write(json.dumps({"op": op, **arguments}) + "\n")
            self._file.flush()
            line = self._file.readline()
        except OSError as error:
            raise Stuck(f"{self.name}: {error}\n{self.log_tail()}") from error
        if not line:
            raise Stuck(f"{self.name}: the program ended\n{self.log_tail()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    # What a person does

    def tap(self, test_id: str) -> None:
        """Touch the widget where it is on the screen, once it is there and still."""
        self._retry("tap", id=test_id)

    def type(self, test_id: str, text: str) -> None:
        """Touch a field and type."""
        self._retry("type", id=test_id, text=text)

    def key(self, name: str) -> None:
        self._retry("key", name=name)

    def _retry(self, op: str, **arguments: Any) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = self.ask(op, **arguments)
            if answer.get("ok"):
                return
            if time.monotonic() > deadline:
                raise Stuck(f"{self.name}: {op} {arguments.get('id', '')}: {answer}\non screen: {self.screen()}")
            time.sleep(0.05)

    # What a person sees

    def screen(self) -> dict[str, str]:
        """Every visible named widget and its text."""
        return {item["id"]: item["text"] for item in self.items()}

    def items(self) -> list[dict[str, Any]]:
        """Every visible named widget as the driver describes it: id, text, state and box."""
        found: list[dict[str, Any]] = self.ask("list")["value"]
        return found

    def sees(self, words: str) -> bool:
        """Whether these words stand somewhere on the screen (narrow no-break spaces count as spaces)."""
        return any(words in plain(text) for text in self.screen().values())

    def find(self, words: str, prefix: str = "") -> str:
        """The test id of the first visible widget with these words, whose id starts with ``prefix``."""
        found = [i for i, text in self.screen().items() if words in plain(text) and i.startswith(prefix)]
        if not found:
            raise Stuck(f"{self.name}: nobody sees {words!r}\non screen: {self.screen()}")
        return min(found, key=lambda one: (len(one), one))

    def until(self, words: str, *, prefix: str = "", patience_s: float = PATIENCE_S) -> str:
        """Wait until the words are on the screen; the widget's test id."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                return self.find(words, prefix)
            except Stuck:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.04)

    def until_there(self, test_id: str, *, patience_s: float = PATIENCE_S) -> str:
        """Wait until a widget is on the screen; its text."""
        deadline = time.monotonic() + patience_s
        while True:
            screen = self.screen()
            if test_id in screen:
                return screen[test_id]
            if time.monotonic() > deadline:
                raise Stuck(f"{self.name}: no {test_id}\non screen: {screen}")
            time.sleep(0.04)

    def until_kind(self, kind: str, *, patience_s: float = PATIENCE_S) -> str:
        """Wait until a widget of this kind ("photo", "notice"…) is on the screen; its test id."""
        deadline = time.monotonic() + patience_s
        while True:
            found = [item["id"] for item in self.items() if item["kind"] == kind]
            if found:
                return str(found[-1])
            if time.monotonic() > deadline:
                raise Stuck(f"{self.name}: no {kind}\non screen: {self.screen()}")
            time.sleep(0.04)

    def until_text(self, test_id: str, fits: Callable[[str], bool], *, patience_s: float = PATIENCE_S) -> str:
        """Wait until a widget's text fits; the text."""
        deadline = time.monotonic() + patience_s
        while True:
            text = self.screen().get(test_id, "")
            if fits(text):
                return text
            if time.monotonic() > deadline:
                raise Stuck(f"{self.name}: {test_id} says {text!r}")
            time.sleep(0.04)

    def until_state(self, words: str, state: str, *, prefix: str = "", patience_s: float = PATIENCE_S) -> None:
        """Wait until the widget with these words shows a state: "read" on a message of one's own, for example."""
        deadline = time.monotonic() + patience_s
        while True:
            states = [
                item["state"] for item in self.items() if words in plain(item["text"]) and item["id"].startswith(prefix)
            ]
            if state in states:
                return
            if time.monotonic() > deadline:
                raise Stuck(f"{self.name}: {words!r} is not {state} but {states}")
            time.sleep(0.04)

    def picture(self, path: Path) -> None:
        """The frame on the screen at this moment, as a PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._retry("shot", path=str(path))


def plain(text: str) -> str:
    """Text with typographic spaces as plain ones."""
    return text.replace("\u202f", " ").replace("\u2009", " ").replace("\u00a0", " ")
