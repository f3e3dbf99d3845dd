"""Rows that nobody should submit: refused with their reason, and nothing of them is kept."""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from miss_protocol.frames import (
    Accepted,
    Kind,
    Refusal,
    Refused,
    Submit,
)
from miss_protocol.mls import group as mls
from miss_protocol.mls.extensions import ExternalSender, external_senders
from miss_server.clock import now_ms
from server.office import Circle, make_circle, opaque, play


def a_commit(circle: Circle) -> Submit:
    return circle.committing()[0]


def changed(submit: Submit, **fields: object) -> Submit:
    return replace(submit, **{"message_id": os.urandom(16)} | fields)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


def another_group(circle: Circle) -> Submit:
    other = Circle(circle.office, circle.creator, [circle.creator.person_id])
    return changed(a_commit(other), stream=circle.stream)


def two_leaves(circle: Circle) -> Submit:
    fresh = Circle(circle.office, circle.creator, [circle.creator.person_id])
    _, fresh.group = fresh.adding(circle.office.device().key_package())
    return fresh.creation()


def under_another_name(circle: Circle) -> Submit:
    fresh = Circle(circle.office, circle.creator, [circle.creator.person_id])
    return changed(fresh.creation(), stream=os.urandom(16))


def without_terms(circle: Circle) -> Submit:
    fresh = Circle(circle.office, circle.creator, [circle.creator.person_id])
    fresh.group = mls.create(
        circle.creator.identity, fresh.stream + bytes(4), extensions=(), not_before=0, not_after=2**33
    )
    return fresh.creation()


def without_registrar(circle: Circle) -> Submit:
    fresh = Circle(circle.office, circle.creator, [circle.creator.person_id])
    kept = tuple(one for one in fresh.group.extensions if one.type != 5)
    fresh.group = mls.create(
        circle.creator.identity, fresh.stream + bytes(4), extensions=kept, not_before=0, not_after=2**33
    )
    return fresh.creation()


def hidden_registrar(circle: Circle) -> Submit:
    """The registrar's key stands in the context, but not as a sender's."""
    fresh = Circle(circle.office, circle.creator, [circle.creator.person_id])
    [registrar] = ExternalSender.of(fresh.group.extensions)
    own = ExternalSender(circle.creator.identity.key.public, mls.Credential.basic(registrar.signature_key))
    kept = tuple(external_senders([own]) if one.type == 5 else one for one in fresh.group.extensions)
    now = now_ms() // 1000
    fresh.group = mls.create(
        circle.creator.identity, fresh.stream + bytes(4), extensions=kept, not_before=now - 60, not_after=now + 60
    )
    return fresh.creation()


def good_for_ever(circle: Circle) -> Submit:
    fresh = Circle(circle.office, circle.creator, [circle.creator.person_id])
    fresh.group = mls.create(
        circle.creator.identity,
        fresh.stream + bytes(4),
        extensions=fresh.group.extensions,
        not_before=0,
        not_after=2**33,
    )
    return fresh.creation()


def forged_credential(circle: Circle) -> Submit:
    identity = mls.Identity(circle.creator.seed, mls.Credential.basic(b"Dr Camille Exemple"))
    fresh = Circle(circle.office, circle.creator, [circle.creator.person_id])
    fresh.group = mls.create(
        identity, fresh.stream + bytes(4), extensions=fresh.group.extensions, not_before=0, not_after=2**33
    )
    return changed(fresh.creation(), body=mls.group_info(fresh.group, identity))


# A member of a conversation submits this; the refusal it gets.
SUBMITTED: list[tuple[str, Callable[[Circle], Submit], Refusal]] = [
    ("noise as a message", lambda c: changed(opaque(c.stream, 0), body=b"noise"), Refusal.INVALID),
    ("an empty message", lambda c: changed(opaque(c.stream, 0), body=b""), Refusal.INVALID),
    ("a message of another group", lambda c: changed(opaque(os.urandom(16), 0), stream=c.stream), Refusal.INVALID),
    ("a message sealed for another epoch", lambda c: changed(opaque(c.stream, 7), epoch=0), Refusal.INVALID),
    ("a message that claims a future epoch", lambda c: opaque(c.stream, 7), Refusal.STALE),
    ("a message that claims the last epoch of all", lambda c: opaque(c.stream, 2**64 - 1), Refusal.STALE),
    ("a commit as a message", lambda c: changed(a_commit(c), kind=Kind.APPLICATION), Refusal.INVALID),
    ("noise as a commit", lambda c: changed(a_commit(c), body=os.urandom(300)), Refusal.INVALID),
    ("a commit cut off", lambda c: changed(a_commit(c), body=a_commit(c).body[:-1]), Refusal.INVALID),
    ("a commit with bytes after it", lambda c: changed(a_commit(c), body=a_commit(c).body + b"!"), Refusal.INVALID),
    (
        "a commit with a changed signature",
        lambda c: changed(a_commit(c), body=flipped(a_commit(c).body, -100)),
        Refusal.INVALID,
    ),
    ("a commit of another group", another_group, Refusal.INVALID),
    ("a commit as a proposal", lambda c: changed(a_commit(c), kind=Kind.PROPOSAL), Refusal.INVALID),
    ("noise as a proposal", lambda c: changed(a_commit(c), kind=Kind.PROPOSAL, body=b"x"), Refusal.INVALID),
    ("noise as a welcome", lambda c: changed(a_commit(c), welcome=b"noise"), Refusal.INVALID),
    ("the creation of a conversation that exists", lambda c: changed(c.creation()), Refusal.INVALID),
    (
        "the creation of a device's own stream",
        lambda c: changed(c.creation(), stream=c.creator.device_id),
        Refusal.INVALID,
    ),
    ("noise as a creation", lambda c: changed(c.creation(), stream=os.urandom(16), body=b"noise"), Refusal.INVALID),
    ("a creation with two leaves", two_leaves, Refusal.INVALID),
    ("a creation under another name", under_another_name, Refusal.INVALID),
    ("a creation without terms", without_terms, Refusal.INVALID),
    ("a creation without the registrar", without_registrar, Refusal.INVALID),
    ("a creation with the registrar hidden", hidden_registrar, Refusal.INVALID),
    ("a creation by a leaf good for ever", good_for_ever, Refusal.INVALID),
    ("a creation with a claimed name", forged_credential, Refusal.INVALID),
    ("a message to a foreign conversation", lambda c: opaque(os.urandom(16), 0), Refusal.NOT_MEMBER),
]


@pytest.mark.parametrize(("what", "make", "reason"), SUBMITTED, ids=[case[0] for case in SUBMITTED])
def test_what_is_submitted(shared_office, what, make, reason):
    async def scene() -> None:
        async with shared_office.wire(shared_office.device()) as wire:
            circle = await make_circle(shared_office, wire)
            bad = make(circle)
            answer = await wire.submit(bad)
            assert isinstance(answer, Refused)
            assert answer.reason is reason, answer
            good = await wire.submit(circle.text())
            assert isinstance(good, Accepted)
            assert good.number == 2, "nothing was kept of what was refused"

    play(scene)
