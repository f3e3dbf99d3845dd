"""One machine and the people who use it: their vaults, what each wishes to be called, and the rules that hold for all.

What a person is called here is theirs to choose, since whoever passes by reads it; who chose nothing is a number.
"""

import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from miss_app.engine.files import read_file, write_file
from miss_app.policy import NONE, Policy

DEFAULT_PROFILE = "default"
SHARED_IDLE_SECONDS = 120
OWN_IDLE_SECONDS = 600
NAME_CHARACTERS_MAX = 40
_FOLDER = re.compile(r'[^/\\:*?"<>|\0]{1,80}')


@dataclass(frozen=True)
class Rule:
    """What holds on this machine: ``idle_seconds`` is the longest a person may let it wait; 0: as long as they like."""

    shared: bool
    idle_seconds: int


@dataclass(frozen=True)
class Vault:
    """A person's place on this machine: the name of its folder, what it is called, its number."""

    profile: str
    shown: str
    number: int


def is_profile(name: str) -> bool:
    """Whether a folder of profiles may have a folder of this name."""
    return bool(_FOLDER.fullmatch(name)) and name not in (".", "..")


class Workstation:
    """The folder that holds the profiles of a machine.

    Args:
        data: made (0700) where it is missing.
        policy: what the establishment decided for this machine.
    """

    def __init__(self, data: Path, policy: Policy = NONE) -> None:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.data = data
        self.policy = policy
        self._path = data / "workstation.json"

    def folder(self, profile: str) -> Path:
        """Where a profile is kept."""
        return self.data / profile

    def vaults(self) -> list[Vault]:
        """Everybody who has something here, in the order in which they came."""
        known = self._read()
        folders = [one for one in self.data.iterdir() if (one / "server").exists() and is_profile(one.name)]
        order = {name: place for place, name in enumerate(known["order"])}
        folders.sort(key=lambda one: (order.get(one.name, len(order)), one.name))
        return [Vault(one.name, known["shown"].get(one.name, ""), at) for at, one in enumerate(folders, start=1)]

    def shown(self, profile: str) -> str:
        """What this person wishes to be called here, "" where they chose nothing."""
        return str(self._read()["shown"].get(profile, ""))

    def set_shown(self, profile: str, name: str) -> None:
        """Be called this from now on; empty for a number."""
        known = self._read()
        name = " ".join(name.split())[:NAME_CHARACTERS_MAX]
        known["shown"] = {key: value for key, value in known["shown"].items() if key != profile}
        if name:
            known["shown"][profile] = name
        self._write(known)

    def new_profile(self) -> str:
        """The name of a folder for one person more; nothing about them is in it."""
        known = self._read()
        name = f"p{secrets.token_hex(4)}" if self.vaults() else DEFAULT_PROFILE
        known["order"] = [*[one.profile for one in self.vaults()], name]
        self._write(known)
        return name

    def last(self) -> str:
        """Who sat here last, "" where that is not to be said: whoever comes next chooses."""
        return str(self._read()["last"])

    def set_last(self, profile: str) -> None:
        self._write(self._read() | {"last": profile})

    def set_shared(self, shared: bool) -> None:
        """Whether several people use this machine, even if one alone has a vault on it so far."""
        self._write(self._read() | {"shared": shared})

    def rule(self) -> Rule:
        """What holds on this machine, by who uses it and by the establishment's policy; the shorter wait holds."""
        shared = self.policy.shared or bool(self._read()["shared"]) or len(self.vaults()) > 1
        waits = [one for one in (SHARED_IDLE_SECONDS if shared else 0, self.policy.idle_seconds) if one]
        return Rule(shared, min(waits, default=0))

    def idle_seconds(self, wished: str) -> int:
        """After how long without a touch it locks by itself; 0 for never.

        Args:
            wished: what the person set, in seconds; "" where they set nothing.
        """
        rule = self.rule()
        own = int(wished) if wished.isdecimal() else (rule.idle_seconds or OWN_IDLE_SECONDS)
        if not rule.idle_seconds:
            return own
        return min(own or rule.idle_seconds, rule.idle_seconds)

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = {"order": [], "shown": {}, "last": "", "shared": False}
        try:
            read = json.loads(read_file(self._path) or b"{}")
        except ValueError:
            return found
        same = isinstance(read, dict)
        return found | {
            key: read[key] for key, value in found.items() if same and isinstance(read.get(key), type(value))
        }

    def _write(self, known: dict[str, Any]) -> None:
        write_file(self._path, json.dumps(known, ensure_ascii=False, indent=1).encode())
