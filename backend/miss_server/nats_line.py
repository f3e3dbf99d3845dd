"""The connection to a NATS server, by which hints reach the other nodes of a service.

All that is said in one turn of the event loop leaves together. A connection that falls is opened again, for ever; what
is said meanwhile is not kept: it is in the database.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error

from miss_server import journal
from miss_server.hints import ID_BYTES, Hint, Seal

CONNECT_SECONDS = 3
PAUSE_SECONDS = 1.0
PING_SECONDS = 5

Heard = Callable[[Hint, Sequence[bytes]], None]


class Line:
    """This node's connection to the others.

    Args:
        addresses: of NATS servers, the first that answers is taken.
        password: read at each connection; empty where none is needed.
        server_id: of the service: several may share one NATS server.
        seal: shared by the nodes of the service.
    """

    def __init__(self, addresses: Sequence[str], password: Callable[[], str], server_id: bytes, seal: Seal) -> None:
        self._addresses = list(addresses)
        self._password = password
        self._subject = f"miss.{server_id[:ID_BYTES].hex()}"
        self._seal = seal
        self._waiting: dict[Hint, dict[bytes, None]] = {}
        self._wake = asyncio.Event()
        self._over = False
        self.up = False
        self.outages = 0  # grows whenever hints may have been lost

    def say(self, hint: Hint, item: bytes = b"") -> None:
        """Tells the other nodes; nothing where there is no connection."""
        if self.up:
            self._waiting.setdefault(hint, {})[item] = None
            self._wake.set()

    async def keep_talking(self, heard: Heard, joined: Callable[[], None]) -> None:
        """Runs until it is cancelled: stays connected, tells what is said, hears the others.

        Args:
            heard: told each kind of hint of another node.
            joined: told of each connection, when hints pass.
        """
        while True:
            client = Client()
            try:
                await self._converse(client, heard, joined)
            except (Error, OSError, TimeoutError, asyncio.InvalidStateError) as error:
                journal.write("hints-away", error=type(error).__name__)
            finally:
                self.up = False
                self._waiting.clear()
                with suppress(Exception):  # whatever state it is in, it is left
                    await client.close()
            self.outages += 1
            await asyncio.sleep(PAUSE_SECONDS * (0.5 + secrets.randbelow(100) / 100))

    async def _converse(self, client: Client, heard: Heard, joined: Callable[[], None]) -> None:
        self._over = False

        async def hear(message: Msg) -> None:
            for hint, items in self._seal.opened(message.data):
                heard(hint, items)

        async def over() -> None:
            self._over = True
            self._wake.set()

        async def stumbled(_: Exception) -> None:
            self.outages += 1  # a message too many, say: what it said is looked up

        password = self._password()
        await client.connect(
            self._addresses,
            allow_reconnect=False,
            connect_timeout=CONNECT_SECONDS,
            max_reconnect_attempts=0,
            ping_interval=PING_SECONDS,
            closed_cb=over,
            disconnected_cb=over,
            error_cb=stumbled,
            password=password or None,
        )
        await client.subscribe(self._subject, cb=hear)
        await client.flush(CONNECT_SECONDS)
        self.up = True
        journal.write("hints-pass")
        joined()
        while not self._over:
            await self._say_on(client)

    async def _say_on(self, client: Client) -> None:
        await self._wake.wait()
        self._wake.clear()
        waiting, self._waiting = self._waiting, {}
        for message in self._seal.sealed(waiting):
            await client.publish(self._subject, message)
