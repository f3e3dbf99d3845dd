"""People on MiSS, as others see them."""

from sqlalchemy import Connection, exists, select

from miss_server import wishes
from miss_server.register_tables import people
from miss_server.tables import devices


def find(connection: Connection, person_id: bytes, asker: bytes) -> dict[str, object] | None:
    """The person as an entry of the directory, and whether the asker may write to them."""
    if wishes.hidden(connection, asker, [person_id]):
        return None
    reachable = exists().where(
        devices.c.person_id == people.c.person_id, devices.c.revoked_at_ms.is_(None), people.c.suspended_at_ms.is_(None)
    )
    row = connection.execute(
        select(people, reachable.label("reachable")).where(people.c.person_id == person_id)
    ).first()
    if row is None:
        return None
    return {
        "person": person_id.hex(),
        "display_name": row.display_name,
        "profession": row.profession,
        "place": row.place,
        "reachable": bool(row.reachable),
        "checked_how": row.checked_how,
        "checked_at_ms": row.checked_at_ms,
        "contactable": wishes.may_write(connection, asker, person_id),
    }


def number_of(connection: Connection, person_id: bytes) -> str:
    """The person's number: RPPS, or one of this server's own; "" where there is no such person."""
    return connection.scalar(select(people.c.rpps).where(people.c.person_id == person_id)) or ""
