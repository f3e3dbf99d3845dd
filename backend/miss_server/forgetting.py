"""What is forgotten beside rows and photos: ended conversations' trees, staff who went, links and codes out of time.

How long each table keeps what it holds is listed, and proved with moved time, in ``tests/server/test_retention.py``.
"""

from sqlalchemy import Connection, delete, exists, func, select, update

from miss_protocol import limits
from miss_server import (
    buckets,
    invites,
    links,
    problem_reports,
    registration_rows,
    sign_ins,
    staff_imports,
    unlock_requests,
    wakeups,
)
from miss_server.console.tables import operator_links
from miss_server.establishment_tables import establishment_staff, vouchers
from miss_server.tables import devices, key_packages, memberships, public_groups, standings, streams

DAY_MS = 86_400_000
LINKS_KEPT_DAYS = 1
SIGN_INS_KEPT_DAYS = 1
OPERATOR_LINKS_KEPT_DAYS = 30  # after they end
REGISTRATIONS_KEPT_DAYS = 365
STAFF_KEPT_DAYS = 365  # after they went: who comes back within is the same member of staff
VOUCHERS_KEPT_DAYS = 365  # after they end


def forget_small(connection: Connection, now_ms: int) -> None:
    """All of it, as it is due now."""
    links.forget(connection, now_ms - LINKS_KEPT_DAYS * DAY_MS)
    buckets.forget(connection, now_ms)
    invites.forget(connection, now_ms - invites.INVITES_KEPT_DAYS * DAY_MS)
    staff_imports.forget(connection, now_ms - staff_imports.KEPT_DAYS * DAY_MS)
    registration_rows.forget(connection, now_ms - REGISTRATIONS_KEPT_DAYS * DAY_MS, now_ms - DAY_MS)
    sign_ins.forget(connection, now_ms - SIGN_INS_KEPT_DAYS * DAY_MS)
    problem_reports.forget(connection, now_ms - problem_reports.KEPT_DAYS * DAY_MS)
    unlock_requests.forget(connection, now_ms)
    wakeups.forget_ended(connection)
    expired = now_ms - limits.CLOCK_TOLERANCE_MINUTES * 60_000
    connection.execute(delete(key_packages).where(key_packages.c.not_after_ms < expired))
    ended = operator_links.c.expires_at_ms < now_ms - OPERATOR_LINKS_KEPT_DAYS * DAY_MS
    connection.execute(delete(operator_links).where(ended))
    _forget_staff(connection, now_ms)
    _forget_trees(connection)


def _forget_staff(connection: Connection, now_ms: int) -> None:
    s, v = establishment_staff.c, vouchers.c
    gone = select(s.staff_id).where(s.removed_at_ms < now_ms - STAFF_KEPT_DAYS * DAY_MS)
    ended = v.expires_at_ms < now_ms - VOUCHERS_KEPT_DAYS * DAY_MS
    connection.execute(delete(vouchers).where(ended | v.staff_id.in_(gone)))
    connection.execute(delete(establishment_staff).where(s.staff_id.in_(gone)))


def _forget_trees(connection: Connection) -> None:
    """A conversation without a live member has no use for its tree, which holds its members' certificates."""
    m, p, d = memberships.c, public_groups.c, devices.c
    living = exists().where(m.stream == p.stream, m.removed.is_(None), d.device == m.device, d.revoked_at_ms.is_(None))
    dead = list(connection.scalars(select(p.stream).where(~living)))
    if not dead:
        return
    head = select(func.max(streams.c.head)).where(streams.c.stream == m.stream).scalar_subquery()
    connection.execute(update(memberships).where(m.stream.in_(dead), m.removed.is_(None)).values(removed=head))
    for table in (standings, public_groups):
        connection.execute(delete(table).where(table.c.stream.in_(dead)))
