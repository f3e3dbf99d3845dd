"""What lets a device come back: the GroupInfo of each epoch, whom it is served to, and commits that are no way back."""

import asyncio
import os
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace

import httpx

from miss_protocol.errors import RemoteError
from miss_protocol.frames import Accepted, Class, Kind, Refusal, Submit
from miss_protocol.mls import group as mls
from miss_protocol.mls.commits import apply_proposals
from miss_protocol.mls.extensions import external_pub_of
from miss_protocol.mls.framing import Sender, SenderType
from miss_protocol.mls.joining import group_info_of
from miss_protocol.mls.messages import decode_message, encode_message
from miss_protocol.mls.proposals import ExternalInit
from miss_protocol.mls.rejoin import _staged
from miss_protocol.mls.schedule import EXTERNAL_INIT_LABEL
from miss_server import devices
from miss_server.clock import now_ms
from mls.forge import body_of, handshake
from server.office import PATIENCE_SECONDS, Circle, Device, make_circle, play, turning
from server.test_conversations import leaf_of, refusal


async def served(office, who, stream: bytes) -> tuple[int, dict[str, object]]:
    """What a device, or the socket it has, is answered."""
    if isinstance(who, Device):
        http = await office.http(who)
    else:
        headers = {"Authorization": f"Bearer {await who.ticket()}"}
        http = httpx.AsyncClient(base_url=office.url, headers=headers, timeout=PATIENCE_SECONDS)
    async with http:
        answer = await http.get(f"/v1/conversations/{stream.hex()}/way-back")
        return answer.status_code, answer.json()


def decoded(found) -> tuple[bytes, bytes, list[bytes]]:
    return b64decode(found["group_info"]), b64decode(found["tree"]), [b64decode(one) for one in found["leaves"]]


def stored(office, circle: Circle) -> bytes:
    """The public group, what is served of it and its members, as they lie on the disk."""

    def read(connection):
        run = connection.exec_driver_sql
        stream = run("SELECT * FROM streams WHERE stream_id = ?", (circle.stream,)).one()
        found = [tuple(stream)]
        for table in ("public_groups", "memberships", "rows", "welcomes"):
            found += [tuple(row) for row in run(f"SELECT * FROM {table} WHERE stream = ?", (stream.stream,))]
        return repr(sorted(map(repr, found))).encode()

    return office.in_database(read)


def forged_infos(circle: Circle, after: mls.Group, stranger: Device) -> dict[str, bytes]:
    """GroupInfos that are not the one of this commit, each wrong in one thing."""
    state, me, creator = after.public.state, after.my_leaf, circle.creator
    external = after.member.secrets.external
    good = decode_message(mls.group_info(after, creator.identity, with_tree=False))
    other = Circle(circle.office, creator, [creator.person_id])

    def of(info) -> bytes:
        return encode_message(info.signed(creator.identity.key))

    return {
        "none": b"",
        "noise": b"noise",
        "a commit": circle.committing()[0].body,
        "the epoch before": mls.group_info(circle.group, creator.identity, with_tree=False),
        "another group": mls.group_info(other.group, creator.identity, with_tree=False),
        "with the tree": mls.group_info(after, creator.identity),
        "no external key": encode_message(group_info_of(state, me, creator.identity, with_tree=False)),
        "another signer": of(replace(good, signer=1 - me)),
        "another's signature": encode_message(group_info_of(state, me, stranger.identity, external, with_tree=False)),
        "a broken signature": encode_message(replace(good, signature=bytes(64))),
        "another tag": of(replace(good, confirmation_tag=bytes(32))),
        "another tree": of(replace(good, context=replace(good.context, tree_hash=bytes(32)))),
        "another transcript": of(replace(good, context=replace(good.context, confirmed_transcript_hash=bytes(32)))),
        "a weak external key": of(
            replace(good, extensions=tuple(replace(one, data=b"\x20" + bytes(32)) for one in good.extensions))
        ),
    }


def test_a_commit_brings_the_group_info_of_its_own_epoch(shared_office):
    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a, hugo)
            commit, after = circle.committing()
            before = stored(shared_office, circle)
            for what, info in forged_infos(circle, after, hugo).items():
                asked = replace(commit, message_id=os.urandom(16), group_info=info)
                assert refusal(await a.submit(asked))[0] is Refusal.INVALID, what
            assert stored(shared_office, circle) == before
            assert isinstance(await a.submit(commit), Accepted)
            _, found = await served(shared_office, hugo, circle.stream)
            info, tree, leaves = decoded(found)
            assert info == commit.group_info
            assert (tree, leaves) == (after.public.tree.encode(), [])

    play(scene)


def test_the_way_back_is_for_members_alone(shared_office):
    async def scene() -> None:
        camille, hugo, nadia, stranger = (shared_office.device() for _ in range(4))
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a, hugo, nadia)
            status, found = await served(shared_office, hugo, circle.stream)
            assert status == 200
            info, tree, _ = decoded(found)
            back = mls.rejoin(info, hugo.identity, rules=circle.rules, tree=tree)
            assert back.group.epoch == 2
            for who, stream in ((stranger, circle.stream), (hugo, os.urandom(16)), (hugo, hugo.device_id)):
                assert (await served(shared_office, who, stream))[0] == 404
            commit, circle.group = circle.committing(mls.Remove(leaf_of(circle, nadia)))
            assert isinstance(await a.submit(commit), Accepted)
            status, found = await served(shared_office, nadia, circle.stream)
            assert (status, found["reason"]) == (404, "not-found")
            http = await shared_office.http(hugo)
            await asyncio.to_thread(shared_office.in_database, devices.revoke, hugo.device_id, "test", now_ms())
            async with http:
                answer = await http.get(f"/v1/conversations/{circle.stream.hex()}/way-back")
            assert answer.status_code in (401, 403), "a ticket of before is worth nothing any more"
            assert "group_info" not in answer.json()

    play(scene)


def external(circle: Circle, by: Device, *removed: int) -> mls.Staged:
    """An external commit that removes these leaves, whatever the rules say."""
    public, sender = circle.group.public, Sender(SenderType.NEW_MEMBER_COMMIT)
    info = decode_message(mls.group_info(circle.group, circle.creator.identity))
    suite = circle.group.suite
    kem_output, secret = suite.hpke.export_to(external_pub_of(info.extensions), EXTERNAL_INIT_LABEL, suite.hash_length)
    wanted = [mls.Resolved(one, sender) for one in (ExternalInit(kem_output), *map(mls.Remove, removed))]
    changes = apply_proposals(public, mls.NEW_MEMBER, wanted, mls.OPEN_RULES)
    return _staged(public, changes, by.identity, mls.PRODUCT_CAPABILITIES, secret)


def twice(circle: Circle, by: Device, *removed: int) -> mls.Staged:
    """A return that takes somebody else along."""
    back = external(circle, by, removed[0])
    body = body_of(back.message)
    more = replace(body, proposals=(*body.proposals, *map(mls.Remove, removed[1:])))
    sender = Sender(SenderType.NEW_MEMBER_COMMIT)
    return replace(back, message=handshake(None, more, sender=sender, key=by.identity.key, group=circle.group))


NOT_OWN = (Refusal.INVALID, "invalid-commit: bad-credential: another device's certificate")
WHY = {
    "no Remove": (Refusal.FORBIDDEN, "forbidden: a device returns in its own place"),
    "two Removes": (
        Refusal.INVALID,
        "invalid-commit: an external commit has one external init and at most one remove",
    ),
    "another person": NOT_OWN,
    "another device of the same person": NOT_OWN,
    "another's leaf in one's own name": NOT_OWN,
    "another key": (Refusal.INVALID, "invalid-commit: bad-credential: the leaf's key is not the certificate's"),
    "the epoch of another group": (Refusal.INVALID, "invalid-commit: wrong-group: another group's message"),
}


def test_an_external_commit_is_a_return_in_ones_own_place_or_nothing(shared_office):
    """Refused by the server and by members alike; and nothing of it is kept."""

    async def scene() -> None:
        camille, hugo, nadia, stranger = (shared_office.device() for _ in range(4))
        tablet = shared_office.device(hugo.person_id)
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b, shared_office.wire(nadia) as n:
            circle = await make_circle(shared_office, a, hugo, nadia)
            [at, hers] = (leaf_of(circle, one) for one in (hugo, nadia))
            rekeyed = Device(hugo.person_id)
            rekeyed.device_id, rekeyed.certificate = hugo.device_id, hugo.certificate
            other = await make_circle(shared_office, a, hugo)
            wrong: dict[str, tuple[object, mls.Staged, Device]] = {
                "no Remove": (b, external(circle, tablet), tablet),
                "two Removes": (b, twice(circle, hugo, at, hers), hugo),
                "another person": (n, external(circle, stranger, at), stranger),
                "another device of the same person": (b, external(circle, tablet, at), tablet),
                "another's leaf in one's own name": (b, external(circle, tablet, hers), tablet),
                "another key": (b, external(circle, rekeyed, at), rekeyed),
                "the epoch of another group": (b, external(other, hugo, leaf_of(other, hugo)), hugo),
            }
            before = stored(shared_office, circle)
            for what, (wire, staged, by) in wrong.items():
                asked = turning(circle.stream, staged, by, epoch=1)
                assert refusal(await wire.submit(asked)) == WHY[what], what
                member = circle.group.parts()
                try:
                    mls.receive_commit(circle.group, staged.message, circle.rules)
                except RemoteError:
                    assert circle.group.parts() == member
                else:
                    raise AssertionError(f"a member takes {what}")
            assert stored(shared_office, circle) == before

    play(scene)


def test_a_return_is_taken_once_and_in_its_own_epoch(shared_office):
    async def scene() -> None:
        camille, hugo, nadia = (shared_office.device() for _ in range(3))
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b, shared_office.wire(nadia) as n:
            circle = await make_circle(shared_office, a, hugo, nadia)
            at = leaf_of(circle, hugo)
            stale = turning(circle.stream, external(circle, nadia, leaf_of(circle, nadia)), nadia)
            back = external(circle, hugo, at)
            asked = turning(circle.stream, back, hugo)
            answer = await b.submit(asked)
            assert isinstance(answer, Accepted)
            assert await b.submit(asked) == answer, "a repetition gets the first answer"
            before = stored(shared_office, circle)
            again = replace(asked, message_id=os.urandom(16))
            assert refusal(await b.submit(again))[0] is Refusal.STALE
            assert refusal(await b.submit(replace(again, epoch=2)))[0] is Refusal.STALE
            assert refusal(await n.submit(stale))[0] is Refusal.STALE
            assert stored(shared_office, circle) == before
            received = mls.receive_commit(circle.group, asked.body, circle.rules)
            assert received.group is not None
            circle.group = received.group
            commit, circle.group = circle.committing(mls.Remove(leaf_of(circle, hugo)))
            assert isinstance(await a.submit(commit), Accepted)
            removed = turning(circle.stream, external(circle, hugo), hugo)
            assert refusal(await b.submit(removed))[0] is Refusal.NOT_MEMBER

    play(scene)


def test_a_return_commits_the_leaves_that_wait(shared_office):
    async def scene() -> None:
        camille, hugo, nadia = (shared_office.device() for _ in range(3))
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b, shared_office.wire(nadia) as n:
            circle = await make_circle(shared_office, a, hugo, nadia)
            leave = proposal(circle, nadia)
            asked = Submit(os.urandom(16), circle.stream, Kind.PROPOSAL, Class.SILENT, 1, leave)
            assert isinstance(await n.submit(asked), Accepted)
            info, tree, leaves = decoded((await served(shared_office, b, circle.stream))[1])
            assert leaves == [leave]
            without = mls.rejoin(info, hugo.identity, rules=circle.rules, tree=tree)
            assert refusal(await b.submit(turning(circle.stream, without, hugo)))[0] is Refusal.COMMIT_FIRST
            back = mls.rejoin(info, hugo.identity, rules=circle.rules, tree=tree, leaves=leaves)
            assert isinstance(await b.submit(turning(circle.stream, back, hugo)), Accepted)
            assert len(back.group.roster()) == 2
            noted = mls.receive_proposal(circle.group, leave, circle.rules)
            received = mls.receive_commit(noted.group, back.message, circle.rules)
            assert received.group is not None
            assert received.group.epoch_authenticator == back.group.epoch_authenticator
            assert (await served(shared_office, n, circle.stream))[0] == 404

    play(scene)


def proposal(circle: Circle, by: Device) -> bytes:
    """A member's wish to leave, with the group's membership key."""
    sender = Sender.member(leaf_of(circle, by))
    return handshake(None, mls.SelfRemove(), sender=sender, key=by.identity.key, group=circle.group)


def test_handshakes_that_the_server_cannot_read_are_refused(shared_office):
    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a, hugo)
            sealed = mls.commit(circle.group, camille.identity, rules=circle.rules, private=True)
            leave = mls.propose(circle.group, camille.identity, mls.Remove(leaf_of(circle, hugo)), private=True)
            before = stored(shared_office, circle)
            hidden: tuple[Callable[[], Submit], ...] = (
                lambda: turning(circle.stream, sealed, camille),
                lambda: Submit(os.urandom(16), circle.stream, Kind.PROPOSAL, Class.SILENT, 1, leave.message),
                lambda: Submit(os.urandom(16), circle.stream, Kind.APPLICATION, Class.NORMAL, 1, sealed.message),
                lambda: Submit(os.urandom(16), circle.stream, Kind.APPLICATION, Class.NORMAL, 1, leave.message),
            )
            for make in hidden:
                assert refusal(await a.submit(make()))[0] is Refusal.INVALID
            assert stored(shared_office, circle) == before

    play(scene)
