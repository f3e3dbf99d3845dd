"""What carries a socket's messages: the websocket of the HTTP server, spoken with directly."""

import asyncio
from collections.abc import Callable
from typing import Protocol

CARRIER = "miss.carrier"  # where in the scope of the application the Carrier is


class Carrier(Protocol):
    """The websocket below a socket, without a task between them: messages pass in the turn of the loop they come in."""

    listener: Callable[[bytes], bool] | None  # is offered each binary message first; False leaves it to be received
    writable: asyncio.Event  # cleared while the peer does not read

    def send_now(self, message: bytes) -> bool:
        """Sends a binary message; False where the connection has ended."""

    def abort(self) -> None:
        """Drops the connection without a word."""
