"""How a registration's state, reason and problems are worded for the console."""

from collections.abc import Callable
from typing import Any

from fastapi import Request
from markupsafe import Markup

from miss_server import operator_texts
from miss_server.console import texts
from miss_server.console.pages import language_for, shown
from miss_server.decisions import DecisionError
from miss_server.registration_rows import APPROVED, CERTIFIED, REFUSED, WAITING

_KINDS = {CERTIFIED: "", APPROVED: "", REFUSED: "bad", WAITING: "warn"}


def state(request: Request) -> Callable[[Any], Markup]:
    """A registration's state as a mark."""
    language = language_for(request)

    def worded(row: Any) -> Markup:
        second = row.state == WAITING and row.first_operator
        key = "state-second" if second else f"state-{row.state}"
        word = texts.say(key, language) if texts.known(key) else operator_texts.say(key, language)
        return Markup('<span class="mark {}">{}</span>').format(_KINDS.get(row.state, ""), word)

    return worded


def why(request: Request) -> Callable[[Any], str]:
    """Why an operator decides; empty where there is no reason."""
    language = language_for(request)

    def worded(row: Any) -> str:
        key = f"why-{row.why}"
        return operator_texts.say(key, language) if key in operator_texts.TEXTS else ""

    return worded


def problem(error: DecisionError, request: Request) -> Markup:
    """Why a decision could not be taken, in words that name the page's own buttons."""
    language, key = language_for(request), f"case-{error.reason}"
    filled = {name: shown(value) for name, value in error.fields.items()}
    if texts.known(key):
        return Markup(texts.template(key, language)).format(**filled)  # noqa: S704 - a text of ours
    french, english = operator_texts.TEXTS[error.reason]
    return Markup(english if language == "en" else french).format(**filled)  # noqa: S704 - a text of ours
