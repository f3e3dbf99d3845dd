"""Registrations as they are stored: their states, codes, and what a claimant may know of them."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from miss_protocol.limits import CODE_TRIES_MAX
from miss_server import codes
from miss_server.identity_checks import MAILBOX, OPERATOR, TELEPHONE
from miss_server.names import masked
from miss_server.refusals import Refusal
from miss_server.register_tables import registrations

CODE, WAITING, APPROVED, CERTIFIED, REFUSED = "code", "waiting", "approved", "certified", "refused"
BROWSER, DELAYED = "browser", "delayed"
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Letter:
    """A code on its way to a mailbox of the register; exists in memory only."""

    registration_id: bytes
    address: str
    code: str
    language: str


@dataclass(frozen=True)
class Standing:
    """Where a registration stands, as its claimant may know it; ``letter`` is to be mailed once this is committed."""

    registration_id: bytes
    state: str  # browser | code | waiting | delayed | certified | refused
    via: str  # mailbox | operator | psc
    mailbox: str  # masked
    attempts_left: int
    why: str  # why an operator decides
    note: str  # what the operator wrote on refusing
    problem: str  # "mail-failed", or the register's reason for a refusal after all
    language: str
    certificate: bytes | None = None
    letter: Letter | None = None
    until_ms: int = 0  # while it is delayed: when it takes effect


def make_code(connection: Connection, registration_id: bytes, pepper: bytes, now_ms: int, *, via: str) -> str:
    """A new code for a registration, in the place of any earlier one; returns it, for it is stored hashed only."""
    code = codes.new_code()
    put(
        connection,
        registration_id,
        state=CODE,
        via=via,
        code_hash=codes.digest(pepper, registration_id, code),
        code_made_at_ms=now_ms,
        code_tries=0,
        codes_made=registrations.c.codes_made + 1,
        mail_failed_at_ms=None,
    )
    return code


def forget(connection: Connection, before_ms: int, unclaimed_before_ms: int = 0) -> int:
    """Deletes the registrations opened before then, whatever their end; returns how many. The acts stay.

    Args:
        unclaimed_before_ms: for those whose browser never came back: they are nobody's.
    """
    r = registrations.c
    unclaimed = (r.state == BROWSER) & (r.opened_at_ms < unclaimed_before_ms)
    return connection.execute(registrations.delete().where((r.opened_at_ms < before_ms) | unclaimed)).rowcount


def lately(connection: Connection, rpps: str, now_ms: int) -> tuple[int, int]:
    """How many registrations for a number are open, and how many codes were mailed for it, in the last day."""
    r = registrations
    still_open = func.count().filter(r.c.state.in_((CODE, WAITING, APPROVED)))
    mailed = func.coalesce(func.sum(r.c.codes_made).filter(r.c.mailbox != ""), 0)
    found = select(still_open, mailed).where(r.c.rpps == rpps, r.c.opened_at_ms > now_ms - DAY_MS)
    row = connection.execute(found).one()
    return int(row[0]), int(row[1])


def owned(connection: Connection, registration_id: bytes, secret: bytes) -> Row[Any] | None:
    """The registration, where ``secret`` is its claimant's; no difference is made between unknown and not theirs."""
    row = connection.execute(select(registrations).where(registrations.c.registration_id == registration_id)).first()
    stored = row.secret_hash if row else bytes(32)
    return row if hmac.compare_digest(stored, hashed(secret)) else None


def read(connection: Connection, registration_id: bytes) -> Row[Any]:
    """A registration, which exists."""
    return connection.execute(select(registrations).where(registrations.c.registration_id == registration_id)).one()


def put(connection: Connection, registration_id: bytes, **values: Any) -> None:
    """Changes a registration."""
    connection.execute(update(registrations).where(registrations.c.registration_id == registration_id).values(**values))


def why_not(row: Row[Any]) -> Refusal:
    """Why a code cannot be tried, or sent, in the state the registration is in."""
    if row.code_used_at_ms is not None or row.state == CERTIFIED:
        return Refusal("code-used")
    if row.state != CODE:
        return Refusal("no-code")
    return Refusal("code-exhausted" if row.code_tries >= CODE_TRIES_MAX else "code-expired")


def standing_of(row: Row[Any]) -> Standing:
    """What its claimant may know of a registration."""
    state = WAITING if row.state == APPROVED else row.state
    problem = ""
    if state == REFUSED:
        problem = "refused-by-operator" if row.note else row.why
    elif state == CODE and row.mail_failed_at_ms is not None:
        problem = "mail-failed"
    return Standing(
        bytes(row.registration_id),
        state,
        OPERATOR if row.via == TELEPHONE else row.via,
        masked(row.mailbox) if row.mailbox and row.via == MAILBOX else "",
        CODE_TRIES_MAX - row.code_tries if state == CODE else 0,
        row.why if state == WAITING else "",
        row.note if state == REFUSED else "",
        problem,
        row.language,
        row.certificate if state == CERTIFIED else None,
        until_ms=row.certify_from_ms or 0 if state == DELAYED else 0,
    )


def hashed(secret: bytes) -> bytes:
    """What is stored in a secret's place."""
    return hashlib.sha256(secret).digest()
