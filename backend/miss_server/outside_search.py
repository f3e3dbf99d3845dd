"""People on MiSS who are in no register, found by the words of their establishment's list, and of its name and town."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, exists, literal, or_, select

from miss_server import establishments as sheets
from miss_server import wishes
from miss_server.establishment_tables import establishment_staff, establishments
from miss_server.names import fold
from miss_server.register_tables import people
from miss_server.rpps import OWN_NUMBERS
from miss_server.tables import devices

FOUND_MAX = 10


def search(
    connection: Connection, words: Sequence[str], profession: Sequence[str], place: Sequence[str], asker: bytes
) -> list[Row[Any]]:
    """At most 10 rows of ``people`` who fit all that is asked, by name.

    Args:
        words: folded; each begins a word of name, profession, service, establishment or town.
        profession: folded; of the profession, or a code.
        place: folded; of the establishment or its town.
        asker: who does not wish to be found by them is left out.
    """
    s, e, p = establishment_staff.c, establishments.c, people.c
    own = s.number >= OWN_NUMBERS
    if connection.scalar(select(s.staff_id).where(own).limit(1)) is None:
        return []
    open_ones = connection.execute(select(establishments).where(e.closed_at_ms.is_(None))).all()
    placed = {row.finess: f" {fold(sheets.place(row))}" for row in open_ones}
    live = exists().where(devices.c.person_id == p.person_id, devices.c.revoked_at_ms.is_(None))

    def at(word: str) -> ColumnElement[bool]:
        return s.finess.in_([finess for finess, text in placed.items() if f" {word}" in text])

    def said(word: str) -> ColumnElement[bool]:
        return (literal(" ") + s.folded).like(f"% {word}%")  # folded: letters and digits, so nothing in it is a pattern

    query = (
        select(people)
        .join(establishment_staff, s.number == p.rpps)
        .where(own, s.removed_at_ms.is_(None), s.finess.in_(placed), p.suspended_at_ms.is_(None), live)
        .where(*(or_(said(word), at(word)) for word in words))
        .where(*(or_(said(word), s.profession_code == word.upper()) for word in profession))
        .where(*(at(word) for word in place))
        .order_by(s.family_name, s.given_name, s.staff_id)
        .limit(FOUND_MAX)
    )
    found = list(connection.execute(query))
    unseen = wishes.hidden(connection, asker, [bytes(row.person_id) for row in found])
    return [row for row in found if bytes(row.person_id) not in unseen]
