"""Pages: a template filled in the visitor's language, with everything that people wrote escaped and made visible."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from miss_server.answers import language_of
from miss_server.console import texts
from miss_server.console.menu import entries
from miss_server.refusals import ENGLISH, FRENCH

FOLDER = Path(__file__).parent
LANGUAGE_COOKIE = "miss-language"
SHOWN_CHARACTERS_MAX = 200

_PAGES = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(request: Request, name: str, status: int = 200, **context: object) -> HTMLResponse:
    """The page of a template.

    Args:
        name: of the template's file.
        context: what it is filled with, besides ``t`` (a text by its key), ``at`` (a time), ``visitor`` and ``menu``.
    """
    language = language_for(request)
    visitor = getattr(request.state, "visitor", None)
    given = {
        "t": partial(_text, language),
        "at": partial(_at, language),
        "language": language,
        "visitor": visitor,
        "menu": entries(visitor),
        "path": request.url.path,
        "said": request.query_params.get("said", ""),
        "known": texts.known,
    }
    return HTMLResponse(_PAGES.get_template(name).render(given | context), status)


def language_for(request: Request) -> str:
    """The language that was chosen here, else the browser's first, else French."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in (FRENCH, ENGLISH) else language_of(request)


def shown(text: object, most: int = SHOWN_CHARACTERS_MAX) -> Markup:
    """What somebody wrote, in a direction of its own, with what cannot be seen made visible, and not without end."""
    whole = str(text)
    visible = "".join(c if c.isprintable() else f"[U+{ord(c):04X}]" for c in whole[:most])
    return Markup("<bdi>{}</bdi>").format(visible + ("…" if len(whole) > most else ""))


def _text(language: str, key: str, **given: object) -> Markup:
    """A text; what fills it in is escaped, the text itself is ours."""
    return Markup(texts.template(key, language)).format(**given)  # noqa: S704 - the templates of texts.py


def _at(language: str, at_ms: int | None) -> Markup:
    """A time as people read it, on this machine's clock; a dash for none."""
    if at_ms is None:
        return Markup("—")
    then = time.localtime(at_ms / 1000)
    form = "%d %b %Y, %H:%M" if language == ENGLISH else "%d/%m/%Y %H:%M"
    machine = time.strftime("%Y-%m-%dT%H:%M:%S%z", then)
    return Markup('<time datetime="{}">{}</time>').format(machine, time.strftime(form, then))


_FILTERS: dict[str, Callable[..., Markup]] = {"shown": shown}
_PAGES.filters.update(_FILTERS)
