"""While the profile is locked: stay connected with the login key alone, and keep what arrives without opening it."""

import ssl
from collections.abc import Callable

from miss_app.engine.events import Event, Link, LinkChanged, Stage, StageChanged, Waiting
from miss_app.engine.locker import Locker
from miss_app.engine.problems import Problem
from miss_app.engine.profile import Server
from miss_app.engine.session import Credentials, Session
from miss_app.engine.store import Hold
from miss_protocol.frames import Class, Deliver, Frame, Gap, Kind, Ready


class Watch:
    """The listener of a locked profile.

    Args:
        hold: keeps a second process from the profile; released when the watch ends.
        tell: tells the screen how many messages wait, never what they say.
    """

    def __init__(
        self,
        hold: Hold,
        locker: Locker,
        server: Server,
        credentials: Credentials,
        tls: ssl.SSLContext,
        tell: Callable[[Event], None],
    ) -> None:
        self._hold = hold
        self._locker = locker
        self._tell = tell
        self.waiting = 0
        self._highest: dict[bytes, int] = {}
        self._session = Session(server.invitation, credentials, tls, self)

    def start(self) -> None:
        self._session.start()

    async def stop(self) -> None:
        await self._session.stop()
        self._hold.release()

    async def take(self, frame: Frame) -> None:
        """Keep rows as they came: delivered, not read."""
        match frame:
            case Ready():
                self._session.online()
            case Deliver() if frame.number > self._highest.get(frame.stream, 0):
                self._keep(frame, frame.stream, frame.number)
                if frame.kind is Kind.APPLICATION and frame.priority is not Class.SILENT:
                    self.waiting += 1
                    self._tell(Waiting(self.waiting))
            case Gap():
                self._keep(frame, frame.stream, frame.last)
            case _:
                pass

    def _keep(self, frame: Frame, stream: bytes, number: int) -> None:
        try:
            self._locker.put(frame)
        except (OSError, Problem):
            return  # not acknowledged: the server keeps it
        self._highest[stream] = number
        self._session.acknowledge(stream, number)

    def link_changed(self, link: Link, problem: str) -> None:
        self._tell(LinkChanged(link, problem))
        if problem == "revoked":
            self._tell(StageChanged(Stage.REVOKED))
