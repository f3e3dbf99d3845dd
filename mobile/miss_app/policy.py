"""What an establishment decides for a whole machine, read from one file that the machine's users cannot write.

A person under a policy cannot switch it off: what the command line, the environment or the settings say differently has
no effect. A file that cannot be read, or a wrong value in it, never loosens anything: each key that was not understood
holds in its cautious form, and the window says so.
"""

import getpass
import os
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from miss_app.engine.problems import Problem
from miss_protocol import limits
from miss_protocol.errors import RemoteError
from miss_protocol.invitation import Invitation

PHOTOS, DOCUMENTS, COPIES, NOTICES = "photos", "documents", "copies", "notifications"
FEATURES = frozenset({PHOTOS, DOCUMENTS, COPIES, NOTICES})
IDLE_SECONDS_MIN, IDLE_SECONDS_MAX = 30, 3600
PIN_DIGITS_MAX = 12
FILE_BYTES_MAX = 64_000
SYSTEM_PROXY, NO_PROXY = "system", "none"
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@dataclass(frozen=True)
class Policy:
    """The keys of the file, each with what holds where it says nothing of it.

    ``wrong`` names what was not understood: keys, or "" for the file as a whole.
    """

    path: str = ""  # of the file; "" where there is none
    wrong: tuple[str, ...] = ()
    invitation: str | None = None  # the only server; "" for none at all, None for any
    shared: bool = False
    idle_seconds: int = 0
    pin_digits: int = limits.PIN_DIGITS_MIN
    messages_days: int = limits.RETENTION_DAYS_MAX
    data_folder: Path | None = None
    proxy: str = SYSTEM_PROXY
    off: frozenset[str] = field(default_factory=frozenset)

    def allows(self, feature: str) -> bool:
        """Whether a feature is on."""
        return feature not in self.off

    def check_invitation(self, invitation: Invitation) -> None:
        """Raises Problem("policy-invitation") for a server that this machine is not meant for."""
        if self.invitation is None:
            return
        if not self.invitation or invitation != Invitation.parse(self.invitation):
            raise Problem("policy-invitation")

    def check_pin(self, pin: str) -> None:
        """Raises Problem("policy-pin") for fewer digits than this machine wants."""
        if limits.PIN_DIGITS_MIN <= len(pin) < self.pin_digits:  # fewer are too few anywhere, and the vault says so
            raise Problem("policy-pin")

    def set_proxy(self, environment: Any = os.environ) -> None:
        """Have everything that connects go through this machine's proxy, or through none."""
        if self.proxy == SYSTEM_PROXY:
            return
        for name in _PROXY_VARIABLES:
            for spelling in (name, name.upper()):
                environment.pop(spelling, None)
        if self.proxy == NO_PROXY:
            environment["no_proxy"] = "*"
        else:
            environment["http_proxy"] = environment["https_proxy"] = self.proxy


NONE = Policy()
# What holds in the place of a value that was not understood. Nothing is forgotten by mistake: messages stay for as long
# as they would; and nobody is kept from writing about a patient.
CAUTIOUS = Policy(
    invitation="", shared=True, idle_seconds=120, pin_digits=8, off=frozenset({COPIES}), proxy=SYSTEM_PROXY
)


def read(path: Path | None) -> Policy:
    """The machine's policy; one without a file says nothing.

    Args:
        path: of the file; None where the system has no place for one.
    """
    if path is None or not _is_there(path):
        return NONE
    try:
        found = _parse(path)
    except (OSError, ValueError):  # UnicodeDecodeError and TOMLDecodeError are ValueErrors
        return replace(CAUTIOUS, path=str(path), wrong=("",))
    said: dict[str, Any] = {}
    wrong = [key for key in found if key not in _READERS]
    for key, reader in _READERS.items():
        if key not in found:
            continue
        try:
            said[_FIELDS.get(key, key)] = reader(found[key])
        except ValueError:
            wrong.append(key)
            said[_FIELDS.get(key, key)] = getattr(CAUTIOUS, _FIELDS.get(key, key))
    return Policy(path=str(path), wrong=tuple(wrong), **said)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True  # it may not even be looked at: read says so


def _parse(path: Path) -> Mapping[str, Any]:
    """Raises OSError and ValueError."""
    with path.open("rb") as file:
        facts = os.fstat(file.fileno())
        # On Windows the folder's own rights decide, which the administrator sets.
        if os.name == "posix" and (facts.st_uid != 0 or facts.st_mode & _WRITABLE_BY_OTHERS):
            raise PermissionError("somebody other than root may write it")
        data = file.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise ValueError("too large")
    return tomllib.loads(data.decode("utf-8-sig"))  # Windows' editors put a mark first


def _invitation(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    link = "".join(value.split())
    try:
        Invitation.parse(link)
    except RemoteError as error:
        raise ValueError(str(error)) from error
    return link


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _between(least: int, most: int) -> Callable[[object], int]:
    def read_number(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError
        return value

    return read_number


def _folder(value: object) -> Path:
    if not isinstance(value, str):
        raise ValueError
    folder = Path(value.replace("{user}", getpass.getuser())).expanduser()
    if not folder.is_absolute() or ".." in folder.parts:
        raise ValueError
    return folder


def _proxy(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    parts = urlsplit(value)
    if value not in (SYSTEM_PROXY, NO_PROXY) and (
        parts.scheme not in ("http", "https") or not parts.hostname or parts.port is None or parts.path not in ("", "/")
    ):
        raise ValueError
    return value


def _features(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not FEATURES.issuperset(one for one in value if isinstance(one, str)):
        raise ValueError
    if not all(isinstance(one, str) for one in value):
        raise ValueError
    return frozenset(value)


_READERS: dict[str, Callable[[object], object]] = {
    "invitation": _invitation,
    "shared": _yes_or_no,
    "idle_seconds": _between(IDLE_SECONDS_MIN, IDLE_SECONDS_MAX),
    "pin_digits": _between(limits.PIN_DIGITS_MIN, PIN_DIGITS_MAX),
    "messages_days": _between(1, limits.RETENTION_DAYS_MAX),
    "data_folder": _folder,
    "proxy": _proxy,
    "features_off": _features,
}
_FIELDS = {"features_off": "off"}
KEYS = frozenset(_READERS)
assert {one.name for one in fields(Policy)} == {"path", "wrong"} | {_FIELDS.get(key, key) for key in KEYS}
