"""Proof: the ``.deb`` of the bundle, installed where there is neither Python nor checkout, registers, writes and reads.

One person of the scene sits before the installed program, in a clean root under a real X server; the other one before
the program from this checkout. Pictures of both are left under ``out/installed``.
"""

import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageGrab
from tests.demo.cast import CAMILLE, HUGO
from tests.demo.scene import PIN, Scene
from tests.demo.window import DESKTOP, Window
from tests.proofs.clean_root import USER, CleanRoot, may_enter
from tests.workstation.memory import family

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "out/installed"
SOCKETS = "/tmp/.X11-unix"  # where a display is reached
SCREEN = "1400x1000x24"
FAR = 30.0  # seconds: the first frame from a cold disk


@contextlib.contextmanager
def x_server() -> Iterator[str]:
    """An X server of its own; the display's name."""
    words = ["Xvfb", "-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            yield f":{server.stdout.readline().strip()}"
        finally:
            server.terminate()


class InstalledWindow(Window):
    """The installed program of a clean root, on a display."""

    def __init__(self, debian: CleanRoot, display: str) -> None:
        self._root = debian.folder
        inside = f"/home/{USER}/miss"
        size = f"{DESKTOP.width}x{DESKTOP.height}"
        environment = [f"DISPLAY={display}", f"MISS_DRIVER={inside}/driver.sock", f"MISS_WINDOW={size}"]
        environment += ["KIVY_METRICS_DENSITY=1", "KIVY_DPI=96"]
        command = [*debian.words(USER), "env", *environment, "/usr/bin/miss", "--data", f"{inside}/data"]
        folder = debian.folder / inside.lstrip("/")
        super().__init__("Hugo, installed", folder, DESKTOP, visible=True, command=command)

    def picture(self, path: Path) -> None:
        """The frame, written in there and brought out."""
        inside = Path(f"/home/{USER}/shot.png")
        self._retry("shot", path=str(inside))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((self._root / str(inside).lstrip("/")).read_bytes())


def foreign(pid: int, folder: Path) -> list[str]:
    """Files of this process that are not the clean root's own program and libraries."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    mapped = {line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6}
    mapped = {one.removeprefix(str(folder)) for one in mapped if one.startswith("/")}
    # What is shared by name and has no file: memory of the display's connection.
    mapped = {one for one in mapped if not one.startswith(("/dev/", "/SYSV", "/memfd"))}
    return sorted(one for one in mapped if not one.startswith(("/usr/", "/var/cache/", f"/home/{USER}/")))


def first_window(installed: Window, display: str) -> dict[str, Any]:
    """The same first frame as from source; and on the display there is more than one colour."""
    with tempfile.TemporaryDirectory() as folder:
        source = Window("source", Path(folder), DESKTOP)
        try:
            source.open()
            source.until_there("invitation-link", patience_s=FAR)
            source.picture(PICTURES / "source.png")
        finally:
            source.close()
    installed.picture(PICTURES / "installed.png")
    ImageGrab.grab(xdisplay=display).save(PICTURES / "display.png")
    one, other = (Image.open(PICTURES / f"{name}.png").convert("RGB") for name in ("source", "installed"))
    same = one.size == other.size and ImageChops.difference(one, other).getbbox() is None
    colours = Image.open(PICTURES / "display.png").convert("RGB").getcolors(1 << 24) or []
    return {"same picture as from source": same, "colours on the display": len(colours)}


def lock_and_open(installed: Window) -> dict[str, Any]:
    """Lock: the process that held the keys ends, and the PIN opens the next one."""
    assert installed.process is not None
    before = family(installed.process.pid)
    with contextlib.suppress(Exception):
        installed.tap("back")
    installed.tap("rail-settings")
    installed.reach("lock-now")
    with contextlib.suppress(Exception):  # the process may be gone before it has answered
        installed.tap("lock-now")
    installed.follow()
    installed.until_there("unlock-pin", patience_s=FAR)
    after = family(installed.process.pid)
    installed.type("unlock-pin", PIN)
    installed.tap("unlock-go")
    installed.until("envoie la photo", prefix="conversation-", patience_s=FAR)
    return {"processes before the lock": len(before), "ended by it": len(set(before) - set(after))}


def play(debian: CleanRoot, display: str, folder: Path) -> dict[str, Any]:
    """The acts; raises Stuck where one does not show."""
    scene = Scene(folder, PICTURES)
    installed = scene.windows[HUGO] = InstalledWindow(debian, display)
    scene.windows = {one: scene.windows[one] for one in (CAMILLE, HUGO)}
    said: dict[str, Any] = {}

    def look() -> None:
        assert installed.process is not None
        said.update(first_window(installed, display))
        said["foreign files"] = [
            found for pid in family(installed.process.pid) for found in foreign(pid, debian.folder)
        ]

    acts: list[Callable[[], None]] = [
        scene.open_the_house,
        look,
        lambda: scene.register_by_mailbox(CAMILLE),
        lambda: scene.register_by_mailbox(HUGO),
        scene.write_one_to_one,
        scene.answer,
        lambda: said.update(lock_and_open(installed)),
    ]
    try:
        scene.play(acts)
    finally:
        scene.end()
    return said


def prove_on(suite: str, package: Path) -> dict[str, Any]:
    """Install, play and remove on one Debian."""
    with x_server() as display, CleanRoot([], suite=suite, binds=[SOCKETS]) as debian:
        (debian.folder / "tmp/miss.deb").write_bytes(package.read_bytes())
        home = debian.folder / f"home/{USER}/miss"
        debian.enter(USER, "mkdir ~/miss")
        install = "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends"
        done = debian.enter("root", f"{install} /tmp/miss.deb")
        if done.returncode != 0:
            return {"passed": False, "installing": (done.stdout + done.stderr)[-1500:]}
        without = debian.enter(USER, "command -v python3; ls /usr/lib/python3*")
        with tempfile.TemporaryDirectory(prefix="miss-installed-") as folder:
            said = play(debian, display, Path(folder) / "scene")
        debian.enter("root", "apt-get purge -qqy miss")
        left = debian.enter("root", "ls -d /usr/lib/miss /usr/bin/miss /usr/share/applications/miss.desktop").stdout
        said |= {"Python of the system": without.stdout.split(), "left after the removal": left.split()}
        said["data kept"] = (home / "data").is_dir()
        clean = not said["foreign files"] and not said["Python of the system"] and not said["left after the removal"]
        # Another Mesa may draw another picture: the comparison counts where both are this machine's.
        drawn = said["same picture as from source"] or suite != "bookworm"
        shown = drawn and said["colours on the display"] > 50
        return {"passed": clean and shown and said["ended by it"] >= 1 and said["data kept"], **said}


def run(seed: int) -> dict[str, Any]:
    """The verdict; builds the package anew."""
    del seed
    if not may_enter():
        return {"passed": False, "why": "debootstrap needs root"}
    built = subprocess.run(["make", "-s", "deb"], cwd=ROOT, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        return {"passed": False, "building": (built.stdout + built.stderr)[-1500:]}
    package = Path(built.stdout.splitlines()[-1])
    found = {suite: prove_on(suite, ROOT / package) for suite in ("bookworm", "trixie")}
    passed = all(one["passed"] for one in found.values())
    return {"passed": passed, "bytes": (ROOT / package).stat().st_size, **found}
