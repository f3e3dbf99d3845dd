"""Notifications on desktops: org.freedesktop.Notifications, macOS' and Windows' own, by ``desktop-notifier``.

The number on the launcher's icon is shown by desktops that follow the LauncherEntry signal (Plasma, Ubuntu).
"""

import logging
from collections.abc import Callable
from typing import Any

from miss_app.ports.interfaces import Shown

try:
    from desktop_notifier import DEFAULT_SOUND, DesktopNotifier, Urgency
except ImportError:  # phones have notifications of their own
    DesktopNotifier = None  # type: ignore[assignment,misc]  # told by show()

logger = logging.getLogger(__name__)
NAME = "MiSS"
_LAUNCHER = "com.canonical.Unity.LauncherEntry"


class DesktopNotices:
    """A ``Notifier``. All of it runs on one event loop, the one it is first used on.

    Args:
        system: of ``Device``.
    """

    def __init__(self, system: str) -> None:
        self._system = system
        self._notifier: Any = None
        self._standing = ""
        self._bus: Any = None
        self._count = 0

    async def show(self, what: Shown, opened: Callable[[], None]) -> bool:
        """Show it in the place of the one before; False, and a line in the log, where the system has no such thing."""
        if DesktopNotifier is None:
            return False
        taken: list[bool] = []
        try:
            if self._notifier is None:
                self._notifier = DesktopNotifier(NAME)
            before, self._standing = self._standing, ""
            if before:
                await self._notifier.clear(before)
            self._standing = await self._notifier.send(
                what.title,
                what.text,
                urgency=Urgency.Critical if what.urgent else Urgency.Normal,
                sound=DEFAULT_SOUND if what.sound else None,
                on_dispatched=lambda: taken.append(True),
                on_clicked=opened,
                thread=NAME,
            )
        except Exception as error:  # each system's service has failures of its own; the list and the title still tell
            logger.warning("A notification could not be shown: %s.", type(error).__name__)
            self._notifier = None
            return False
        return bool(taken)

    async def clear(self) -> None:
        """Take ours away."""
        before, self._standing = self._standing, ""
        if not before or self._notifier is None:
            return
        try:
            await self._notifier.clear(before)
        except Exception as error:  # it is gone with its service
            logger.info("A notification could not be taken away: %s.", type(error).__name__)

    async def badge(self, count: int) -> None:
        """Said when it changes."""
        if count == self._count or self._system != "linux":
            return
        self._count = count
        try:
            from dbus_fast import Message, Variant
            from dbus_fast.aio import MessageBus

            if self._bus is None or not self._bus.connected:
                self._bus = await MessageBus().connect()
            said = {"count": Variant("x", count), "count-visible": Variant("b", count > 0)}
            body = ["application://miss.desktop", said]
            await self._bus.send(Message.new_signal("/miss", _LAUNCHER, "Update", "sa{sv}", body))
        except Exception as error:  # no session bus: the window's title says it
            self._bus = None
            logger.info("The icon's number could not be said: %s.", type(error).__name__)
