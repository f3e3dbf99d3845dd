"""The registrar's keys on disk: made at the first start, readable by the server's account alone."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miss_protocol.identity import Authority, AuthorityKeys, make_authority

ROLES = ("root", "issuing", "external-sender")
PEPPER_BYTES = 32


@dataclass(frozen=True)
class Keyring:
    """What the registrar signs with; ``pepper`` keys the hashes of codes and is in no database."""

    authority: Authority
    keys: AuthorityKeys
    pepper: bytes


def load_or_make(folder: Path, name: str, now_ms: int) -> Keyring:
    """The keys in ``folder``; made, for the server of this public name, where there are none.

    Raises:
        FileNotFoundError: some of them are missing: a backup restored by halves must not be completed by new keys.
    """
    if not folder.exists():
        _make(folder, name, now_ms)
    return load(folder)


def load(folder: Path) -> Keyring:
    """The keys in ``folder``, which exist."""
    certificates = [x509.load_pem_x509_certificate((folder / f"{role}.crt").read_bytes()) for role in ROLES]
    keys = [_private_key(folder / f"{role}.key") for role in ROLES]
    pepper = (folder / "pepper").read_bytes()
    authority = Authority.decode(Authority(*certificates).encode())
    return Keyring(authority, AuthorityKeys(*keys), pepper)


def _make(folder: Path, name: str, now_ms: int) -> None:
    """Writes everything into a folder beside, then renames it: the keys are there as a whole or not at all."""
    authority, keys = make_authority(name, now_ms)
    building = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}")
    building.mkdir(mode=0o700)
    for role, certificate in zip(ROLES, (authority.root, authority.issuing, authority.external_sender), strict=True):
        write_private(building / f"{role}.crt", certificate.public_bytes(serialization.Encoding.PEM))
    for role, key in zip(ROLES, (keys.root, keys.issuing, keys.external_sender), strict=True):
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_private(building / f"{role}.key", pem)
    write_private(building / "pepper", secrets.token_bytes(PEPPER_BYTES))
    building.rename(folder)
    sync_folder(folder.parent)


def write_private(file: Path, data: bytes) -> None:
    """A new file that only this account may read, on disk when this returns."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def sync_folder(folder: Path) -> None:
    """The names in this folder are on disk when this returns (nothing to do where folders cannot be opened)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _private_key(file: Path) -> Ed25519PrivateKey:
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{file.name} is not an Ed25519 key")
    return key
