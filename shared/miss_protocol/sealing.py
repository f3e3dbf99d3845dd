"""Bytes sealed outside a conversation: photos that travel as blobs."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from miss_protocol.errors import RemoteError

_LABEL = b"MiSS blob 1"
_NONCE = bytes(12)  # each key seals one blob once, so that the nonce may be constant


@dataclass(frozen=True)
class SealedBlob:
    """A ciphertext, its name (SHA-256 of it) and the key that opens it."""

    ciphertext: bytes
    name: bytes
    key: bytes


def seal_blob(plaintext: bytes) -> SealedBlob:
    """Seal with a fresh AES-256-GCM key."""
    key = secrets.token_bytes(32)
    ciphertext = AESGCM(key).encrypt(_NONCE, plaintext, _LABEL)
    return SealedBlob(ciphertext, hashlib.sha256(ciphertext).digest(), key)


def open_blob(ciphertext: bytes, name: bytes, key: bytes) -> bytes:
    """The plaintext.

    Raises:
        RemoteError: ``blob-altered`` where the name or the tag does not match.
    """
    if not hmac.compare_digest(hashlib.sha256(ciphertext).digest(), name):
        raise RemoteError("blob-altered", "the name does not match")
    try:
        return AESGCM(key).decrypt(_NONCE, ciphertext, _LABEL)
    except (InvalidTag, ValueError) as error:
        raise RemoteError("blob-altered", "the seal does not match") from error
