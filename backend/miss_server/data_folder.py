"""The data folder: made at the first start for one account alone, used by one server at a time."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from miss_server import authority, config, first_settings
from miss_server.authority import Keyring
from miss_server.config import LISTENING, NODES, Settings

LOCK_FILE = "lock"
LOCK_ATTEMPTS = 3
LOCK_PAUSE_SECONDS = 0.05


class FolderInUseError(Exception):
    """Another server runs on this folder."""


def make(settings: Settings, now_ms: int) -> tuple[Keyring, bool]:
    """Makes what is missing of a data folder: itself (0700), ``miss.toml``, the registrar's keys.

    Returns:
        the keys, and whether this is the first start.
    """
    folder = settings.data
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    with _alone(folder):
        file = folder / config.FILE_NAME
        if not file.exists():
            authority.write_private(file, first_settings.text_of(settings).encode())
        first = not settings.keys.exists()
        keyring = authority.load_or_make(settings.keys, settings.public_name or settings.host, now_ms)
    return keyring, first


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps nodes that share a folder and start together from making its keys twice."""
    try:
        import fcntl
    except ImportError:  # not POSIX: one server at a time makes a folder there
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds the folder for one server; the operating system lets go of it however the process ends.

    Raises:
        FolderInUseError: another server holds it.
    """
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def running(folder: Path) -> list[Path]:
    """Where servers run on this data folder now: itself, or the folders in it of nodes that share it."""
    found = []
    for one in (folder, *sorted((folder / NODES).glob("*/"))):
        try:
            with held(one):
                pass
        except FolderInUseError:
            found.append(one)
    return found


def in_use(folder: Path) -> bool:
    """Whether a server runs on this data folder now."""
    return bool(running(folder))


def address(folder: Path) -> str:
    """``host:port`` of a server that runs on this data folder; empty where none does."""
    for one in running(folder):
        with suppress(FileNotFoundError):  # it is about to listen, or to stop
            return (one / LISTENING).read_text(encoding="ascii").strip()
    return ""


def _lock(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:  # not POSIX: the database's own locks still keep its contents whole
        return
    for attempt in range(LOCK_ATTEMPTS):  # ``in_use`` holds the lock too, for an instant
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if attempt + 1 == LOCK_ATTEMPTS:
                raise FolderInUseError from error
            time.sleep(LOCK_PAUSE_SECONDS)
