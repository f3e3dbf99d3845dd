"""Inviting a colleague who is in the register but not on MiSS: one mail a month, refused for ever by one link.

The mail names nobody and says nothing of why: an invitation is not yet a conversation. Whoever asked for one is told
when the person arrives. Who is on MiSS but does not wish to be found looks to an inviter like anybody invited.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, exists, func, or_, select, update

from miss_protocol.notices import PersonArrived
from miss_server import acts, register, streams, wishes
from miss_server.personal_tables import invite_mails, invites
from miss_server.refusals import Refusal
from miss_server.register_load import insert_missing
from miss_server.register_tables import people
from miss_server.tables import devices

MAIL_EVERY_DAYS = 30
INVITES_PER_PERSON_DAY_MAX = 20
INVITES_KEPT_DAYS = 365
DAY_MS = 86_400_000
_NONCE_BYTES = 12
MAILED, NOTED = "mailed", "noted"
_LABEL = b"MiSS invite refusal 1"


@dataclass(frozen=True)
class InviteLetter:
    """An invitation on its way to a mailbox of the register; ``secret`` is what refuses all others."""

    rpps: str
    address: str
    secret: bytes


@dataclass(frozen=True)
class Invited:
    """What became of it: ``mailed``, or ``noted`` where one was mailed within the month."""

    state: str
    letter: InviteLetter | None = None


def refer(pepper: bytes, inviter: bytes, number: str) -> str:
    """What stands for a number in the inviter's own search results, and means nothing to anybody else."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(_key(pepper)).encrypt(nonce, number.encode(), inviter)
    return base64.urlsafe_b64encode(nonce + sealed).decode()


def _referred(pepper: bytes, inviter: bytes, reference: str) -> str | None:
    try:
        data = base64.b64decode(reference, altchars=b"-_", validate=True)
        return AESGCM(_key(pepper)).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], inviter).decode()
    except (ValueError, InvalidTag):
        return None


def _key(pepper: bytes) -> bytes:
    return hmac.digest(pepper, b"MiSS invite reference 1", "sha256")


def invite(connection: Connection, inviter: bytes, reference: str, pepper: bytes, now_ms: int) -> Invited | Refusal:
    """Notes that somebody invites a person of the register, and says what is to be mailed, if anything.

    Args:
        inviter: a person id.
        reference: of ``refer``.
        pepper: keys references, and the refusal's secret, the same in each mail to one person.
    """
    number = _referred(pepper, inviter, reference)
    if number is None:
        return Refusal("invite-unknown")
    i = invites.c
    lately = select(func.count()).where(i.inviter == inviter, i.invited_at_ms > now_ms - DAY_MS)
    if int(connection.scalar(lately) or 0) >= INVITES_PER_PERSON_DAY_MAX:
        return Refusal("too-many-invites")
    entry = register.look_up(connection, number)
    if entry is None:
        return Refusal("invite-unknown")
    if entry.gone_since_ms is not None or not entry.activities:
        return Refusal("no-longer-practising")
    here = _here(connection, number)
    unseen = here is not None and bool(wishes.hidden(connection, inviter, [here]))
    if here is not None and not unseen:
        return Refusal("already-here")
    if not entry.mailboxes:
        return Refusal("no-mailbox-listed")
    secret = hmac.digest(pepper, _LABEL + number.encode(), "sha256")
    insert_missing(connection, invite_mails, [{"rpps": number, "refusal_hash": _hash(secret)}])
    m = invite_mails.c
    if connection.execute(select(m.rpps).where(m.rpps == number, m.refused_at_ms.is_not(None))).first() is not None:
        return Refusal("invite-refused")
    again = {"rpps": number, "inviter": inviter, "invited_at_ms": now_ms}
    insert_missing(connection, invites, [again])
    connection.execute(update(invites).where(i.rpps == number, i.inviter == inviter).values(invited_at_ms=now_ms))
    due = or_(m.mailed_at_ms.is_(None), m.mailed_at_ms <= now_ms - MAIL_EVERY_DAYS * DAY_MS)
    mailed = connection.execute(
        update(invite_mails).where(m.rpps == number, m.refused_at_ms.is_(None), due).values(mailed_at_ms=now_ms)
    )
    if mailed.rowcount != 1:
        return Invited(NOTED)
    return Invited(MAILED, None if unseen else InviteLetter(number, entry.mailboxes[0].address, secret))


def mail_failed(connection: Connection, number: str) -> None:
    """The mail could not be handed over: the next invitation may try again."""
    connection.execute(update(invite_mails).where(invite_mails.c.rpps == number).values(mailed_at_ms=None))


def refusable(connection: Connection, secret: bytes) -> bool:
    """Whether a secret is one of ours."""
    query = select(invite_mails.c.rpps).where(invite_mails.c.refusal_hash == _hash(secret))
    return connection.execute(query).first() is not None


def refuse(connection: Connection, secret: bytes, now_ms: int) -> bool:
    """No further invitation to who holds this secret, for ever; whether it is one of ours."""
    m = invite_mails.c
    ours = m.refusal_hash == _hash(secret)
    number = connection.scalar(select(m.rpps).where(ours))
    if number is None:
        return False
    news = connection.execute(update(invite_mails).where(ours, m.refused_at_ms.is_(None)).values(refused_at_ms=now_ms))
    if news.rowcount:
        connection.execute(delete(invites).where(invites.c.rpps == number))
        acts.record(connection, who="person", what="invites-refused", about=f"RPPS {number}", now_ms=now_ms)
    return True


def arrived(connection: Connection, person_id: bytes, now_ms: int) -> None:
    """Somebody has their first device: whoever invited them is told in the same transaction."""
    number = connection.scalar(select(people.c.rpps).where(people.c.person_id == person_id))
    if number is None:
        return
    waiting = select(devices.c.device_id).join(invites, invites.c.inviter == devices.c.person_id)
    waiting = waiting.where(invites.c.rpps == number, devices.c.revoked_at_ms.is_(None))
    for device_id in connection.scalars(waiting.order_by(devices.c.device)).all():
        streams.tell(connection, bytes(device_id), PersonArrived(person_id), now_ms)
    connection.execute(delete(invites).where(invites.c.rpps == number))


def forget(connection: Connection, before_ms: int) -> int:
    """Deletes the invitations nobody followed since then; refusals stay. How many."""
    return connection.execute(delete(invites).where(invites.c.invited_at_ms < before_ms)).rowcount


def _here(connection: Connection, number: str) -> bytes | None:
    """The person with this number who can be reached on MiSS."""
    live = exists().where(devices.c.person_id == people.c.person_id, devices.c.revoked_at_ms.is_(None))
    found = connection.scalar(select(people.c.person_id).where(people.c.rpps == number, live))
    return None if found is None else bytes(found)


def _hash(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
