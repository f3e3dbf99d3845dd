"""What was copied from MiSS is off the clipboard after the lock, and what others put there is not touched."""

import pytest
from kivy.core.clipboard import clipboard_sdl2, clipboard_xclip
from kivy.core.window import Window

from miss_app.ui import clipping


@pytest.mark.parametrize("kind", [clipboard_sdl2.ClipboardSDL2, clipboard_xclip.ClipboardXclip])
def test_what_was_copied_is_forgotten_at_the_lock(
    kind: type[clipboard_sdl2.ClipboardSDL2], x_display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Window is not None  # SDL's clipboard is its window's
    board = kind()
    monkeypatch.setattr(clipping, "Clipboard", board)
    clipping.copy("Bilan à prélever.")
    assert board.paste() == "Bilan à prélever."
    clipping.forget_clipboard()
    assert board.paste() == ""
    clipping.copy("Bilan à prélever.")
    board.copy("d’un autre programme")
    clipping.forget_clipboard()
    assert board.paste() == "d’un autre programme"
