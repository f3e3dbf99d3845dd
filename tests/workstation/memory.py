"""The memory of living processes and the files of a folder, searched for secrets: ``gcore`` takes the picture."""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1 << 16
_ZEROS = bytes(_CHUNK)
_PIECE_MIN, _PIECE_MAX = 10, 24


def family(pid: int) -> list[int]:
    """A process and all that it started, and those started."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def forms(words: str) -> list[bytes]:
    """Words of letters that every encoding knows, as Python, C and a file may hold them."""
    assert words.isascii()
    return [words.encode(), words.encode("utf-16-le")]


def _piece(value: bytes) -> bytes:
    """As much of a value as fits on a line: nobody else has ten bytes of a key by chance."""
    piece = max(value.split(b"\n"), key=len)[:_PIECE_MAX]
    assert len(piece) >= _PIECE_MIN, "a value that is mostly line ends"
    return piece


@dataclass(frozen=True)
class Needles:
    """What is looked for: each kind of secret with the values that it has."""

    kinds: Mapping[str, tuple[bytes, ...]]

    @classmethod
    def of(cls, several: "Mapping[str, Needles]") -> "Needles":
        """Those of several people, looked for at once."""
        return cls({f"{who}: {kind}": values for who, one in several.items() for kind, values in one.kinds.items()})

    def among(self, paths: Iterable[Path], scratch: Path) -> set[str]:
        """The kinds of which a value stands in one of the files."""
        pieces = {_piece(value): kind for kind, values in self.kinds.items() for value in values}
        wanted = scratch / "needles"
        wanted.write_bytes(b"\n".join(pieces))
        command = ["grep", "-aoF", "-f", str(wanted)]  # one pass, however many there are
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"LC_ALL": "C"}
        ) as grep:
            assert grep.stdin is not None
            assert grep.stdout is not None
            for path in paths:
                for chunk in _chunks(path):
                    grep.stdin.write(chunk)
            grep.stdin.close()
            hits = set(grep.stdout.read().split(b"\n")) - {b""}
        wanted.unlink()
        return {kind for piece, kind in pieces.items() if any(piece in hit or hit in piece for hit in hits)}

    def in_memory(self, pid: int, scratch: Path) -> set[str]:
        """The kinds of which a value stands in the memory of a process."""
        core = scratch / f"core.{pid}"
        command = ["gcore", "-o", str(scratch / "core"), str(pid)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        assert core.exists(), done.stdout + done.stderr
        try:
            return self.among([core], scratch)
        finally:
            core.unlink()

    def in_files(self, folder: Path, scratch: Path) -> set[str]:
        """The kinds of which a value stands in a file of a folder."""
        return self.among((path for path in folder.rglob("*") if path.is_file()), scratch)


def _chunks(path: Path) -> Iterator[bytes]:
    """A file without its empty pages, which are most of a process."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if chunk != _ZEROS:
                yield chunk
