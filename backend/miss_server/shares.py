"""Shares of vault keys: each released to its own device against a proof of the PIN, ten tries in all.

A try is taken off before the proof is looked at, in the same transaction, so that neither a crash nor two questions at
once give another one. The server never sees the PIN, nor what it could be guessed from: the proof comes from a slow
function whose salt stays on the device.
"""

import hashlib
import hmac
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from miss_protocol import limits
from miss_protocol.unlocking import verifier_of
from miss_server.vault_tables import unlock_requests, vault_shares


class ShareError(Exception):
    """A share cannot be kept or released: ``share-unknown`` or ``share-kept``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Release:
    """The share where the proof was right; how many tries are left."""

    share: bytes | None
    tries_left: int


def keep(
    connection: Connection, device: int, share: bytes, verifier: bytes, keeper: bytes, now_ms: int, shown: bytes
) -> None:
    """Keep a device's share, with all its tries.

    Args:
        keeper: a secret of the unlocked device; its hash is kept.
        shown: the keeper of the share that is replaced, empty where there should be none.

    Raises:
        ShareError: ``share-kept`` where there is one that ``shown`` does not replace: who copied a disk
            must not put another one in its place.
    """
    s = vault_shares.c
    kept = connection.execute(select(s.keeper_hash).where(s.device == device)).first()
    if kept is not None and not hmac.compare_digest(bytes(kept.keeper_hash), _hash(shown)):
        raise ShareError("share-kept")
    connection.execute(delete(vault_shares).where(s.device == device))
    connection.execute(
        insert(vault_shares).values(
            device=device,
            share=share,
            verifier=verifier,
            keeper_hash=_hash(keeper),
            tries_left=limits.VAULT_TRIES,
            kept_at_ms=now_ms,
        )
    )


def release(connection: Connection, device: int, proof: bytes) -> Release:
    """The share against the right proof, and all tries again; else what is left. ShareError("share-unknown")."""
    s = vault_shares.c
    if connection.execute(select(s.device).where(s.device == device)).first() is None:
        raise ShareError("share-unknown")
    tried = connection.execute(
        update(vault_shares)
        .where(s.device == device, s.tries_left > 0)
        .values(tries_left=s.tries_left - 1)
        .returning(s.share, s.verifier, s.tries_left)
    ).first()
    if tried is None:
        return Release(None, 0)
    if not hmac.compare_digest(bytes(tried.verifier), verifier_of(proof)):
        return Release(None, int(tried.tries_left))
    renew_tries(connection, device)
    return Release(bytes(tried.share), limits.VAULT_TRIES)


def renew_tries(connection: Connection, device: int) -> None:
    """Another device of the same person approved this one: it may try again."""
    mine = update(vault_shares).where(vault_shares.c.device == device)
    connection.execute(mine.values(tries_left=limits.VAULT_TRIES))


def forget(connection: Connection, device: int) -> None:
    """The device has ended: what it kept here opens nothing any more."""
    for table in (vault_shares, unlock_requests):
        connection.execute(delete(table).where(table.c.device == device))


def _hash(keeper: bytes) -> bytes:
    return hashlib.sha256(b"MiSS vault keeper 1" + keeper).digest()
