"""The ports: what the program asks of the machine it runs on, one interface each.

Each has adapters beside this module: real ones for desktops, and for Android those that could be written against the
documented Java classes. What no adapter does on a platform is said there (``usable`` is False), never pretended.
"""

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
