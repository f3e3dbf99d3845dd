"""The sentence of what went wrong goes as soon as something on its screen is changed: the fault may be mended."""

from typing import Any

from kivy.uix.widget import Widget


def mended(widget: Widget) -> None:
    """A field, a tick or a choice was changed: the page or the sheet that holds it takes its sentence back."""
    above: Any = widget.parent
    while isinstance(above, Widget):
        if hasattr(above, "mend"):
            above.mend()
            return
        above = above.parent


def keep_room(holder: Widget) -> None:
    """Where a sentence stands its room stays, or a button would move away from the finger that goes to it."""
    for one in holder.walk(restrict=True):
        if hasattr(one, "keep_room"):
            one.keep_room()
