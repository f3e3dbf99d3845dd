"""The ports: what the program asks of the machine it runs on, one interface each.

Each has adapters beside this module: real ones for desktops, and for Android (``android/``) those that could be
written against the documented Java classes. What no adapter does on a platform is said there (``usable`` is False, or
``Device`` gives None), never pretended.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class SecureStore(Protocol):
    """Small secrets kept by the operating system for this account, out of reach of who copies the disk.

    Calls may wait for the person (an unlock dialogue): never on the screen's or the engine's own thread.
    """

    def usable(self) -> bool:
        """Whether there is such a store here, and it answers."""

    def put(self, name: str, secret: bytes) -> None:
        """Keep a secret, in place of an older one of this name; Problem("keystore-refused")."""

    def get(self, name: str) -> bytes | None:
        """The secret, None where none is kept; Problem("keystore-refused") where that cannot be known now."""

    def erase(self, name: str) -> None:
        """Forget a secret; one that is not there is fine; Problem("keystore-refused")."""


@dataclass(frozen=True)
class Shown:
    """A notification, as it is shown: fixed words and a number, nothing of what waits."""

    title: str
    text: str
    urgent: bool = False
    sound: bool = False


class Notifier(Protocol):
    """The system's notifications; one of ours stands at a time, a new one takes its place."""

    async def show(self, what: Shown, opened: Callable[[], None]) -> bool:
        """Show it; ``opened`` is called, on the caller's loop, when the person taps it. Whether the system took it."""

    async def clear(self) -> None:
        """Take it away: the person is here."""

    async def badge(self, count: int) -> None:
        """The number on the program's icon, where the system shows one."""


class QrReader(Protocol):
    """Reads QR codes from pictures (``miss_app.qr_reader`` on desktops)."""

    READABLE: bool

    def read(self, data: bytes, file_name: str = "") -> str:
        """What the code says; Problem("qr-none"), ("qr-several") or ("qr-not-here")."""


class PhotoPicker(Protocol):
    """The system's own way to choose a photo, which needs no permission; desktops choose from the app's own list."""

    def pick(self, chosen: Callable[[bytes], None], given_up: Callable[[], None]) -> None:
        """Ask the person; one of both is called later, on whatever thread, with the photo's bytes."""


class Camera(Protocol):
    """Takes a photo into this program's private storage: it is never in the gallery, and gone once it was read."""

    def take(self, taken: Callable[[bytes], None], given_up: Callable[[], None]) -> None:
        """Ask the person for a photo; one of both is called later, on whatever thread."""


class ScreenGuard(Protocol):
    """Keeps what the window shows out of screenshots and of the list of recent programs."""

    def guard(self, on: bool) -> None:
        """From now on, or not any more."""


class Share(Protocol):
    """Hands a document to another program, as the person asks."""

    def hand_over(self, file_name: str, media_type: str, data: bytes) -> None:
        """Offer it; Problem("share-refused")."""
