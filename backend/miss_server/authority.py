"""The registrar's keys on disk: made at the first start, readable by the server's account alone.

root.crt  root-2.crt …           the roots, each signed by the one before; root.key may be kept on another machine
issuing.crt  issuing.key         what device certificates and heads of the log are signed by
issuing-past-1.crt …             what was in use earlier, for certificates that are still in use
external-sender.crt  .key        what removals are proposed by
pepper                           keys the hashes of codes
"""

import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from miss_protocol.identity import Authority, AuthorityKeys, make_authority

ROOT, ISSUING, EXTERNAL_SENDER = "root", "issuing", "external-sender"
PEPPER_BYTES = 32


class KeyFileError(Exception):
    """A key that must not be used: ``keys-open`` where others can read it, ``keys-mismatch`` where it is another's."""

    def __init__(self, reason: str, file: Path) -> None:
        super().__init__(f"{reason}: {file.name}")
        self.reason = reason
        self.file = file


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
        KeyFileError: one of them is readable by others, or is not its certificate's.
    """
    if not folder.exists():
        if any(folder.parent.glob(f"{folder.name}.before-*")):  # a new certificate was being put in its place
            raise FileNotFoundError(2, "keys", str(folder))
        _make(folder, name, now_ms)
    return load(folder)


def load(folder: Path) -> Keyring:
    """The keys in ``folder``, which exist; raises as ``load_or_make``."""
    authority = load_certificates(folder)
    root = read_key(folder / f"{ROOT}.key", authority.roots) if (folder / f"{ROOT}.key").exists() else None
    issuing = read_key(folder / f"{ISSUING}.key", (authority.issuing,))
    external = read_key(folder / f"{EXTERNAL_SENDER}.key", (authority.external_sender,))
    _check_mode(folder / "pepper")
    return Keyring(authority, AuthorityKeys(root, issuing, external), (folder / "pepper").read_bytes())


def load_certificates(folder: Path) -> Authority:
    """The authority whose certificates are in ``folder``, its chain checked."""
    root, issuing, external = (_certificate(folder / f"{role}.crt") for role in (ROOT, ISSUING, EXTERNAL_SENDER))
    later, past = _series(folder, ROOT, 2), _series(folder, f"{ISSUING}-past", 1)
    return Authority.decode(Authority(root, issuing, external, later, past).encode())


def _make(folder: Path, name: str, now_ms: int) -> None:
    authority, keys = make_authority(name, now_ms)
    write(folder, Keyring(authority, keys, secrets.token_bytes(PEPPER_BYTES)))


def write(folder: Path, keyring: Keyring) -> None:
    """Writes everything into a folder beside, then puts it in the place of ``folder``: as a whole or not at all."""
    authority, keys = keyring.authority, keyring.keys
    building = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}")
    building.mkdir(mode=0o700)
    certificates = {ROOT: authority.root, ISSUING: authority.issuing, EXTERNAL_SENDER: authority.external_sender}
    certificates |= {f"{ROOT}-{number}": one for number, one in enumerate(authority.later_roots, 2)}
    certificates |= {f"{ISSUING}-past-{number}": one for number, one in enumerate(authority.past_issuing, 1)}
    for stem, certificate in certificates.items():
        write_private(building / f"{stem}.crt", certificate.public_bytes(serialization.Encoding.PEM))
    for role, key in ((ROOT, keys.root), (ISSUING, keys.issuing), (EXTERNAL_SENDER, keys.external_sender)):
        if key is not None:
            write_key(building / f"{role}.key", key)
    write_private(building / "pepper", keyring.pepper)
    if folder.exists():
        before = folder.with_name(f"{folder.name}.before-{secrets.token_hex(4)}")
        folder.rename(before)
    building.rename(folder)
    sync_folder(folder.parent)


def write_key(file: Path, key: Ed25519PrivateKey) -> None:
    """A private key as a new PEM file that only this account may read."""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(file, pem)


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


def read_key(file: Path, certificates: tuple[x509.Certificate, ...]) -> Ed25519PrivateKey:
    """The private key in a file that nobody else can read, which is one of these certificates'.

    Raises:
        KeyFileError: ``keys-open`` or ``keys-mismatch``.
    """
    _check_mode(file)
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), None)
    except ValueError as error:
        raise KeyFileError("keys-mismatch", file) from error
    known = [one.public_key() for one in certificates]
    if not isinstance(key, Ed25519PrivateKey) or key.public_key() not in known:
        raise KeyFileError("keys-mismatch", file)
    return key


def _check_mode(file: Path) -> None:
    if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise KeyFileError("keys-open", file)


def _certificate(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def _series(folder: Path, stem: str, first: int) -> tuple[x509.Certificate, ...]:
    found, number = [], first
    while (file := folder / f"{stem}-{number}.crt").exists():
        found.append(_certificate(file))
        number += 1
    return tuple(found)
