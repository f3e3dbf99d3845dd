"""Every module that the client imports, and how it gets onto a telephone or a desktop: ``make imports`` prints the table.

The walk starts at ``miss_app.__main__`` and reads the sources, also imports inside functions, so that nothing is missed
that one platform alone loads.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"miss_app": ROOT / "mobile/miss_app", "miss_protocol": ROOT / "shared/miss_protocol"}
START = "miss_app.__main__"
# Whose recipe python-for-android has under another name than the distribution's, as both spell them.
RECIPES = {"pillow": "Pillow"}
# On telephones Java's classes and the window's are reached through these; no other platform has or needs them.
ANDROID_ONLY = {"jnius": "pyjnius", "android": "android"}
# What telephones go without, and what they do instead. Each is imported where its absence is borne: a test blocks them all.
WITHOUT = {
    "pillow_heif": "a HEIC file is refused with a sentence; the camera writes JPEG",
    "pypdfium2": "a PDF is offered to another program, without pages in MiSS",
    "zxingcpp": "QR codes are read by the camera's own program, or typed",
    "keyring": "secrets are in AndroidKeyStore, or a share is at the server",
    "desktop_notifier": "Android's notifications are not written yet; the badge and sound neither",
    "dbus_fast": "belongs to the notifications of Linux",
    "truststore": "authorities are certifi's, Mozilla's list of the day it was built",
    "winreg": "Windows' own",
}
# iOS: wheels on the index for a platform tag of iOS, as looked up when this was written; see docs/phones.md for the gap.
IOS_WHEELS = {"pillow": "wheel", "cffi": "wheel"}
IOS_OWN = {"kivy": "own wheel, from Kivy's source (its releases have none)"}
IOS_GAP = {"cryptography": "MISSING: no wheel; to be built with cibuildwheel (docs/phones.md)"}


@dataclass(frozen=True)
class Row:
    """One third-party module: who imports it, and how it gets onto each platform."""

    module: str
    distribution: str
    used_by: tuple[str, ...]
    android: str
    ios: str
    desktop: str


def path_of(module: str) -> Path | None:
    """The source of a module of ours."""
    package, *parts = module.split(".")
    if package not in PACKAGES:
        return None
    place = PACKAGES[package].joinpath(*parts)
    return next((one for one in (place.with_suffix(".py"), place / "__init__.py") if one.is_file()), None)


def imported(path: Path) -> Iterator[str]:
    """Every dotted name that a source imports, anywhere in it, also by name through importlib."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
            yield from (str(one.value) for one in node.args[:1] if isinstance(one, ast.Constant))


def reached() -> dict[str, Path]:
    """Our modules that the client may load, by name."""
    found: dict[str, Path] = {}
    waiting = [START]
    while waiting:
        name = waiting.pop()
        path = path_of(name)
        if path is None or name in found:
            continue
        found[name] = path
        waiting += [name.rpartition(".")[0]] if "." in name else []
        waiting += list(imported(path))
    return found


def third_party() -> dict[str, set[str]]:
    """Top-level modules that are neither ours nor Python's, with the modules of ours that import them."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, path in reached().items():
        for one in imported(path):
            top = one.split(".")[0]
            if top not in PACKAGES and (top not in sys.stdlib_module_names or top == "winreg"):
                found[top].add(name)
    return dict(found)


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(metadata.packages_distributions())


def distribution(module: str) -> str:
    """The installed distribution that a module comes from, "" for none."""
    names = _distributions().get(module, [])
    return names[0].lower().replace("_", "-") if names else ""


def is_pure(name: str) -> bool:
    """Whether an installed distribution runs wherever Python does: its wheel says so, or has a pure form too."""
    if not name:
        return False
    tags = re.findall(r"^Tag: (.+)$", metadata.distribution(name).read_text("WHEEL") or "", re.MULTILINE)
    return bool(tags) and all(tag.endswith("-none-any") for tag in tags)


# Built for speed where it is installed, but each also runs as plain Python, and its index has that wheel.
PURE_TOO = {"websockets": "py3-none-any", "charset-normalizer": "py3-none-any"}


@cache
def recipe(name: str) -> str:
    """The version of python-for-android's recipe for a distribution, "" for none."""
    from pythonforandroid.build import Context
    from pythonforandroid.recipe import Recipe

    try:
        found = Recipe.get_recipe(RECIPES.get(name, name).lower(), Context())
    except ValueError:
        return ""
    return str(found.version or "its own")


def closure(name: str) -> set[str]:
    """A distribution and all that it needs on a telephone."""
    from packaging.requirements import Requirement

    found, waiting = set(), [name]
    while waiting:
        one = waiting.pop().lower().replace("_", "-")
        if one in found:
            continue
        found.add(one)
        for line in metadata.requires(one) or ():
            wanted = Requirement(line)
            # Python as python-for-android has it, on its platform, without anybody's extras.
            facts = {"sys_platform": "android", "platform_system": "Android", "python_version": "3.14", "extra": ""}
            if wanted.marker is None or wanted.marker.evaluate(facts | {"os_name": "posix"}):
                waiting.append(wanted.name)
    return found


def _android(module: str, name: str) -> str:
    if module in ANDROID_ONLY:
        return f"recipe {recipe(ANDROID_ONLY[module])}"
    if module in WITHOUT:
        return f"without: {WITHOUT[module]}"
    if version := recipe(name):
        return f"recipe {version}"
    return "pure wheel" if is_pure(name) or name in PURE_TOO else ""


def _ios(module: str, name: str) -> str:
    if module in ANDROID_ONLY:
        return "not used"
    if module in WITHOUT:
        return "without, as on Android"
    for known in (IOS_WHEELS, IOS_OWN, IOS_GAP):
        if name in known:
            return known[name]
    return "pure wheel" if is_pure(name) or name in PURE_TOO else ""


def _desktop(module: str, name: str) -> str:
    if module in ANDROID_ONLY:
        return "not used"
    if module == "winreg":
        return "Python's own (Windows)"
    return f"wheel {metadata.version(name)}" if name else ""


def table() -> list[Row]:
    """A row for each third-party module; an empty cell is a module that does not get there."""
    rows = []
    for module, users in sorted(third_party().items()):
        name = ANDROID_ONLY.get(module) or distribution(module)
        cells = (_android(module, name), _ios(module, name), _desktop(module, name))
        rows.append(Row(module, name, tuple(sorted(users)), *cells))
    return rows


def main() -> int:
    rows = table()
    print(f"{len(reached())} modules of the client and the protocol import {len(rows)} others.\n")
    print("| module | distribution | used by | Android | iOS | desktops |\n|---|---|---|---|---|---|")
    for row in rows:
        users = row.used_by[0] + (f" and {len(row.used_by) - 1} more" if len(row.used_by) > 1 else "")
        print(f"| `{row.module}` | {row.distribution} | {users} | {row.android} | {row.ios} | {row.desktop} |")
    missing = [row.module for row in rows if not (row.android and row.ios and row.desktop)]
    if missing:
        print(f"\nWithout a way: {', '.join(missing)}")
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
