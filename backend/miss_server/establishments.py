"""Establishments: their sheets, the referents who vouch for their staff, and the key by which a machine imports.

An establishment is named by its FINESS number, whose check digit is verified and which the register's activities must
name; where they do not, an operator writes down the proof that was seen. Every function is one transaction's worth of
work, and leaves an act.
"""

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from miss_server import acts, outside_professions, register
from miss_server import finess as finess_number
from miss_server.addresses import is_address
from miss_server.establishment_tables import (
    establishment_referents,
    establishments,
    register_establishments,
)
from miss_server.extracts import PEOPLE
from miss_server.refusals import DecisionError
from miss_server.register import place_text

NAME_CHARACTERS_MAX = 200
BEDS_MAX = 100_000
REFERENTS_MAX = 100
# What a sheet says beside its number; all of it text, but beds.
FIELDS = (
    "name", "group_name", "address", "postcode", "town", "beds", "administrative_referent", "it_manager", "telephone",
    "it_telephone", "alert_mailbox",
)  # fmt: skip
_KEY_BYTES = 32
_LABEL_KEY = b"MiSS import key 1"


@dataclass(frozen=True)
class Listed:
    """An establishment as the register's activities name it."""

    finess: str
    name: str
    postcode: str
    town: str


def number(typed: str) -> str:
    """The FINESS number that was typed.

    Raises:
        DecisionError: ``finess-malformed``.
    """
    found = finess_number.parse(typed)
    if found is None:
        raise DecisionError("finess-malformed", finess=typed[:40])
    return found


def listed(connection: Connection, finess: str) -> Listed | None:
    """What the register in use says of a number, or None where none of its activities names it."""
    e = register_establishments.c
    load_id = register.current(connection, PEOPLE)
    row = connection.execute(select(register_establishments).where(e.load_id == load_id, e.finess == finess)).first()
    return Listed(row.finess, row.name, row.postcode, row.town) if row else None


def find(connection: Connection, finess: str, *, closed: bool = False) -> Row[Any]:
    """The sheet of an establishment.

    Raises:
        DecisionError: ``establishment-unknown``, or ``establishment-closed`` unless those are ``closed`` asked for.
    """
    row = connection.execute(select(establishments).where(establishments.c.finess == finess)).first()
    if row is None:
        raise DecisionError("establishment-unknown", finess=finess)
    if row.closed_at_ms is not None and not closed:
        raise DecisionError("establishment-closed", finess=finess)
    return row


def everyone(connection: Connection) -> list[Row[Any]]:
    """Every sheet, by name, the closed ones last."""
    e = establishments.c
    return list(connection.execute(select(establishments).order_by(e.closed_at_ms.is_not(None), e.name, e.finess)))


def create(
    connection: Connection, typed: str, fields: Mapping[str, str], *, who: str, now_ms: int, proof: str = ""
) -> Row[Any]:
    """A new establishment; what is not given of its name and place is the register's.

    Args:
        typed: its FINESS number.
        fields: of ``FIELDS``.
        proof: what the operator saw, where the register does not name it.

    Raises:
        DecisionError: ``finess-malformed``, ``finess-unlisted``, ``establishment-known`` or a field's reason.
    """
    finess, proof = number(typed), _line(proof, "proof", NAME_CHARACTERS_MAX)
    known = listed(connection, finess)
    if known is None and not proof:
        raise DecisionError("finess-unlisted", finess=finess)
    if connection.scalar(select(establishments.c.finess).where(establishments.c.finess == finess)):
        raise DecisionError("establishment-known", finess=finess)
    said = {"name": known.name, "postcode": known.postcode, "town": known.town} if known else {}
    values = _checked(said | {name: value for name, value in fields.items() if str(value).strip()})
    if not values.get("name"):
        raise DecisionError("field-empty", field="name")
    professions = json.dumps(outside_professions.DEFAULT)
    row = {"finess": finess, "proof": proof, "professions": professions, "created_at_ms": now_ms, **values}
    connection.execute(insert(establishments).values(row))
    about = f"{finess} {proof and 'proof seen: ' + proof}".strip()
    acts.record(connection, who=who, what="establishment-made", about=about, now_ms=now_ms)
    return find(connection, finess)


def change(connection: Connection, finess: str, fields: Mapping[str, str], *, who: str, now_ms: int) -> Row[Any]:
    """Changes some fields of a sheet.

    Raises:
        DecisionError: the establishment is unknown or closed, or a field's reason.
    """
    find(connection, finess)
    values = _checked(fields)
    if "name" in values and not values["name"]:
        raise DecisionError("field-empty", field="name")
    if values:
        connection.execute(update(establishments).where(establishments.c.finess == finess).values(values))
        about = f"{finess} {', '.join(values)}"
        acts.record(connection, who=who, what="establishment-changed", about=about, now_ms=now_ms)
    return find(connection, finess)


def allow(connection: Connection, finess: str, codes: list[str], *, who: str, now_ms: int) -> None:
    """Sets the professions outside the register that an establishment may vouch for.

    Raises:
        DecisionError: ``profession-unknown``, or the establishment is unknown or closed.
    """
    find(connection, finess)
    for code in codes:
        if code not in outside_professions.OUTSIDE:
            raise DecisionError("profession-unknown", profession=code[:40])
    chosen = [code for code in outside_professions.OUTSIDE if code in codes]
    of_it = update(establishments).where(establishments.c.finess == finess)
    connection.execute(of_it.values(professions=json.dumps(chosen)))
    about = f"{finess} {' '.join(chosen)}".strip()
    acts.record(connection, who=who, what="professions-allowed", about=about, now_ms=now_ms)


def professions(row: Row[Any]) -> list[str]:
    """The codes outside the register that an establishment may vouch for."""
    return [str(code) for code in json.loads(row.professions)]


def close(connection: Connection, finess: str, *, who: str, now_ms: int) -> None:
    """Ends an establishment: nobody vouches or imports for it any more; its key is forgotten.

    Raises:
        DecisionError: it is unknown, or closed already.
    """
    find(connection, finess)
    values = {"closed_at_ms": now_ms, "import_key_hash": None}
    connection.execute(update(establishments).where(establishments.c.finess == finess).values(values))
    acts.record(connection, who=who, what="establishment-closed", about=finess, now_ms=now_ms)


def place(row: Row[Any]) -> str:
    """An establishment as a person's place: "CENTRE HOSPITALIER, Lille"."""
    return place_text(row.name, row.town)


# Referents.


def referents(connection: Connection, finess: str) -> list[Row[Any]]:
    """Who vouches for the establishment's staff today."""
    r = establishment_referents.c
    query = select(establishment_referents).where(r.finess == finess, r.removed_at_ms.is_(None))
    return list(connection.execute(query.order_by(r.name, r.referent_id)))


def any_referent(connection: Connection) -> bool:
    """Whether some establishment vouches for its staff here."""
    r, e = establishment_referents.c, establishments.c
    query = select(r.referent_id).join(establishments, e.finess == r.finess)
    return connection.scalar(query.where(r.removed_at_ms.is_(None), e.closed_at_ms.is_(None)).limit(1)) is not None


def add_referent(connection: Connection, finess: str, name: str, *, who: str, now_ms: int) -> int:
    """Names a referent; returns its number.

    Raises:
        DecisionError: ``referent-known``, ``referents-many``, a field's reason, or the establishment is unknown.
    """
    find(connection, finess)
    name = _line(name, "referent", NAME_CHARACTERS_MAX)
    if not name:
        raise DecisionError("field-empty", field="referent")
    present = referents(connection, finess)
    if any(row.name.casefold() == name.casefold() for row in present):
        raise DecisionError("referent-known", name=name)
    if len(present) >= REFERENTS_MAX:
        raise DecisionError("referents-many", most=REFERENTS_MAX)
    values = {"finess": finess, "name": name, "added_at_ms": now_ms}
    key = connection.execute(insert(establishment_referents).values(values)).inserted_primary_key
    assert key is not None
    acts.record(connection, who=who, what="referent-added", about=f"{finess} {name}", now_ms=now_ms)
    return int(key[0])


def remove_referent(connection: Connection, finess: str, referent_id: int, *, who: str, now_ms: int) -> None:
    """Ends a referent; what they vouched for and was not used yet is worth nothing any more.

    Raises:
        DecisionError: ``referent-unknown``.
    """
    row = referent(connection, finess, referent_id)
    of_it = update(establishment_referents).where(establishment_referents.c.referent_id == referent_id)
    connection.execute(of_it.values(removed_at_ms=now_ms))
    acts.record(connection, who=who, what="referent-removed", about=f"{finess} {row.name}", now_ms=now_ms)


def referent(connection: Connection, finess: str, referent_id: int) -> Row[Any]:
    """A referent of that establishment today.

    Raises:
        DecisionError: ``referent-unknown``; another establishment's is as unknown as none.
    """
    found = next((row for row in referents(connection, finess) if row.referent_id == referent_id), None)
    if found is None:
        raise DecisionError("referent-unknown", finess=finess)
    return found


def referent_named(connection: Connection, finess: str, name: str) -> Row[Any]:
    """The referent of that establishment who has that name.

    Raises:
        DecisionError: ``referent-unknown``.
    """
    wanted = " ".join(name.split()).casefold()
    found = next((row for row in referents(connection, finess) if row.name.casefold() == wanted), None)
    if found is None:
        raise DecisionError("referent-unknown", finess=finess)
    return found


# The key of a machine that imports.


def make_key(connection: Connection, finess: str, pepper: bytes, *, who: str, now_ms: int) -> str:
    """A new import key in the place of any earlier one; returned once, stored as a hash.

    Raises:
        DecisionError: the establishment is unknown or closed.
    """
    find(connection, finess)
    key = secrets.token_urlsafe(_KEY_BYTES)
    values = {"import_key_hash": _key_hash(pepper, finess, key)}
    connection.execute(update(establishments).where(establishments.c.finess == finess).values(values))
    acts.record(connection, who=who, what="import-key-made", about=finess, now_ms=now_ms)
    return key


def forget_key(connection: Connection, finess: str, *, who: str, now_ms: int) -> None:
    """Ends the import key."""
    find(connection, finess)
    connection.execute(update(establishments).where(establishments.c.finess == finess).values(import_key_hash=None))
    acts.record(connection, who=who, what="import-key-ended", about=finess, now_ms=now_ms)


def holds_key(connection: Connection, finess: str, pepper: bytes, key: str) -> bool:
    """Whether ``key`` is the establishment's; an unknown establishment, or one without a key, takes the same time."""
    stored = connection.scalar(select(establishments.c.import_key_hash).where(establishments.c.finess == finess))
    given = _key_hash(pepper, finess, key)
    return hmac.compare_digest(bytes(stored) if stored else bytes(32), given)


def _key_hash(pepper: bytes, finess: str, key: str) -> bytes:
    return hmac.digest(pepper, _LABEL_KEY + finess.encode() + key.encode(), "sha256")


def _checked(fields: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a sheet as they are stored."""
    values: dict[str, Any] = {}
    for field, value in fields.items():
        if field not in FIELDS:
            raise DecisionError("field-unknown", field=field[:40])
        text = _line(str(value), field, NAME_CHARACTERS_MAX)
        if field == "beds":
            if text and not (text.isascii() and text.isdigit() and int(text) <= BEDS_MAX):
                raise DecisionError("beds-malformed", value=text[:40])
            values[field] = int(text) if text else None
        elif field == "alert_mailbox" and text and not is_address(text):
            raise DecisionError("address-malformed", value=text[:80])
        else:
            values[field] = text
    return values


def _line(text: str, field: str, most: int) -> str:
    """One line of text as a person typed it.

    Raises:
        DecisionError: ``field-too-long`` or ``field-characters``.
    """
    text = text.strip()
    if len(text) > most:
        raise DecisionError("field-too-long", field=field, most=most)
    if not all(c.isprintable() for c in text):
        raise DecisionError("field-characters", field=field)
    return " ".join(text.split())
