"""Small files that survive a crash: written beside, flushed, then moved into place."""

import os
import secrets
from pathlib import Path


def write_file(path: Path, data: bytes) -> None:
    """Replace a file (0600) by these bytes; after a crash it holds the old ones or the new ones."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(beside, path)
    _flush_folder(path.parent)


def erase_file(path: Path) -> None:
    """Overwrite and delete a file; one that is missing is fine. Flash storage may keep an old copy all the same."""
    try:
        handle = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        return
    try:
        os.write(handle, bytes(os.fstat(handle).st_size))
        os.fsync(handle)
    finally:
        os.close(handle)
    path.unlink()
    _flush_folder(path.parent)


def read_file(path: Path) -> bytes | None:
    """The bytes, or None where there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
