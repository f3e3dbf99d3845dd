"""Whether some people fit words, read from their own rows: quicker than long lists where the people are few."""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache

from sqlalchemy import Connection, bindparam, select

from miss_server.names import fold
from miss_server.register_rows import NAME, NAME_START, PLACE, PROFESSION
from miss_server.register_tables import register_names, register_people

_AT_ONCE = 200
_fold = lru_cache(maxsize=20_000)(fold)
_n, _p = register_names.c, register_people.c
_ROWS = (
    select(_n.no, _n.family_folded, _n.given_folded, _p.activities)
    .join(register_people, (_p.load_id == _n.load_id) & (_p.rpps == _n.rpps))
    .where(_n.load_id == bindparam("load_id"), _n.no.in_(bindparam("numbers", expanding=True)))
)

Word = tuple[tuple[str, ...], tuple[str, ...]]  # of a term: the words, and what words may begin with


def fitting_rows(connection: Connection, load_id: int, terms: Sequence[Word], numbers: Sequence[int]) -> list[int]:
    """Those of some ascending numbers whose people fit every term."""
    found = set()
    for start in range(0, len(numbers), _AT_ONCE):
        given = {"load_id": load_id, "numbers": numbers[start : start + _AT_ONCE]}
        for no, family, given_name, packed in connection.execute(_ROWS, given):
            words = _words(family, given_name, packed)
            if all(_fits(words, *term) for term in terms):
                found.add(no)
    return [no for no in numbers if no in found]


def _words(family: str, given: str, packed: str) -> set[str]:
    """The words by which a person is found, as the lists have them, but for those of first letters."""
    words = {NAME + word for word in (*family.split(), *given.split())}
    for profession, place, postcode, town, _, sign in json.loads(packed) if packed else ():
        words.add(f"{PROFESSION}{profession}")
        for text in (place, sign, town, postcode):
            if text:
                words.update(PLACE + word for word in _fold(text).split())
    return words


def _fits(words: set[str], whole: Iterable[str], starts: tuple[str, ...]) -> bool:
    starts += tuple(NAME + one[1:] for one in whole if one[0] == NAME_START)
    return not words.isdisjoint(whole) or any(word.startswith(starts) for word in words)
