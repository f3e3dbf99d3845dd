"""Quotas of a device and of a conversation: each is reached, says so, and is the limit of nobody else."""

import hashlib
import os
import time

import httpx
import pytest
from sqlalchemy import select

from miss_protocol.frames import Accepted, Refusal, Refused, encode
from miss_server import caretaker, config, quotas
from miss_server.blobs import PARTS_PER_DEVICE_MAX, BlobError, Blobs, Piece
from miss_server.clock import now_ms
from miss_server.quotas import MIB, Pace, Quotas
from miss_server.tables import streams
from server.office import Office, make_circle, opaque, play

TIGHT = "[quotas]\nmessages_a_second = 20\nmessages_at_once = 30\nuploads_mib_a_day = 1\nconversation_mib = 1\n"


@pytest.fixture(scope="module")
def tight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tight") / "data"
    folder.mkdir()
    (folder / "miss.toml").write_text(TIGHT)
    one = Office(folder)
    one.start()
    yield one
    one.stop()


def test_who_writes_too_fast_waits_alone(tight):
    """A storm of 60 where 30 may come at once and 20 a second: nothing is refused, the rest takes its time."""

    async def scene() -> None:
        camille, hugo, nadia = (tight.device() for _ in range(3))
        async with tight.wire(camille) as storm, tight.wire(hugo) as other, tight.wire(nadia):
            stormy = await make_circle(tight, storm, nadia)
            calm = await make_circle(tight, other, nadia)
            begun = time.monotonic()
            rows = [opaque(stormy.stream, stormy.group.epoch, bytes([n])) for n in range(60)]
            await storm.websocket.send(b"".join(encode(row) for row in rows))
            waited = []
            for _ in range(3):  # meanwhile
                asked = time.monotonic()
                assert isinstance(await other.submit(opaque(calm.stream, calm.group.epoch, b"x")), Accepted)
                waited.append(time.monotonic() - asked)
            answers = [await storm.answer(row) for row in rows]
            took = time.monotonic() - begun
            assert all(isinstance(one, Accepted) for one in answers), "slower, never refused"
            assert took >= (60 - 30 - 2) / 20 * 0.9
            assert max(waited) < took / 2, "the others do not wait"
            assert tight.app.state.meters.slowed >= 28

    play(scene)


def test_a_device_uploads_so_much_a_day(tight):
    async def scene() -> None:
        camille, hugo = tight.device(), tight.device()
        async with await tight.http(camille) as hers, await tight.http(hugo) as his:
            statuses = [await upload(hers, os.urandom(200 * 1024)) for _ in range(6)]
            assert statuses == [201, 201, 201, 201, 429, 429], "four times 256 KiB, counted by 64"
            assert await upload(his, os.urandom(1_000)) == 201

    play(scene)


async def upload(http: httpx.AsyncClient, data: bytes) -> int:
    name = hashlib.sha256(data).hexdigest()
    headers = {"Content-Range": f"bytes 0-{len(data) - 1}/{len(data)}"}
    answer = await http.put(f"/v1/blobs/{name}", content=data, headers=headers)
    if answer.status_code == 429:
        assert answer.json()["reason"] == "slow-down"
        assert int(answer.headers["Retry-After"]) > 0
    return answer.status_code


def test_a_conversation_holds_so_much_until_somebody_reads(tight):
    """A mebibyte of messages that one member does not fetch: the next is refused in words, a commit is not."""

    async def scene() -> None:
        camille, away, zoe = tight.device(), tight.device(), tight.device()
        async with tight.wire(camille) as wire:
            circle = await make_circle(tight, wire, away)
            other = await make_circle(tight, wire, away)
            epoch, large = circle.group.epoch, bytes(90 * 1024)
            answers = []
            for _ in range(12):
                answers.append(await wire.submit(opaque(circle.stream, epoch, large)))
                await wire.rows(isinstance(answers[-1], Accepted), circle.stream)
            taken = sum(isinstance(one, Accepted) for one in answers)
            assert taken == MIB // len(large)
            last = answers[-1]
            assert isinstance(last, Refused)
            assert last.reason is Refusal.FULL
            assert isinstance(await wire.submit(opaque(other.stream, other.group.epoch, b"x")), Accepted)
            submit, circle.group = circle.adding(zoe.key_package())
            assert isinstance(await wire.submit(submit), Accepted)
        async with tight.wire(away) as wire:  # reads, and says so
            pass
        stream = tight.in_database(
            lambda c: c.scalar(select(streams.c.stream).where(streams.c.stream_id == circle.stream))
        )
        kept = select(streams.c.kept_bytes).where(streams.c.stream == stream)
        before = tight.in_database(lambda c: c.scalar(kept))
        tight.in_database(caretaker.forget_rows, stream, now_ms() + 1_000, now_ms())
        after = tight.in_database(lambda c: c.scalar(kept))
        assert before > taken * len(large)
        assert after < len(large), "commits alone are left"
        async with tight.wire(camille) as wire:
            assert isinstance(await wire.submit(opaque(circle.stream, circle.group.epoch, large)), Accepted)

    play(scene)


def test_so_many_uploads_of_a_device_are_incomplete_at_once(tmp_path):
    blobs, one, other = Blobs(tmp_path / "blobs"), os.urandom(16), os.urandom(16)
    half = Piece(0, 10, b"half")
    for _ in range(PARTS_PER_DEVICE_MAX):
        assert blobs.put(one, os.urandom(32), half) == (False, 4)
    with pytest.raises(BlobError, match="slow-down"):
        blobs.put(one, os.urandom(32), half)
    assert blobs.put(other, os.urandom(32), half) == (False, 4)


def test_the_pace_fills_again_and_forgets_who_is_calm():
    now = [0.0]
    pace = Pace(Quotas(messages_a_second=10, messages_at_once=5), now=lambda: now[0])
    assert [round(pace.take(1), 3) for _ in range(7)] == [0, 0, 0, 0, 0, 0.1, 0.2]
    assert pace.take(2) == 0, "each has a bucket"
    now[0] = 10.0
    assert pace.take(1) == 0
    for device in range(quotas.FULL_LOOK_TAKES):
        pace.take(1_000 + device)
    now[0] = 20.0
    for _ in range(quotas.FULL_LOOK_TAKES):
        pace.take(3)
        now[0] += 1
    assert len(pace._full_at) <= 2


@pytest.mark.parametrize("line", ["messages_a_second = 0", "conversation_mib = true", 'uploads_mib_a_day = "1"'])
def test_a_quota_that_cannot_be_used_is_refused(tmp_path, line):
    (tmp_path / "miss.toml").write_text(f"[quotas]\n{line}\n")
    with pytest.raises(config.ConfigError, match="quotas"):
        quotas.of(config.load(tmp_path, listen="127.0.0.1:0"))
