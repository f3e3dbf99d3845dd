"""Vouchers: a referent of an establishment attests who a member of its staff is, once, for a device that comes with it.

A voucher is a code of 15 random letters and a check letter, shown once to the referent, stored as a keyed hash. Who
shows it must also give the name it was made for; five wrong names end it. A registration *claims* a voucher, which
changes nothing for another with the same code; it is *used* in the transaction that certifies, and only if all that
made it good still holds: the referent is one, the establishment is open, the person is of its staff, the profession
is on its list.
"""

import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from miss_server import acts, establishments, names, staff
from miss_server.codes import ALPHABET, read
from miss_server.establishment_tables import establishment_referents, establishment_staff, vouchers
from miss_server.refusals import DecisionError, Refusal
from miss_server.rpps import is_national

LETTERS = 15  # 75 bits: no number of guesses finds one
DAYS = 14
NAME_TRIES_MAX = 5
LISTED_MAX = 500
_DAY_MS = 86_400_000
_LABEL = b"MiSS voucher 1"

OPEN, USED, EXPIRED, WITHDRAWN, EXHAUSTED = "open", "used", "expired", "withdrawn", "exhausted"


@dataclass(frozen=True)
class Attested:
    """Whom a voucher attests, and who does."""

    voucher_id: int
    staff: Row[Any]
    establishment: Row[Any]
    referent: Row[Any]

    @property
    def place(self) -> str:
        return establishments.place(self.establishment)


def make(
    connection: Connection, finess: str, staff_id: int, referent_id: int, pepper: bytes, *, who: str, now_ms: int
) -> str:
    """A new voucher for a member of staff, in the place of any that is open; returns its code, which is kept nowhere.

    Raises:
        DecisionError: the establishment is unknown or closed; ``referent-unknown`` or ``staff-unknown``, also where
            they are another establishment's; ``profession-not-allowed``.
    """
    sheet = establishments.find(connection, finess)
    referent = establishments.referent(connection, finess, referent_id)
    row = staff.find(connection, finess, staff_id)
    if not _may_vouch(sheet, row):
        raise DecisionError("profession-not-allowed", profession=row.profession, name=sheet.name)
    v = vouchers.c
    before = update(vouchers).where(v.staff_id == staff_id, v.used_at_ms.is_(None), v.withdrawn_at_ms.is_(None))
    connection.execute(before.values(withdrawn_at_ms=now_ms))
    code = new_code()
    values = {
        "code_hash": _digest(pepper, code),
        "staff_id": staff_id,
        "referent_id": referent_id,
        "made_at_ms": now_ms,
        "expires_at_ms": now_ms + DAYS * _DAY_MS,
    }
    connection.execute(insert(vouchers).values(values))
    about = f"{finess} {row.staff_key} vouched for by {referent.name}"
    acts.record(connection, who=who, what="voucher-made", about=about, now_ms=now_ms)
    return shown(code)


def withdraw(connection: Connection, finess: str, voucher_id: int, *, who: str, now_ms: int) -> None:
    """Ends a voucher that was not used.

    Raises:
        DecisionError: ``voucher-not-open``; another establishment's is as unknown as none.
    """
    found = next((row for row in listing(connection, finess, now_ms) if row[0].voucher_id == voucher_id), None)
    if found is None or found[1] == USED or found[0].withdrawn_at_ms is not None:
        raise DecisionError("voucher-not-open")
    connection.execute(update(vouchers).where(vouchers.c.voucher_id == voucher_id).values(withdrawn_at_ms=now_ms))
    about = f"{finess} {found[0].staff_key}"
    acts.record(connection, who=who, what="voucher-withdrawn", about=about, now_ms=now_ms)


def listing(connection: Connection, finess: str, now_ms: int) -> list[tuple[Row[Any], str]]:
    """The establishment's vouchers, newest first, each with whom it is for and what became of it."""
    v, s, r = vouchers.c, establishment_staff.c, establishment_referents.c
    query = (
        select(vouchers, s.staff_key, s.family_name, s.given_name, s.profession, r.name.label("referent"))
        .join(establishment_staff, s.staff_id == v.staff_id)
        .join(establishment_referents, r.referent_id == v.referent_id)
        .where(s.finess == finess)
        .order_by(v.voucher_id.desc())
        .limit(LISTED_MAX)
    )
    return [(row, state_of(row, now_ms)) for row in connection.execute(query)]


def state_of(row: Row[Any], now_ms: int) -> str:
    """What became of a voucher."""
    if row.used_at_ms is not None:
        return USED
    if row.withdrawn_at_ms is not None:
        return WITHDRAWN
    if row.tries >= NAME_TRIES_MAX:
        return EXHAUSTED
    return EXPIRED if row.expires_at_ms <= now_ms else OPEN


def claim(
    connection: Connection,
    pepper: bytes,
    typed: str,
    family_name: str,
    given_name: str,
    now_ms: int,
) -> Attested | Refusal:
    """Whom a voucher attests, to who shows it with the name it was made for; each wrong name is counted."""
    code = parse(typed)
    if code is None:
        return Refusal("voucher-malformed")
    row = connection.execute(select(vouchers).where(vouchers.c.code_hash == _digest(pepper, code))).first()
    if row is None:
        return Refusal("voucher-unknown")
    attested = _good(connection, row, now_ms)
    if isinstance(attested, Refusal):
        return attested
    one = update(vouchers).where(vouchers.c.voucher_id == row.voucher_id)
    if not _is_named(attested.staff, family_name, given_name):
        connection.execute(one.values(tries=vouchers.c.tries + 1))
        return Refusal("voucher-exhausted" if row.tries + 1 >= NAME_TRIES_MAX else "voucher-of-another")
    return attested


def reserve(connection: Connection, voucher_id: int, registration_id: bytes) -> None:
    """Lets a registration use a voucher; one that claimed it before, and did not use it, no longer may."""
    one = update(vouchers).where(vouchers.c.voucher_id == voucher_id)
    connection.execute(one.values(registration_id=registration_id))


def reserved(connection: Connection, registration_id: bytes, now_ms: int) -> Attested | Refusal:
    """Whom the voucher that a registration claimed attests, where everything that made it good still holds."""
    row = connection.execute(select(vouchers).where(vouchers.c.registration_id == registration_id)).first()
    if row is None:
        return Refusal("voucher-used")  # by another registration with the same code
    return _good(connection, row, now_ms)


def redeem(connection: Connection, registration_id: bytes, now_ms: int) -> Attested | Refusal:
    """Uses the voucher that a registration claimed, once, where it is good as ``reserved`` says."""
    attested = reserved(connection, registration_id, now_ms)
    if isinstance(attested, Refusal):
        return attested
    v = vouchers.c
    used = connection.execute(
        update(vouchers)
        .where(
            v.voucher_id == attested.voucher_id,
            v.registration_id == registration_id,
            v.used_at_ms.is_(None),
            v.withdrawn_at_ms.is_(None),
        )
        .values(used_at_ms=now_ms)
    )
    return attested if used.rowcount == 1 else Refusal("voucher-used")


def said_of(connection: Connection, registration_id: bytes) -> str:
    """Whom a registration's voucher is for, by which establishment and referent, in a line; "" where it has none."""
    row = connection.execute(select(vouchers).where(vouchers.c.registration_id == registration_id)).first()
    if row is None:
        return ""
    s, r = establishment_staff.c, establishment_referents.c
    who = connection.execute(select(establishment_staff).where(s.staff_id == row.staff_id)).one()
    referent = connection.execute(select(r.name).where(r.referent_id == row.referent_id)).scalar_one()
    place = establishments.place(establishments.find(connection, who.finess, closed=True))
    return f"{who.given_name} {who.family_name}, {who.profession}, {place} ({referent})"


def new_code() -> str:
    """15 letters equally likely each, and one that checks them."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))
    return letters + _check_letter(letters)


def shown(code: str) -> str:
    """The code as people read it: four groups of four."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def parse(typed: str) -> str | None:
    """The code that was typed, with case, spaces, dashes and look-alike letters forgiven; None where it is none."""
    code = read(typed)
    if len(code) != LETTERS + 1 or any(letter not in ALPHABET for letter in code):
        return None
    return code if code[-1] == _check_letter(code[:-1]) else None


def _check_letter(letters: str) -> str:
    """Finds any letter that was mistaken, and two neighbours that changed places: 32 is a power of two, so the weights
    are odd, and those of neighbours differ by two (a swap of two letters 16 apart is the one that is missed)."""
    return ALPHABET[sum((2 * at + 1) * ALPHABET.index(letter) for at, letter in enumerate(letters)) % len(ALPHABET)]


def _good(connection: Connection, row: Row[Any], now_ms: int) -> Attested | Refusal:
    """Whom a voucher attests, where it still may be used."""
    state = state_of(row, now_ms)
    if state != OPEN:
        return Refusal(f"voucher-{state}")
    who = connection.execute(select(establishment_staff).where(establishment_staff.c.staff_id == row.staff_id)).one()
    r = establishment_referents.c
    referent = connection.execute(select(establishment_referents).where(r.referent_id == row.referent_id)).one()
    try:
        sheet = establishments.find(connection, who.finess)
    except DecisionError:
        return Refusal("voucher-withdrawn")
    if referent.removed_at_ms is not None or who.removed_at_ms is not None:
        return Refusal("voucher-withdrawn")
    if not _may_vouch(sheet, who):
        return Refusal("voucher-profession")
    return Attested(row.voucher_id, who, sheet, referent)


def _may_vouch(sheet: Row[Any], who: Row[Any]) -> bool:
    """Of who has an RPPS number the register says the profession; of others, the establishment's list allows it."""
    return is_national(who.number) or who.profession_code in establishments.professions(sheet)


def _is_named(who: Row[Any], family_name: str, given_name: str) -> bool:
    return names.same(family_name, who.family_name) and names.same(given_name, who.given_name)


def _digest(pepper: bytes, code: str) -> bytes:
    return hmac.digest(pepper, _LABEL + code.encode(), "sha256")
