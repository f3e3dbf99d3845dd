"""Rows over real sockets: ordered, stored before they are answered, delivered at least once, own rows as OWN."""

import asyncio
import os

from miss_protocol.frames import Accepted, Deliver, Gap, Kind, Progress, Refusal, Refused
from miss_protocol.mls import group as mls
from server.office import make_circle, opaque, play, until


def test_a_text_reaches_the_other_device_and_comes_back_as_own(shared_office):
    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b:
            package = hugo.key_package()
            circle = await make_circle(shared_office, a)
            submit, after = circle.adding(package)
            added = await a.submit(submit)
            assert isinstance(added, Accepted)
            assert added.number == 2
            circle.group = after
            [welcome] = await b.rows(1, circle.stream)
            assert (welcome.kind, welcome.number, welcome.epoch) == (Kind.WELCOME, 2, 0)
            joined = mls.join(welcome.body, [package], hugo.identity, rules=circle.rules)

            text = circle.text(b"Le genou va mieux.")
            answer = await a.submit(text)
            assert isinstance(answer, Accepted)
            [row] = await b.rows(1, circle.stream)
            assert (row.number, row.kind, row.epoch, row.at_ms) == (3, Kind.APPLICATION, 1, answer.at_ms)
            assert mls.open_message(joined.group, row.body).plaintext.decode() == "Le genou va mieux."
            own = await a.rows(2, circle.stream)
            assert [(one.kind, one.number) for one in own] == [(Kind.OWN, 2), (Kind.OWN, 3)]
            assert own[1].body == text.message_id

    play(scene)


def test_a_device_that_was_away_reads_from_its_cursor(shared_office):
    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a, hugo)
            texts = [opaque(circle.stream, 1, bytes([n])) for n in range(20)]
            for text in texts:
                await a.submit(text)
            b = await shared_office.dial(hugo, drained=False)
            head = next(one for one in b.ready.streams if one.stream == circle.stream)
            assert (head.head, head.cursor) == (22, 0)
            rows = [one for one in await b.drain() if one.stream == circle.stream]
            assert [one.number for one in rows] == list(range(2, 23))
            assert [one.body for one in rows[1:]] == [text.body for text in texts]
            await b.close()
            async with shared_office.wire(hugo) as again:
                assert not [one for one in again.waiting if isinstance(one, Deliver) and one.stream == circle.stream]
                assert next(one.cursor for one in again.ready.streams if one.stream == circle.stream) == 22

    play(scene)


def test_what_is_not_acknowledged_is_delivered_again(shared_office):
    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a, hugo)
            await a.submit(opaque(circle.stream, 1, b"first"))
            b = await shared_office.dial(hugo, drained=False)
            first = [await b.next(Deliver) for _ in range(2)]
            await b.close()
            again = await shared_office.dial(hugo, drained=False)
            assert [await again.next(Deliver) for _ in range(2)] == first
            await again.close()

    play(scene)


def test_a_retry_gets_the_first_answer_even_after_the_epoch_moved(shared_office):
    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a)
            text = circle.text()
            first = await a.submit(text)
            commit, after = circle.adding(hugo.key_package())
            accepted = await a.submit(commit)
            circle.group = after
            assert await a.submit(text) == first
            assert await a.submit(commit) == accepted
            numbers = [row.number for row in await a.rows(2, circle.stream)]
            assert numbers == [2, 3]
            late = opaque(circle.stream, 0)
            assert await a.submit(late) == Refused(late.message_id, circle.stream, Refusal.STALE, 1)
            claimed = await a.submit(opaque(circle.stream, 1, b"", late.message_id))
            assert isinstance(claimed, Accepted), "a refusal claims nothing"

    play(scene)


def test_fifty_parallel_uses_of_one_id_make_one_row(shared_office):
    async def scene() -> None:
        camille = shared_office.device()
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a)
            text = circle.text()
            await a.say(*[text] * 25)
            for _ in range(25):
                await a.say(text)
            answers = {await a.answer(text) for _ in range(50)}
            assert len(answers) == 1
            [own] = await a.rows(1, circle.stream)
            assert own.body == text.message_id
            following = await a.submit(circle.text())
            assert isinstance(following, Accepted)
            assert following.number == answers.pop().number + 1

    play(scene)


def test_many_at_once_are_numbered_without_a_gap(shared_office):
    async def scene() -> None:
        members = [shared_office.device() for _ in range(5)]
        wires = [await shared_office.dial(one) for one in members]
        circle = await make_circle(shared_office, wires[0], *members[1:])
        sent = {one.device.device_id: [opaque(circle.stream, 1, os.urandom(50)) for _ in range(40)] for one in wires}

        async def speak(wire) -> None:
            await wire.say(*sent[wire.device.device_id])
            for submit in sent[wire.device.device_id]:
                assert isinstance(await wire.answer(submit), Accepted)

        await asyncio.gather(*map(speak, wires))
        orders = []
        for wire in wires:
            already = 0 if wire is wires[0] else 1
            rows = (await wire.rows(200 + already, circle.stream))[already:]
            assert [row.number for row in rows] == list(range(3, 203))
            mine = [row.body for row in rows if row.kind is Kind.OWN]
            assert mine == [submit.message_id for submit in sent[wire.device.device_id]]
            orders.append([None if row.kind is Kind.OWN else row.body for row in rows])
        for order in orders[1:]:
            assert all(a == b for a, b in zip(orders[0], order, strict=True) if a and b)
        for wire in wires:
            await wire.close()

    play(scene)


def test_progress_tells_the_sender_how_far_the_others_are(shared_office):
    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b:
            circle = await make_circle(shared_office, a, hugo)
            await a.submit(circle.text())
            await b.rows(2, circle.stream)
            reached = 0
            while reached < 3:
                progress = await a.next(Progress)
                if progress.stream == circle.stream:
                    reached = max(one.number for one in progress.positions if one.id == hugo.device_id)
            assert reached == 3
        async with shared_office.wire(camille) as again:
            told = await again.next(Progress)
            assert (told.stream, told.positions[0].id, told.positions[0].number) == (circle.stream, hugo.device_id, 3)

    play(scene)


def test_a_window_bounds_what_is_on_its_way(shared_office):
    """A device that acknowledges nothing is sent 512 rows and no more; Acknowledge lets the rest follow."""

    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a, hugo)
            texts = [opaque(circle.stream, 1, n.to_bytes(2, "big")) for n in range(700)]
            for start in range(0, 700, 100):
                await a.say(*texts[start : start + 100])
                for text in texts[start : start + 100]:
                    assert isinstance(await a.answer(text), Accepted)
                await a.rows(100, circle.stream)
            b = await shared_office.dial(hugo, drained=False)
            rows = [await b.next(Deliver) for _ in range(512)]
            await a.submit(opaque(circle.stream, 1, b"live"))
            assert (await b.ticket(), b.waiting)[1] == [], "the window is full"
            await b.acknowledge(rows[-1])
            rest = [await b.next(Deliver) for _ in range(190)]
            assert [row.number for row in rows + rest] == list(range(2, 704))
            await b.close()

    play(scene)


def test_a_row_forgotten_before_it_was_read_shows_as_a_gap(shared_office):
    from sqlalchemy import text

    async def scene() -> None:
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a:
            circle = await make_circle(shared_office, a, hugo)
            for n in range(6):
                await a.submit(opaque(circle.stream, 1, bytes([n])))
            forget = text(
                "DELETE FROM rows WHERE number IN (3, 4, 8) AND stream = (SELECT stream FROM streams WHERE stream_id = :s)"
            )
            shared_office.in_database(lambda c: c.execute(forget, {"s": circle.stream}))
            async with shared_office.wire(hugo) as b:
                seen = [f for f in b.waiting if isinstance(f, Deliver | Gap) and f.stream == circle.stream]
                shape = [(f.first, f.last) if isinstance(f, Gap) else f.number for f in seen]
                assert shape == [2, (3, 4), 5, 6, 7, (8, 8)]

    play(scene)


def test_only_one_socket_a_device(shared_office):
    async def scene() -> None:
        camille = shared_office.device()
        older = await shared_office.dial(camille)
        async with shared_office.wire(camille) as newer:
            assert await older.closed() == (4409, "elsewhere")
            circle = await make_circle(shared_office, newer)
            assert isinstance(await newer.submit(circle.text()), Accepted)

    play(scene)


def test_a_reader_that_stalls_is_dropped_and_others_go_on(office, monkeypatch):
    """One that stops reading its socket is dropped after the send limit; the sender notices nothing."""
    monkeypatch.setattr("miss_protocol.limits.SEND_SECONDS_MAX", 1)

    async def scene() -> None:
        camille, hugo = office.device(), office.device()
        async with office.wire(camille) as a:
            circle = await make_circle(office, a, hugo)
            b = await office.dial(hugo)
            b.websocket.transport.pause_reading()
            for n in range(200):
                assert isinstance(await a.submit(opaque(circle.stream, 1, bytes([n % 256]) * 90_000)), Accepted)
                await a.rows(1, circle.stream)
            await until("the stalled reader is dropped", lambda: office.app.state.doorbell.connected == 1)
            async with office.wire(hugo) as again:
                numbers = [f.number for f in again.waiting if isinstance(f, Deliver) and f.stream == circle.stream]
                assert numbers[-1] == 202
            b.websocket.transport.abort()

    play(scene)
