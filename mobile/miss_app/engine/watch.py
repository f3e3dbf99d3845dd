"""While the profile is locked: stay connected with the login key alone, and keep what arrives without opening it."""

import ssl
from collections.abc import Callable

from miss_app.engine.events import Event, Link, LinkChanged, Stage, StageChanged
from miss_app.engine.lock_events import Waiting
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
        self._urgent = locker.count(Class.URGENT)
        self._waiting = locker.count(Class.NORMAL) + self._urgent
        self._highest: dict[bytes, int] = {}
        self.problem = ""
        self.now_ms = 0  # the server's time at the last login
        self.session = Session(server.invitation, credentials, tls, self)

    def start(self) -> None:
        self.tell()
        self.session.start()

    def tell(self) -> None:
        """Say how much waits: what came before this process began too."""
        if self._waiting:
            self._tell(Waiting(self._waiting, self._urgent))

    async def stop(self) -> None:
        await self.session.stop()
        self._hold.release()

    async def take(self, frame: Frame) -> None:
        """Keep rows as they came: delivered, not read."""
        match frame:
            case Ready():
                self.now_ms = frame.now_ms
                self.session.online()
            case Deliver() if frame.number > self._highest.get(frame.stream, 0):
                counts = frame.priority if frame.kind is Kind.APPLICATION else Class.SILENT
                if self._keep(frame, counts, frame.stream, frame.number) and counts is not Class.SILENT:
                    self._waiting += 1
                    self._urgent += counts is Class.URGENT
                    self.tell()
            case Gap():
                self._keep(frame, Class.SILENT, frame.stream, frame.last)
            case _:
                pass

    def _keep(self, frame: Frame, counts: Class, stream: bytes, number: int) -> bool:
        try:
            self._locker.put(frame, counts)
        except (OSError, Problem):
            return False  # not acknowledged: the server keeps it
        self._highest[stream] = number
        self.session.acknowledge(stream, number)
        return True

    def link_changed(self, link: Link, problem: str) -> None:
        self.problem = problem or self.problem
        self._tell(LinkChanged(link, problem))
        if problem == "revoked":
            self._tell(StageChanged(Stage.REVOKED))
