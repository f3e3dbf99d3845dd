"""Whom a certificate is about, in words of the register, or of the establishment that vouches for who is not in it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from miss_server import establishments, register, staff
from miss_server.establishment_tables import establishment_staff
from miss_server.refusals import Refusal
from miss_server.rpps import is_national


@dataclass(frozen=True)
class Described:
    """A person as a certificate names them; ``rpps`` is empty for who has none."""

    rpps: str
    family_name: str
    given_name: str
    display_name: str
    profession_code: str
    profession: str
    place: str

    def names(self) -> dict[str, Any]:
        """What only the certificate says of them."""
        return {"family_name": self.family_name, "given_name": self.given_name, "rpps": self.rpps}

    def known_by(self, checked_how: str, checked_at_ms: int) -> dict[str, Any]:
        """What the certificate and the row of ``people`` both say of them."""
        return {
            "display_name": self.display_name,
            "profession_code": self.profession_code,
            "profession": self.profession,
            "place": self.place,
            "checked_how": checked_how,
            "checked_at_ms": checked_at_ms,
        }


def describe(connection: Connection, number: str, profession_code: str) -> Described | Refusal:
    """A person by their number, practising that profession where they do, as known today.

    Returns:
        Refusal("no-longer-practising") where the register, or every establishment, knows them no more.
    """
    return _registered(connection, number, profession_code) if is_national(number) else _vouched(connection, number)


def _registered(connection: Connection, number: str, profession_code: str) -> Described | Refusal:
    entry = register.look_up(connection, number)
    if entry is None or entry.gone_since_ms is not None or not entry.activities:
        return Refusal("no-longer-practising")
    activity = entry.activity_as(profession_code) or entry.activities[0]
    return Described(
        entry.rpps,
        entry.family_name,
        entry.given_name,
        entry.display_name(),
        activity.profession_code,
        activity.profession_text(),
        activity.place_text(),
    )


def _vouched(connection: Connection, number: str) -> Described | Refusal:
    """A number of this server's own belongs to one row of one establishment's staff."""
    s = establishment_staff.c
    row = connection.execute(
        select(establishment_staff).where(s.number == number, s.removed_at_ms.is_(None)).order_by(s.staff_id)
    ).first()
    sheets = staff.establishments_of(connection, number)
    if row is None or not sheets:
        return Refusal("no-longer-vouched")
    return Described(
        "",
        row.family_name,
        row.given_name,
        staff.record_of(row).display_name(),
        row.profession_code,
        row.profession,
        establishments.place(sheets[0]),
    )
