"""A certificate log in memory, for tests that keep it as it should be, or not."""

import os

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from miss_protocol import identity, merkle
from miss_protocol.certificate_log import Entry, Head, Statement, book_leaf, book_of, tag_of
from miss_protocol.limits import LOG_BOOKS

NOW = 1_800_000_000_000


class Log:
    """A log in memory, which a test may keep as it should be or not."""

    def __init__(self) -> None:
        made: tuple[identity.Authority, identity.AuthorityKeys] = identity.make_authority("miss.example", NOW)
        self.authority, self.keys = made
        self.books: dict[int, list[Entry]] = {}
        self.certificates: dict[bytes, bytes] = {}

    def issue(self, person_id: bytes) -> identity.DeviceCertificate:
        """A new device's certificate for this person, entered."""
        signing, login = ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
        request = identity.CertificateRequest.sign(os.urandom(16), "téléphone", signing, login)
        who = identity.Professional(person_id, "Dr X", "X", "Y", "", "10", "Médecin", "Cabinet", "mailbox", NOW)
        certificate = identity.certify(self.authority, self.keys.issuing, who, request, NOW)
        self.enter(certificate)
        return certificate

    def enter(self, certificate: identity.DeviceCertificate) -> None:
        """One more entry in its person's book."""
        entry = Entry.of(certificate)
        self.books.setdefault(book_of(certificate.person_id), []).append(entry)
        self.certificates[entry.fingerprint] = certificate.der

    def head(self, book: int) -> tuple[Head, tuple[bytes, ...]]:
        hashes = []
        for one in range(LOG_BOOKS):
            entries = self.books.get(one, [])
            hashes.append(book_leaf(len(entries), merkle.root([entry.leaf() for entry in entries])))
        size = sum(len(entries) for entries in self.books.values())
        head = Head(size, NOW, merkle.root(hashes)).signed(self.keys.issuing)
        return head, tuple(merkle.inclusion_path(hashes, book))

    def statement(self, person_id: bytes, first: int = 0) -> Statement:
        book = book_of(person_id)
        entries = self.books.get(book, [])
        head, path = self.head(book)
        told = tuple(entries[first:])
        own = tuple(self.certificates[one.fingerprint] for one in told if one.tag == tag_of(person_id))
        return Statement.decode(Statement(head, book, len(entries), path, first, told, own).encode())


def neighbour(person_id: bytes) -> bytes:
    """Another person of the same book."""
    while True:
        one = os.urandom(16)
        if book_of(one) == book_of(person_id):
            return one
