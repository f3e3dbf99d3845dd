"""Real windows: on an X display, what is typed with mouse and keyboard in one window appears in another."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator

import psutil
import pytest
from tests.demo.cast import CAMILLE, HUGO
from tests.demo.scene import Scene
from tests.demo.window import Window


def start_x() -> tuple[subprocess.Popen[bytes], str]:
    """A virtual X server and its display name; another number where two servers wanted the same one."""
    for _ in range(5):
        read, write = os.pipe()
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
            pass_fds=[write],
            stderr=subprocess.DEVNULL,
        )
        os.close(write)
        with os.fdopen(read) as numbers:
            number = numbers.readline().strip()
        if number:
            return server, f":{number}"
        server.wait(10)
    raise AssertionError("Xvfb finds no free display")


@pytest.fixture
def display(monkeypatch) -> Iterator[str]:
    """A virtual X display with a window manager."""
    for program in ("Xvfb", "openbox", "xdotool"):
        assert shutil.which(program), f"{program} is missing: see .ci/setup"
    server, name = start_x()
    monkeypatch.setenv("DISPLAY", name)
    monkeypatch.delenv("SDL_VIDEODRIVER", raising=False)
    manager = subprocess.Popen(["openbox"], stderr=subprocess.DEVNULL)
    try:
        yield name
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait(10)


def xdotool(*words: str) -> str:
    done = subprocess.run(["xdotool", *words], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def x_window(window: Window) -> str:
    """The X id of an app's window, once it is mapped."""
    assert window.process is not None
    deadline = time.monotonic() + 30
    starter = psutil.Process(window.process.pid)  # holds no window: whom it lets sit down does
    while True:
        for one in (starter, *starter.children(recursive=True)):
            done = subprocess.run(
                ["xdotool", "search", "--onlyvisible", "--pid", str(one.pid)], capture_output=True, text=True
            )
            if done.stdout.strip():
                return done.stdout.split()[-1]
        assert time.monotonic() < deadline, "the window is not on the display"
        time.sleep(0.1)


def click(window: Window, x_id: str, test_id: str) -> None:
    """A real mouse click in the middle of a widget."""
    box = next(item["box"] for item in window.items() if item["id"] == test_id)
    x, y = (box[0] + box[2]) // 2, window.shape.height - (box[1] + box[3]) // 2
    xdotool("windowactivate", "--sync", x_id, "mousemove", "--window", x_id, str(x), str(y), "click", "1")


def test_typed_in_one_window_found_in_another(display, tmp_path):
    performance = Scene(tmp_path / "scene", tmp_path / "pictures", visible=True)
    try:
        acts = performance.acts()
        for act in acts:
            act()
            if performance.act.startswith("Camille writes"):
                break
        camille, hugo = performance.windows[CAMILLE], performance.windows[HUGO]
        x_id = x_window(camille)
        click(camille, x_id, "composer")
        xdotool("type", "--window", x_id, "--delay", "20", "typed with a real keyboard")
        camille.until("typed with a real keyboard")
        click(camille, x_id, "send")
        hugo.until("typed with a real keyboard", prefix="message-")
    finally:
        performance.end()
