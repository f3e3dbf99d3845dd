"""What goes into a bundle besides the modules that PyInstaller finds by itself, and what stays out, for all systems."""

from importlib import metadata
from pathlib import Path

from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata

from miss_app.ui.licences import OWN, needed

HERE = Path(__file__).resolve().parent
START = str(HERE / "start.py")
ICON = HERE.parent / "miss_app/assets/icon.png"
# Found by the hooks of others because they are installed where it is built: tests, servers, other windows.
EXCLUDES = ["tkinter", "_tkinter", "pytest", "PyInstaller", "mypy", "miss_server", "sqlalchemy", "fastapi", "numpy"]
EXCLUDES += ["uvloop", "pygments", "docutils", "setuptools", "hypothesis", "jnius", "android"]
# The system's own graphics driver is loaded into the process: with libraries older than its own it finds no screen.
OF_THE_SYSTEM = ("libstdc++.so", "libgcc_s.so", "libX11.so", "libXau.so", "libXdmcp.so", "libXrender.so", "libxcb.so")
OF_THE_SYSTEM += ("libbsd.so", "libmd.so", "libz.so", "libuuid.so", "libtinfo.so", "libreadline.so")


def data_files() -> list[tuple[str, str]]:
    """The rules, words, fonts and pictures, and who wrote what of it: the page of licences asks the metadata."""
    found: list[tuple[str, str]] = collect_data_files("miss_app", excludes=["**/*.md"])
    found += collect_data_files("desktop_notifier")
    for name in (OWN, *needed()):
        found += copy_metadata(name)
    return found


def hidden_imports() -> list[str]:
    """What is looked up by name while the program runs: screens, and keyring's backends."""
    own = collect_submodules("miss_app", filter=lambda name: "android" not in name)
    return [
        *own,
        *collect_submodules("keyring.backends"),
        "PIL.JpegImagePlugin",
        "PIL.PngImagePlugin",
        "PIL.WebPImagePlugin",
    ]


def own_binaries(found: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Without the libraries that have to be the system's (Linux)."""
    return [one for one in found if "/" in one[0] or not one[0].startswith(OF_THE_SYSTEM)]


def version() -> str:
    """The version of the program as it is installed where it is built."""
    return metadata.version(OWN)
