"""The log of all certificates issued, as the server keeps it: each is entered in the transaction that issues it.

``miss_protocol.certificate_log`` says what the log promises and how clients hold the server to it. Entries are only
ever added; the database refuses to change or delete one.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, func, insert, select, update

from miss_protocol import merkle
from miss_protocol.certificate_log import Entry, Head, Statement, book_leaf, book_of, tag_of
from miss_protocol.enrolment import CertificateRequest, Endorsement
from miss_protocol.identity import Authority, DeviceCertificate, Professional, certify
from miss_protocol.limits import LOG_BOOKS
from miss_server.log_tables import log_books, log_entries
from miss_server.tables import devices

_EMPTY_BOOK = book_leaf(0, merkle.EMPTY)


def issue(
    connection: Connection,
    authority: Authority,
    issuing_key: Ed25519PrivateKey,
    professional: Professional,
    request: CertificateRequest,
    now_ms: int,
    endorsement: Endorsement | None = None,
) -> DeviceCertificate:
    """A device certificate, entered in the log: the only way in which this server issues one."""
    certificate = certify(authority, issuing_key, professional, request, now_ms, endorsement)
    enter(connection, certificate, now_ms)
    return certificate


def enter(connection: Connection, certificate: DeviceCertificate, now_ms: int) -> None:
    """Adds a certificate to its person's book."""
    entry, book = Entry.of(certificate), book_of(certificate.person_id)
    b = log_books.c
    row = connection.execute(select(b.size, b.frontier).where(b.book == book)).first()
    size, frontier = (row.size, _hashes(row.frontier)) if row else (0, ())
    frontier = merkle.grown(size, frontier, entry.leaf())
    values = {"size": size + 1, "frontier": b"".join(frontier), "root": merkle.root_of(frontier)}
    if row is None:
        connection.execute(insert(log_books).values(book=book, **values))
    else:
        connection.execute(update(log_books).where(b.book == book).values(values))
    connection.execute(
        insert(log_entries).values(
            book=book,
            number=size,
            tag=entry.tag,
            fingerprint=entry.fingerprint,
            certificate=certificate.der,
            at_ms=now_ms,
        )
    )


def begin(connection: Connection, now_ms: int) -> int:
    """Enters the certificates that were issued before there was a log; how many. Nothing where there is one."""
    if connection.scalar(select(log_entries.c.entry).limit(1)) is not None:
        return 0
    earlier = connection.scalars(select(devices.c.certificate).order_by(devices.c.device)).all()
    for der in earlier:
        enter(connection, DeviceCertificate.parse(bytes(der)), now_ms)
    return len(earlier)


@dataclass(frozen=True)
class _Tree:
    """All books at one moment: the signed head over them, and their tree's levels from the leaves up."""

    last_entry: int
    head: Head
    levels: tuple[tuple[bytes, ...], ...]

    def path(self, book: int) -> tuple[bytes, ...]:
        return tuple(level[(book >> height) ^ 1] for height, level in enumerate(self.levels))


class Heads:
    """Signs heads and makes statements; the tree of all books is computed anew when an entry was added.

    Args:
        key: the issuing key.
        now_ms: the clock.
    """

    def __init__(self, key: Ed25519PrivateKey, now_ms: Callable[[], int]) -> None:
        self._key = key
        self._now_ms = now_ms
        self._tree: _Tree | None = None
        self._lock = threading.Lock()

    def statement(self, connection: Connection, person_id: bytes, first: int) -> Statement:
        """What a person's book holds from entry ``first`` on, with that person's own certificates; one snapshot."""
        tree, book = self._current(connection), book_of(person_id)
        e = log_entries.c
        asked = select(e.tag, e.fingerprint).where(e.book == book, e.number >= first).order_by(e.number)
        rows = connection.execute(asked).all()
        own = select(e.certificate).where(e.book == book, e.number >= first, e.tag == tag_of(person_id))
        size = connection.scalar(select(log_books.c.size).where(log_books.c.book == book)) or 0
        return Statement(
            tree.head,
            book,
            size,
            tree.path(book),
            first,
            tuple(Entry(bytes(row.tag), bytes(row.fingerprint)) for row in rows),
            tuple(bytes(der) for der in connection.scalars(own.order_by(e.number))),
        )

    def _current(self, connection: Connection) -> _Tree:
        """The tree of what this snapshot holds."""
        last = connection.scalar(select(func.max(log_entries.c.entry))) or 0
        tree = self._tree
        if tree is None or tree.last_entry != last:
            with self._lock:
                tree = self._grow(connection, last)
                self._tree = tree
        return tree

    def _grow(self, connection: Connection, last: int) -> _Tree:
        b = log_books.c
        leaves, size = [_EMPTY_BOOK] * LOG_BOOKS, 0
        for row in connection.execute(select(b.book, b.size, b.root)):
            leaves[row.book] = book_leaf(row.size, bytes(row.root))
            size += row.size
        levels = []
        while len(leaves) > 1:
            levels.append(tuple(leaves))
            leaves = [merkle.node_hash(leaves[at], leaves[at + 1]) for at in range(0, len(leaves), 2)]
        return _Tree(last, Head(size, self._now_ms(), leaves[0]).signed(self._key), tuple(levels))


def _hashes(data: bytes) -> merkle.Frontier:
    return tuple(bytes(data[at : at + merkle.HASH_BYTES]) for at in range(0, len(data), merkle.HASH_BYTES))
