"""Sign-ins through a browser that are under way: the state it carries, good once, for ten minutes.

The state is stored hashed; with it stand the nonce and the verifier of its request, and the registration it serves.
"""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from miss_server.register_tables import sign_ins

VALID_MS = 10 * 60_000
STATE_CHARACTERS_MAX = 100


@dataclass(frozen=True)
class Dialogue:
    """One sign-in under way: what the browser carries (``state``), and what only this server knows."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def begin(cls) -> "Dialogue":
        """Fresh values; the verifier has 64 characters (RFC 7636 section 4.1 asks for 43 to 128)."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))


@dataclass(frozen=True)
class SignIn:
    """A browser came back: for which registration, in which language."""

    registration_id: bytes
    language: str
    dialogue: Dialogue


def begin(connection: Connection, registration_id: bytes, language: str, dialogue: Dialogue, now_ms: int) -> None:
    """Notes that a browser is on its way."""
    connection.execute(
        insert(sign_ins).values(
            state_hash=_hash(dialogue.state),
            registration_id=registration_id,
            language=language,
            nonce=dialogue.nonce,
            verifier=dialogue.verifier,
            begun_at_ms=now_ms,
        )
    )


def take(connection: Connection, state: str, now_ms: int) -> SignIn | None:
    """What a state stands for, once; None where it is unknown, used or older than ten minutes."""
    if not 0 < len(state) <= STATE_CHARACTERS_MAX:
        return None
    s = sign_ins.c
    used = connection.execute(
        update(sign_ins)
        .where(s.state_hash == _hash(state), s.used_at_ms.is_(None), s.begun_at_ms > now_ms - VALID_MS)
        .values(used_at_ms=now_ms)
    )
    if used.rowcount != 1:
        return None
    row = connection.execute(select(sign_ins).where(s.state_hash == _hash(state))).one()
    return SignIn(bytes(row.registration_id), row.language, Dialogue(state, row.nonce, row.verifier))


def forget(connection: Connection, before_ms: int) -> int:
    """Deletes the sign-ins begun before then."""
    return connection.execute(delete(sign_ins).where(sign_ins.c.begun_at_ms < before_ms)).rowcount


def _hash(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
