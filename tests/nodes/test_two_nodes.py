"""Two nodes, PostgreSQL and NATS: what holds on one node holds across two, with hints and without."""

import asyncio
import base64
import os
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from engines import copied
from miss_protocol.codes import Close
from miss_protocol.enrolment import CertificateRequest
from miss_protocol.frames import (
    Accepted,
    Deliver,
    Diverged,
    Kind,
    Progress,
    Refusal,
    Refused,
    Report,
    Reports,
    Typing,
    Typist,
)
from miss_protocol.mls import group as mls
from miss_server import devices
from miss_server.clock import now_ms
from miss_server.tables import direct_pairs
from nodes.house import House, opened
from server.office import DIRECT, Circle, Device, Wire, make_circle, opaque, play, until
from server.test_http import endorsed_by


@pytest.fixture(scope="module")
def house(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("house") / "data", copied(postgresql_server)) as one:
        yield one


async def at_both(stack: AsyncExitStack, house: House, *who: Device) -> list[Wire]:
    """Sockets of these devices, at one node and the other by turns."""
    return [await stack.enter_async_context(house.nodes[at % 2].wire(one)) for at, one in enumerate(who)]


def test_rows_written_at_both_nodes_at_once_reach_everybody_in_one_order(house: House) -> None:
    async def scene() -> None:
        who = [house.nodes[0].device() for _ in range(4)]
        async with AsyncExitStack() as stack:
            wires = await at_both(stack, house, *who)
            # They are connected already when they are added: their nodes learn of it by a hint.
            circle = await make_circle(house.nodes[0], wires[0], *who[1:])
            for wire in wires[1:]:
                assert (await wire.rows(1, circle.stream))[0].kind is Kind.WELCOME

            async def write(wire: Wire, count: int) -> None:
                for n in range(count):
                    answer = await wire.submit(opaque(circle.stream, 1, wire.device.device_id + bytes([n])))
                    assert isinstance(answer, Accepted), answer

            await asyncio.gather(*(write(wire, 25) for wire in wires))
            for wire in wires:
                rows = await wire.rows(100, circle.stream)
                assert [row.number for row in rows] == list(range(3, 103))
                for other in who:
                    said = [row.body[-1] for row in rows if other.device_id in row.body]
                    assert said == (list(range(25)) if other is not wire.device else [])

    play(scene)


def test_typing_and_progress_pass_between_nodes(house: House) -> None:
    async def scene() -> None:
        camille, hugo = house.nodes[0].device(), house.nodes[0].device()
        async with AsyncExitStack() as stack:
            a, b = await at_both(stack, house, camille, hugo)
            circle = await make_circle(house.nodes[0], a, hugo)
            await b.rows(1, circle.stream)
            await a.say(Typing(circle.stream))
            assert await b.next(Typist) == Typist(circle.stream, camille.device_id)
            answer = await a.submit(opaque(circle.stream, 1))
            assert isinstance(answer, Accepted)
            await b.rows(1, circle.stream)
            await until_told(a, circle.stream, hugo, answer.number)

    play(scene)


async def until_told(wire: Wire, stream: bytes, other: Device, number: int) -> None:
    while True:
        told = await wire.next(Progress)
        if told.stream == stream and (other.device_id, number) in [(one.id, one.number) for one in told.positions]:
            return


def test_a_device_ended_at_one_node_is_shut_out_at_the_other_within_a_second(house: House) -> None:
    async def scene() -> list[float]:
        took = []
        one, two = house.nodes
        for _ in range(3):
            trusted = one.device()
            ended = one.device(trusted.person_id)
            async with two.wire(ended) as wire, await one.http(trusted) as http:
                began = time.monotonic()
                answer = await http.delete(f"/v1/devices/{ended.device_id.hex()}")
                assert answer.status_code == 200
                assert await wire.closed() == (Close.REVOKED, "revoked")
                took.append(time.monotonic() - began)
        return took

    took = play(scene)
    print(f"closed at the other node after {[round(one, 3) for one in sorted(took)]} s")
    assert min(took) < 1


def test_the_second_connection_of_a_device_closes_the_first_whichever_node_it_is_at(house: House) -> None:
    async def scene() -> None:
        device = house.nodes[0].device()
        earlier = await house.nodes[0].dial(device)
        for at in (1, 0, 1):
            later = await house.nodes[at].dial(device)
            assert await earlier.closed() == (Close.ELSEWHERE, "elsewhere")
            earlier = later
        await asyncio.sleep(0.5)
        assert earlier.websocket.close_code is None
        # At the same instant: one of them stays, and only one.
        await earlier.close()
        found = await asyncio.gather(
            *(node.dial(device) for node in house.nodes for _ in range(2)), return_exceptions=True
        )
        several = [one for one in found if isinstance(one, Wire)]  # some were closed before they were drained

        def left() -> int:
            return sum(one.websocket.close_code is None for one in several)

        await until("one is left", lambda: left() == 1)
        await asyncio.sleep(0.5)
        assert left() == 1
        for one in several:
            await one.close()

    play(scene)


def test_a_ticket_is_good_at_every_node(house: House) -> None:
    async def scene() -> None:
        one, two = house.nodes
        device = one.device()
        async with one.wire(device) as wire:
            token = await wire.ticket()
        async with httpx.AsyncClient(base_url=two.url, headers={"Authorization": f"Bearer {token}"}) as http:
            assert (await http.get("/v1/devices")).json()["devices"][0]["device"] == device.device_id.hex()
            one.in_database(devices.revoke, device.device_id, "test", now_ms())
            assert (await http.get("/v1/devices")).json()["reason"] == "revoked"

    play(scene)


def test_a_link_waited_for_at_one_node_is_endorsed_at_the_other(house: House) -> None:
    async def scene() -> float:
        one, two = house.nodes
        trusted, fresh = one.device(), Device(os.urandom(16))
        lookup = os.urandom(16).hex()
        async with httpx.AsyncClient(base_url=one.url, timeout=60) as new, await two.http(trusted) as http:
            body = {"lookup": lookup, "request": b64(fresh.request.encode())}
            secret = (await new.post("/v1/links", json=body)).json()["secret"]
            headers = {"Authorization": f"Bearer {secret}"}
            waiting = asyncio.create_task(new.get(f"/v1/links/{lookup}/certificate?wait=15", headers=headers))
            await asyncio.sleep(0.3)
            asked = (await http.get(f"/v1/links/{lookup}")).json()["request"]
            assert CertificateRequest.decode(unb64(asked)).device_id == fresh.device_id
            body = {"endorsement": b64(endorsed_by(trusted, fresh))}
            assert (await http.post(f"/v1/links/{lookup}/endorse", json=body)).status_code == 200
            began = time.monotonic()
            assert (await waiting).json()["state"] == "certified"
            return time.monotonic() - began

    print(f"the new device heard of it after {play(scene):.3f} s")


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(text: str) -> bytes:
    return base64.b64decode(text)


def test_of_commits_for_one_epoch_exactly_one_wins(house: House) -> None:
    async def scene() -> None:
        one = house.nodes[0]
        who = [one.device() for _ in range(2)]
        spare = [one.device() for _ in range(8)]
        async with AsyncExitStack() as stack:
            a, b = await at_both(stack, house, *who)
            for epoch in range(4):
                circle = Circle(one, who[0], [who[0].person_id, who[1].person_id])
                package = who[1].key_package()
                assert isinstance(await a.submit(circle.creation()), Accepted)
                submit, circle.group = circle.adding(package)
                assert isinstance(await a.submit(submit), Accepted)
                commits = [circle.adding(newcomer.key_package())[0] for newcomer in spare[2 * epoch : 2 * epoch + 2]]
                other = Circle(one, who[1], [])
                [welcome] = [row for row in await b.rows(1, circle.stream) if row.kind is Kind.WELCOME]
                joined = mls.join(welcome.body, [package], who[1].identity, rules=circle.rules)
                other.group, other.stream = joined.group, circle.stream
                theirs = [other.adding(spare[2 * epoch].key_package())[0]]
                answers = await asyncio.gather(race(a, commits), race(b, theirs))
                verdicts = [answer for some in answers for answer in some]
                assert sum(isinstance(answer, Accepted) for answer in verdicts) == 1, verdicts
                lost = [answer for answer in verdicts if isinstance(answer, Refused)]
                assert all(answer.reason is Refusal.STALE and answer.epoch == 2 for answer in lost), lost

    play(scene)


async def race(wire: Wire, frames: list[Any]) -> list[Accepted | Refused]:
    await wire.say(*frames)
    return [await wire.answer(frame) for frame in frames]


def test_two_people_who_begin_to_write_to_each_other_at_once_have_one_conversation(house: House) -> None:
    async def scene() -> None:
        camille, hugo = house.nodes[0].device(), house.nodes[0].device()
        pair = [camille.person_id, hugo.person_id]
        async with AsyncExitStack() as stack:
            a, b = await at_both(stack, house, camille, hugo)
            for _ in range(3):
                mine = [Circle(house.nodes[0], one, pair, DIRECT) for one in (camille, hugo)]
                created = await asyncio.gather(a.submit(mine[0].creation()), b.submit(mine[1].creation()))
                assert all(isinstance(one, Accepted | Refused) for one in created)
                added = [
                    circle.adding(other.key_package())[0] for circle, other in zip(mine, (hugo, camille), strict=True)
                ]
                await asyncio.gather(a.submit(added[0]), b.submit(added[1]))
            found = house.nodes[0].in_database(_pairs, *sorted(pair))
            assert len(found) == 1

    play(scene)


def _pairs(connection: Any, low: bytes, high: bytes) -> list[int]:
    d = direct_pairs
    return list(connection.scalars(d.select().where(d.c.low_person == low, d.c.high_person == high)))


def test_a_retry_at_another_node_races_its_first_attempt_and_makes_one_row(house: House) -> None:
    async def scene() -> None:
        one, two = house.nodes
        camille, hugo = one.device(), one.device()
        async with one.wire(hugo) as b:
            circle = await make_circle(one, b, camille)
            for n in range(10):
                frame = opaque(circle.stream, 1, bytes([n]))
                first = await one.dial(camille)
                await first.say(frame)
                again = await two.dial(camille)
                answer = await again.submit(frame)
                assert isinstance(answer, Accepted)
                assert answer.number == 3 + n
                await first.close()
                await again.close()
            assert [row.number for row in await b.rows(10, circle.stream)] == list(range(3, 13))

    play(scene)


def test_who_stands_apart_is_told_at_whichever_node(house: House) -> None:
    async def scene() -> None:
        one = house.nodes[0]
        who = [one.device() for _ in range(3)]
        async with AsyncExitStack() as stack:
            a, b, c = await at_both(stack, house, *who)
            circle = await make_circle(one, a, *who[1:])
            for wire in (b, c):
                await wire.rows(1, circle.stream)
            await b.say(Reports((Report(circle.stream, 0, 1, b"b" * 32),)))
            await asyncio.sleep(0.5)  # written before the others say something else
            for wire in (a, c):
                await wire.say(Reports((Report(circle.stream, 0, 1, b"a" * 32),)))
            assert (await b.next(Diverged)).stream == circle.stream

    play(scene)


def test_without_hints_everything_comes_a_little_later(house: House) -> None:
    """The last test: it kills the NATS server under the nodes, and brings it back."""

    async def scene() -> tuple[float, float]:
        one, two = house.nodes
        camille, hugo, nadia = (one.device() for _ in range(3))
        async with AsyncExitStack() as stack:
            a, b = await at_both(stack, house, camille, hugo)
            circle = await make_circle(one, a, hugo)
            await b.rows(1, circle.stream)
            house.nats.kill()
            began = time.monotonic()
            answer = await a.submit(opaque(circle.stream, 1))
            assert isinstance(answer, Accepted)
            [row] = await b.rows(1, circle.stream)
            assert row.number == answer.number
            without = time.monotonic() - began
            # Who is added at one node and connected to the other hears of it, and the second tick comes.
            c = await stack.enter_async_context(two.wire(nadia))
            submit, circle.group = circle.adding(nadia.key_package())
            added = await a.submit(submit)
            assert isinstance(added, Accepted)
            assert [row.kind for row in await c.rows(1, circle.stream)] == [Kind.WELCOME]
            await until_told(a, circle.stream, hugo, answer.number)
            house.nats.start()
            await until("hints pass again", lambda: all(node.log().count("hints-pass") >= 2 for node in house.nodes))
            await a.say(Typing(circle.stream))
            await asyncio.wait_for(c.next(Typist), 30)
            began = time.monotonic()
            last = await a.submit(opaque(circle.stream, 2))
            assert isinstance(last, Accepted)
            assert (await c.rows(1, circle.stream))[0].number == last.number
            rows = [one for one in await b.rows(2, circle.stream) if isinstance(one, Deliver)]
            assert rows[-1].number == last.number
            return without, time.monotonic() - began

    without, with_hints = play(scene)
    print(f"a row reached the other node after {without:.2f} s without hints, {with_hints:.3f} s with them")
