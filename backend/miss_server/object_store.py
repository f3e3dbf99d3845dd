"""Sealed photos in an object store that speaks S3, for nodes that share no folder.

``blobs/NAME``                     a complete blob, named by the SHA-256 of its bytes
``parts/DEVICE-NAME/FIRST``        a piece of one that a device is sending, by its first byte

Pieces may reach different nodes; whichever has the last one reads them all, checks the hash, and writes the blob.
"""

import hashlib
import hmac
from datetime import UTC, datetime

import obstore
from obstore.store import S3Store

from miss_protocol import limits
from miss_server.blobs import Blob, BlobError, Piece
from miss_server.config import S3

_FIRST_DIGITS = 12
DELETE_AT_ONCE = 500


class ObjectBlobs:
    """The bucket of sealed photos.

    Args:
        settings: where it is, and the file of its keys.
    """

    def __init__(self, settings: S3) -> None:
        options = {"allow_http": True} if settings.endpoint.startswith("http://") else {}
        keys = settings.keys()
        self._store = S3Store(
            settings.bucket,
            prefix=settings.prefix or None,
            endpoint=settings.endpoint or None,
            region=settings.region,
            access_key_id=keys[0] or None,
            secret_access_key=keys[1] or None,
            client_options=options,  # type: ignore[arg-type]  # a TypedDict of its own
        )

    def find(self, name: bytes) -> Blob | None:
        """A complete blob; None where there is none."""
        path = f"blobs/{name.hex()}"
        try:
            size = obstore.head(self._store, path)["size"]
        except FileNotFoundError:
            return None
        return Blob(
            size, read=lambda first, count: bytes(obstore.get_range(self._store, path, start=first, length=count))
        )

    def have(self, device_id: bytes, name: bytes) -> int | None:
        """How many bytes of an incomplete blob this device has sent; None where it has sent none."""
        pieces = self._pieces(device_id, name)
        return _reach(pieces) if pieces else None

    def put(self, device_id: bytes, name: bytes, piece: Piece) -> tuple[bool, int]:
        """Takes a piece; bytes that are there already are stepped over.

        Returns:
            whether the blob is complete, and how many of its bytes are here.

        Raises:
            BlobError: why the piece was not taken.
        """
        if not 0 < piece.total <= limits.BLOB_BYTES_MAX or piece.first + len(piece.data) > piece.total:
            raise BlobError("too-large")
        if self.find(name) is not None:
            return True, piece.total
        pieces = self._pieces(device_id, name)
        have = _reach(pieces)
        if piece.first > have:
            raise BlobError("blob-elsewhere", have)
        if fresh := piece.data[have - piece.first :]:
            obstore.put(self._store, f"{_folder(device_id, name)}/{have:0{_FIRST_DIGITS}}", fresh)
            pieces[have] = len(fresh)
        if have + len(fresh) < piece.total:
            return False, have + len(fresh)
        self._complete(device_id, name, pieces)
        return True, piece.total

    def _complete(self, device_id: bytes, name: bytes, pieces: dict[int, int]) -> None:
        folder = _folder(device_id, name)
        paths = [f"{folder}/{first:0{_FIRST_DIGITS}}" for first in sorted(pieces)]
        try:
            whole = b"".join(bytes(obstore.get(self._store, path).bytes()) for path in paths)
        except FileNotFoundError:  # another node has just completed it
            if self.find(name) is None:
                raise BlobError("blob-elsewhere", 0) from None
            return
        if hmac.compare_digest(hashlib.sha256(whole).digest(), name):
            obstore.put(self._store, f"blobs/{name.hex()}", whole)
            obstore.delete(self._store, paths)
        else:
            obstore.delete(self._store, paths)
            raise BlobError("blob-altered")

    def _pieces(self, device_id: bytes, name: bytes) -> dict[int, int]:
        """The sizes of the pieces that are here, by first byte."""
        listed = obstore.list(self._store, _folder(device_id, name))
        return {int(one["path"].rpartition("/")[2]): one["size"] for chunk in listed for one in chunk}

    def forget(self, before_ms: int, parts_before_ms: int) -> int:
        """Deletes the blobs last completed, and the pieces last sent, before then; returns how many."""
        forgotten = 0
        for folder, limit in (("blobs", before_ms), ("parts", parts_before_ms)):
            before = datetime.fromtimestamp(limit / 1000, UTC)
            old = [
                one["path"]
                for chunk in obstore.list(self._store, folder)
                for one in chunk
                if one["last_modified"] < before
            ]
            for at in range(0, len(old), DELETE_AT_ONCE):
                obstore.delete(self._store, old[at : at + DELETE_AT_ONCE])
            forgotten += len(old)
        return forgotten


def _folder(device_id: bytes, name: bytes) -> str:
    return f"parts/{device_id.hex()}-{name.hex()}"


def _reach(pieces: dict[int, int]) -> int:
    """How many bytes are here from the first one on, without a gap."""
    reach = 0
    for first in sorted(pieces):
        if first > reach:
            break
        reach = max(reach, first + pieces[first])
    return reach
