"""Who is new on MiSS near somebody: registered lately, in the same town first, then in the same department."""

from sqlalchemy import Connection, exists, select

from miss_server import register
from miss_server.directory import Found
from miss_server.extracts import PEOPLE
from miss_server.names import fold
from miss_server.personal_tables import wishes
from miss_server.register import Activity, Entry
from miss_server.register_tables import people
from miss_server.tables import devices

NEW_FOR_DAYS = 30
NEIGHBOURS_MAX = 20
_LOOKED_AT_MAX = 500  # of those who came last, for a list on a screen must not read the whole country
_DAY_MS = 86_400_000


def new_near(connection: Connection, person_id: bytes, now_ms: int) -> list[Found]:
    """The newest first within each of town and department; nobody who is unlisted, and not the person."""
    load_id, p = register.current(connection, PEOPLE), people.c
    number = connection.scalar(select(p.rpps).where(p.person_id == person_id))
    if load_id is None or number is None:
        return []
    live = exists().where(devices.c.person_id == p.person_id, devices.c.revoked_at_ms.is_(None))
    unlisted = exists().where(wishes.c.person_id == p.person_id, wishes.c.unlisted)
    lately = select(people).where(p.created_at_ms > now_ms - NEW_FOR_DAYS * _DAY_MS, p.person_id != person_id)
    lately = lately.where(p.suspended_at_ms.is_(None), live, ~unlisted)
    rows = connection.execute(lately.order_by(p.created_at_ms.desc(), p.person_id).limit(_LOOKED_AT_MAX)).all()
    entries = register.entries(connection, load_id, [number, *(row.rpps for row in rows)], mailboxes=False)
    mine = entries.get(number)
    towns, departments = _towns(mine), _departments(mine)
    same_town, same_department = [], []
    for row in rows:
        entry = entries.get(row.rpps)
        found = Found(
            bytes(row.person_id), row.display_name, row.profession, row.place, row.checked_how, row.checked_at_ms
        )
        if towns & _towns(entry):
            same_town.append(found)
        elif departments & _departments(entry):
            same_department.append(found)
    return (same_town + same_department)[:NEIGHBOURS_MAX]


def department(postcode: str) -> str:
    """The department of a postcode; overseas and Corsica's two have three figures."""
    return postcode[:3] if postcode.startswith(("97", "98", "20")) else postcode[:2]


def _activities(entry: Entry | None) -> tuple[Activity, ...]:
    return entry.activities if entry is not None else ()


def _towns(entry: Entry | None) -> set[tuple[str, str]]:
    """Town names with their department: there is more than one Saint-Martin."""
    return {(fold(a.town), department(a.postcode)) for a in _activities(entry) if a.town}


def _departments(entry: Entry | None) -> set[str]:
    return {department(a.postcode) for a in _activities(entry) if a.postcode}
