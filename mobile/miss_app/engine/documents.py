"""Documents people send each other: which kinds, under which names, and where a copy of one may be written.

A name comes from somebody else: it is cleaned before it is shown or used. What a document says it is must be what its
first bytes are.
"""

import os
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from miss_app.engine.model import DocumentPart
from miss_app.engine.problems import Problem
from miss_protocol import limits

PDF, TEXT, TABLE = "application/pdf", "text/plain", "text/csv"
ENDINGS = {".pdf": PDF, ".txt": TEXT, ".csv": TABLE}
_PDF_HEAD_BYTES = 1024  # the mark of a PDF stands somewhere in them
_LOOKED_AT_BYTES = 4096  # of a text, for what no text holds
_COPIES_MAX = 1000
_WINDOWS_NAMES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


@dataclass(frozen=True)
class Document:
    """A document ready to be sealed."""

    data: bytes
    name: str
    media_type: str


def read(data: bytes, file_name: str) -> Document:
    """A file as a document.

    Raises:
        Problem: ``document-kind`` (neither a PDF nor a text), ``document-too-large``, ``document-empty`` or
            ``document-mislabelled`` (not what its name says).
    """
    media_type = ENDINGS.get(PurePath(file_name).suffix.lower())
    if media_type is None:
        raise Problem("document-kind")
    if not data:
        raise Problem("document-empty")
    if len(data) > limits.DOCUMENT_BYTES_MAX:
        raise Problem("document-too-large")
    if not _is(data, media_type):
        raise Problem("document-mislabelled")
    return Document(data, clean_name(file_name, media_type), media_type)


def check_received(data: bytes, part: DocumentPart) -> None:
    """Raises Problem("document-broken") unless another's document is of the kind and size that was said."""
    if len(data) != part.file_bytes or len(data) > limits.DOCUMENT_BYTES_MAX or not _is(data, part.media_type):
        raise Problem("document-broken")


def checked_part(part: DocumentPart) -> DocumentPart:
    """A document's part under a name that can be shown and used; a kind that is not read here is no kind."""
    media_type = part.media_type if part.media_type in ENDINGS.values() else ""
    return replace(part, name=clean_name(part.name, media_type), media_type=media_type)


def clean_name(name: str, media_type: str) -> str:
    """A file name without folders, invisible characters or a false ending."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    # Control and format characters, among them those that write an ending backwards.
    seen = "".join(
        " " if unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp") or one in '<>:"|?*' else one for one in last
    )
    ending = next((one for one, kind in ENDINGS.items() if kind == media_type), "")
    stem = " ".join(seen.split()).strip(". ")
    if ending and stem.lower().endswith(ending):
        stem = stem[: -len(ending)].rstrip(". ")
    if not stem or stem.split(".")[0].lower() in _WINDOWS_NAMES:
        stem = "document" if not stem else f"_{stem}"
    return stem[: limits.DOCUMENT_NAME_CHARACTERS_MAX - len(ending)].rstrip(". ") + ending


def text_of(data: bytes) -> str:
    """What a text document says: UTF-8, UTF-16 with its mark, or else what Windows wrote in Western Europe."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def save_copy(folder: Path, name: str, data: bytes) -> Path:
    """Write a copy into a folder under a name that nothing has yet; its path.

    Raises:
        Problem: ``copy-refused`` where the folder is not there, full or may not be written to.
    """
    stem, ending = os.path.splitext(name)
    for count in range(1, _COPIES_MAX + 1):
        path = folder / (name if count == 1 else f"{stem} ({count}){ending}")
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
        except FileExistsError:
            continue
        except OSError as error:
            raise Problem("copy-refused") from error
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            path.unlink(missing_ok=True)
            raise Problem("copy-refused") from error
        return path
    raise Problem("copy-refused")


def _is(data: bytes, media_type: str) -> bool:
    """Whether the bytes are of this kind."""
    if media_type == PDF:
        return b"%PDF-" in data[:_PDF_HEAD_BYTES]
    if media_type not in (TEXT, TABLE):
        return False
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    head = data[:_LOOKED_AT_BYTES]
    return b"\0" not in head and not data.startswith((b"%PDF-", b"PK\x03\x04", b"\x7fELF", b"MZ", b"\xff\xd8\xff"))
