"""What devices say of an epoch: who stands apart is told, and a single wrong word disturbs nobody else."""

import os

from miss_protocol.frames import Accepted, Diverged, Report, Reports
from miss_protocol.mls import group as mls
from miss_protocol.standing import digest_of
from miss_server import journal
from miss_server.standings import believe
from server.office import Office, Wire, make_circle, play, until
from server.test_conversations import leaf_of


def test_what_most_say_is_believed_and_the_committer_where_as_many_say_otherwise():
    a, b, c = (bytes((letter,)) * 32 for letter in b"abc")
    assert believe([], b"") == b""
    assert believe([a], b"") == a
    assert believe([a, b], a) == a
    assert believe([a, b], b"") == b"", "nobody can tell before the committer spoke"
    assert believe([a, b, b], a) == b, "not even the committer speaks for two others"
    assert believe([a, a, b, b, c], c) == b""
    assert believe([a, a, b, b, c], b) == b


async def say(wire: Wire, *reports: Report) -> None:
    await wire.say(Reports(reports))


async def told(office: Office, wire: Wire) -> list[Diverged]:
    """What this device was told of all that was said until now."""
    await wire.ticket()  # what it said is taken
    standings = office.app.state.standings
    seen = standings.rounds
    await until("the server looks at it", lambda: standings.rounds >= seen + 2)
    await wire.ticket()  # what it was told is here
    found = [one for one in wire.waiting if isinstance(one, Diverged)]
    wire.waiting = [one for one in wire.waiting if not isinstance(one, Diverged)]
    return found


def test_who_stands_apart_is_told_and_nobody_else(shared_office):
    async def scene() -> None:
        camille, hugo, nadia = (shared_office.device() for _ in range(3))
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b, shared_office.wire(nadia) as n:
            circle = await make_circle(shared_office, a, hugo, nadia)
            right = Report(circle.stream, 0, 1, digest_of(circle.group))
            wrong, apart = Report(circle.stream, 0, 1, os.urandom(32)), Diverged(circle.stream, 0, 1)
            await say(n, wrong)
            assert await told(shared_office, n) == [], "one word alone"
            await say(a, right)
            assert await n.next(Diverged) == apart, "the committer's word decides between two"
            await say(b, right)
            await say(n, wrong)
            assert await n.next(Diverged) == apart, "and each time it is said again"
            # The committer itself stands apart, where the others agree.
            await say(n, right)
            await say(a, wrong)
            assert await a.next(Diverged) == apart
            assert await told(shared_office, b) == await told(shared_office, n) == []
            # Who cannot follow has no digest; of another epoch, group or stream nothing is said.
            await say(a, right)
            await say(n, Report(circle.stream, 0, 1, b""))
            await say(b, Report(circle.stream, 0, 7, os.urandom(32)), Report(os.urandom(16), 0, 1, os.urandom(32)))
            await say(b, Report(circle.stream, 3, 1, os.urandom(32)))
            assert await told(shared_office, a) == await told(shared_office, b) == await told(shared_office, n) == []

    play(scene)


def test_who_was_removed_has_no_word(shared_office):
    async def scene() -> None:
        camille, hugo, nadia = (shared_office.device() for _ in range(3))
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b, shared_office.wire(nadia) as n:
            circle = await make_circle(shared_office, a, hugo, nadia)
            commit, circle.group = circle.committing(mls.Remove(leaf_of(circle, nadia)))
            assert isinstance(await a.submit(commit), Accepted)
            await n.rows(2, circle.stream)
            right = Report(circle.stream, 0, 2, digest_of(circle.group))
            async with shared_office.wire(nadia) as again:
                await say(again, Report(circle.stream, 0, 2, os.urandom(32)))
                await say(b, right)
                assert await told(shared_office, again) == await told(shared_office, b) == []
            await say(a, right)
            assert await told(shared_office, a) == []

    play(scene)


def test_an_epoch_that_no_database_holds_keeps_nobody_else_s_word_from_being_written(shared_office):
    async def scene() -> None:
        camille, hugo, nadia = (shared_office.device() for _ in range(3))
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b, shared_office.wire(nadia) as n:
            circle = await make_circle(shared_office, a, hugo, nadia)
            failures = journal.FAILURES["standings-unwritten"]
            right, wrong = digest_of(circle.group), os.urandom(32)
            for huge in (Report(circle.stream, 2**32 - 1, 1, wrong), Report(circle.stream, 0, 2**64 - 1, wrong)):
                await say(b, huge)  # of a device the later word holds
            await say(a, Report(circle.stream, 0, 1, right))
            await say(n, Report(circle.stream, 0, 1, wrong))
            assert await n.next(Diverged) == Diverged(circle.stream, 0, 1), "the others' words were written"
            assert journal.FAILURES["standings-unwritten"] == failures

    play(scene)
