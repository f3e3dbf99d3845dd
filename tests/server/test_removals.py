"""Revoked devices leave: what the registrar proposes, what the server takes until a member has committed it."""

import asyncio
import os

from miss_protocol.frames import Accepted, Class, Kind, Refusal, Submit
from miss_protocol.mls import group as mls
from miss_protocol.mls import public_group
from miss_server import devices, removals
from miss_server.clock import now_ms
from miss_server.doorbell import Doorbell
from miss_server.handshakes import Handshakes, Removals
from miss_server.postgresql import open_database
from server.office import make_circle, opaque, play, turning
from server.test_conversations import leaf_of, refusal


async def revoke(office, *gone) -> None:
    for device in gone:
        await asyncio.to_thread(office.in_database, devices.revoke, device.device_id, "test", now_ms())


def test_all_leaves_of_who_is_revoked_are_proposed_and_nothing_else_is_taken(shared_office):
    async def scene() -> None:
        camille = shared_office.device()
        phone, tablet, nadia = (shared_office.device() for _ in range(3))
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a, phone, tablet, nadia)
            await revoke(shared_office, phone, tablet)
            rows = await a.rows(2, circle.stream)
            assert [(row.number, row.kind) for row in rows] == [(3, Kind.PROPOSAL), (4, Kind.PROPOSAL)]
            assert refusal(await a.submit(opaque(circle.stream, 1)))[0] is Refusal.COMMIT_FIRST
            for ignoring in ((), (mls.Remove(leaf_of(circle, nadia)),), (mls.Remove(leaf_of(circle, phone)),)):
                commit, _ = circle.committing(*ignoring)
                assert refusal(await a.submit(commit))[0] is Refusal.COMMIT_FIRST
            for row in rows:
                noted = mls.receive_proposal(circle.group, row.body, circle.rules)
                assert noted.sender is None
                circle.group = noted.group
            gone = {leaf_of(circle, phone), leaf_of(circle, tablet)}
            assert {one.proposal.leaf for one in circle.group.pending} == gone
            commit, circle.group = circle.committing()
            assert isinstance(await a.submit(commit), Accepted)
            assert isinstance(await a.submit(circle.text()), Accepted)
            assert len(circle.group.roster()) == 2
            # In the next epoch too, whoever is revoked then.
            await revoke(shared_office, nadia)
            [*_, row] = await a.rows(3, circle.stream)
            assert (row.kind, row.epoch) == (Kind.PROPOSAL, 2)
            circle.group = mls.receive_proposal(circle.group, row.body, circle.rules).group
            commit, circle.group = circle.committing()
            assert isinstance(await a.submit(commit), Accepted)
            assert len(circle.group.roster()) == 1

    play(scene)


def test_who_comes_back_while_a_removal_waits_says_nothing_before_it_is_done(shared_office):
    """The registrar's proposals lapse with the epoch, are made again in the next one, and bind meanwhile."""

    async def scene() -> None:
        camille, hugo, nadia = (shared_office.device() for _ in range(3))
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a, hugo, nadia)
            await revoke(shared_office, hugo)
            await a.rows(1, circle.stream)
            back = mls.rejoin(mls.group_info(circle.group, camille.identity), camille.identity, rules=circle.rules)
            assert isinstance(await a.submit(turning(circle.stream, back, camille)), Accepted)
            circle.group = back.group
            assert refusal(await a.submit(circle.text()))[0] is Refusal.COMMIT_FIRST
            [_, row] = await a.rows(2, circle.stream)
            assert (row.kind, row.epoch) == (Kind.PROPOSAL, 2)
            assert refusal(await a.submit(circle.text()))[0] is Refusal.COMMIT_FIRST
            circle.group = mls.receive_proposal(back.group, row.body, circle.rules).group
            commit, circle.group = circle.committing()
            assert isinstance(await a.submit(commit), Accepted)
            assert len(circle.group.roster()) == 2
            assert isinstance(await a.submit(circle.text()), Accepted)

    play(scene)


def test_a_removal_that_comes_too_late_is_proposed_again(shared_office):
    """The public group moves on between the proposal's making and its writing."""

    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a, hugo)
            made = Removals(1, 0, (b"of an epoch that is over",), circle.group.public)
            stream = await asyncio.to_thread(shared_office.in_database, stream_of, circle.stream)
            assert not await asyncio.to_thread(shared_office.in_database, removals._write, stream, made, now_ms())
            await revoke(shared_office, hugo)
            [row] = await a.rows(1, circle.stream)
            assert (row.number, row.epoch) == (3, 1)
            public = circle.group.public
            assert public_group.judge(public, row.body, rules=circle.rules).sender == public_group.OUTSIDER
            # It is proposed once, however often the registrar looks, a registrar that has just started included.
            await again_from_scratch(shared_office)
            assert refusal(await a.submit(opaque(circle.stream, 1)))[0] is Refusal.COMMIT_FIRST
            assert not [f for f in a.waiting if getattr(f, "number", 0) > 3]

    play(scene)


def test_nobody_else_speaks_for_the_registrar(shared_office):
    """A member who hands in the registrar's own proposal, for a conversation where it was never made, is refused."""

    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a, hugo)
            seed = shared_office.keyring.keys.external_sender.private_bytes_raw()
            body = public_group.external_proposal(circle.group.public, seed, mls.Remove(leaf_of(circle, hugo)))
            asked = Submit(os.urandom(16), circle.stream, Kind.PROPOSAL, Class.SILENT, 1, body)
            assert refusal(await a.submit(asked)) == (Refusal.FORBIDDEN, "sent by another device")

    play(scene)


async def again_from_scratch(office) -> None:
    database = open_database(office.settings)
    try:
        handshakes = Handshakes(office.keyring.authority, now_ms)
        key = office.keyring.keys.external_sender
        assert await removals.Removing(database, handshakes, Doorbell(handshakes), key, now_ms).propose() == 0
    finally:
        database.close()


def stream_of(connection, stream_id):
    return connection.exec_driver_sql("SELECT stream FROM streams WHERE stream_id = ?", (stream_id,)).scalar_one()
