"""What an operator decides about the registrations that wait: look, telephone, approve, refuse."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from miss_server import acts, register
from miss_server.codes import shown
from miss_server.identity_checks import HOMONYM, MAILBOX, OPERATOR, TELEPHONE
from miss_server.register import Entry
from miss_server.register_tables import registrations
from miss_server.registrar import APPROVED, CODE, REFUSED, WAITING, make_code

_LISTED_MAX = 200
_PREFIX_LETTERS_MIN = 4
NOTE_CHARACTERS_MAX = 500


class DecisionError(Exception):
    """A decision that cannot be taken: a reason that ``operator_texts`` words, and what fills the sentence."""

    def __init__(self, reason: str, **fields: object) -> None:
        super().__init__(f"{reason} {fields}")
        self.reason = reason
        self.fields = fields


@dataclass(frozen=True)
class Case:
    """A registration beside what the register holds under its number."""

    row: Row[Any]
    entry: Entry | None
    homonyms: tuple[Entry, ...]

    @property
    def number(self) -> str:
        """The registration's id as operators write it."""
        return bytes(self.row.registration_id).hex()


def cases(connection: Connection, *, everything: bool = False) -> list[Case]:
    """The registrations that wait for an operator, oldest first; or the latest 200 of all, newest first."""
    r = registrations
    waiting = r.c.state.in_((WAITING, APPROVED)) | ((r.c.state == CODE) & (r.c.via == TELEPHONE))
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


def approve(connection: Connection, number: str, *, operator: str, proof: str, now_ms: int) -> Case:
    """Lets a waiting registration go on.

    With a ``proof`` (which one was seen, in the operator's words) the device is certified when it next asks. Without,
    a code goes to the mailbox listed for the number, and decides.

    Raises:
        DecisionError: it does not wait, or no mailbox is listed and no proof was written down.
    """
    case = find(connection, number)
    proof = _plain(proof)
    if not (proof and case.row.state == CODE):
        _must_wait(case)
    listed = case.entry.mailboxes if case.entry else ()
    if not proof and not listed:
        telephone = case.entry is not None and case.entry.telephones()
        raise DecisionError("call-or-proof" if telephone else "proof-needed", number=case.number[:8])
    via = OPERATOR if proof else MAILBOX
    _decide(
        connection,
        case,
        (WAITING, CODE) if proof else (WAITING,),
        state=APPROVED,
        via=via,
        mailbox="" if proof else listed[0].address,
        operator=operator,
        proof=proof,
        decided_at_ms=now_ms,
    )
    about = f"{case.number} {'proof seen: ' + proof if proof else 'code to the listed mailbox'}"
    acts.record(connection, who=operator, what="approved", about=about, now_ms=now_ms)
    return find(connection, case.number)


def refuse(connection: Connection, number: str, *, operator: str, reason: str, now_ms: int) -> Case:
    """Refuses a registration that is not at its end; the person reads ``reason``.

    Raises:
        DecisionError: it is at its end, or no reason is given.
    """
    case = find(connection, number)
    reason = _plain(reason)
    if not reason:
        raise DecisionError("reason-needed")
    _decide(
        connection,
        case,
        (WAITING, APPROVED, CODE),
        state=REFUSED,
        operator=operator,
        note=reason,
        decided_at_ms=now_ms,
    )
    acts.record(connection, who=operator, what="refused", about=f"{case.number} {reason}", now_ms=now_ms)
    return find(connection, case.number)


def call(connection: Connection, number: str, *, operator: str, pepper: bytes, now_ms: int) -> tuple[Case, str]:
    """A code to read aloud to whoever answers at the register's telephone number; asked again, another code.

    Raises:
        DecisionError: it does not wait, or the register lists no telephone number.
    """
    case = find(connection, number)
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
    return Case(row, entry, tuple(others))


def _must_wait(case: Case) -> None:
    if case.row.state != WAITING:
        raise DecisionError("not-waiting", number=case.number[:8], state=case.row.state)


def _decide(connection: Connection, case: Case, states: tuple[str, ...], **values: Any) -> None:
    """Writes a decision where the registration still is in one of ``states``: the person may have typed the code."""
    r = registrations
    decided = connection.execute(
        update(r)
        .where(r.c.registration_id == case.row.registration_id, r.c.state.in_(states), r.c.code_used_at_ms.is_(None))
        .values(**values)
    )
    if decided.rowcount != 1:
        raise DecisionError("at-end", number=case.number[:8], state=case.row.state)


def _plain(text: str) -> str:
    """One line of what an operator wrote, without control characters, bounded."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:NOTE_CHARACTERS_MAX]
