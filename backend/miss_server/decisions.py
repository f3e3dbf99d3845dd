"""What an operator decides about the registrations that wait: look, telephone, approve, refuse.

A code that reaches the mailbox or telephone of the register decides by itself, so one operator is enough to send it.
Where a proof that somebody saw is all there is, two different operators must have seen one.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from miss_server import acts, names, register, vouchers
from miss_server.codes import shown
from miss_server.identity_checks import HOMONYM, MAILBOX, OPERATOR, TELEPHONE, VOUCHER
from miss_server.refusals import DecisionError as DecisionError
from miss_server.register import Entry
from miss_server.register_tables import registrations
from miss_server.registration_rows import APPROVED, CODE, DELAYED, REFUSED, WAITING, make_code

_LISTED_MAX = 200
_PREFIX_LETTERS_MIN = 4
NOTE_CHARACTERS_MAX = 500


@dataclass(frozen=True)
class Case:
    """A registration beside what the register holds under its number."""

    row: Row[Any]
    entry: Entry | None
    homonyms: tuple[Entry, ...]
    attested: str = ""  # whom an establishment vouches for, and which does, in a line

    @property
    def number(self) -> str:
        """The registration's id as operators write it."""
        return bytes(self.row.registration_id).hex()

    @property
    def stamp(self) -> str:
        """Changes whenever somebody decides something: what a page shows is decided on only while it is still so."""
        row = self.row
        seen = (
            row.state,
            row.via,
            row.first_operator,
            row.first_proof,
            row.operator,
            row.codes_made,
            row.decided_at_ms,
            row.shortened_by,
        )
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def cases(connection: Connection, *, everything: bool = False) -> list[Case]:
    """The registrations that wait for an operator, oldest first; or the latest 200 of all, newest first."""
    r = registrations
    waiting = r.c.state.in_((WAITING, APPROVED, DELAYED)) | ((r.c.state == CODE) & (r.c.via == TELEPHONE))
    query = select(r).order_by(r.c.opened_at_ms.desc()) if everything else select(r).where(waiting)
    if not everything:
        query = query.order_by(r.c.opened_at_ms)
    return [_case(connection, row) for row in connection.execute(query.limit(_LISTED_MAX))]


def find(connection: Connection, number: str) -> Case:
    """The registration whose id begins with ``number`` (four hexadecimal digits or more).

    Raises:
        DecisionError: there is none, or more than one.
    """
    wanted = number.strip().lower()
    if len(wanted) < _PREFIX_LETTERS_MIN or len(wanted) > 32 or any(c not in "0123456789abcdef" for c in wanted):
        raise DecisionError("id-malformed", number=number)
    low, high = bytes.fromhex(wanted.ljust(32, "0")), bytes.fromhex(wanted.ljust(32, "f"))
    r = registrations
    rows = connection.execute(select(r).where(r.c.registration_id.between(low, high)).limit(2)).all()
    if len(rows) != 1:
        raise DecisionError("id-ambiguous" if rows else "id-unknown", number=wanted)
    return _case(connection, rows[0])


def approve(
    connection: Connection, number: str, *, operator: str, proof: str, now_ms: int, seen: str | None = None
) -> Case:
    """Lets a waiting registration go on.

    With a ``proof`` (which one was seen, in the operator's words) the device is certified when it next asks, once a
    second operator has approved on a proof too; until then the registration still waits, ``first_operator`` is set.
    Without, a code goes to the mailbox listed for the number, and decides; an establishment's voucher is enough.

    Args:
        seen: the ``stamp`` of the case that the operator had before their eyes.

    Raises:
        DecisionError: it does not wait, or has changed meanwhile; no mailbox is listed and no proof was written down;
            or the one operator approves a second time.
    """
    case = find(connection, number)
    must_be(case, seen)
    proof = _plain(proof)
    if not (proof and case.row.state == CODE):
        _must_wait(case)
    if proof and not case.row.first_operator:
        return _approve_first(connection, case, operator, proof, now_ms)
    if proof and names.same(case.row.first_operator, operator):
        raise DecisionError("second-operator", number=case.number[:8], operator=case.row.first_operator)
    listed = case.entry.mailboxes if case.entry else ()
    vouched = case.row.via == VOUCHER
    if not proof and not listed and not vouched:
        telephone = case.entry is not None and case.entry.telephones()
        raise DecisionError("call-or-proof" if telephone else "proof-needed", number=case.number[:8])
    both = dict.fromkeys((case.row.first_proof, proof)) if proof else {}
    via = VOUCHER if vouched else OPERATOR if proof else MAILBOX
    _decide(
        connection,
        case,
        (WAITING, CODE) if proof else (WAITING,),
        state=APPROVED,
        via=via,
        mailbox=listed[0].address if via == MAILBOX else "",
        operator=f"{case.row.first_operator}, {operator}" if proof else operator,
        proof=" · ".join(both),
        decided_at_ms=now_ms,
    )
    on = "the establishment's voucher" if vouched else "code to the listed mailbox"
    about = f"{case.number} {'second approval, proof seen: ' + proof if proof else on}"
    acts.record(connection, who=operator, what="approved", about=about, now_ms=now_ms)
    return find(connection, case.number)


def usual_wait_ms(connection: Connection) -> int | None:
    """How long operators took lately, as a median; None where they have decided fewer than three times."""
    r = registrations
    took = connection.scalars(
        select(r.c.decided_at_ms - r.c.opened_at_ms)
        .where(r.c.decided_at_ms.is_not(None))
        .order_by(r.c.decided_at_ms.desc())
        .limit(25)
    ).all()
    return sorted(took)[len(took) // 2] if len(took) >= 3 else None


def _approve_first(connection: Connection, case: Case, operator: str, proof: str, now_ms: int) -> Case:
    values = {"first_operator": operator, "first_proof": proof, "first_at_ms": now_ms}
    _decide(connection, case, (WAITING, CODE), **values)
    about = f"{case.number} first approval, proof seen: {proof}"
    acts.record(connection, who=operator, what="approved-first", about=about, now_ms=now_ms)
    return find(connection, case.number)


def refuse(
    connection: Connection, number: str, *, operator: str, reason: str, now_ms: int, seen: str | None = None
) -> Case:
    """Refuses a registration that is not at its end; the person reads ``reason``.

    Raises:
        DecisionError: it is at its end, or has changed since ``seen``; or no reason is given.
    """
    case = find(connection, number)
    must_be(case, seen)
    reason = _plain(reason)
    if not reason:
        raise DecisionError("reason-needed")
    _decide(
        connection,
        case,
        (WAITING, APPROVED, CODE, DELAYED),
        state=REFUSED,
        operator=operator,
        note=reason,
        decided_at_ms=now_ms,
    )
    acts.record(connection, who=operator, what="refused", about=f"{case.number} {reason}", now_ms=now_ms)
    return find(connection, case.number)


def call(
    connection: Connection, number: str, *, operator: str, pepper: bytes, now_ms: int, seen: str | None = None
) -> tuple[Case, str]:
    """A code to read aloud to whoever answers at the register's telephone number; asked again, another code.

    Raises:
        DecisionError: it does not wait, or has changed since ``seen``; or the register lists no telephone number.
    """
    case = find(connection, number)
    must_be(case, seen)
    if case.row.state != CODE:
        _must_wait(case)
    if case.entry is None or not case.entry.telephones():
        raise DecisionError("no-telephone", number=case.number[:8])
    code = make_code(connection, case.row.registration_id, pepper, now_ms, via=TELEPHONE)
    values = {"operator": operator, "decided_at_ms": now_ms, "mailbox": ""}
    connection.execute(
        update(registrations).where(registrations.c.registration_id == case.row.registration_id).values(**values)
    )
    about = f"{case.number} code to read aloud at {', '.join(case.entry.telephones())}"
    acts.record(connection, who=operator, what="code-made", about=about, now_ms=now_ms)
    return find(connection, case.number), shown(code)


def _case(connection: Connection, row: Row[Any]) -> Case:
    entry = register.look_up(connection, row.rpps)
    others: list[Entry] = []
    if entry is not None and row.why == HOMONYM:
        numbers = register.homonyms(connection, entry, row.profession)
        others = [other for n in numbers if (other := register.look_up(connection, n))]
    attested = vouchers.said_of(connection, bytes(row.registration_id)) if row.via == VOUCHER else ""
    return Case(row, entry, tuple(others), attested)


def must_be(case: Case, seen: str | None) -> None:
    """Has an operator decide on what they have read.

    Raises:
        DecisionError: ``changed-meanwhile``, where ``seen`` is not the case's stamp.
    """
    if seen is not None and seen != case.stamp:
        raise DecisionError("changed-meanwhile", number=case.number[:8])


def _must_wait(case: Case) -> None:
    if case.row.state != WAITING:
        raise DecisionError("not-waiting", number=case.number[:8], state=case.row.state)


def _decide(connection: Connection, case: Case, states: tuple[str, ...], **values: Any) -> None:
    """Writes a decision where the registration still is in one of ``states``: the person may have typed the code."""
    r = registrations
    decided = connection.execute(
        update(r)
        .where(
            r.c.registration_id == case.row.registration_id,
            r.c.state.in_(states),
            r.c.code_used_at_ms.is_(None) | (r.c.state == DELAYED),
            r.c.first_operator == case.row.first_operator,  # no other operator was faster
        )
        .values(**values)
    )
    if decided.rowcount != 1:
        raise DecisionError("at-end", number=case.number[:8], state=case.row.state)


def _plain(text: str) -> str:
    """One line of what an operator wrote, without control characters, bounded."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:NOTE_CHARACTERS_MAX]
