"""The vault: the store's key, wrapped by what a PIN becomes after a slow, memory-hard function, and by a share.

The share is a second secret that a copied disk does not have: the operating system keeps it, or the server gives it
against a proof of the PIN. A pass-phrase of six words needs none: it cannot be guessed. What the PIN becomes yields the
proof and the key under a label each, so that neither says anything of the other.

A wrong PIN is counted on disk *before* it is tried, so that killing the program does not give another try, and the
waiting time grows. Another device of the same person holds one more key, by which it can open this vault when asked.
"""

import errno
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from miss_app.engine import passphrase, records
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
_KEY_BYTES, _NONCE_BYTES = 32, 12
_LABEL, _APPROVAL_LABEL = b"MiSS vault 2", b"MiSS vault approval 1"
_PROOF_LABEL, _CONFIRM_LABEL = b"MiSS vault proof 1", b"MiSS vault confirm 1"


class Guard(StrEnum):
    """What a copied disk lacks, beside the PIN."""

    KEYSTORE = "keystore"  # the operating system keeps a share
    SERVER = "server"  # the server gives one, ten tries in all
    PHRASE = "phrase"  # nothing is needed: six words instead of a PIN


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
    guard: str
    place: str  # what the operating system calls the share
    approval: bytes = b""  # the key, wrapped for another device of the same person


class Stretched:
    """What a PIN became; dropped as soon as it was used."""

    def __init__(self, how: _Wrapped, key: bytes) -> None:
        self.how = how
        self._key = key

    @property
    def proof(self) -> bytes:
        """What shows the server that one knows the PIN, without saying it."""
        return HKDFExpand(SHA256(), _KEY_BYTES, _PROOF_LABEL).derive(self._key)

    @property
    def confirmation(self) -> bytes:
        """What the open store keeps, to recognise the PIN when it is asked again."""
        return HKDFExpand(SHA256(), _KEY_BYTES, _CONFIRM_LABEL).derive(self._key)

    def cipher(self, share: bytes) -> AESGCM:
        return AESGCM(HKDF(SHA256(), _KEY_BYTES, salt=share or None, info=_LABEL).derive(self._key))


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

    def guard(self) -> Guard:
        """What opens it beside the typed secret; Problem("store-damaged")."""
        return Guard(self._read().guard)

    def place(self) -> str:
        """What the operating system calls this vault's share."""
        return self._read().place

    def approvable(self) -> bool:
        """Whether another device holds a key to it."""
        return self.exists() and bool(self._read().approval)

    # Made.

    @staticmethod
    def begin(typed: str, guard: Guard) -> Stretched:
        """Stretch a new PIN or pass-phrase, slowly; Problem("pin-too-short"), ("phrase-length"), ("phrase-unknown")."""
        check_secret(typed, guard)
        return _stretch_new(_secret(typed, guard), guard)

    def make(self, chosen: Stretched, share: bytes = b"", place: str = "") -> bytes:
        """Choose a new store key and wrap it; returns the key (32 bytes)."""
        key, nonce = secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(_NONCE_BYTES)
        wrapped = chosen.cipher(share).encrypt(nonce, key, _LABEL)
        self._write(replace(chosen.how, nonce=nonce, wrapped=wrapped, place=place))
        return key

    # Opened.

    def attempt(self, typed: str) -> Stretched:
        """Count a try, then stretch what was typed, slowly.

        Raises:
            Problem: ``pin-too-soon`` (with ``seconds`` to wait), ``phrase-length``, ``phrase-unknown``, ``disk-full``
                where the try could not be counted, or ``store-damaged``.
        """
        known = self._read()
        secret = _secret(typed, Guard(known.guard))
        wait_ms = known.not_before_ms - self._now_ms()
        if wait_ms > 0:
            # A clock set back must not lock the person out for longer than the longest wait.
            raise Problem("pin-too-soon", seconds=min(wait_ms / 1000, WAIT_SECONDS_MAX))
        wrong = known.wrong + 1
        self._write(replace(known, wrong=wrong, not_before_ms=self._now_ms() + int(1000 * wait_after(wrong))))
        return Stretched(known, _stretch(secret, known))

    def wait_seconds(self) -> float:
        """How long to wait before the next try; 0 where one may try now."""
        left = self._read().not_before_ms - self._now_ms()
        return min(max(left, 0) / 1000, WAIT_SECONDS_MAX)

    def open(self, tried: Stretched, share: bytes = b"") -> bytes:
        """The store key; Problem("pin-wrong")."""
        try:
            key = tried.cipher(share).decrypt(tried.how.nonce, tried.how.wrapped, _LABEL)
        except InvalidTag as error:
            raise self.wrong(tried) from error
        self._settle(0)
        return key

    def confirm(self, tried: Stretched, kept: bytes) -> None:
        """The PIN asked again while open; Problem("pin-wrong") where it is not what the store keeps."""
        if not hmac.compare_digest(tried.confirmation, kept):
            raise self.wrong(tried)
        self._settle(0)

    def wrong(self, tried: Stretched) -> Problem:
        """What to say of a try that was wrong."""
        return Problem("pin-wrong", seconds=wait_after(tried.how.wrong + 1))

    def untried(self, tried: Stretched) -> None:
        """The try could not be judged, since the share was out of reach: it does not count."""
        self._write(replace(self._read(), wrong=tried.how.wrong, not_before_ms=tried.how.not_before_ms))

    # Opened by another device.

    def let_approve(self, key: bytes, approval: bytes) -> None:
        """From now on whoever holds ``approval`` (32 bytes) can open it; who held another one cannot any more."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        wrapped = nonce + AESGCM(_approval_key(approval)).encrypt(nonce, key, _APPROVAL_LABEL)
        self._write(replace(self._read(), approval=wrapped))

    def open_approved(self, approval: bytes) -> bytes:
        """The store key; Problem("approval-unfit")."""
        wrapped = self._read().approval
        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            key = AESGCM(_approval_key(approval)).decrypt(nonce, sealed, _APPROVAL_LABEL)
        except (InvalidTag, ValueError) as error:
            raise Problem("approval-unfit") from error
        self._settle(0)
        return key

    def _settle(self, wrong: int) -> None:
        known = self._read()
        if known.wrong != wrong:
            self._write(replace(known, wrong=wrong, not_before_ms=0))

    def _read(self) -> _Wrapped:
        data = read_file(self._path)
        if data is None:
            raise Problem("store-damaged")
        try:
            return records.decode(_Wrapped, data)
        except RemoteError as error:
            raise Problem("store-damaged") from error

    def _write(self, known: _Wrapped) -> None:
        try:
            write_file(self._path, records.encode(known))
        except OSError as error:  # fail closed: a try that cannot be counted is not made
            raise Problem("disk-full" if error.errno == errno.ENOSPC else "store-failed") from error


def wait_after(wrong: int) -> float:
    """Seconds to wait after so many wrong PINs in a row."""
    if wrong <= FREE_TRIES:
        return 0.0
    return float(min(5 * 2 ** (wrong - FREE_TRIES - 1), WAIT_SECONDS_MAX))


def check_secret(typed: str, guard: Guard) -> None:
    """Raises Problem("pin-too-short") unless these are enough digits; of a phrase, as ``passphrase.canonical``."""
    if guard is Guard.PHRASE:
        passphrase.canonical(typed)
    elif len(typed) < limits.PIN_DIGITS_MIN or not (typed.isascii() and typed.isdigit()):
        raise Problem("pin-too-short")


def _secret(typed: str, guard: Guard) -> str:
    return passphrase.canonical(typed) if guard is Guard.PHRASE else typed


def _approval_key(approval: bytes) -> bytes:
    return hashlib.sha256(_APPROVAL_LABEL + approval).digest()


def _stretch_new(secret: str, guard: Guard) -> Stretched:
    salt, costs = secrets.token_bytes(16), (ARGON2_MEMORY_KIB, ARGON2_PASSES, ARGON2_LANES)
    how = _Wrapped("argon2id", salt, *costs, b"", b"", 0, 0, guard.value, "")
    try:
        return Stretched(how, _stretch(secret, how))
    except UnsupportedAlgorithm:  # an OpenSSL before 3.2, as on some phones
        how = replace(how, function="scrypt", memory=SCRYPT_COST, passes=8, lanes=1)
        return Stretched(how, _stretch(secret, how))


def _stretch(secret: str, how: _Wrapped) -> bytes:
    text = secret.encode()
    if how.function == "argon2id":
        function = Argon2id(salt=how.salt, length=32, iterations=how.passes, lanes=how.lanes, memory_cost=how.memory)
        return function.derive(text)
    if how.function == "scrypt":
        return Scrypt(salt=how.salt, length=32, n=how.memory, r=how.passes, p=how.lanes).derive(text)
    raise Problem("store-too-new")
