"""The vault: the store's key, wrapped by what a PIN becomes after a slow, memory-hard function.

A wrong PIN is counted on disk *before* it is tried, so that killing the program does not give another try, and the
waiting time grows. Who copies the disk can guess offline: the PIN is then worth its length times the function's cost.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from miss_app.engine import records
from miss_app.engine.files import read_file, write_file
from miss_app.engine.problems import Problem
from miss_protocol import limits
from miss_protocol.errors import RemoteError

ARGON2_MEMORY_KIB = 64 * 1024
ARGON2_PASSES = 3
ARGON2_LANES = 4
SCRYPT_COST = 1 << 16
FREE_TRIES = 3
WAIT_SECONDS_MAX = 3600
_LABEL = b"MiSS vault 1"


@dataclass(frozen=True)
class _Wrapped:
    """What the file holds: the function, its costs, the wrapped key, wrong PINs so far, when one may try again."""

    function: str
    salt: bytes
    memory: int
    passes: int
    lanes: int
    nonce: bytes
    wrapped: bytes
    wrong: int
    not_before_ms: int


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Vault:
    """The vault in one file.

    Args:
        path: where; it may not exist yet.
        now_ms: the clock, milliseconds since 1970.
    """

    def __init__(self, path: Path, now_ms: Callable[[], int] = _now_ms) -> None:
        self._path = path
        self._now_ms = now_ms

    def exists(self) -> bool:
        return self._path.exists()

    def make(self, pin: str) -> bytes:
        """Choose a new store key and wrap it; returns the key (32 bytes). Raises Problem("pin-too-short")."""
        check_pin(pin)
        key = secrets.token_bytes(32)
        write_file(self._path, records.encode(_wrap(pin, key)))
        return key

    def open(self, pin: str) -> bytes:
        """The store key.

        Raises:
            Problem: ``pin-wrong``, ``pin-too-soon`` (with ``seconds`` to wait) or ``store-damaged``.
        """
        wrapped = self._read()
        wait_ms = wrapped.not_before_ms - self._now_ms()
        if wait_ms > 0:
            # A clock set back must not lock the person out for longer than the longest wait.
            raise Problem("pin-too-soon", seconds=min(wait_ms / 1000, WAIT_SECONDS_MAX))
        wrong = wrapped.wrong + 1
        tried = replace(wrapped, wrong=wrong, not_before_ms=self._now_ms() + int(1000 * wait_after(wrong)))
        write_file(self._path, records.encode(tried))
        try:
            key = AESGCM(_stretch(pin, wrapped)).decrypt(wrapped.nonce, wrapped.wrapped, _LABEL)
        except InvalidTag as error:
            raise Problem("pin-wrong", seconds=wait_after(wrong)) from error
        write_file(self._path, records.encode(replace(wrapped, wrong=0, not_before_ms=0)))
        return key

    def _read(self) -> _Wrapped:
        data = read_file(self._path)
        if data is None:
            raise Problem("store-damaged")
        try:
            return records.decode(_Wrapped, data)
        except RemoteError as error:
            raise Problem("store-damaged") from error


def wait_after(wrong: int) -> float:
    """Seconds to wait after so many wrong PINs in a row."""
    if wrong <= FREE_TRIES:
        return 0.0
    return float(min(5 * 2 ** (wrong - FREE_TRIES - 1), WAIT_SECONDS_MAX))


def check_pin(pin: str) -> None:
    """Raises Problem("pin-too-short") unless these are enough digits."""
    if len(pin) < limits.PIN_DIGITS_MIN or not (pin.isascii() and pin.isdigit()):
        raise Problem("pin-too-short")


def _wrap(pin: str, key: bytes) -> _Wrapped:
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    blank = _Wrapped("argon2id", salt, ARGON2_MEMORY_KIB, ARGON2_PASSES, ARGON2_LANES, nonce, b"", 0, 0)
    try:
        stretched = _stretch(pin, blank)
    except UnsupportedAlgorithm:  # an OpenSSL before 3.2, as on some phones
        blank = replace(blank, function="scrypt", memory=SCRYPT_COST, passes=8, lanes=1)
        stretched = _stretch(pin, blank)
    return replace(blank, wrapped=AESGCM(stretched).encrypt(nonce, key, _LABEL))


def _stretch(pin: str, how: _Wrapped) -> bytes:
    text = pin.encode()
    if how.function == "argon2id":
        function = Argon2id(salt=how.salt, length=32, iterations=how.passes, lanes=how.lanes, memory_cost=how.memory)
        return function.derive(text)
    if how.function == "scrypt":
        return Scrypt(salt=how.salt, length=32, n=how.memory, r=how.passes, p=how.lanes).derive(text)
    raise Problem("store-too-new")
