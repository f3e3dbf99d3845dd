"""What a device asks the server while its vault is closed: logged in by its login key alone, then gone again."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from miss_app.engine.events import Link
from miss_app.engine.http import Http
from miss_app.engine.problems import Problem
from miss_app.engine.profile import Server
from miss_app.engine.reachability import SERVER_AWAY
from miss_app.engine.session import Credentials, Session
from miss_protocol.frames import Frame, Ready

SECONDS_MAX = 8.0
_LOOK_SECONDS = 0.02


class Listening(Protocol):
    """Who holds a session; ``problem`` is why it is not connected."""

    session: Session
    problem: str


class _Silent:
    """A listener that takes nothing: what arrives is not acknowledged, and comes again."""

    def __init__(self, server: Server, credentials: Credentials, tls: ssl.SSLContext) -> None:
        self.problem = ""
        self.session = Session(server.invitation, credentials, tls, self)

    async def take(self, frame: Frame) -> None:
        if isinstance(frame, Ready):
            self.session.online()

    def link_changed(self, link: Link, problem: str) -> None:
        if link is not Link.ONLINE:
            self.problem = problem or self.problem


@asynccontextmanager
async def errand(
    server: Server, credentials: Credentials, tls: ssl.SSLContext, language: str, there: Listening | None = None
) -> AsyncIterator[Http]:
    """Ask over HTTP, with a ticket of the session that is ``there`` already, else of one opened for this.

    Raises:
        Problem: why the server cannot be reached, ``revoked``…
    """
    used: Listening = there or _Silent(server, credentials, tls)
    if there is None:
        used.session.start()
    http = Http(server.invitation, language, tls, used.session.ticket)
    try:
        await _reach(used)
        yield http
    finally:
        await http.close()
        if there is None:
            await used.session.stop()


async def _reach(used: Listening) -> None:
    """Wait until the session is logged in; not longer than a person waits before a lock."""
    used.problem = ""
    used.session.hurry()
    deadline = asyncio.get_running_loop().time() + SECONDS_MAX
    while used.session.link is not Link.ONLINE:
        if used.problem:
            raise Problem(used.problem)
        if asyncio.get_running_loop().time() > deadline:
            raise Problem(SERVER_AWAY)
        await asyncio.sleep(_LOOK_SECONDS)
