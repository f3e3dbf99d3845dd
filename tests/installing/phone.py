"""Runs ``miss`` as a telephone would: what is not to be had there cannot be imported, and Java is the recorded fake."""

import importlib.abc
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Parts of Pillow that python-for-android's recipe does not build.
NOT_BUILT = {"PIL._imagingcms", "PIL._avif"}


class NotThere(importlib.abc.MetaPathFinder):
    """Refuses modules as if they were not installed."""

    def __init__(self, names: set[str]) -> None:
        self._names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Raises ModuleNotFoundError for what a telephone has not got."""
        if name in self._names or name.split(".")[0] in self._names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def become(folder: Path) -> None:
    """From now on this process has a telephone's modules."""
    from tests.installing.import_walk import WITHOUT
    from tests.ports.java import Telephone

    class Now:
        """``setitem`` for good: this process ends as a telephone."""

        @staticmethod
        def setitem(where: Any, name: str, value: Any) -> None:
            where[name] = value

    sys.meta_path.insert(0, NotThere(set(WITHOUT) | NOT_BUILT))
    Telephone(folder).plug_in(Now())


def load_everything() -> None:
    """Import every module that the client may load; prints the names of those that cannot be."""
    import importlib

    from tests.installing.import_walk import reached

    from miss_app.ui import window

    window.prepare(Path(sys.argv[2]) / "kivy", headless=True, size="420x760")
    for name in sorted(reached()):
        try:
            importlib.import_module(name)
        except ImportError as error:
            print("cannot load", name, error.name)
    print("loaded", len(reached()))


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT)]
    become(Path(sys.argv[2]))
    if sys.argv[1] == "load":
        load_everything()
    else:
        from miss_app.__main__ import main

        sys.exit(main(sys.argv[3:]))
