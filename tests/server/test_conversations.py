"""Who may write, read and change a conversation: the order of checks, intervals, leaves, pairs, races."""

import asyncio
import os

from miss_protocol.frames import Accepted, Class, Deliver, Kind, Refusal, Refused, Submit
from miss_protocol.mls import group as mls
from server.office import DIRECT, Circle, make_circle, opaque, play, turning


def refusal(answer) -> tuple[Refusal, str]:
    assert isinstance(answer, Refused), answer
    return answer.reason, answer.detail


def leaf_of(circle: Circle, device) -> int:
    return next(i for i, leaf in circle.group.roster().items() if leaf.credential == device.identity.credential)


def test_who_is_no_member_is_told_so_whatever_the_stream(shared_office):
    async def scene() -> None:
        camille, stranger = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a, shared_office.wire(stranger) as s:
            circle = await make_circle(shared_office, a)
            for stream in (circle.stream, os.urandom(16), camille.device_id, stranger.device_id):
                for kind in (Kind.APPLICATION, Kind.COMMIT, Kind.PROPOSAL):
                    asked = Submit(os.urandom(16), stream, kind, Class.NORMAL, 0, b"x")
                    assert refusal(await s.submit(asked)) == (Refusal.NOT_MEMBER, "")

    play(scene)


def test_membership_is_looked_at_before_the_epoch(shared_office):
    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b:
            circle = await make_circle(shared_office, a, hugo)
            last = opaque(circle.stream, 1)
            accepted = await b.submit(last)
            commit, circle.group = circle.committing(mls.Remove(leaf_of(circle, hugo)))
            assert isinstance(await a.submit(commit), Accepted)
            assert refusal(await b.submit(opaque(circle.stream, 1)))[0] is Refusal.NOT_MEMBER
            assert refusal(await b.submit(opaque(circle.stream, 2)))[0] is Refusal.NOT_MEMBER
            assert await b.submit(last) == accepted, "what was claimed is answered again, member or not"

    play(scene)


def test_a_removed_device_reads_no_further(shared_office):
    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b:
            circle = await make_circle(shared_office, a, hugo)
            await b.rows(1, circle.stream)
            commit, circle.group = circle.committing(mls.Remove(leaf_of(circle, hugo)))
            assert isinstance(await a.submit(commit), Accepted)
            for _ in range(3):
                assert isinstance(await a.submit(circle.text()), Accepted)
            [row] = await b.rows(1, circle.stream)
            assert (row.number, row.kind) == (3, Kind.COMMIT)
            async with shared_office.wire(hugo) as again:
                assert circle.stream not in [one.stream for one in again.ready.streams]
                assert not [f for f in again.waiting if isinstance(f, Deliver) and f.stream == circle.stream]

    play(scene)


def test_a_device_removed_and_added_again_while_away_reads_both_intervals(shared_office):
    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a, hugo)
            await a.submit(circle.text())
            commit, circle.group = circle.committing(mls.Remove(leaf_of(circle, hugo)))
            await a.submit(commit)
            await a.submit(circle.text())
            package = hugo.key_package()
            commit, circle.group = circle.adding(package)
            assert isinstance(await a.submit(commit), Accepted)
            await a.submit(circle.text(b"de retour"))
            async with shared_office.wire(hugo) as b:
                seen = [f for f in b.waiting if isinstance(f, Deliver) and f.stream == circle.stream]
                shape = [(row.number, row.kind) for row in seen]
                first = [(2, Kind.WELCOME), (3, Kind.APPLICATION), (4, Kind.COMMIT)]
                assert shape == [*first, (6, Kind.WELCOME), (7, Kind.APPLICATION)]
                joined = mls.join(seen[3].body, [package], hugo.identity, rules=circle.rules)
                assert mls.open_message(joined.group, seen[4].body).plaintext == b"de retour"

    play(scene)


def test_removed_and_added_by_one_commit_reads_it_as_a_welcome(shared_office):
    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b:
            circle = await make_circle(shared_office, a, hugo)
            await b.rows(1, circle.stream)
            package = hugo.key_package()
            commit, circle.group = circle.committing(mls.Remove(leaf_of(circle, hugo)), mls.Add(package.decoded))
            assert isinstance(await a.submit(commit), Accepted)
            await a.submit(circle.text())
            rows = await b.rows(2, circle.stream)
            assert [(row.number, row.kind) for row in rows] == [(3, Kind.WELCOME), (4, Kind.APPLICATION)]
            mls.join(rows[0].body, [package], hugo.identity, rules=circle.rules)

    play(scene)


def test_one_commit_wins_an_epoch(shared_office):
    async def scene() -> None:
        members = [shared_office.device() for _ in range(6)]
        wires = [await shared_office.dial(one) for one in members]
        packages = [one.key_package() for one in members[1:]]
        circle = await make_circle(shared_office, wires[0])
        commit, circle.group = circle.adding(*packages)
        assert isinstance(await wires[0].submit(commit), Accepted)
        circles = [circle]
        for wire, package in zip(wires[1:], packages, strict=True):
            [welcome] = await wire.rows(1, circle.stream)
            own = Circle.__new__(Circle)
            own.office, own.creator, own.stream = shared_office, wire.device, circle.stream
            own.group = mls.join(welcome.body, [package], wire.device.identity, rules=circle.rules).group
            circles.append(own)
        for epoch in range(1, 6):
            attempts = [one.committing() for one in circles]
            answers = await asyncio.gather(
                *(wire.submit(submit) for wire, (submit, _) in zip(wires, attempts, strict=True))
            )
            winners = [at for at, answer in enumerate(answers) if isinstance(answer, Accepted)]
            assert len(winners) == 1
            for at, answer in enumerate(answers):
                if at != winners[0]:
                    assert isinstance(answer, Refused)
                    assert (answer.reason, answer.epoch) == (Refusal.STALE, epoch + 1)
            message = attempts[winners[0]][0].body
            for at, one in enumerate(circles):
                if at == winners[0]:
                    one.group = attempts[at][1]
                else:
                    received = mls.receive_commit(one.group, message, one.rules)
                    assert received.group is not None
                    one.group = received.group
        assert len({one.group.epoch_authenticator for one in circles}) == 1
        for wire in wires:
            await wire.close()

    play(scene)


def test_a_leave_must_be_committed_before_anything_else(shared_office):
    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b:
            package = hugo.key_package()
            circle = await make_circle(shared_office, a)
            commit, circle.group = circle.adding(package)
            await a.submit(commit)
            [welcome] = await b.rows(1, circle.stream)
            joined = mls.join(welcome.body, [package], hugo.identity, rules=circle.rules).group
            proposed = mls.propose(joined, hugo.identity, mls.SelfRemove())
            leave = Submit(os.urandom(16), circle.stream, Kind.PROPOSAL, Class.SILENT, 1, proposed.message)
            answer = await b.submit(leave)
            assert isinstance(answer, Accepted)
            assert refusal(await a.submit(opaque(circle.stream, 1)))[0] is Refusal.COMMIT_FIRST
            ignoring, _ = circle.committing()
            assert refusal(await a.submit(ignoring))[0] is Refusal.COMMIT_FIRST
            proposal = (await a.rows(2, circle.stream))[-1]
            assert (proposal.kind, proposal.body) == (Kind.PROPOSAL, proposed.message)
            circle.group = mls.receive_proposal(circle.group, proposal.body, circle.rules).group
            commit, circle.group = circle.committing()
            assert isinstance(await a.submit(commit), Accepted)
            assert isinstance(await a.submit(circle.text()), Accepted)
            assert refusal(await b.submit(opaque(circle.stream, 2)))[0] is Refusal.NOT_MEMBER
            assert [row.kind for row in await b.rows(2, circle.stream)] == [Kind.OWN, Kind.COMMIT]

    play(scene)


def test_two_people_have_one_direct_conversation(shared_office):
    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        both = [camille.person_id, hugo.person_id]
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b:
            first, second = (Circle(shared_office, one, both, DIRECT) for one in (camille, hugo))
            assert isinstance(await a.submit(first.creation()), Accepted)
            assert isinstance(await b.submit(second.creation()), Accepted), "neither has the other in it yet"
            commit, _ = first.adding(hugo.key_package())
            assert isinstance(await a.submit(commit), Accepted)
            late, _ = second.adding(camille.key_package())
            answer = await b.submit(late)
            assert isinstance(answer, Refused)
            assert (answer.reason, answer.other) == (Refusal.EXISTS, first.stream)
            for wire, device in ((a, camille), (b, hugo)):
                third = Circle(shared_office, device, both, DIRECT)
                answer = await wire.submit(third.creation())
                assert isinstance(answer, Refused)
                assert (answer.reason, answer.other) == (Refusal.EXISTS, first.stream)

    play(scene)


def test_what_the_policy_forbids(shared_office):
    async def scene() -> None:
        camille, hugo, nadia = (shared_office.device() for _ in range(3))
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b:
            outsider = Circle(shared_office, camille, [hugo.person_id])
            assert refusal(await a.submit(outsider.creation())) == (Refusal.FORBIDDEN, "admins")
            three = [camille.person_id, hugo.person_id, nadia.person_id]
            crowd = Circle(shared_office, camille, three, DIRECT)
            assert refusal(await a.submit(crowd.creation())) == (Refusal.FORBIDDEN, "admins")
            borrowed = Circle(shared_office, camille, [camille.person_id])
            assert refusal(await b.submit(borrowed.creation())) == (Refusal.FORBIDDEN, "sent by another device")

            package = hugo.key_package()
            circle = await make_circle(shared_office, a)
            commit, circle.group = circle.adding(package)
            await a.submit(commit)
            [welcome] = await b.rows(1, circle.stream)
            own = Circle.__new__(Circle)
            own.office, own.creator, own.stream = shared_office, hugo, circle.stream
            own.group = mls.join(welcome.body, [package], hugo.identity, rules=circle.rules).group
            allowed = circle.rules
            circle_rules = mls.OPEN_RULES
            staged = mls.commit(own.group, hugo.identity, [mls.Add(nadia.key_package().decoded)], rules=circle_rules)
            adding = turning(circle.stream, staged, hugo)
            assert refusal(await b.submit(adding))[0] is Refusal.FORBIDDEN
            staged = mls.commit(own.group, hugo.identity, [mls.Remove(0)], rules=circle_rules)
            removing = turning(circle.stream, staged, hugo)
            assert refusal(await b.submit(removing))[0] is Refusal.FORBIDDEN
            update = mls.commit(own.group, hugo.identity, rules=allowed)
            by_another = turning(circle.stream, update, hugo)
            assert refusal(await a.submit(by_another)) == (Refusal.FORBIDDEN, "sent by another device")
            fine = turning(circle.stream, update, hugo)
            assert isinstance(await b.submit(fine), Accepted)

    play(scene)


def test_a_welcome_is_for_those_who_are_added_and_for_nobody_else(shared_office):
    async def scene() -> None:
        camille, hugo, nadia = (shared_office.device() for _ in range(3))
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a)
            commit, after = circle.adding(hugo.key_package())
            other, _ = circle.adding(nadia.key_package())
            update, _ = circle.committing()
            for body, welcome in ((commit.body, b""), (commit.body, other.welcome), (update.body, other.welcome)):
                asked = Submit(os.urandom(16), circle.stream, Kind.COMMIT, Class.SILENT, 0, body, welcome)
                reason, detail = refusal(await a.submit(asked))
                assert (reason, detail) == (Refusal.INVALID, "the Welcome is not for the devices added")
            assert isinstance(await a.submit(commit), Accepted)
            circle.group = after

    play(scene)


def test_devices_that_are_not_enrolled_revoked_or_expired_are_not_added(shared_office):
    from miss_server import devices
    from miss_server.clock import now_ms
    from server.office import Device

    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a)
            package = hugo.key_package()
            assert shared_office.in_database(devices.revoke, hugo.device_id, "test", now_ms())
            commit, _ = circle.adding(package)
            assert refusal(await a.submit(commit)) == (Refusal.FORBIDDEN, "a revoked device")

            old = shared_office.enrol(Device(os.urandom(16)), at_ms=now_ms() - 91 * 86_400_000)
            staged = mls.commit(
                circle.group, camille.identity, [mls.Add(old.key_package().decoded)], rules=mls.OPEN_RULES
            )
            late = turning(circle.stream, staged, camille)
            assert refusal(await a.submit(late))[0] is Refusal.INVALID

            nadia = shared_office.device()
            now = now_ms() // 1000
            stale = nadia.key_package(not_before=now - 9_000, not_after=now - 3_000)
            commit, _ = circle.adding(stale)
            assert refusal(await a.submit(commit)) == (Refusal.INVALID, "a key package out of its lifetime")

    play(scene)


def test_a_person_s_other_device_hears_of_a_new_one(shared_office):
    from miss_protocol import notices

    async def scene() -> None:
        phone = shared_office.device()
        async with shared_office.wire(phone) as a:
            desk = await asyncio.to_thread(shared_office.device, phone.person_id)
            [notice] = await a.rows(1, phone.device_id)
            assert (notice.kind, notice.number) == (Kind.NOTICE, 1)
            assert notices.read(notice.body) == notices.DeviceAdded(desk.device_id, False)
        async with shared_office.wire(desk) as b:
            assert not [f for f in b.waiting if isinstance(f, Deliver)]

    play(scene)


def test_a_revoked_device_is_shown_the_door(shared_office):
    from miss_server import devices
    from miss_server.clock import now_ms

    async def scene() -> None:
        camille = shared_office.device()
        wire = await shared_office.dial(camille)
        await asyncio.to_thread(shared_office.in_database, devices.revoke, camille.device_id, "test", now_ms())
        assert await wire.closed() == (4403, "revoked")

    play(scene)


def test_a_device_that_comes_and_goes_keeps_its_window(office):
    """What was on its way when a membership ended is counted off when it is acknowledged after the next began."""

    async def scene() -> None:
        camille, hugo = office.device(), office.device()
        async with office.wire(camille) as a, office.wire(hugo) as b:
            circle = await make_circle(office, a)
            for _ in range(4):
                commit, circle.group = circle.adding(hugo.key_package())
                assert isinstance(await a.submit(commit), Accepted)
                assert (await b.next(Deliver)).kind is Kind.WELCOME
                commit, circle.group = circle.committing(mls.Remove(leaf_of(circle, hugo)))
                assert isinstance(await a.submit(commit), Accepted)
                last = await b.next(Deliver)
                assert last.kind is Kind.COMMIT
            socket = office.app.state.doorbell._sockets[hugo.row]
            assert socket._unacknowledged == 8
            await b.acknowledge(last)
            await b.ticket()
            assert socket._unacknowledged == 0

    play(scene)


def test_bytes_that_break_the_judge_are_refused(office, monkeypatch):
    from miss_protocol.mls import public_group

    def breaks(*_arguments: object, **_options: object) -> None:
        raise KeyError("unforeseen")

    async def scene() -> None:
        async with office.wire(office.device()) as a:
            circle = await make_circle(office, a)
            commit, after = circle.committing()
            with monkeypatch.context() as patched:
                patched.setattr(public_group, "judge", breaks)
                assert refusal(await a.submit(commit)) == (Refusal.INVALID, "not judged")
            assert isinstance(await a.submit(commit), Accepted), "a refusal claims nothing"
            circle.group = after
            assert isinstance(await a.submit(circle.text()), Accepted)

    play(scene)


def test_a_device_that_lost_track_comes_back_by_its_own_commit(shared_office):
    async def scene() -> None:
        camille, hugo, nadia = (shared_office.device() for _ in range(3))
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b:
            circle = await make_circle(shared_office, a, hugo, nadia)
            await b.rows(1, circle.stream)
            commit, circle.group = circle.committing(mls.Remove(leaf_of(circle, nadia)))
            assert isinstance(await a.submit(commit), Accepted)
            info = mls.group_info(circle.group, camille.identity)
            back = mls.rejoin(info, hugo.identity, rules=circle.rules)
            asked = turning(circle.stream, back, hugo)
            assert refusal(await a.submit(asked)) == (Refusal.FORBIDDEN, "sent by another device")
            assert isinstance(await b.submit(asked), Accepted)
            rows = await b.rows(2, circle.stream)
            assert [(row.number, row.kind) for row in rows] == [(3, Kind.COMMIT), (4, Kind.OWN)]
            last = (await a.rows(2, circle.stream))[-1]
            received = mls.receive_commit(circle.group, last.body, circle.rules)
            assert received.group is not None
            circle.group = received.group
            await a.submit(circle.text(b"te revoil\xc3\xa0"))
            [row] = await b.rows(1, circle.stream)
            assert mls.open_message(back.group, row.body).plaintext == b"te revoil\xc3\xa0"

    play(scene)
