"""Who is away is woken by a push that says nothing: once, again where that failed, never for what is silent."""

import asyncio
import os
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from miss_protocol.frames import Accepted, Class
from miss_server import devices, reach_wishes, wakeups
from miss_server.clock import now_ms
from miss_server.reach_tables import push_endpoints, push_queue
from miss_server.reach_wishes import ReachWishes
from miss_server.vapid import Vapid
from miss_server.wakeups import Push
from miss_server.web_push import Answer, Outcome, WebPush
from server.office import make_circle, play, until

HOUR_MS = 3_600_000


async def register(office, service, device, how="ok"):
    async with await office.http(device) as http:
        key = (await http.get("/v1/reach")).json()["key"]
        endpoint = service.subscribe(key, how)
        answer = await http.put("/v1/push", json={"endpoint": endpoint})
        assert answer.json() == {"registered": True}
        told = (await http.get("/v1/reach")).json()
        assert told["registered_at_ms"] > 0
        assert endpoint not in str(told)
    return endpoint


def queued(office):
    return office.in_database(lambda c: c.execute(select(push_queue)).all())


def endpoint_row(office, device):
    return office.in_database(
        lambda c: c.execute(select(push_endpoints).where(push_endpoints.c.device == device.row)).first()
    )


def text(circle, priority=Class.NORMAL):
    return replace(circle.text(), priority=priority)


def test_who_is_away_is_woken_once(office, push_service):
    async def scene():
        camille, hugo, nadia = (office.device() for _ in range(3))
        hugos, own = [await register(office, push_service, one) for one in (hugo, camille)]
        nadias = await register(office, push_service, nadia)
        async with office.wire(camille) as a, office.wire(nadia) as c:
            circle = await make_circle(office, a, hugo, nadia)
            await c.rows(1, circle.stream)
            assert isinstance(await a.submit(text(circle, Class.SILENT)), Accepted)
            await c.rows(1, circle.stream)
            await asyncio.sleep(4)
            assert push_service.seen() == [], "commits, welcomes and silent rows wake nobody"
            for _ in range(3):
                assert isinstance(await a.submit(text(circle)), Accepted)
            await c.rows(3, circle.stream)
            await until("Hugo is woken", lambda: push_service.seen(hugos) != [])
            assert isinstance(await a.submit(text(circle)), Accepted)
            await c.rows(1, circle.stream)
            await asyncio.sleep(4)
            (push,) = push_service.seen()  # nobody is woken who is here, nor by what they wrote, and Hugo only once
            assert push["path"] in hugos
            assert (push["why"], push["bytes"]) == ("", 0)
            wanted = {"ttl": "43200", "urgency": "normal", "topic": "message", "content-length": "0"}
            assert {name: push["headers"].get(name) for name in wanted} == wanted
            assert not set(push["headers"]) - {
                *wanted,
                "host",
                "authorization",
                "accept",
                "accept-encoding",
                "connection",
                "user-agent",
            }
            # What is urgent is pushed once more.
            for _ in range(2):
                assert isinstance(await a.submit(text(circle, Class.URGENT)), Accepted)
                await c.rows(1, circle.stream)
            await until("Hugo is told of an urgency", lambda: len(push_service.seen(hugos)) == 2)
            push = push_service.seen()[-1]
            assert (push["headers"]["urgency"], push["headers"]["topic"]) == ("high", "urgent")
            # He comes, reads and goes: the next message wakes him again.
            async with office.wire(hugo) as b:
                await b.rows(7, circle.stream)
            assert isinstance(await a.submit(text(circle)), Accepted)
            await c.rows(1, circle.stream)
            await until("Hugo is woken again", lambda: len(push_service.seen(hugos)) == 3)
            assert push_service.seen(own) == push_service.seen(nadias) == []
            counted = office.app.state.meters.pushed
            await until("each is counted", lambda: counted["sent"] == 3)

    play(scene)


def test_endpoints_that_are_gone_are_forgotten_and_others_tried_again(office, push_service):
    async def scene():
        ways = ("gone", "missing", "busy", "down", "moved")
        away = {how: office.device() for how in ways}
        endpoints = {how: await register(office, push_service, one, how) for how, one in away.items()}
        camille = office.device()
        async with office.wire(camille) as a:
            circle = await make_circle(office, a, *away.values())
            assert isinstance(await a.submit(text(circle)), Accepted)
            await until("all are tried", lambda: all(push_service.seen(one) for one in endpoints.values()))
        await until("all is noted", lambda: [one.tries for one in queued(office)] == [1, 1, 1])
        await until("and counted", lambda: office.app.state.meters.pushed == {"gone": 2, "failed": 2, "refused": 1})
        assert endpoint_row(office, away["gone"]) is endpoint_row(office, away["missing"]) is None
        outcomes = {how: endpoint_row(office, away[how]).outcome for how in ("busy", "down", "moved")}
        assert outcomes == {"busy": "failed", "down": "failed", "moved": "refused"}
        waits = {one.device: one.next_at_ms - now_ms() for one in queued(office)}
        assert 500_000 < waits[away["busy"].row] <= 600_000, "as the service asked"
        assert 0 < waits[away["down"].row] <= 10_000
        assert all(len(push_service.seen(one)) == 1 for one in endpoints.values()), "no redirect is followed"
        # The queue outlives the server: what waits is sent by the next one, where it works now.
        office.stop()
        office.in_database(
            lambda c: c.execute(
                update(push_endpoints)
                .where(push_endpoints.c.device == away["down"].row)
                .values(endpoint=push_service.subscribe(office.app.state.vapid.public))
            )
        )
        office.in_database(lambda c: c.execute(update(push_queue).values(next_at_ms=0)))
        office.start()
        await until("it is sent", lambda: [one for one in push_service.seen() if one["how"] == "ok"] != [])
        await until("and noted", lambda: endpoint_row(office, away["down"]).outcome == "sent")

    play(scene)


def test_what_came_while_no_server_looked_is_not_missed(office, push_service):
    """The server ends between taking a message and looking through what moved."""

    async def scene():
        camille, hugo = office.device(), office.device()
        endpoint = await register(office, push_service, hugo)
        async with office.wire(camille) as a:
            circle = await make_circle(office, a, hugo)
            assert isinstance(await a.submit(text(circle)), Accepted)
        office.stop()
        assert queued(office) == []
        assert push_service.seen() == []
        office.start()
        await until("he is woken", lambda: len(push_service.seen(endpoint)) == 1)

    play(scene)


def test_quiet_hours_hold_what_is_not_urgent(office, push_service):
    async def scene():
        camille, hugo = office.device(), office.device()
        endpoint = await register(office, push_service, hugo)
        minute = now_ms() // 60_000 % 1_440
        async with await office.http(hugo) as http:
            quiet = {"quiet_from": (minute + 60 - 5) % 1_440, "quiet_until": (minute + 60 + 90) % 1_440}
            wanted = {**quiet, "offset_minutes": 60, "mails": True}  # his clock is an hour ahead
            told = (await http.put("/v1/reach", json=wanted)).json()
            assert {name: told[name] for name in wanted} == wanted
            for bad in ({"quiet_from": 1_440}, {"quiet_until": -1}, {"offset_minutes": 841}, {"mails": 1}, {"more": 1}):
                answer = await http.put("/v1/reach", json=wanted | bad)
                assert (answer.status_code, answer.json()["reason"]) == (422, "malformed")
        async with office.wire(camille) as a:
            circle = await make_circle(office, a, hugo)
            assert isinstance(await a.submit(text(circle)), Accepted)
            await until("it waits", lambda: queued(office) != [])
            (waiting,) = queued(office)
            assert 88 * 60_000 <= waiting.next_at_ms - now_ms() <= 90 * 60_000
            await asyncio.sleep(2)
            assert push_service.seen() == []
            assert isinstance(await a.submit(text(circle, Class.URGENT)), Accepted)
            await until("an urgency passes", lambda: len(push_service.seen(endpoint)) == 1)
            assert push_service.seen()[0]["headers"]["urgency"] == "high"

    play(scene)


def test_addresses_that_a_server_must_not_ask(tmp_path):
    """An endpoint comes from a client: it leads out into the internet, or nowhere."""
    vapid = Vapid(os.urandom(32), "mailto:exploitation@miss.example")
    refused = [
        "http://push.example.org/x",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://10.0.0.1/x",
        "https://192.168.1.1:8443/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[fe80::1]/x",
        "https://[fd00::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[2002:7f00:1::]/x",
        "https://[64:ff9b::7f00:1]/x",
        "https://0.0.0.0/x",
        "https://224.0.0.1/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://user:secret@8.8.8.8/x",
        "https:///x",
        "https://8.8.8.8:99999/x",
        "ftp://8.8.8.8/x",
        "file:///etc/passwd",
        "https://8.8.8.8/" + "x" * 1_000,
        "https://8.8.8.8/\n",
        "https://8.8.8.8/é",
        "nothing",
    ]

    async def scene():
        careful, private = WebPush(vapid), WebPush(vapid, private=True)
        for endpoint in refused:
            answer = await careful.wake(endpoint, Class.NORMAL, now_ms())
            assert answer == Answer(Outcome.GONE), endpoint
        assert await careful.check("https://8.8.8.8/x") == "8.8.8.8"
        assert await careful.check("https://[2620:fe::fe]:8443/x") == "2620:fe::fe"
        assert await private.check("http://127.0.0.1:9/x") == "127.0.0.1"
        assert await private.check("https://10.0.0.1/x") == "10.0.0.1"
        for endpoint in ("http://10.0.0.1/x", "ftp://127.0.0.1/x", "https://user@10.0.0.1/x"):
            assert await private.wake(endpoint, Class.NORMAL, now_ms()) == Answer(Outcome.GONE)
        assert await private.wake("http://127.0.0.1:9/x", Class.NORMAL, now_ms()) == Answer(Outcome.FAILED)
        await careful.close()
        await private.close()

    asyncio.run(scene())


def test_a_careful_server_registers_no_such_address(office):
    async def scene():
        hugo = office.device()
        office.app.state.sender._private = False
        async with await office.http(hugo) as http:
            for endpoint in ("http://127.0.0.1:1/x", "https://127.0.0.1/x", "https://no-such-host.invalid/x", "x"):
                answer = await http.put("/v1/push", json={"endpoint": endpoint})
                assert (answer.status_code, answer.json()["reason"]) == (422, "endpoint-refused"), endpoint
            answer = await http.put("/v1/push", json={"endpoint": "https://8.8.8.8/" + "x" * 2_000})
            assert (answer.status_code, answer.json()["reason"]) == (422, "malformed")
            assert (await http.get("/v1/reach")).json()["registered_at_ms"] == 0
            assert (await http.put("/v1/push", json={"endpoint": "https://8.8.8.8/x"})).json() == {"registered": True}
            assert (await http.get("/v1/reach")).json()["registered_at_ms"] > 0
            assert (await http.delete("/v1/push")).json() == {"registered": False}
            assert (await http.get("/v1/reach")).json()["registered_at_ms"] == 0

    play(scene)


@pytest.fixture
def waiting(office):
    """A push that waits, and its device; no server is there to send it."""
    device = office.device()
    office.stop()
    office.in_database(wakeups.register, device.row, "https://8.8.8.8/x", 0)
    office.in_database(wakeups._queue_one, device.row, 1, 1_000, 1_000)
    return device


def test_the_queue_step_by_step(office, waiting):
    """Claimed by one, sent again a minute after its sender died, later each time, given up after a day."""
    row = waiting.row
    assert office.in_database(wakeups.claim, 999) == []
    assert office.in_database(wakeups.due, 1_000)
    (push,) = office.in_database(wakeups.claim, 1_000)
    assert push == Push(row, "https://8.8.8.8/x", Class.NORMAL, 0, 1_000)
    assert office.in_database(wakeups.claim, 1_000 + 59_000) == [], "another node has it"
    (push,) = office.in_database(wakeups.claim, 61_000)
    assert push.tries == 0
    pauses, at = [], 61_000
    while True:
        office.in_database(wakeups.settle, push, Answer(Outcome.FAILED), at)
        left = queued(office)
        if not left:
            break
        pauses.append((left[0].next_at_ms - at) // 1_000)
        at = left[0].next_at_ms
        (push,) = office.in_database(wakeups.claim, at)
    assert pauses[:7] == [10, 30, 120, 600, 1_800, 3_600, 3_600]
    assert 20 < len(pauses) < 40
    assert endpoint_row(office, waiting).outcome == "failed"
    # Something urgent that comes while a push is under way is not taken for sent with it.
    office.in_database(wakeups._queue_one, row, 1, at, at)
    (push,) = office.in_database(wakeups.claim, at)
    office.in_database(wakeups._queue_one, row, 2, at, at)
    office.in_database(wakeups.settle, push, Answer(Outcome.SENT), at)
    assert [one.priority for one in queued(office)] == [2]
    # Who came meanwhile needs no push; who re-registered elsewhere keeps the new address.
    office.in_database(devices.seen, {row: at + 1})
    assert office.in_database(wakeups.claim, at + 2) == []
    assert queued(office) == []
    office.in_database(wakeups._queue_one, row, 1, at + 3, at + 3)
    (push,) = office.in_database(wakeups.claim, at + 3)
    office.in_database(wakeups.register, row, "https://8.8.4.4/y", at + 4)
    office.in_database(wakeups.settle, push, Answer(Outcome.GONE), at + 5)
    assert endpoint_row(office, waiting).endpoint == "https://8.8.4.4/y"
    # A device that was ended is woken no more.
    office.in_database(wakeups._queue_one, row, 1, at + 6, at + 6)
    office.in_database(devices.revoke, waiting.device_id, "test", at + 6)
    office.in_database(wakeups.forget_ended)
    assert endpoint_row(office, waiting) is None
    assert queued(office) == []


def test_a_push_that_was_never_answered_is_repeated_after_an_hour(office):
    async def scene():
        camille, hugo = office.device(), office.device()
        office.in_database(wakeups.register, hugo.row, "https://8.8.8.8/x", 0)
        async with office.wire(camille) as a:
            circle = await make_circle(office, a, hugo)
            stream = office.in_database(lambda c: c.exec_driver_sql("SELECT max(stream) FROM streams").scalar())
            pushed = update(push_endpoints).values(pushed_at_ms=now_ms() - 1, pushed_priority=1)
            office.in_database(lambda c: c.execute(pushed))
            office.app.state.doorbell.take_fresh()
            assert isinstance(await a.submit(text(circle)), Accepted)
        office.stop()
        at = now_ms()
        assert office.in_database(wakeups.queue, [stream], at) == 0
        assert office.in_database(wakeups.queue, [stream], at + HOUR_MS) == 1

    play(scene)


def test_quiet_hours_by_the_persons_own_clock(engine):
    midnight = 1_700_006_400_000  # 2023-11-15 00:00 UTC
    night = ReachWishes(22 * 60, 7 * 60, offset_minutes=60)
    at = {hour: midnight + hour * HOUR_MS for hour in range(-4, 24)}
    assert night.quiet_until_ms(at[20]) == 0  # 21:00 for them
    assert night.quiet_until_ms(at[21]) == at[6] + 24 * HOUR_MS
    assert night.quiet_until_ms(at[5] + 59 * 60_000 + 59_999) == at[6]
    assert night.quiet_until_ms(at[6]) == 0
    noon = ReachWishes(12 * 60, 13 * 60)
    assert noon.quiet_until_ms(at[12]) == at[13]
    assert noon.quiet_until_ms(at[13]) == noon.quiet_until_ms(at[11]) == 0
    assert ReachWishes().quiet_until_ms(at[3]) == 0
    with engine.transaction() as connection:
        assert reach_wishes.of_person(connection, b"p" * 16) == ReachWishes()
        for wished in (night, replace(noon, mails=False)):
            reach_wishes.keep(connection, b"p" * 16, wished, 1)
            assert reach_wishes.of_person(connection, b"p" * 16) == wished
