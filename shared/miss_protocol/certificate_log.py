"""The log of all certificates issued: what its head promises, and how a client finds that it was rewritten.

The log is 4,096 *books*, and a person's certificates are all in one of them. Each book is a hash tree that only grows
(``merkle``); the head, signed by the issuing key, is the root over all books. Whoever follows a book reads each of its
entries once and computes its root anew, so that nothing in it can be left out, altered or taken back unseen; whose
certificate another entry is stays hidden behind a hash. Pure: the caller fetches, stores and tells.
"""

import hashlib
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from miss_protocol import merkle
from miss_protocol.errors import RemoteError
from miss_protocol.identity import Authority, DeviceCertificate
from miss_protocol.labels import LABEL_LOG_HEAD, labelled
from miss_protocol.limits import LOG_BOOKS
from miss_protocol.merkle import HASH_BYTES, Frontier
from miss_protocol.mls.codec import Reader, Writer, decode

TAG_BYTES = 16
PATH_HASHES = (LOG_BOOKS - 1).bit_length()
_BOOK, _TAG = b"MiSS log book 1", b"MiSS log person 1"


def book_of(person_id: bytes) -> int:
    """The book that holds all certificates of a person."""
    return int.from_bytes(hashlib.sha256(_BOOK + person_id).digest()[:4], "big") % LOG_BOOKS


def tag_of(person_id: bytes) -> bytes:
    """What stands for the person in an entry: it tells nobody who it is who does not know the person's id."""
    return hashlib.sha256(_TAG + person_id).digest()[:TAG_BYTES]


@dataclass(frozen=True)
class Entry:
    """One certificate issued: whose, hidden, and the SHA-256 of the certificate."""

    tag: bytes
    fingerprint: bytes

    @classmethod
    def of(cls, certificate: DeviceCertificate) -> Self:
        return cls(tag_of(certificate.person_id), hashlib.sha256(certificate.der).digest())

    def leaf(self) -> bytes:
        """The entry's hash in its book's tree."""
        return merkle.leaf_hash(self.tag + self.fingerprint)


def book_leaf(size: int, root: bytes) -> bytes:
    """A book's hash in the tree of all books."""
    return merkle.leaf_hash(Writer().u64(size).fixed(root).bytes())


@dataclass(frozen=True)
class Head:
    """The whole log at one moment, signed by the issuing key."""

    size: int  # entries, in all books
    at_ms: int
    root: bytes  # over all books
    signature: bytes = b""

    def content(self) -> bytes:
        """What is signed."""
        return Writer().u64(self.size).u64(self.at_ms).fixed(self.root).bytes()

    def signed(self, key: ed25519.Ed25519PrivateKey) -> Self:
        """The same head with this key's signature."""
        return type(self)(self.size, self.at_ms, self.root, key.sign(labelled(LABEL_LOG_HEAD, self.content())))

    def verify(self, authority: Authority) -> None:
        """Raises RemoteError("log-forged") unless this server's registrar signed it."""
        signed = labelled(LABEL_LOG_HEAD, self.content())
        for key in authority.issuing_keys():
            try:
                ed25519.Ed25519PublicKey.from_public_bytes(key).verify(self.signature, signed)
            except InvalidSignature:
                continue
            return
        raise RemoteError("log-forged", "head")

    def write(self, out: Writer) -> Writer:
        return out.u64(self.size).u64(self.at_ms).fixed(self.root).opaque(self.signature)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        return cls(reader.u64(), reader.u64(), reader.fixed(HASH_BYTES), reader.opaque())


@dataclass(frozen=True)
class Statement:
    """What the server says of one book: the head it stands under, and its entries from a number on."""

    head: Head
    book: int
    size: int  # entries in this book
    path: tuple[bytes, ...]  # from the book to the head's root
    first: int  # number of the first entry told, from 0
    entries: tuple[Entry, ...]
    certificates: tuple[bytes, ...]  # DER, of the entries that are the asking person's, in their order

    def encode(self) -> bytes:
        out = self.head.write(Writer()).u16(self.book).u64(self.size)
        for one in self.path:
            out.fixed(one)
        out.u64(self.first).vector(self.entries, lambda w, entry: w.fixed(entry.tag).fixed(entry.fingerprint))
        return out.vector(self.certificates, Writer.opaque).bytes()

    @classmethod
    def decode(cls, data: bytes) -> "Statement":
        """Raises RemoteError("malformed")."""

        def read(reader: Reader) -> "Statement":
            head, book, size = Head.read(reader), reader.u16(), reader.u64()
            path = tuple(reader.fixed(HASH_BYTES) for _ in range(PATH_HASHES))
            first = reader.u64()
            entries = reader.vector(lambda r: Entry(r.fixed(TAG_BYTES), r.fixed(HASH_BYTES)))
            return cls(head, book, size, path, first, tuple(entries), tuple(reader.vector(Reader.opaque)))

        return decode(data, read)


@dataclass(frozen=True)
class Following:
    """How far somebody has followed one book: what the log must go on from."""

    book: int
    size: int = 0
    frontier: Frontier = ()
    head_size: int = 0
    head_root: bytes = merkle.EMPTY  # of a log never seen: compared with nothing

    def encode(self) -> bytes:
        out = Writer().u16(self.book).u64(self.size).u64(self.head_size).fixed(self.head_root)
        return out.vector(self.frontier, Writer.fixed).bytes()

    @classmethod
    def decode(cls, data: bytes) -> "Following":
        def read(reader: Reader) -> "Following":
            book, size, head_size, head_root = reader.u16(), reader.u64(), reader.u64(), reader.fixed(HASH_BYTES)
            return cls(book, size, tuple(reader.vector(lambda r: r.fixed(HASH_BYTES))), head_size, head_root)

        return decode(data, read)

    def follow(self, statement: Statement, authority: Authority) -> Self:
        """Goes on to what a statement says, every entry since included.

        Raises:
            RemoteError: ``log-forged`` where the head is not the registrar's; ``log-rolled-back`` where the log is
                shorter than it was; ``log-rewritten`` where what was there is not any more, or what is told does not
                lead to the head; ``log-withheld`` where entries are missing from what was asked for.
        """
        head = statement.head
        head.verify(authority)
        if head.size < self.head_size or statement.size < self.size:
            raise RemoteError("log-rolled-back", f"{self.head_size} entries were there")
        if head.size == self.head_size and head.root != self.head_root and self.head_size:
            raise RemoteError("log-rewritten", "two heads of one size")
        if statement.book != self.book or statement.first != self.size:
            raise RemoteError("log-withheld", "another book, or another place in it")
        if self.size + len(statement.entries) != statement.size:
            raise RemoteError("log-withheld", "entries are missing")
        frontier = self.frontier
        for number, entry in enumerate(statement.entries, self.size):
            frontier = merkle.grown(number, frontier, entry.leaf())
        leaf = book_leaf(statement.size, merkle.root_of(frontier))
        if not merkle.included(leaf, self.book, LOG_BOOKS, statement.path, head.root):
            raise RemoteError("log-rewritten", "the entries do not lead to the head")
        return type(self)(self.book, statement.size, frontier, head.size, head.root)


def certificates_of(statement: Statement, person_id: bytes) -> list[tuple[int, DeviceCertificate]]:
    """The certificates of a person in a statement that was followed, each with its number in the book.

    Raises:
        RemoteError: ``log-withheld`` where one is not shown, or is not the one that was entered.
    """
    tag = tag_of(person_id)
    numbers = [number for number, entry in enumerate(statement.entries, statement.first) if entry.tag == tag]
    if len(numbers) != len(statement.certificates):
        raise RemoteError("log-withheld", "certificates are missing")
    found = []
    for number, der in zip(numbers, statement.certificates, strict=True):
        if hashlib.sha256(der).digest() != statement.entries[number - statement.first].fingerprint:
            raise RemoteError("log-withheld", "another certificate than was entered")
        found.append((number, DeviceCertificate.parse(der)))
    return found
