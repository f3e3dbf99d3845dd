"""Where the window was, how large, and its panes: a small clear file beside the profiles, which says nothing else."""

import contextlib
import json
import os
from pathlib import Path

WIDTHS, HEIGHTS, LISTS = (320, 16_000), (480, 16_000), (240, 1_200)  # what is believed, in points
PLACES = (-16_000, 16_000)  # a screen may stand to the left of the first one, or above it


class WindowState:
    """The sizes, 0 where nothing is known; a file that cannot be read or written is done without.

    ``place`` is the left and the top of the window, None where they are not known.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.width = self.height = self.list_width = 0
        self.place: tuple[int, int] | None = None
        self.read()

    def read(self) -> None:
        """What another process of this machine may have written meanwhile."""
        if self._path is None:
            return
        with contextlib.suppress(OSError, ValueError):
            read = json.loads(self._path.read_text("utf-8"))
            found = read if isinstance(read, dict) else {}
            self.width = _within(found.get("width"), WIDTHS)
            self.height = _within(found.get("height"), HEIGHTS)
            self.list_width = _within(found.get("list"), LISTS)
            self.place = _place(found.get("left"), found.get("top"))

    @property
    def size(self) -> str:
        """The window's size as "WIDTHxHEIGHT", "" where it is not known."""
        return f"{self.width}x{self.height}" if self.width and self.height else ""

    def keep(
        self,
        *,
        width: float = 0,
        height: float = 0,
        list_width: float = 0,
        place: tuple[float, float] | None = None,
    ) -> None:
        """Note what is given, in points, and write it."""
        before = (self.width, self.height, self.list_width, self.place)
        self.width = _within(round(width), WIDTHS) or self.width
        self.height = _within(round(height), HEIGHTS) or self.height
        self.list_width = _within(round(list_width), LISTS) or self.list_width
        if place is not None:
            self.place = _place(*(round(one) for one in place)) or self.place
        if self._path is None or before == (self.width, self.height, self.list_width, self.place):
            return
        known = {"width": self.width, "height": self.height, "list": self.list_width}
        if self.place is not None:
            known |= {"left": self.place[0], "top": self.place[1]}
        said = json.dumps(known)
        with contextlib.suppress(OSError):
            half = self._path.with_suffix(".half")
            half.write_text(said, "utf-8")
            os.replace(half, self._path)


def _within(value: object, bounds: tuple[int, int]) -> int:
    """The number where it can be one, else 0."""
    return value if type(value) is int and bounds[0] <= value <= bounds[1] else 0


def _place(left: object, top: object) -> tuple[int, int] | None:
    """A window's corner where both numbers can be one; 0 is one."""
    if type(left) is not int or type(top) is not int:
        return None
    return (left, top) if all(PLACES[0] <= one <= PLACES[1] for one in (left, top)) else None
