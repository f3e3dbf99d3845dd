"""The charter and privacy notice that everybody on MiSS accepts: their texts, their version, who accepted which when.

The texts come with the server; an operator who has others puts ``charter.fr.txt`` and ``charter.en.txt`` into the data
folder, each beginning with the line ``Version …``. Another version is asked about again at each device's next
connection.
"""

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from sqlalchemy import Connection, func, insert, select

from miss_server import acts
from miss_server.config import ConfigError
from miss_server.establishment_tables import establishment_staff
from miss_server.personal_tables import charter_acceptances, charter_heads
from miss_server.refusals import ENGLISH, FRENCH, Refusal
from miss_server.register_load import insert_missing
from miss_server.register_tables import people

TEXT_CHARACTERS_MAX = 20_000
_FIRST_LINE = re.compile(r"Version ([0-9A-Za-z.-]{1,40})")


@dataclass(frozen=True)
class Charter:
    """One version, in both languages."""

    version: str
    french: str
    english: str

    def text(self, language: str) -> str:
        """What a person reads."""
        return self.english if language == ENGLISH else self.french


def load(folder: Path | None = None) -> Charter:
    """The operator's texts where the data folder holds them, else those that come with the server.

    Raises:
        ConfigError: ``charter-halved`` where one language is missing or of another version, ``file-malformed``.
    """
    files = {language: folder / f"charter.{language}.txt" for language in (FRENCH, ENGLISH)} if folder else {}
    if not any(file.exists() for file in files.values()):
        own = resources.files("miss_server").joinpath("charter_texts")
        texts = {language: own.joinpath(f"{language}.txt").read_text("utf-8") for language in (FRENCH, ENGLISH)}
    elif all(file.exists() for file in files.values()):
        texts = {language: _read(file) for language, file in files.items()}
    else:
        raise ConfigError("charter-halved", "charter", folder)
    (version, french), (other, english) = _split(texts[FRENCH]), _split(texts[ENGLISH])
    if version != other:
        raise ConfigError("charter-halved", "charter", folder)
    return Charter(version, french, english)


def check(current: str, accepted: str) -> Refusal | None:
    """Why a registration cannot begin with what was accepted; None where it can."""
    if accepted == current:
        return None
    return Refusal("charter-changed" if accepted else "charter-missing")


def accept(connection: Connection, person_id: bytes, version: str, at_ms: int) -> None:
    """Notes that a person accepted a version; the first time is the one that counts."""
    row = {"person_id": person_id, "version": version, "accepted_at_ms": at_ms}
    insert_missing(connection, charter_acceptances, [row])


def accepted_at_ms(connection: Connection, person_id: bytes, version: str) -> int | None:
    """When a person, or the head of an establishment for its staff, accepted this version; None where nobody has."""
    c = charter_acceptances.c
    at_ms: int | None = connection.scalar(
        select(c.accepted_at_ms).where(c.person_id == person_id, c.version == version)
    )
    if at_ms is not None:
        return at_ms
    s, h, p = establishment_staff.c, charter_heads.c, people.c
    by_head: int | None = connection.scalar(
        select(func.min(h.accepted_at_ms)).where(
            p.person_id == person_id,
            s.number == p.rpps,
            s.removed_at_ms.is_(None),
            h.establishment == s.finess,
            h.version == version,
        )
    )
    return by_head


def accept_as_head(connection: Connection, establishment: str, head: str, version: str, who: str, now_ms: int) -> bool:
    """Notes that the head of an establishment accepted for its staff; whether that is news.

    Args:
        establishment: its FINESS number.
        head: name and function, as the operator writes them down.
        who: the operator.
    """
    c = charter_heads.c
    known = select(c.head).where(c.establishment == establishment, c.version == version)
    if connection.execute(known).first() is not None:
        return False
    values = {"establishment": establishment, "version": version, "head": head, "accepted_at_ms": now_ms}
    connection.execute(insert(charter_heads).values(values))
    acts.record(connection, who=who, what="charter-for-staff", about=f"{establishment} {version} {head}", now_ms=now_ms)
    return True


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("file-malformed", file.name, type(error).__name__) from error


def _split(text: str) -> tuple[str, str]:
    first, _, rest = text.partition("\n")
    found = _FIRST_LINE.fullmatch(first.strip())
    if found is None or not rest.strip() or len(rest) > TEXT_CHARACTERS_MAX:
        raise ConfigError("file-malformed", "charter", first[:80])
    return found[1], rest.strip()
