"""An establishment's staff as this server keeps it: who they are, and whether they are on MiSS.

Whoever has no RPPS number is given one of this server's own when first written, so that the same person stays the same
person from one voucher to the next. A person without an RPPS number is on MiSS because an establishment vouches for
them: when the last of them does so no more, the account is suspended, as the register's departures are.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, func, insert, select, update

from miss_server import acts, establishments, register_changes
from miss_server.codes import ALPHABET
from miss_server.establishment_tables import establishment_staff, vouchers
from miss_server.establishment_tables import establishments as establishments_table
from miss_server.names import fold
from miss_server.refusals import DecisionError
from miss_server.register import display_name
from miss_server.register_tables import people
from miss_server.rpps import OWN_NUMBERS, is_national
from miss_server.tables import devices

OWN_LETTERS = 10  # 50 bits
STAFF_MAX = 50_000
LISTED_MAX = 200


@dataclass(frozen=True)
class Record:
    """One member of staff, every field checked; ``rpps`` is empty for who has none, and most others may be."""

    key: str
    rpps: str
    title: str
    family_name: str
    given_name: str
    profession_code: str
    profession: str
    service: str = ""
    telephone: str = ""
    mailbox: str = ""

    def display_name(self) -> str:
        """The name with its title, as people read it."""
        return display_name(self.title, self.given_name, self.family_name)

    def folded(self) -> str:
        """The words by which this person is found."""
        return fold(f"{self.family_name} {self.given_name} {self.profession} {self.service}")

    def values(self) -> dict[str, str]:
        """The columns of the table that say these things, but for the number."""
        return {
            "staff_key": self.key,
            "title": self.title,
            "family_name": self.family_name,
            "given_name": self.given_name,
            "folded": self.folded(),
            "profession_code": self.profession_code,
            "profession": self.profession,
            "service": self.service,
            "telephone": self.telephone,
            "mailbox": self.mailbox,
        }


def record_of(row: Row[Any]) -> Record:
    """A row of the table as a record."""
    return Record(
        row.staff_key,
        row.number if is_national(row.number) else "",
        row.title,
        row.family_name,
        row.given_name,
        row.profession_code,
        row.profession,
        row.service,
        row.telephone,
        row.mailbox,
    )


def find(connection: Connection, finess: str, staff_id: int) -> Row[Any]:
    """One member of that establishment's staff today.

    Raises:
        DecisionError: ``staff-unknown``; another establishment's is as unknown as none.
    """
    s = establishment_staff.c
    row = connection.execute(
        select(establishment_staff).where(s.staff_id == staff_id, s.finess == finess, s.removed_at_ms.is_(None))
    ).first()
    if row is None:
        raise DecisionError("staff-unknown", finess=finess)
    return row


def keyed(connection: Connection, finess: str, key: str) -> Row[Any]:
    """One member of staff by the establishment's own number for them.

    Raises:
        DecisionError: ``staff-unknown``.
    """
    s = establishment_staff.c
    row = connection.execute(
        select(establishment_staff).where(s.staff_key == key.strip(), s.finess == finess, s.removed_at_ms.is_(None))
    ).first()
    if row is None:
        raise DecisionError("staff-unknown", finess=finess)
    return row


def everyone(connection: Connection, finess: str, *, removed: bool = False) -> dict[str, Row[Any]]:
    """The staff by their keys; with ``removed``, those who left as well."""
    s = establishment_staff.c
    query = select(establishment_staff).where(s.finess == finess)
    if not removed:
        query = query.where(s.removed_at_ms.is_(None))
    return {row.staff_key: row for row in connection.execute(query.order_by(s.staff_id))}


def count(connection: Connection, finess: str) -> int:
    """How many there are today."""
    s = establishment_staff.c
    of_it = select(func.count()).where(s.finess == finess, s.removed_at_ms.is_(None))
    return connection.scalar(of_it) or 0


@dataclass(frozen=True)
class Member:
    """A member of staff as listed, and the person on MiSS where they are there."""

    row: Row[Any]
    person_id: bytes
    reachable: bool
    checked_how: str
    checked_at_ms: int

    @property
    def display_name(self) -> str:
        return record_of(self.row).display_name()


def search(
    connection: Connection, finesses: Sequence[str], words: str = "", *, on_miss: bool = False, skip: int = 0
) -> list[Member]:
    """At most 200 of the staff of some establishments whose words begin as all of ``words`` do, by name.

    Args:
        on_miss: only who has a device on MiSS.
        skip: how many to leave out, for the next page.
    """
    s = establishment_staff.c
    live = exists().where(devices.c.person_id == people.c.person_id, devices.c.revoked_at_ms.is_(None))
    reachable = and_(live, people.c.suspended_at_ms.is_(None)).label("reachable")
    query = (
        select(establishment_staff, people.c.person_id, reachable, people.c.checked_how, people.c.checked_at_ms)
        .join(people, people.c.rpps == s.number, isouter=not on_miss)
        .where(s.finess.in_(finesses), s.removed_at_ms.is_(None))
    )
    for word in fold(words).split()[:8]:  # folded: letters and digits only, so nothing in it is a pattern
        query = query.where((" " + s.folded).like(f"% {word}%"))
    if on_miss:
        query = query.where(live, people.c.suspended_at_ms.is_(None))
    query = query.order_by(s.family_name, s.given_name, s.staff_id).offset(skip).limit(LISTED_MAX)
    return [
        Member(
            row,
            bytes(row.person_id or b""),
            bool(row.person_id and row.reachable),
            row.checked_how or "",
            row.checked_at_ms or 0,
        )
        for row in connection.execute(query)
    ]


def establishments_of(connection: Connection, number: str) -> list[Row[Any]]:
    """The establishments, open today, that have a person of that number among their staff."""
    s, e = establishment_staff.c, establishments_table.c
    query = (
        select(establishments_table)
        .join(establishment_staff, s.finess == e.finess)
        .where(s.number == number, s.removed_at_ms.is_(None), e.closed_at_ms.is_(None))
    )
    return list(connection.execute(query.order_by(e.name, e.finess)))


# Writing.


def add(connection: Connection, finess: str, record: Record, now_ms: int) -> int:
    """Writes a new member of staff, or one who comes back; returns the row's number.

    Raises:
        DecisionError: ``staff-known``, or ``staff-many``.
    """
    s = establishment_staff.c
    of_key = select(establishment_staff).where(s.finess == finess, s.staff_key == record.key)
    before = connection.execute(of_key).first()
    if before is not None and before.removed_at_ms is None:
        raise DecisionError("staff-known", number=record.key)
    if before is not None:
        change(connection, before, record, now_ms)
    else:
        add_many(connection, finess, [record], now_ms)
    return int(connection.execute(of_key).one().staff_id)


def add_many(connection: Connection, finess: str, records: Sequence[Record], now_ms: int) -> None:
    """Writes new members of staff, none of whom was there before.

    Raises:
        DecisionError: ``staff-many``.
    """
    if not records:
        return
    if count(connection, finess) + len(records) > STAFF_MAX:
        raise DecisionError("staff-many", most=STAFF_MAX)
    at = {"finess": finess, "added_at_ms": now_ms, "changed_at_ms": now_ms}
    rows = [{**at, "number": one.rpps or own_number(), **one.values()} for one in records]
    connection.execute(insert(establishment_staff), rows)
    moved(connection, finess)


def change(connection: Connection, before: Row[Any], record: Record, now_ms: int) -> None:
    """Writes what is new of a member of staff; who had left is back. A number of this server's own stays theirs."""
    number = record.rpps or (before.number if not is_national(before.number) else own_number())
    values = {"number": number, "changed_at_ms": now_ms, "removed_at_ms": None, **record.values()}
    of_it = update(establishment_staff).where(establishment_staff.c.staff_id == before.staff_id)
    connection.execute(of_it.values(values))
    moved(connection, before.finess)
    if is_national(number):
        return
    row = connection.execute(select(people).where(people.c.rpps == number)).first()
    if row is None:
        return
    if row.suspended_at_ms is not None:
        register_changes.stand(connection, row, "restored", now_ms, suspended_at_ms=None)
    said = {
        "display_name": record.display_name(),
        "profession_code": record.profession_code,
        "profession": record.profession,
    }
    if any(value != getattr(row, name) for name, value in said.items()):
        connection.execute(update(people).where(people.c.person_id == row.person_id).values(said))
        about = f"{row.person_id.hex()} by its establishment {before.finess}"
        acts.record(connection, who="server", what="renamed", about=about, now_ms=now_ms)


def remove(connection: Connection, row: Row[Any], now_ms: int) -> None:
    """Ends a member of staff: open vouchers are worth nothing, and who is vouched for by nobody else is suspended."""
    s, v = establishment_staff.c, vouchers.c
    connection.execute(update(establishment_staff).where(s.staff_id == row.staff_id).values(removed_at_ms=now_ms))
    open_ones = update(vouchers).where(v.staff_id == row.staff_id, v.used_at_ms.is_(None), v.withdrawn_at_ms.is_(None))
    connection.execute(open_ones.values(withdrawn_at_ms=now_ms))
    moved(connection, row.finess)
    if is_national(row.number) or establishments_of(connection, row.number):
        return
    person = connection.execute(select(people).where(people.c.rpps == row.number)).first()
    if person is not None and person.suspended_at_ms is None:
        register_changes.stand(connection, person, "suspended", now_ms, suspended_at_ms=now_ms)


def is_registered(connection: Connection, number: str) -> bool:
    """Whether a person of that number was ever certified."""
    return connection.scalar(select(people.c.person_id).where(people.c.rpps == number)) is not None


def own_number() -> str:
    """A number for a person who has none of the register's."""
    return OWN_NUMBERS + "".join(secrets.choice(ALPHABET) for _ in range(OWN_LETTERS))


def moved(connection: Connection, finess: str) -> None:
    """Notes that the staff is not what it was, so that differences computed before are not applied to it."""
    e = establishments_table.c
    connection.execute(update(establishments_table).where(e.finess == finess).values(version=e.version + 1))


def add_one(connection: Connection, finess: str, record: Record, *, who: str, now_ms: int) -> int:
    """One person added by hand.

    Raises:
        DecisionError: the establishment is unknown or closed, ``staff-known`` or ``staff-many``.
    """
    establishments.find(connection, finess)
    staff_id = add(connection, finess, record, now_ms)
    acts.record(connection, who=who, what="staff-added", about=f"{finess} {record.key}", now_ms=now_ms)
    return staff_id


def remove_one(connection: Connection, finess: str, staff_id: int, *, who: str, now_ms: int) -> None:
    """One person removed by hand.

    Raises:
        DecisionError: ``staff-unknown``.
    """
    row = find(connection, finess, staff_id)
    remove(connection, row, now_ms)
    acts.record(connection, who=who, what="staff-removed", about=f"{finess} {row.staff_key}", now_ms=now_ms)


def dissolve(connection: Connection, finess: str, *, who: str, now_ms: int) -> None:
    """Closes an establishment, and ends its staff.

    Raises:
        DecisionError: it is unknown, or closed already.
    """
    establishments.close(connection, finess, who=who, now_ms=now_ms)
    for row in everyone(connection, finess).values():
        remove(connection, row, now_ms)
