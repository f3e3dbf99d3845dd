"""What may stand on a screen: what the catalogue in force said since it is in force, and what people wrote."""

import dataclasses
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from miss_app.ui.texts import Texts, words

# The same in every language, and not from the catalogue: the product's name, the languages' own, a link's beginning, keys.
SAME_EVERYWHERE = frozenset({"miss", "français", "english", "miss://…", "ctrl", "tab"})
_WORD = re.compile(r"[^\W\d_]{2,}")
_said: dict[str, set[str]] = defaultdict(set)


def listen() -> None:
    """From now on note every sentence that ``words.say`` gives, by language."""
    plain = Texts._speaker

    def noting(self: Texts) -> Callable[..., str]:
        say, said = plain(self), _said[self.language]

        def noted(key: str, count: int | None = None, **names: object) -> str:
            sentence = say(key, count, **names)
            said.add(even(sentence))
            return sentence

        return noted

    Texts._speaker = noting  # type: ignore[method-assign]
    words.say = words._speaker()


def even(text: str) -> str:
    """A text without capitals, every run of white space one plain space: lines break where there is room."""
    return " ".join(text.casefold().split())


def strings(thing: Any, depth: int = 0) -> Iterator[str]:
    """Every string inside views, lists and dictionaries."""
    if isinstance(thing, str):
        yield even(thing)
    elif isinstance(thing, bytes) and len(thing) > 16:  # a document's text; an id or a picture is none
        with suppress(UnicodeDecodeError):
            yield even(thing.decode())
    elif depth > 8:
        return
    elif dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            yield from strings(getattr(thing, field.name), depth + 1)
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield from strings(key, depth + 1)
            yield from strings(value, depth + 1)
    elif isinstance(thing, list | tuple | set | frozenset):
        for one in thing:
            yield from strings(one, depth + 1)


def strangers(text: str, language: str, content: Iterable[str]) -> list[str]:
    """The pieces of ``text`` that neither the catalogue said in ``language`` nor people wrote."""
    rest = even(text)
    known = {one for one in (*_said[language], *content, *SAME_EVERYWHERE) if one}
    if _cut(rest, known) or any(rest in one for one in content):
        return []
    for phrase in sorted((one for one in known if one in rest), key=len, reverse=True):
        rest = re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)" if phrase.isalnum() else re.escape(phrase), "\0", rest)
    pieces = [piece.strip() for piece in rest.split("\0")]
    wrong = [one for one in pieces if _WORD.search(one) and f"{one}." not in known and not _cut(one, known)]
    return [one for one in wrong if not any(one.strip(" ·,:") in written for written in content)]


def _cut(piece: str, known: Iterable[str]) -> bool:
    """Whether a piece is the beginning of something known, cut where there was no more room."""
    begun, ellipsis, _ = piece.partition("…")
    return bool(ellipsis) and any(begun.strip(" ·,:–") in one for one in known)
