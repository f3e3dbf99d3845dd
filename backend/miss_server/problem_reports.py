"""What people's devices report of a problem: figures without names or contents, and without who sent them."""

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from miss_server.personal_tables import problem_reports

KEPT_DAYS = 180
REPORT_CHARACTERS_MAX = 6_000
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that is read as another
_NUMBER_LETTERS = 8


@dataclass(frozen=True)
class ProblemReport:
    """One report: ``number`` is what the person is shown, to be named when they call for help."""

    number: str
    received_at_ms: int
    text: str


def keep(connection: Connection, text: str, now_ms: int) -> str:
    """Keep a report; its number."""
    number = "".join(secrets.choice(_LETTERS) for _ in range(_NUMBER_LETTERS))
    connection.execute(insert(problem_reports).values(number=number, received_at_ms=now_ms, text=text))
    return number


def newest(connection: Connection, number: str = "", limit: int = 50) -> list[ProblemReport]:
    """The newest reports, or the one of this number."""
    r = problem_reports.c
    query = select(problem_reports).order_by(r.received_at_ms.desc(), r.number).limit(limit)
    if number:
        query = query.where(r.number == number.replace("-", "").replace(" ", "").upper())
    return [ProblemReport(row.number, row.received_at_ms, row.text) for row in connection.execute(query)]


def forget(connection: Connection, before_ms: int) -> None:
    """Forgets the reports from before then."""
    connection.execute(delete(problem_reports).where(problem_reports.c.received_at_ms < before_ms))
