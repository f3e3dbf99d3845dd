"""The certificate log, pure: RFC 9162's trees, and each way of rewriting a log found by who follows it."""

import hashlib
import os
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from miss_protocol import merkle
from miss_protocol.certificate_log import (
    Following,
    Statement,
    book_of,
    certificates_of,
)
from miss_protocol.errors import RemoteError
from miss_protocol.labels import LABEL_ENDORSEMENT, labelled
from miss_protocol.limits import LOG_BOOKS
from protocol.log import Log, neighbour

NOW = 1_800_000_000_000
# The leaves and roots that Certificate Transparency's own test data has.
LEAVES = [bytes.fromhex(one) for one in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def test_trees_are_those_of_certificate_transparency() -> None:
    hashes = [merkle.leaf_hash(one) for one in LEAVES]
    assert merkle.root([]).hex() == hashlib.sha256(b"").hexdigest()
    for size, expected in enumerate(ROOTS, 1):
        assert merkle.root(hashes[:size]).hex() == expected
    assert [one.hex() for one in merkle.inclusion_path(hashes, 5)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [one.hex() for one in merkle.consistency_path(hashes, 6)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_every_inclusion_and_consistency_of_small_trees_is_proved_and_no_other() -> None:
    hashes = [merkle.leaf_hash(bytes([one])) for one in range(19)]
    other = merkle.leaf_hash(b"other")
    for size in range(1, len(hashes) + 1):
        tree = hashes[:size]
        root = merkle.root(tree)
        for index in range(size):
            path = merkle.inclusion_path(tree, index)
            assert merkle.included(tree[index], index, size, path, root)
            assert not merkle.included(other, index, size, path, root)
            assert not merkle.included(tree[index], index, size, [*path, other], root)
            assert not merkle.included(tree[index], index + 1, size, path, root)
            for at in range(len(path)):
                assert not merkle.included(tree[index], index, size, [*path[:at], other, *path[at + 1 :]], root)
                assert not merkle.included(tree[index], index, size, path[:at], root)
        for earlier in range(size + 1):
            path, before = merkle.consistency_path(tree, earlier), merkle.root(tree[:earlier])
            assert merkle.consistent(earlier, before, size, root, path)
            assert not merkle.consistent(earlier, other, size, root, path)
            assert not merkle.consistent(earlier, before, size, other, path) or earlier == 0
            assert not merkle.consistent(earlier, before, size, root, [*path, other])
            for at in range(len(path)):
                assert not merkle.consistent(earlier, before, size, root, path[:at])


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def me(log: Log) -> bytes:
    """A person with two certificates, between those of another one of the same book and of one elsewhere."""
    person_id = os.urandom(16)
    for one in (neighbour(person_id), person_id, os.urandom(16), person_id, neighbour(person_id)):
        log.issue(one)
    return person_id


def refused(reason: str, following: Following, statement: Statement, log: Log) -> None:
    with pytest.raises(RemoteError) as error:
        following.follow(statement, log.authority)
    assert error.value.reason == reason


def test_who_follows_sees_every_entry_and_goes_on_from_there(log: Log, me: bytes) -> None:
    first = log.statement(me)
    following = Following(book_of(me)).follow(first, log.authority)
    assert [number for number, _ in certificates_of(first, me)] == [1, 2]
    again = Following.decode(following.encode())
    assert again == following
    assert again.follow(log.statement(me, 4), log.authority).size == 4  # nothing new
    fresh = log.issue(me)
    second = log.statement(me, 4)
    assert again.follow(second, log.authority).size == 5
    ((number, certificate),) = certificates_of(second, me)
    assert (number, certificate) == (4, fresh)


def test_a_forged_head_is_refused(log: Log, me: bytes) -> None:
    statement, nobody = log.statement(me), Following(book_of(me))
    other = ed25519.Ed25519PrivateKey.generate()
    for head in (
        replace(statement.head, signature=b""),
        replace(statement.head, signature=bytes(64)),
        replace(statement.head, size=statement.head.size + 1),
        replace(statement.head, at_ms=statement.head.at_ms + 1),
        replace(statement.head, root=bytes(32)),
        statement.head.signed(other),
        statement.head.signed(log.keys.root),
        replace(
            statement.head,
            signature=log.keys.issuing.sign(labelled(LABEL_ENDORSEMENT, statement.head.content())),
        ),
    ):
        refused("log-forged", nobody, replace(statement, head=head), log)


def test_a_shortened_log_is_refused(log: Log, me: bytes) -> None:
    following = Following(book_of(me)).follow(log.statement(me), log.authority)
    removed = log.books[book_of(me)].pop()
    refused("log-rolled-back", following, replace(log.statement(me), first=4), log)
    log.issue(os.urandom(16))  # as many as before, but this book has lost one
    refused("log-rolled-back", following, replace(log.statement(me), first=4), log)
    log.books[book_of(me)].append(removed)
    following.follow(log.statement(me, 4), log.authority)


@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_an_altered_replaced_or_removed_entry_is_refused(log: Log, me: bytes, which: int) -> None:
    following = Following(book_of(me)).follow(log.statement(me), log.authority)
    book = log.books[book_of(me)]
    kept = book[which]
    book[which] = replace(kept, fingerprint=bytes(32))
    refused("log-rewritten", following, log.statement(me, 4), log)
    book[which] = replace(kept, tag=bytes(16))
    log.issue(me)
    refused("log-rewritten", following, log.statement(me, 4), log)
    del book[which]
    log.issue(me)
    refused("log-rewritten", following, log.statement(me, 4), log)


def test_a_forked_log_is_refused_by_both_its_sides(log: Log, me: bytes) -> None:
    start = Following(book_of(me)).follow(log.statement(me), log.authority)
    log.issue(me)
    one_side = start.follow(log.statement(me, 4), log.authority)
    log.books[book_of(me)].pop()
    log.issue(neighbour(me))
    other_side = start.follow(log.statement(me, 4), log.authority)
    assert one_side.head_root != other_side.head_root
    refused("log-rewritten", one_side, log.statement(me, 5), log)  # two heads of one size
    log.issue(me)
    refused("log-rewritten", one_side, log.statement(me, 5), log)
    other_side.follow(log.statement(me, 5), log.authority)


def test_an_entry_that_is_held_back_is_missed(log: Log, me: bytes) -> None:
    statement, nobody = log.statement(me), Following(book_of(me))
    for less in (
        replace(statement, entries=statement.entries[:-1]),
        replace(statement, entries=statement.entries[1:]),
        replace(statement, first=1, entries=statement.entries[1:]),
        replace(statement, book=(statement.book + 1) % LOG_BOOKS),
    ):
        refused("log-withheld", nobody, less, log)
    refused("log-rewritten", nobody, replace(statement, entries=statement.entries[:3], size=3), log)
    refused(
        "log-rewritten", nobody, replace(statement, entries=(*statement.entries, statement.entries[0]), size=5), log
    )
    hidden = replace(statement.entries[1], tag=bytes(16))
    refused(
        "log-rewritten",
        nobody,
        replace(statement, entries=(statement.entries[0], hidden, *statement.entries[2:])),
        log,
    )


def test_a_certificate_of_mine_is_shown_and_no_other_in_its_place(log: Log, me: bytes) -> None:
    statement = log.statement(me)
    mine, foreign = statement.certificates, log.issue(os.urandom(16)).der
    for shown in (mine[:1], (), (mine[0], foreign), (mine[1], mine[0]), (*mine, foreign)):
        with pytest.raises(RemoteError) as error:
            certificates_of(replace(statement, certificates=shown), me)
        assert error.value.reason == "log-withheld"


def test_what_is_no_statement_is_malformed(log: Log, me: bytes) -> None:
    data = log.statement(me).encode()
    for broken in (b"", data[:-1], data + b"\0", data[:100], os.urandom(len(data))):
        with pytest.raises(RemoteError) as error:
            Statement.decode(broken)
        assert error.value.reason == "malformed"
