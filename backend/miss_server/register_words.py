"""Who fits several words at once, read from the packed lists of the register a window at a time.

People are numbered in the order of their names, so the lists are walked in the order in which people are shown: the
shortest list leads, the others are asked only about its numbers, and the walk ends as soon as enough were found. Where
a list is far longer than there are people left to ask about ("le", "sur", "saint"), their own rows are read instead.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)

from miss_server.register_fit import fitting_rows
from miss_server.register_rows import NAME, NAME_START, PLACE, PROFESSION, START_LETTERS, unpack
from miss_server.register_tables import register_slips, register_words

_EACH, _STARTING = "each", "starting"
_PAST_EVERY_LETTER = "{"  # folded words have only a-z and 0-9, which all come before it
_WINDOW_NUMBERS = 250
_WINDOW_GROWS = 4
_LOOKED_UP_EACH = 10  # fewer than one in so many: looked up one by one, instead of all at once
_NUMBERS_A_ROW = 300  # of a list, compared in the time of reading one person's row

_w = register_words.c


@dataclass(frozen=True)
class Term:
    """One thing that must fit: the people of any of these words, and of any that begin as these do."""

    words: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()

    def __or__(self, other: "Term") -> "Term":
        return Term(self.words + other.words, self.starts + other.starts)


def named(word: str) -> Term:
    """People one word of whose names begins so."""
    if len(word) in START_LETTERS:
        return Term((NAME_START + word,))
    return Term(starts=(NAME + word,))


def placed(word: str) -> Term:
    """People who practise at a place one word of whose address begins so."""
    return Term(starts=(PLACE + word,))


def practising(profession_ids: Sequence[int]) -> Term:
    """People of any of these professions."""
    return Term(tuple(f"{PROFESSION}{one}" for one in profession_ids))


def called(words: Sequence[str]) -> Term:
    """People one word of whose names is one of these."""
    return Term(tuple(NAME + word for word in words))


class Lists:
    """The lists of one load, for one search: how long each is is asked once.

    Args:
        load_id: of the people in use.
    """

    def __init__(self, connection: Connection, load_id: int) -> None:
        self._connection = connection
        self._load_id = load_id
        self._sizes: dict[Term, tuple[int, int, int]] = {}

    def fitting(self, terms: Sequence[Term], after: int = 0) -> Iterator[int]:
        """The numbers above ``after`` of the people who fit every term, ascending."""
        sized = self._sized(terms)
        if not sized or not sized[0][0]:
            return
        amount = sized[0][0]
        low, end = max(max(first for _, first, *_ in sized), after + 1), min(last for _, _, last, _ in sized)
        leader, others = sized[0][3], sized[1:]
        width = max(1, (end - low) * _WINDOW_NUMBERS // amount)
        while low <= end:
            high = min(end, low + width)
            yield from self._fitting_others(others, sorted(self._numbers(leader, low, high)))
            low, width = high + 1, width * _WINDOW_GROWS

    def among(self, terms: Sequence[Term], numbers: Sequence[int]) -> list[int]:
        """Those of some ascending numbers that fit every term."""
        return self._fitting_others(self._sized(terms), list(numbers)) if numbers else []

    def words_near(self, slips: Sequence[str]) -> list[str]:
        """The words of names that one of these slips may have been meant for."""
        s = register_slips.c
        found = select(s.word).distinct().where(s.load_id == self._load_id, s.slip.in_(slips))
        return list(self._connection.scalars(found))

    def _fitting_others(self, sized: Sequence[tuple[int, int, int, Term]], found: list[int]) -> list[int]:
        """Those of some ascending numbers that fit every one of these terms, the shortest list first."""
        for at, (amount, first, last, term) in enumerate(sized):
            if not found or not amount:
                return []
            near = amount * min(1.0, (found[-1] - found[0] + 1) / (last - first + 1))
            if len(found) * _NUMBERS_A_ROW < near:
                rest = [(t.words, t.starts) for *_, t in sized[at:]]
                return fitting_rows(self._connection, self._load_id, rest, found)
            found = self._among(term, found)
        return found

    def _sized(self, terms: Sequence[Term]) -> list[tuple[int, int, int, Term]]:
        """How many numbers each term has, twice those of two of its words, the first and the last; shortest first."""
        fresh = [term for term in dict.fromkeys(terms) if term not in self._sizes]
        parts = [(term, *part) for term in fresh for part in _parts(term)]
        for term in fresh:
            self._sizes[term] = (0, 0, 0)
        if parts:
            asked = _asked([given for *_, given in parts], self._load_id)
            statement = _sizes_of(tuple(kind for _, kind, _ in parts))
            for at, size, first_no, last_no in self._connection.execute(statement, asked):
                if not size:
                    continue
                amount, first, last = self._sizes[parts[at][0]]
                first = first_no if not amount else min(first, first_no)
                self._sizes[parts[at][0]] = (amount + int(size), first, max(last, last_no))
        return sorted(((*self._sizes[term], term) for term in terms), key=lambda one: one[0])

    def _blocks(self, term: Term, low: int, high: int) -> Iterator[tuple[int, int, "array[int]"]]:
        """The first, the last and all numbers of each block that reaches between two numbers."""
        parts = list(_parts(term))
        if parts:
            asked = _asked([given for _, given in parts], self._load_id) | {"first": low, "last": high}
            statement = _blocks_of(tuple(kind for kind, _ in parts))
            for first, last, packed in self._connection.execute(statement, asked):
                yield first, last, unpack(packed)

    def _numbers(self, term: Term, low: int, high: int) -> set[int]:
        found: set[int] = set()
        for first, last, numbers in self._blocks(term, low, high):
            if first < low or last > high:
                numbers = numbers[bisect_left(numbers, low) : bisect_left(numbers, high + 1)]
            found.update(numbers)
        return found

    def _among(self, term: Term, wanted: list[int]) -> list[int]:
        """Those of some ascending numbers that fit a term."""
        found: set[int] = set()
        sought = set(wanted)
        for first, last, numbers in self._blocks(term, wanted[0], wanted[-1]):
            here = wanted[bisect_left(wanted, first) : bisect_right(wanted, last)]
            if len(here) * _LOOKED_UP_EACH < len(numbers):
                found.update(no for no in here if numbers[bisect_left(numbers, no)] == no)
            else:
                found.update(sought.intersection(numbers))
        return [no for no in wanted if no in found]


def _parts(term: Term) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each range of the index that a term is made of: of which kind it is, and what fills its condition."""
    if term.words:
        yield _EACH, {"words": term.words}
    for start in term.starts:
        yield _STARTING, {"low": start, "high": start + _PAST_EVERY_LETTER}


def _asked(parts: Sequence[dict[str, Any]], load_id: int) -> dict[str, Any]:
    return {"load_id": load_id} | {
        f"{name}_{at}": value for at, part in enumerate(parts) for name, value in part.items()
    }


def _conditions(kinds: tuple[str, ...]) -> Iterator[tuple[int, ColumnElement[bool]]]:
    """What each part asks of a row, its parameters numbered."""
    for at, kind in enumerate(kinds):
        if kind == _EACH:
            asked: ColumnElement[bool] = _w.word.in_(bindparam(f"words_{at}", expanding=True))
        else:
            asked = and_(_w.word >= bindparam(f"low_{at}"), _w.word < bindparam(f"high_{at}"))
        yield at, and_(_w.load_id == bindparam("load_id"), asked)


# Statements are made once for each succession of kinds: making them takes longer than most of them run.
@lru_cache(maxsize=200)
def _sizes_of(kinds: tuple[str, ...]) -> CompoundSelect[Any]:
    size = func.sum(_w.amount), func.min(_w.first_no), func.max(_w.last_no)
    return union_all(*(select(literal_column(str(at)), *size).where(asked) for at, asked in _conditions(kinds)))


@lru_cache(maxsize=200)
def _blocks_of(kinds: tuple[str, ...]) -> CompoundSelect[Any]:
    there = _w.first_no <= bindparam("last"), _w.last_no >= bindparam("first")
    return union_all(
        *(select(_w.first_no, _w.last_no, _w.numbers).where(asked, *there) for _, asked in _conditions(kinds))
    )
