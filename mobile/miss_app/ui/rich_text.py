"""What in a text leads somewhere: addresses, which nothing here ever fetches, and people who are mentioned."""

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from kivy.core.text.markup import MarkupLabel
from kivy.graphics.texture import Texture
from kivy.utils import get_hex_from_color

from miss_app.ui.glyphs import marked, visible
from miss_app.ui.measure import line_width
from miss_app.ui.tokens import LEADING

_LINK = re.compile(r"(?:https?://|www\.)[^\s<>«»\"“”\[\]]+", re.IGNORECASE)
_AFTER = ".,;:!?…)]}'’"  # belongs to the sentence, not to the address
_KEPT = 120
LINKS_MAX = 12

Zone = tuple[int, float, float, float, float]  # which span; left, top, right, bottom from the upper left corner

_drawn: OrderedDict[tuple[object, ...], tuple[Texture, tuple[Zone, ...]]] = OrderedDict()


@dataclass(frozen=True)
class Span:
    """A part of a text as it is broken into lines. ``target`` is an address, or a person's id in hexadecimal."""

    start: int
    end: int
    kind: str  # link, mention, or me: a mention of this person
    target: str


def links_in(text: str) -> list[str]:
    """The addresses in a text, in order, as they are written."""
    found = []
    for match in _LINK.finditer(text):
        link = match[0].rstrip(_AFTER)
        if "." in link and len(link) > 8:
            found.append(link)
    return found[:LINKS_MAX]


def address_of(link: str) -> str:
    """The address a browser would open."""
    return link if "://" in link else f"https://{link}"


def host_of(link: str) -> str:
    """The machine an address leads to: what somebody who would deceive hides in the middle of it."""
    try:
        return urlsplit(address_of(link)).hostname or ""
    except ValueError:
        return ""


def spans_in(broken: str, text: str, people: Sequence[tuple[str, str, bool]]) -> tuple[Span, ...]:
    """Where links and mentions stand in a text that was broken into lines.

    Args:
        broken: the lines, as ``measure.wrap`` broke them.
        text: what was written.
        people: who is mentioned: display name, id in hexadecimal, whether it is this person.
    """
    wanted = [(link, "link", link) for link in links_in(visible(text))]
    wanted += [(f"@{name}", "me" if me else "mention", key) for name, key, me in people]
    spans: list[Span] = []
    for written, kind, target in wanted:
        for match in _written(written).finditer(broken):
            if not any(one.start < match.end() and match.start() < one.end for one in spans):
                spans.append(Span(match.start(), match.end(), kind, target))
                if kind == "link":
                    break
    return tuple(sorted(spans, key=lambda one: one.start))


def _written(text: str) -> re.Pattern[str]:
    """A text wherever lines were broken in it: at its spaces, or inside of a long word."""
    return re.compile("\n?".join("[ \n\u00a0]" if one in " \u00a0" else re.escape(one) for one in text))


def drawn(
    text: str, size: float, colour: Sequence[float], accent: Sequence[float], spans: tuple[Span, ...], dark: bool
) -> tuple[Texture, tuple[Zone, ...]]:
    """The texture of a text with its spans in another colour, and where they stand in it."""
    key = (text, size, tuple(colour), tuple(accent), spans, dark)
    found = _drawn.get(key)
    if found is not None:
        _drawn.move_to_end(key)
        return found
    ink = get_hex_from_color(accent)
    parts, end = [], 0
    for span in spans:
        said = marked(text[span.start : span.end], dark)
        said = f"[u]{said}[/u]" if span.kind == "link" else said
        parts += [marked(text[end : span.start], dark), f"[color={ink}]{said}[/color]"]
        end = span.end
    parts.append(marked(text[end:], dark))
    label = MarkupLabel(text="".join(parts), markup=True, font_size=size, line_height=LEADING, color=colour)
    label.refresh()
    found = _drawn[key] = (label.texture, tuple(_zones(text, size, spans, label.texture.height)))
    while len(_drawn) > _KEPT:
        _drawn.popitem(last=False)
    return found


def _zones(text: str, size: float, spans: tuple[Span, ...], height: float) -> Iterator[Zone]:
    """Where the spans stand, a zone for each line they reach into; Kivy knows that only once it has drawn them."""
    lines = text.split("\n")
    high, start = height / len(lines), 0
    for number, line in enumerate(lines):
        for place, span in enumerate(spans):
            first, last = max(0, span.start - start), min(len(line), span.end - start)
            if first < last:
                left = line_width(line[:first], size)
                right = left + line_width(line[first:last], size)
                yield place, left, number * high, right, (number + 1) * high
        start += len(line) + 1


def forget_rich_texts() -> None:
    """Drop every drawn text: what was read must not outlive the lock."""
    _drawn.clear()
