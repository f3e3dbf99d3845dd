"""Sealed photos in a folder, each named by the SHA-256 of its bytes: uploads resume, and repeat harmlessly.

A piece goes into a part that belongs to one device and one name; a part that is complete and has the right hash becomes
the blob, on disk before it is answered. Several nodes may share the folder.
"""

import hashlib
import hmac
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from miss_protocol import limits
from miss_server.authority import sync_folder

NAME_BYTES = 32
PARTS_KEPT_MS = 2 * 86_400_000
PARTS_PER_DEVICE_MAX = 100
_LOCKS = 64


class BlobError(Exception):
    """A piece cannot be taken: ``blob-altered``, ``blob-elsewhere`` (it starts beyond ``have``), ``too-large``, or
    ``slow-down`` (too many others of this device are incomplete).
    """

    def __init__(self, reason: str, have: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.have = have


@dataclass(frozen=True)
class Piece:
    """Some bytes of a blob: from ``first`` on, of ``total`` in all."""

    first: int
    total: int
    data: bytes


@dataclass(frozen=True)
class Blob:
    """A complete blob: its size, and where it lies on disk, or how it is read: some bytes, from which on."""

    size: int
    path: Path | None = None
    read: Callable[[int, int], bytes] | None = None


class Storage(Protocol):
    """Where blobs are: a folder, or an object store."""

    def find(self, name: bytes) -> Blob | None:
        """A complete blob."""

    def have(self, device_id: bytes, name: bytes) -> int | None:
        """How many bytes of an incomplete blob this device has sent."""

    def put(self, device_id: bytes, name: bytes, piece: Piece) -> tuple[bool, int]:
        """Takes a piece: whether the blob is complete, and how many of its bytes are here."""

    def forget(self, before_ms: int, parts_before_ms: int) -> int:
        """Deletes what was last added to before then."""


class Blobs:
    """The folder of sealed photos.

    Args:
        folder: made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts = folder / "parts"
        self._locks = [threading.Lock() for _ in range(_LOCKS)]
        self._parts.mkdir(mode=0o700, parents=True, exist_ok=True)

    def find(self, name: bytes) -> "Blob | None":
        """A complete blob; None where there is none."""
        path = self._place(name)
        return Blob(path.stat().st_size, path) if path.is_file() else None

    def have(self, device_id: bytes, name: bytes) -> int | None:
        """How many bytes of an incomplete blob this device has sent; None where it has sent none."""
        try:
            return self._part(device_id, name).stat().st_size
        except FileNotFoundError:
            return None

    def put(self, device_id: bytes, name: bytes, piece: Piece) -> tuple[bool, int]:
        """Takes a piece; bytes that are there already are stepped over.

        Returns:
            whether the blob is complete, and how many of its bytes are here.

        Raises:
            BlobError: why the piece was not taken.
        """
        if not 0 < piece.total <= limits.BLOB_BYTES_MAX or piece.first + len(piece.data) > piece.total:
            raise BlobError("too-large")
        part = self._part(device_id, name)
        with self._locks[hash(part) % _LOCKS]:
            if self.find(name) is not None:
                return True, piece.total
            if piece.first > (self.have(device_id, name) or 0):
                raise BlobError("blob-elsewhere", self.have(device_id, name) or 0)
            if not part.exists() and self._parts_of(device_id) >= PARTS_PER_DEVICE_MAX:
                raise BlobError("slow-down")
            with part.open("ab") as out, _alone(out):
                return self._add(out, part, name, piece)

    def _add(self, out: BinaryIO, part: Path, name: bytes, piece: Piece) -> tuple[bool, int]:
        """Adds what is new of a piece to a part that no other node is adding to."""
        if self.find(name) is not None:  # another node has completed it meanwhile
            return True, piece.total
        have = os.fstat(out.fileno()).st_size
        if piece.first > have or not os.fstat(out.fileno()).st_nlink:
            raise BlobError("blob-elsewhere", have if part.exists() else 0)
        fresh = piece.data[have - piece.first :]
        out.write(fresh)
        out.flush()
        have += len(fresh)
        if have < piece.total:
            return False, have
        self._complete(part, name)
        return True, have

    def _complete(self, part: Path, name: bytes) -> None:
        with part.open("r+b") as whole:
            digest = hashlib.file_digest(whole, "sha256").digest()
            os.fsync(whole.fileno())
        if not hmac.compare_digest(digest, name):
            part.unlink()
            raise BlobError("blob-altered")
        place = self._place(name)
        place.parent.mkdir(mode=0o700, exist_ok=True)
        part.replace(place)
        sync_folder(place.parent)
        sync_folder(self._folder)

    def forget(self, before_ms: int, parts_before_ms: int) -> int:
        """Deletes the blobs last completed, and the parts last added to, before then; returns how many."""
        forgotten = 0
        for path in self._all():
            limit = parts_before_ms if path.parent == self._parts else before_ms
            try:
                if path.stat().st_mtime_ns // 1_000_000 < limit:
                    path.unlink()
                    forgotten += 1
            except FileNotFoundError:
                continue  # completed or deleted meanwhile
        return forgotten

    def _all(self) -> Iterator[Path]:
        for folder in self._folder.iterdir():
            if folder.is_dir():
                yield from folder.iterdir()

    def _parts_of(self, device_id: bytes) -> int:
        return sum(1 for _ in self._parts.glob(f"{device_id.hex()}-*"))

    def _place(self, name: bytes) -> Path:
        return self._folder / name.hex()[:2] / name.hex()

    def _part(self, device_id: bytes, name: bytes) -> Path:
        return self._parts / f"{device_id.hex()}-{name.hex()}"


@contextmanager
def _alone(file: BinaryIO) -> Iterator[None]:
    """Keeps other processes from adding to the same part."""
    try:
        import fcntl
    except ImportError:  # not POSIX: one server has the folder
        yield
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    yield  # the lock goes with the file
