"""Whose work this program is made of, and under which licences: what is installed says it of itself."""

import re
from dataclasses import dataclass
from importlib import metadata

OWN = "miss"
_EXTRAS = frozenset({"client", "desktop"})  # what belongs to this program; the server has its own
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")
_SHORT_CHARACTERS_MAX = 60
# The fonts, the icons and the list of words, as assets/README.md has them.
ASSETS = (
    ("Material Design Icons 7.4.47", "Apache-2.0"),
    ("Roboto", "Apache-2.0"),
    ("Twemoji 15.0.3", "CC-BY-4.0, OFL-1.1"),
    ("BIP-39, wordlist/french", "MIT"),
)


@dataclass(frozen=True)
class Work:
    """One library or asset, with its version where it has one."""

    name: str
    licence: str


def works() -> list[Work]:
    """Everything this program is made of that somebody else wrote, by name."""
    found = {one: _work(one) for one in needed()}
    return sorted((*found.values(), *(Work(*one) for one in ASSETS)), key=lambda one: one.name.casefold())


def needed() -> list[str]:
    """The installed distributions that the program needs, directly or not."""
    waiting, seen = [OWN], {OWN}
    while waiting:
        here = waiting.pop()
        for line in metadata.requires(here) or ():
            match = _NAME.match(line)
            extras = set(_EXTRA.findall(line))
            if match is None or (extras and (here != OWN or not extras & _EXTRAS)):
                continue
            name = re.sub(r"[-_.]+", "-", match[0]).lower()
            if name not in seen and _installed(name):
                seen.add(name)
                waiting.append(name)
    return sorted(seen - {OWN})


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _work(name: str) -> Work:
    told = metadata.metadata(name)
    classified = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or () if one.startswith("License ::")]
    expressed, worded = (" ".join(told.get_all(name) or ()) for name in ("License-Expression", "License"))
    licence = expressed or ", ".join(classified) or _first_line(worded)
    return Work(f"{told['Name']} {told['Version']}", licence)


def _first_line(text: str) -> str:
    """Some write the whole licence where its name belongs."""
    lines = text.strip().splitlines()
    return lines[0][:_SHORT_CHARACTERS_MAX] if lines else ""
