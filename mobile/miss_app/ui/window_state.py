"""How large the window and its panes were: a small clear file in the profile's folder, which says nothing else."""

import contextlib
import json
import os
from pathlib import Path

WIDTHS, HEIGHTS, LISTS = (320, 16_000), (480, 16_000), (240, 1_200)  # what is believed, in points


class WindowState:
    """The sizes, 0 where nothing is known; a file that cannot be read or written is done without."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.width = self.height = self.list_width = 0
        if path is not None:
            with contextlib.suppress(OSError, ValueError):
                read = json.loads(path.read_text("utf-8"))
                found = read if isinstance(read, dict) else {}
                self.width = _within(found.get("width"), WIDTHS)
                self.height = _within(found.get("height"), HEIGHTS)
                self.list_width = _within(found.get("list"), LISTS)

    @property
    def size(self) -> str:
        """The window's size as "WIDTHxHEIGHT", "" where it is not known."""
        return f"{self.width}x{self.height}" if self.width and self.height else ""

    def keep(self, *, width: float = 0, height: float = 0, list_width: float = 0) -> None:
        """Note what is given, in points, and write it."""
        before = (self.width, self.height, self.list_width)
        self.width = _within(round(width), WIDTHS) or self.width
        self.height = _within(round(height), HEIGHTS) or self.height
        self.list_width = _within(round(list_width), LISTS) or self.list_width
        if self._path is None or before == (self.width, self.height, self.list_width):
            return
        said = json.dumps({"width": self.width, "height": self.height, "list": self.list_width})
        with contextlib.suppress(OSError):
            half = self._path.with_suffix(".half")
            half.write_text(said, "utf-8")
            os.replace(half, self._path)


def _within(value: object, bounds: tuple[int, int]) -> int:
    """The number where it can be one, else 0."""
    return value if type(value) is int and bounds[0] <= value <= bounds[1] else 0
