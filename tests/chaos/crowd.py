"""A crowd of devices with opaque messages: each writes one message a conversation at a time, and reads everything.

What a device has stored survives its connection, as a client's store does; a message that was not answered is offered
again with its id until it is.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable
from random import Random

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from bench.population import EPOCH, Town, User
from miss_protocol import identity
from miss_protocol.connection import Connection, Role
from miss_protocol.errors import RemoteError
from miss_protocol.frames import (
    SUBPROTOCOL,
    Accepted,
    Acknowledge,
    Challenge,
    Class,
    Deliver,
    Frame,
    Gap,
    Kind,
    Login,
    Ready,
    Refused,
    Submit,
    positions,
)
from miss_protocol.labels import LABEL_LOGIN, sign_p256

from .oracle import Oracle, Tag

HEAD_BYTES = 34  # of a PrivateMessage: version, wire format, group id, epoch, content type
TAG_BYTES = 12
BODY_BYTES = 128
TRY_AGAIN_SECONDS = 0.05
PING_SECONDS = 3.0  # who does not answer within so long is gone
ACKNOWLEDGE_SECONDS = 0.05
_FAILURES = (OSError, WebSocketException, InvalidHandshake, TimeoutError, RemoteError, EOFError)


class Member:
    """One device of the crowd.

    Args:
        user: who logs in.
        door: the port to connect to, now.
        quota: how many messages it may have begun by now, each conversation.
    """

    def __init__(
        self, user: User, server_id: bytes, oracle: Oracle, chance: Random, door: Callable[[], int], quota: list[int]
    ) -> None:
        self.user = user
        self.connects = 0
        self._server_id = server_id
        self._oracle = oracle
        self._chance = chance
        self._door = door
        self._quota = quota
        self._begun = dict.fromkeys(user.streams, 0)
        self._waiting: dict[bytes, Submit] = {}  # stream -> what was not answered
        self._tags: dict[bytes, Tag] = {}  # message id -> tag
        self._heads: dict[bytes, int] = {}
        self._reached: dict[bytes, int] = {}
        self.online = False

    @property
    def at_rest(self) -> bool:
        """Whether everything it may say is said and answered."""
        return not self._waiting and all(begun >= self._quota[0] for begun in self._begun.values())

    @property
    def under_way(self) -> int:
        return len(self._waiting)

    async def live(self) -> None:
        """Connects again and again, until it is cancelled."""
        while True:
            with contextlib.suppress(*_FAILURES):
                await self._connect()
            self.online = False
            await asyncio.sleep(TRY_AGAIN_SECONDS * (0.5 + self._chance.random()))

    async def _connect(self) -> None:
        self.connects += 1
        address = f"ws://127.0.0.1:{self._door()}/v1/socket"
        options = {"compression": None, "max_size": None, "open_timeout": 10, "close_timeout": 1}
        options |= {"ping_interval": PING_SECONDS, "ping_timeout": PING_SECONDS}
        async with connect(address, subprotocols=[SUBPROTOCOL], proxy=None, **options) as socket:
            dialogue = Connection(Role.CLIENT)
            speaking: asyncio.Task[None] | None = None
            try:
                while True:
                    message = await socket.recv()
                    for frame in dialogue.receive(message):
                        if isinstance(frame, Challenge):
                            await socket.send(dialogue.send(self._login(frame)))
                        elif isinstance(frame, Ready):
                            self._ready(frame)
                            speaking = asyncio.create_task(self._speak(socket, dialogue))
                        else:
                            self._hear(frame)
            finally:
                if speaking is not None:
                    speaking.cancel()

    def _login(self, challenge: Challenge) -> Login:
        nonce = os.urandom(32)
        content = identity.login_content(challenge.server_id, self.user.device_id, challenge.nonce, nonce)
        return Login(self.user.device_id, nonce, 1, sign_p256(self.user.login, LABEL_LOGIN, content))

    def _ready(self, frame: Ready) -> None:
        self.online = True
        for head in frame.streams:
            log = self._oracle.logs[self.user.number, head.stream]
            if head.cursor > log.cursor:  # the server may know less than this device has stored, never more
                self._oracle.gaps += head.cursor - log.cursor
                log.cursor = head.cursor

    async def _speak(self, socket: ClientConnection, dialogue: Connection) -> None:
        """Offers again what was not answered, then begins new messages, and says how far it has read."""
        with contextlib.suppress(*_FAILURES):
            for submit in self._waiting.values():
                await socket.send(dialogue.send(submit))
            while True:
                fresh = [self._begin(stream) for stream in self.user.streams if self._may_begin(stream)]
                reached, self._reached = self._reached, {}
                said: list[Frame] = [Acknowledge(positions(reached.items()))] if reached else []
                for frame in said + fresh:
                    await socket.send(dialogue.send(frame))
                await asyncio.sleep(ACKNOWLEDGE_SECONDS if not fresh else 0.002)

    def _may_begin(self, stream: bytes) -> bool:
        return stream not in self._waiting and self._begun[stream] < self._quota[0]

    def _begin(self, stream: bytes) -> Submit:
        self._begun[stream] += 1
        tag = self.user.number.to_bytes(4, "big") + self._begun[stream].to_bytes(8, "big")
        head = b"\x00\x01\x00\x02\x14" + stream + bytes(4) + EPOCH.to_bytes(8, "big") + b"\x01"
        body = head + tag + bytes(BODY_BYTES - HEAD_BYTES - TAG_BYTES)
        submit = Submit(os.urandom(16), stream, Kind.APPLICATION, Class.NORMAL, EPOCH, body)
        self._oracle.begins(tag + stream, stream)
        self._tags[submit.message_id] = tag + stream
        self._waiting[stream] = submit
        return submit

    def _hear(self, frame: Frame) -> None:
        if isinstance(frame, Accepted):
            waiting = self._waiting.get(frame.stream)
            self._oracle.ends(self._tags[frame.message_id], frame.number)
            if waiting is not None and waiting.message_id == frame.message_id:
                del self._waiting[frame.stream]
        elif isinstance(frame, Refused):
            raise RemoteError("refused", "it is offered again on another connection")
        elif isinstance(frame, Deliver):
            tag = (
                self._tags[frame.body] if frame.kind is Kind.OWN else frame.body[HEAD_BYTES:][:TAG_BYTES] + frame.stream
            )
            if not self._oracle.hears(self.user.number, frame.stream, frame.number, tag):
                raise RemoteError("out-of-order", "it is read again on another connection")
            self._reached[frame.stream] = self._oracle.logs[self.user.number, frame.stream].cursor
        elif isinstance(frame, Gap):
            self._oracle.gaps += 1


def readers(town: Town) -> dict[bytes, list[int]]:
    """stream -> the devices that read it."""
    found: dict[bytes, list[int]] = {}
    for user in town.users:
        for stream in user.streams:
            found.setdefault(stream, []).append(user.number)
    return found
