"""Six words that nobody guesses: chosen by the machine, typed by the person, forgiven accents, case and endings."""

import math
import secrets
from functools import cache
from pathlib import Path

from miss_app.engine.folding import fold
from miss_app.engine.problems import Problem

WORDS = 6
SIGNIFICANT_LETTERS = 4  # no two words of the list begin alike
_LIST = Path(__file__).parents[1] / "assets/words.fr.txt"


@cache
def listed() -> tuple[str, ...]:
    """The words to choose from."""
    return tuple(_LIST.read_text("utf-8").split())


@cache
def _by_beginning() -> dict[str, str]:
    return {fold(one)[:SIGNIFICANT_LETTERS]: fold(one) for one in listed()}


def entropy_bits() -> float:
    """How many bits a phrase has, each word drawn by itself."""
    return WORDS * math.log2(len(listed()))


def new_phrase() -> str:
    """Six words drawn at random."""
    return " ".join(secrets.choice(listed()) for _ in range(WORDS))


def canonical(typed: str) -> str:
    """The phrase as it is stretched, however it was typed.

    Raises:
        Problem: ``phrase-length`` unless these are six words, ``phrase-unknown`` where one is none of the list.
    """
    words = fold(typed).split()
    if len(words) != WORDS:
        raise Problem("phrase-length")
    known = _by_beginning()
    found = [known.get(one[:SIGNIFICANT_LETTERS]) for one in words]
    if None in found:
        raise Problem("phrase-unknown")
    return " ".join(one for one in found if one)
