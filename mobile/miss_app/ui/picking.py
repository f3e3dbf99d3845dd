"""Files on this machine that can be sent: those of a folder, what is in the clipboard, and the bytes of one."""

import io
from pathlib import Path

from PIL import Image, ImageGrab

from miss_app.engine.documents import ENDINGS as DOCUMENT_ENDINGS
from miss_app.engine.problems import Problem
from miss_protocol import limits

PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif")
ENTRIES_MAX = 2000
PASTED_NAME = "image.png"
# How pictures begin, with the ending that a file of that kind has.
_BEGINNINGS = ((b"\x89PNG", ".png"), (b"RIFF", ".webp"))
_HEIC_MARK = b"ftyp"  # from the fifth byte on


def is_photo(path: Path) -> bool:
    """Whether a file's name says that it is a photo."""
    return path.suffix.lower() in PHOTO_ENDINGS


def is_document(path: Path) -> bool:
    """Whether a file's name says that it is a document."""
    return path.suffix.lower() in DOCUMENT_ENDINGS


def taken_name(data: bytes) -> str:
    """A name for a photo that came without one: its ending says what its first bytes say."""
    if data[4:8] == _HEIC_MARK:
        return "photo.heic"
    return "photo" + next((ending for mark, ending in _BEGINNINGS if data.startswith(mark)), ".jpg")


def files_in(folder: Path, *, documents: bool = False) -> tuple[list[Path], list[Path]]:
    """The folders and the photos, or documents, of a folder; nothing for one that may not be read.

    Folders come by name, files newest first, hidden ones left out.
    """
    wanted = is_document if documents else is_photo
    try:
        entries = sorted(folder.iterdir(), key=lambda path: path.name.casefold())[:ENTRIES_MAX]
        seen = [path for path in entries if not path.name.startswith(".")]
        folders = [path for path in seen if path.is_dir()]
        files = [(path.stat().st_mtime, path) for path in seen if wanted(path)]
    except OSError:
        return [], []
    return folders, [path for _, path in sorted(files, key=lambda one: -one[0])]


def read_photo(path: Path) -> bytes:
    """The file's bytes. Raises Problem("photo-file-missing", "photo-file-unreadable", "photo-too-large")."""
    return _read(path, limits.PHOTO_SOURCE_BYTES_MAX, "photo-too-large")


def read_document(path: Path) -> bytes:
    """The file's bytes. Raises Problem("photo-file-missing", "photo-file-unreadable", "document-too-large")."""
    return _read(path, limits.DOCUMENT_BYTES_MAX, "document-too-large")


def _read(path: Path, bytes_max: int, too_large: str) -> bytes:
    try:
        if not path.is_file():
            raise Problem("photo-file-missing")
        if path.stat().st_size > bytes_max:
            raise Problem(too_large)
        return path.read_bytes()
    except OSError as error:
        raise Problem("photo-file-unreadable") from error


def pasted() -> list[Path | tuple[bytes, str]]:
    """The picture, or the picture files, in this machine's clipboard; takes time: call it in a worker thread.

    Raises:
        Problem: ``clipboard-empty`` where there is none, or this machine does not say.
    """
    try:
        found = ImageGrab.grabclipboard()
    except (RuntimeError, OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning) as error:
        raise Problem("clipboard-empty") from error
    if isinstance(found, list):
        paths: list[Path | tuple[bytes, str]] = [Path(name) for name in found if is_photo(Path(name))]
        if paths:
            return paths
    if not isinstance(found, Image.Image):
        raise Problem("clipboard-empty")
    out = io.BytesIO()
    found.convert("RGBA" if "A" in found.getbands() or "transparency" in found.info else "RGB").save(out, "PNG")
    return [(out.getvalue(), PASTED_NAME)]
