"""The daily reading of establishments' LDAP directories, by the same checks as a file's."""

import asyncio
from collections.abc import Sequence

from sqlalchemy import Connection, select

from miss_server import journal, staff_imports, staff_records
from miss_server.database import Database
from miss_server.establishment_tables import directory_imports
from miss_server.ldap_settings import Ldap
from miss_server.refusals import DecisionError
from miss_server.staff_imports import LDAP, Import
from miss_server.staff_records import Sorted

EVERY_HOURS = 24
_WHO = "daily LDAP reading"


async def go_round(database: Database, directories: Sequence[Ldap], now_ms: int) -> None:
    """Reads every directory that was not read in the last day; what fails is tried again in the next round."""
    for ldap in directories:
        if await database.read(_read_since, ldap.finess, now_ms - EVERY_HOURS * 3_600_000):
            continue
        try:
            found = await _import(database, ldap, now_ms)
        except DecisionError as error:
            journal.write("ldap-refused", establishment=ldap.finess, reason=error.reason)
        else:
            journal.write("ldap-read", establishment=ldap.finess, state=found.state, people=len(found.changes))


async def _import(database: Database, ldap: Ldap, now_ms: int) -> Import:
    from miss_server import staff_ldap  # a third of a second to load, for the few who have a directory

    lines = await asyncio.to_thread(staff_ldap.read, ldap)
    found_lines = await database.read(staff_records.sort, lines)
    return await database.run(applied, ldap.finess, found_lines, now_ms)


def applied(connection: Connection, finess: str, found_lines: Sorted, now_ms: int) -> Import:
    """What one reading changes: at once, or when a manager says yes."""
    staged = staff_imports.stage(connection, finess, LDAP, found_lines, who=_WHO, now_ms=now_ms)
    return staff_imports.apply_or_wait(connection, finess, staged.import_id, who=_WHO, now_ms=now_ms)


def _read_since(connection: Connection, finess: str, since_ms: int) -> bool:
    i = directory_imports.c
    query = select(i.import_id).where(i.finess == finess, i.source == LDAP, i.made_at_ms > since_ms).limit(1)
    return connection.scalar(query) is not None
