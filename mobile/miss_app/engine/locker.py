"""Rows that arrive while the profile is locked: kept as they came, sealed to a key whose other half is in the store.

The file only grows, a record at a time, each on disk before it is acknowledged; a record cut off by a crash was never
acknowledged and is cut away. Unlocking takes every row in order; one taken twice is recognised by its number.
"""

import os
from pathlib import Path

from miss_app.engine.files import erase_file, read_file, write_file
from miss_app.engine.problems import Problem
from miss_app.engine.store import Store
from miss_protocol.errors import RemoteError
from miss_protocol.frames import Class, Frame, decode, encode
from miss_protocol.mls.codec import Reader, Writer
from miss_protocol.mls.suite import PRODUCT_SUITE

_INFO = b"MiSS locker 1"
_PRIVATE = b"locker"
_LENGTH_BYTES = 4


class Locker:
    """The locker of one profile.

    Args:
        folder: the profile's.
    """

    def __init__(self, folder: Path) -> None:
        self._key_path = folder / "locker.key"
        self._path = folder / "locker"
        self._length: int | None = None  # of the whole records, once counted

    def make(self, store: Store) -> None:
        """Choose the two halves of the key, once: one into the store, one beside it."""
        if store.get("profile", _PRIVATE) is not None and self._key_path.exists():
            return
        private, public = PRODUCT_SUITE.hpke.generate()
        with store.step() as step:
            step.put("profile", _PRIVATE, private)
        write_file(self._key_path, public)

    def forget(self) -> None:
        """The files are gone: begin anew."""
        self._length = None

    def ready(self) -> bool:
        """Whether rows can be kept while locked."""
        return self._key_path.exists()

    def count(self, counts: Class) -> int:
        """How many frames of a class are kept: all that can be known of them without the store."""
        return sum(record[:1] == bytes([counts]) for record in self._records())

    def put(self, frame: Frame, counts: Class = Class.SILENT) -> None:
        """Keep a frame; it is on disk when this returns. ``counts`` is the class it is counted in, in the clear."""
        public = read_file(self._key_path)
        if public is None:
            raise Problem("store-damaged")
        shown = bytes([counts])
        encapsulation, ciphertext = PRODUCT_SUITE.hpke.seal(public, _INFO + shown, encode(frame))
        record = Writer().fixed(shown).opaque(encapsulation).opaque(ciphertext).bytes()
        whole = self._whole_length()
        handle = os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.ftruncate(handle, whole)
            os.lseek(handle, whole, os.SEEK_SET)
            os.write(handle, len(record).to_bytes(_LENGTH_BYTES, "big") + record)
            os.fsync(handle)
        finally:
            os.close(handle)
        self._length = whole + _LENGTH_BYTES + len(record)

    def _whole_length(self) -> int:
        """How long the file is up to the end of its last whole record."""
        if self._length is not None:
            return self._length
        return sum(_LENGTH_BYTES + len(record) for record in self._records())

    def _records(self) -> list[bytes]:
        data = read_file(self._path) or b""
        found: list[bytes] = []
        place = 0
        while place + _LENGTH_BYTES <= len(data):
            end = place + _LENGTH_BYTES + int.from_bytes(data[place : place + _LENGTH_BYTES], "big")
            if end > len(data):
                break  # cut off by a crash
            found.append(data[place + _LENGTH_BYTES : end])
            place = end
        return found

    def frames(self, store: Store) -> list[Frame]:
        """What was kept, in order; a record that somebody altered is left out, its row's place stays empty."""
        private = store.get("profile", _PRIVATE)
        found: list[Frame] = []
        for record in self._records() if private is not None else ():
            reader = Reader(record)
            try:
                info = _INFO + reader.fixed(1)
                plain = PRODUCT_SUITE.hpke.open(private or b"", reader.opaque(), info, reader.opaque())
                found += decode(plain)
            except RemoteError:
                continue
        return found

    def empty(self) -> None:
        """Everything in it is in the store now."""
        self._length = None
        erase_file(self._path)
