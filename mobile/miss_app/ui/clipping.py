"""What was copied from here, taken from the clipboard again at the lock; what others put there stays."""

import hashlib
import sys

from kivy.core.clipboard import Clipboard

_ours = b""


def copy(text: str) -> None:
    """Put a text on the clipboard."""
    global _ours
    Clipboard.copy(text)
    _ours = _digest(text)


def forget_clipboard() -> None:
    """Take what was copied from here off the clipboard."""
    global _ours
    if _ours and _digest(str(Clipboard.paste() or "")) == _ours:
        _clear()
    _ours = b""


def _clear() -> None:
    """Kivy's ``copy("")`` leaves the clipboard as it is."""
    if sys.platform == "linux":
        Clipboard.put(b"", "text/plain")
    else:  # these look for the NUL that ends a text
        Clipboard.copy("\0")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
