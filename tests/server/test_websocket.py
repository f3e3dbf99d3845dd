"""The short way of whole binary frames: whatever is cut, mixed or wrong, it is as if there were none."""

import asyncio
import gc
import random

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from miss_protocol.frames import Accepted
from miss_server import websocket
from server.office import Wire, make_circle, play


def _framed(message: bytes, *, fin: bool = True, opcode: Opcode = Opcode.BINARY) -> bytes:
    return Frame(opcode, message, fin).serialize(mask=True)


async def _hear_for_ever(wire: Wire) -> None:
    while True:
        wire.waiting += wire.connection.receive(await asyncio.wait_for(wire.websocket.recv(), 30))


@pytest.mark.parametrize("seed", range(6))
def test_frames_may_come_in_any_pieces_with_pings_and_fragments_between(office, seed) -> None:
    chance = random.Random(seed)

    async def scene() -> None:
        camille = office.device()
        async with office.wire(camille) as a:
            circle = await make_circle(office, a)
            texts = [circle.text() for _ in range(20)]
            stream = b""
            for text in texts:
                message = a.connection.send(text)
                if chance.random() < 0.25:  # a message in three fragments, a ping between them (RFC 6455 section 5.4)
                    first, second = sorted(chance.sample(range(1, len(message)), 2))
                    stream += _framed(message[:first], fin=False) + _framed(b"here?", opcode=Opcode.PING)
                    stream += _framed(message[first:second], fin=False, opcode=Opcode.CONT)
                    stream += _framed(message[second:], opcode=Opcode.CONT)
                else:
                    stream += _framed(message)
                if chance.random() < 0.25:
                    stream += _framed(b"", opcode=Opcode.PING)
            at = 0
            while at < len(stream):
                size = chance.choice([1, 2, 3, 7, 40, 400, 4_000])
                a.websocket.transport.write(stream[at : at + size])
                at += size
                if chance.random() < 0.5:
                    await asyncio.sleep(0.001)
            numbers = [(await a.answer(text)).number for text in texts]
            assert numbers == list(range(numbers[0], numbers[0] + 20)), "each once, in order"

    play(scene)


def test_a_message_that_comes_in_many_pieces_is_copied_no_more_than_a_little_each_time(office) -> None:
    """Only its size counts here: what it says is refused, and the next message is answered."""

    async def scene() -> None:
        camille = office.device()
        async with office.wire(camille) as a:
            circle = await make_circle(office, a)
            [server] = [one for one in gc.get_objects() if type(one) is websocket.Websocket and one.listener]
            rests: list[int] = []
            long = _framed(bytes(300_000), fin=False) + _framed(b"", opcode=Opcode.CONT)
            for at in range(0, len(long) - 1, 5_000):
                a.websocket.transport.write(long[at : min(at + 5_000, len(long) - 1)])
                await asyncio.sleep(0.001)
                rests.append(len(server._rest))
            assert 0 < max(rests) <= websocket._REST_BYTES_MAX
            assert circle.stream

    play(scene)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\x82\x03abc", 1002),  # not masked
        (b"\xc2\x83\0\0\0\0abc", 1002),  # a reserved bit
        (b"\x83\x83\0\0\0\0abc", 1002),  # an opcode that is none
        (b"\x83\xfe\x27\x10", 1002),  # the same, whose ten thousand bytes never come
        (b"\x82\x7e\x27\x10", 1002),  # not masked, and never whole
        (b"\x80\x83\0\0\0\0abc", 1002),  # the rest of a message that never began
        (b"\x82\xff\0\0\1\0\0\0\0\0\0\0\0\0", 1009),  # a tebibyte to come
        (b"\x81\x83\0\0\0\0abc", 4400),  # text
        (b"\x82\x80\0\0\0\0", 4400),  # an empty message
    ],
)
def test_what_is_wrong_with_a_frame_is_answered_after_a_login_too(office, raw, code) -> None:
    async def scene() -> None:
        camille = office.device()
        async with office.wire(camille) as a:
            circle = await make_circle(office, a)
            before = circle.text()
            a.websocket.transport.write(_framed(a.connection.send(before)) + raw + _framed(b"\0" * 9))
            with pytest.raises(ConnectionClosed) as closed:
                await _hear_for_ever(a)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code
            answered = [one for one in a.waiting if isinstance(one, Accepted)]
            assert len(answered) <= 1, "what came before may be answered still, nothing that came after"

    play(scene)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 300_000])
def test_heads_are_those_of_the_library(size: int) -> None:
    message = bytes(size)
    assert websocket._head(size) + message == Frame(Opcode.BINARY, message).serialize(mask=False)
