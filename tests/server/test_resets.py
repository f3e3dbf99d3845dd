"""A new group in the old one's place: who may put it there, who reads what, and what is refused without a trace."""

import asyncio
import os
from dataclasses import replace

from miss_protocol.frames import Accepted, Deliver, Kind, Refusal, Submit
from miss_protocol.mls import group as mls
from miss_protocol.succession import Reset, next_group_id
from miss_protocol.terms import GROUP, Terms
from miss_server import devices
from miss_server.clock import now_ms
from server.office import DIRECT, Circle, Device, make_circle, opaque, play, turning
from server.test_conversations import refusal
from server.test_way_back import stored


def resetting(
    circle: Circle, by: Device, *others: mls.KeyPackageSecrets, epoch: int = 1, **altered
) -> tuple[Submit, mls.Group]:
    """A reset by this device with these others, and the group it leads to."""
    now = now_ms() // 1000
    group_id = altered.pop("group_id", next_group_id(circle.group.group_id))
    extensions = altered.pop("extensions", circle.group.extensions)
    life = {"not_before": now - 60, "not_after": now + 80 * 86_400}
    founded = mls.create(by.identity, group_id, extensions=extensions, **life)
    adds = [mls.Add(one.decoded) for one in others]
    after, body, staged = founded, Reset(mls.group_info(founded, by.identity), b""), None
    if adds:
        staged = mls.commit(founded, by.identity, adds, rules=mls.OPEN_RULES)
        after, body = staged.group, replace(body, commit=staged.message)
    template = mls.Staged(after, body.encode(), None if staged is None else staged.welcome, frozenset())
    return turning(circle.stream, template, by, kind=Kind.RESET, epoch=epoch, **altered), after


def test_the_conversation_goes_on_in_a_new_group(shared_office):
    async def scene() -> None:
        camille, hugo, nadia = (shared_office.device() for _ in range(3))
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b, shared_office.wire(nadia) as n:
            circle = await make_circle(shared_office, a, hugo, nadia)
            old = circle.text(b"avant")
            assert isinstance(await a.submit(old), Accepted)
            package = hugo.key_package()
            asked, after = resetting(circle, camille, package)
            answer = await a.submit(asked)
            assert isinstance(answer, Accepted)
            assert answer.number == 4, "one order"
            assert await a.submit(asked) == answer, "a repetition gets the first answer"
            kinds = {
                wire: [(one.number, one.kind) for one in await wire.rows(count)]
                for wire, count in ((a, 2), (b, 3), (n, 3))
            }
            assert kinds[a] == [(3, Kind.OWN), (4, Kind.OWN)]
            assert kinds[b] == [(2, Kind.WELCOME), (3, Kind.APPLICATION), (4, Kind.WELCOME)]
            assert kinds[n] == [(2, Kind.WELCOME), (3, Kind.APPLICATION), (4, Kind.RESET)]
            # What was sealed for the group before is stale, whatever its epoch; who was left out is no member.
            assert refusal(await b.submit(opaque(circle.stream, 1)))[0] is Refusal.STALE
            assert refusal(await n.submit(opaque(circle.stream, 1)))[0] is Refusal.NOT_MEMBER
            joined = mls.join(asked.welcome, [package], hugo.identity, rules=circle.rules)
            assert joined.group.epoch_authenticator == after.epoch_authenticator
            circle.group = after
            said = await b.submit(sealed(circle, joined.group, hugo))
            assert isinstance(said, Accepted)
            assert said.number == 5
            # Changes go on as before, and nobody who was left out reads what follows, offline or not.
            commit, circle.group = circle.adding(nadia.key_package())
            assert isinstance(await a.submit(commit), Accepted)
            async with shared_office.wire(hugo) as again:
                seen = [one for one in again.waiting if isinstance(one, Deliver) and one.stream == circle.stream]
                assert [(one.number, one.kind) for one in seen] == [(5, Kind.OWN), (6, Kind.COMMIT)]
            async with shared_office.wire(nadia) as again:
                seen = [one for one in again.waiting if isinstance(one, Deliver) and one.stream == circle.stream]
                assert [(one.number, one.kind) for one in seen][-1:] == [(6, Kind.WELCOME)]

    play(scene)


def sealed(circle: Circle, group: mls.Group, by: Device) -> Submit:
    """A message of this member in this group."""
    message = mls.seal(group, by.identity, b"et maintenant").message
    return replace(opaque(circle.stream, group.epoch), body=message)


def test_a_reset_keeps_terms_people_and_keys_or_is_refused(shared_office):
    async def scene() -> None:
        camille, hugo, nadia, stranger = (shared_office.device() for _ in range(4))
        new_phone = shared_office.device(hugo.person_id)
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b:
            circle = await make_circle(shared_office, a, hugo, nadia)
            mine, his, hers = (one.key_package for one in (camille, hugo, nadia))
            everybody = [one.person_id for one in (camille, hugo, nadia)]
            lax = with_terms(circle, Terms(GROUP, frozenset(everybody)))
            wrong = {
                "by no admin": (b, resetting(circle, hugo, mine(), hers())[0]),
                "other terms": (a, resetting(circle, camille, his(), extensions=lax)[0]),
                "a stranger": (a, resetting(circle, camille, his(), stranger.key_package())[0]),
                "a device that was not in": (a, resetting(circle, camille, new_phone.key_package())[0]),
                "by another's device": (b, resetting(circle, camille, his())[0]),
                "the same group again": (a, resetting(circle, camille, his(), group_id=circle.group.group_id)[0]),
                "a later group": (
                    a,
                    resetting(circle, camille, his(), group_id=next_group_id(next_group_id(circle.group.group_id)))[0],
                ),
                "another conversation's group": (
                    a,
                    resetting(circle, camille, his(), group_id=os.urandom(16) + (1).to_bytes(4, "big"))[0],
                ),
                "a Welcome for somebody else": (
                    a,
                    replace(
                        resetting(circle, camille, his())[0], welcome=resetting(circle, camille, hers())[0].welcome
                    ),
                ),
                "no Welcome": (a, replace(resetting(circle, camille, his())[0], welcome=b"")),
                "no GroupInfo": (a, replace(resetting(circle, camille, his())[0], group_info=b"")),
                "noise": (a, replace(resetting(circle, camille, his())[0], body=os.urandom(200))),
                "a commit instead": (a, replace(circle.committing()[0], kind=Kind.RESET)),
                "a reset as a commit": (a, replace(resetting(circle, camille, his())[0], kind=Kind.COMMIT)),
                "two halves that do not fit": (a, mixed(circle, camille, his(), hers())),
            }
            before = stored(shared_office, circle)
            for what, (wire, asked) in wrong.items():
                assert refusal(await wire.submit(asked))[0] in (Refusal.INVALID, Refusal.FORBIDDEN), what
            stale, _ = resetting(circle, camille, his(), epoch=0)
            assert refusal(await a.submit(stale))[0] is Refusal.STALE
            assert stored(shared_office, circle) == before
            async with shared_office.wire(stranger) as s:
                assert refusal(await s.submit(resetting(circle, stranger, his())[0]))[0] is Refusal.NOT_MEMBER
            good, after = resetting(circle, camille, his(), hers())
            assert isinstance(await a.submit(good), Accepted)
            assert len(after.roster()) == 3

    play(scene)


def with_terms(circle: Circle, terms: Terms) -> tuple[mls.Extension, ...]:
    kind = next(one.type for one in circle.group.extensions if one.data == Terms.of(circle.group.extensions).encode())
    return tuple(replace(one, data=terms.encode()) if one.type == kind else one for one in circle.group.extensions)


def mixed(circle: Circle, by: Device, *others: mls.KeyPackageSecrets) -> Submit:
    """The creation of one reset with the commit of another."""
    first, second = (resetting(circle, by, one)[0] for one in others)
    body = Reset(Reset.decode(first.body).creation, Reset.decode(second.body).commit)
    return replace(second, body=body.encode())


def test_who_is_to_go_neither_resets_nor_comes_along(shared_office):
    async def scene() -> None:
        camille, hugo, nadia = (shared_office.device() for _ in range(3))
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a, hugo, nadia)
            package = hugo.key_package()
            await asyncio.to_thread(shared_office.in_database, devices.revoke, hugo.device_id, "test", now_ms())
            await a.rows(1, circle.stream)
            with_him, _ = resetting(circle, camille, package, nadia.key_package())
            assert refusal(await a.submit(with_him))[0] is Refusal.FORBIDDEN
            without, after = resetting(circle, camille, nadia.key_package())
            assert isinstance(await a.submit(without), Accepted)
            circle.group = after
            assert isinstance(await a.submit(circle.text()), Accepted), "nobody waits to be removed any more"

    play(scene)


def test_two_people_stay_two(shared_office):
    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b:
            circle = Circle(shared_office, camille, [camille.person_id, hugo.person_id], DIRECT)
            assert isinstance(await a.submit(circle.creation()), Accepted)
            commit, circle.group = circle.adding(hugo.key_package())
            assert isinstance(await a.submit(commit), Accepted)
            alone, _ = resetting(circle, camille)
            assert refusal(await a.submit(alone)) == (
                Refusal.FORBIDDEN,
                "forbidden: a reset keeps both persons",
            )
            both, _ = resetting(circle, hugo, camille.key_package())
            assert isinstance(await b.submit(both), Accepted), "either of them may"

    play(scene)


def test_a_conversation_without_a_live_device_is_closed(shared_office):
    """Who registers anew is no member of it; with whom they wrote, they begin another one."""

    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        both = [camille.person_id, hugo.person_id]
        async with shared_office.wire(camille) as a:
            circle = Circle(shared_office, camille, both, DIRECT)
            assert isinstance(await a.submit(circle.creation()), Accepted)
            commit, circle.group = circle.adding(hugo.key_package())
            assert isinstance(await a.submit(commit), Accepted)
        for gone in (camille, hugo):
            await asyncio.to_thread(shared_office.in_database, devices.revoke, gone.device_id, "test", now_ms())
        anew, his = shared_office.device(camille.person_id), shared_office.device(hugo.person_id)
        async with shared_office.wire(anew) as a, shared_office.wire(his) as b:
            for one in (anew, his):
                assert circle.stream not in [head.stream for head in (a if one is anew else b).ready.streams]
            back, _ = resetting(circle, anew, his.key_package())
            assert refusal(await a.submit(back))[0] is Refusal.NOT_MEMBER
            assert refusal(await a.submit(opaque(circle.stream, 1)))[0] is Refusal.NOT_MEMBER
            other = Circle(shared_office, anew, both, DIRECT)
            assert isinstance(await a.submit(other.creation()), Accepted)
            commit, other.group = other.adding(his.key_package())
            assert isinstance(await a.submit(commit), Accepted)
            [row] = await b.rows(1, other.stream)
            assert row.kind is Kind.WELCOME

    play(scene)
