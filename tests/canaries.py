"""Looks for words that must not be there: in any encoding in which a leak might have written them."""

import base64
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

_CHUNK_BYTES = 1 << 22


def forms(words: str) -> dict[str, bytes]:
    """Byte patterns that betray ``words``, by the name of the encoding; all are looked for without regard to case."""
    plain = words.encode()
    folded = unicodedata.normalize("NFD", words.casefold())
    folded = "".join(one for one in folded if not unicodedata.combining(one))
    found = {
        "utf-8": plain,
        "utf-16-le": words.encode("utf-16-le"),
        "utf-16-be": words.encode("utf-16-be"),
        "folded": folded.encode(),
        "hex": plain.hex().encode(),
        "json": words.encode("ascii", "backslashreplace"),
    }
    for shift in range(3):
        # Base64 depends on the place modulo 3: the characters that do not depend on what stands around.
        encoded = base64.b64encode(bytes(shift) + plain)
        found[f"base64+{shift}"] = encoded[4 if shift else 0 : len(encoded) - 4]
        found[f"base64url+{shift}"] = found[f"base64+{shift}"].translate(bytes.maketrans(b"+/", b"-_"))
    return found


def raw(pattern: bytes) -> dict[str, bytes]:
    """The forms of a canary that is bytes, not words."""
    return {"bytes": pattern, "hex": pattern.hex().encode()}


def search(roots: Iterable[Path], canaries: Mapping[str, Mapping[str, bytes]]) -> list[str]:
    """Every find, as ``path: canary (encoding)``.

    Args:
        roots: files and folders; folders are searched whole.
        canaries: the forms of each canary by its name.
    """
    patterns = [(name, form, p.lower()) for name, all_forms in canaries.items() for form, p in all_forms.items() if p]
    longest = max(len(p) for *_, p in patterns)
    finds = []
    for path in _files(roots):
        hits: set[tuple[str, str]] = set()
        with path.open("rb") as file:
            rest = b""
            while data := file.read(_CHUNK_BYTES):
                window = (rest + data).lower()
                hits |= {(name, form) for name, form, pattern in patterns if pattern in window}
                rest = window[-longest:]
        finds += [f"{path}: {name} ({form})" for name, form in sorted(hits)]
    return finds


def _files(roots: Iterable[Path]) -> Iterable[Path]:
    for root in roots:
        if root.is_file():
            yield root
        else:
            yield from (path for path in sorted(root.rglob("*")) if path.is_file())
