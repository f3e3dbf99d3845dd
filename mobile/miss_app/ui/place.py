"""Where this window stands: on which machine, before whom, and what becomes of its process at the lock."""

import os
import threading
from collections.abc import Callable

from miss_app.engine.profile import Profile
from miss_app.starter import Seat
from miss_app.ui.bridge import Engine
from miss_app.workstation import Workstation

LEAVE_SECONDS_MAX = 0.8


class Place:
    """This window's place.

    Args:
        seat: by which this process was started, None where it does not end at the lock.
        make: opens the engine of a profile.
        fixed: whether the command line said whose window this is: then nobody else sits down.
    """

    def __init__(
        self, workstation: Workstation, seat: Seat | None, make: Callable[[str], Engine], *, fixed: bool = False
    ) -> None:
        self.workstation = workstation
        self.fixed = fixed
        self.profile = ""
        self._seat = seat
        self._make = make

    def sit(self, profile: str) -> Engine:
        """The engine of whoever sits down."""
        self.profile = profile
        self.workstation.set_last(profile)
        return self._make(profile)

    def invitation(self) -> str:
        """The link to the server that this machine's people use, "" where there is none yet."""
        for vault in self.workstation.vaults():
            server = Profile(self.workstation.folder(vault.profile)).server()
            if server is not None:
                return server.invitation_link
        return ""

    @property
    def ends(self) -> bool:
        """Whether locking ends this process."""
        return self._seat is not None

    def leave(self, status: int) -> None:
        """This process ends with that status, within a moment, whatever still goes on in it."""
        assert self._seat is not None
        self._seat.status = status
        timer = threading.Timer(LEAVE_SECONDS_MAX, os._exit, [status])
        timer.daemon = True
        timer.start()
