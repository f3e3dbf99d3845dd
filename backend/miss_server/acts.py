"""Who did what when, a line for each act of the registrar; never a code, never a message.

Acts are only ever added: the database refuses to change or delete one. Each carries a hash over itself and the hash
before, so that whoever changes one all the same must change every later one, and the last, which an operator can have
noted elsewhere.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from miss_server.register_tables import registrar_acts

WHO_CHARACTERS_MAX = 120
ABOUT_CHARACTERS_MAX = 1_000
_LABEL = b"MiSS act 1"
_FIRST = bytes(32)
_ACTS_AT_ONCE = 1_000


@dataclass(frozen=True)
class Chain:
    """What a look at all acts found."""

    acts: int
    head: bytes  # the hash of the last act; 32 zero bytes where there is none
    broken_at: int | None  # the first act that does not follow from the one before
    noted: bool  # whether the head noted before is that of one of the acts; True where none was given


def record(connection: Connection, *, who: str, what: str, about: str, now_ms: int) -> None:
    """Writes one act.

    Args:
        who: the operator's name, or "server" for what it decides alone.
        what: a short name: ``opened``, ``code-made``, ``certified``, ``approved``, ``refused``…
        about: the registration's id and what tells this act from others of its kind.
    """
    a = registrar_acts.c
    before = connection.scalar(select(a.chain).order_by(a.act_id.desc()).limit(1)) or _FIRST
    who, about = who[:WHO_CHARACTERS_MAX], about[:ABOUT_CHARACTERS_MAX]
    chain = link(bytes(before), now_ms, who, what, about)
    connection.execute(insert(registrar_acts).values(at_ms=now_ms, who=who, what=what, about=about, chain=chain))


def link(before: bytes, at_ms: int, who: str, what: str, about: str) -> bytes:
    """The hash of an act that follows the one whose hash is ``before``."""
    hashed = hashlib.sha256(_LABEL + before + at_ms.to_bytes(8, "big"))
    for text in (who, what, about):
        data = text.encode()
        hashed.update(len(data).to_bytes(4, "big") + data)
    return hashed.digest()


def verify(connection: Connection, noted: bytes | None = None) -> Chain:
    """Follows the chain from the first act to the last.

    Args:
        noted: a head that was noted earlier; acts deleted from the end are found by it alone.
    """
    acts, head, last_id = 0, _FIRST, 0
    broken: int | None = None
    seen = noted is None or noted == _FIRST
    while rows := _after(connection, last_id):
        for row in rows:
            expected = link(head, row.at_ms, row.who, row.what, row.about)
            head = bytes(row.chain or b"")
            if broken is None and head != expected:
                broken = row.act_id
            seen = seen or head == noted
            acts, last_id = acts + 1, row.act_id
    return Chain(acts, head, broken, seen)


def _after(connection: Connection, act_id: int) -> list[Row[Any]]:
    a = registrar_acts.c
    chosen = select(registrar_acts).where(a.act_id > act_id).order_by(a.act_id).limit(_ACTS_AT_ONCE)
    return list(connection.execute(chosen).all())
