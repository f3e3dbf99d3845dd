"""Who fits several words at once, read from the packed lists of the register a window at a time.

People are numbered in the order of their names, so the lists are walked in the order in which people are shown: the
shortest list leads, the others are asked only about its numbers, and the walk ends as soon as enough were found. Where
a list is far longer than there are people left to ask about ("le", "sur", "saint"), their own rows are read instead.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, select

from miss_server.register_fit import fitting_rows
from miss_server.register_rows import NAME, NAME_START, PLACE, PROFESSION, START_LETTERS, unpack
from miss_server.register_tables import register_slips, register_words

_PAST_EVERY_LETTER = "{"  # folded words have only a-z and 0-9, which all come before it
_WINDOW_NUMBERS = 250
_WINDOW_GROWS = 4
_LOOKED_UP_EACH = 10  # fewer than one in so many: looked up one by one, instead of all at once
_NUMBERS_A_ROW = 300  # of a list, compared in the time of reading one person's row

_w = register_words.c
_EACH = _w.word.in_(bindparam("words", expanding=True))
_STARTING = and_(_w.word >= bindparam("low"), _w.word < bindparam("high"))
_LOAD = _w.load_id == bindparam("load_id")
_SIZE = func.coalesce(func.sum(_w.amount), 0), func.min(_w.first_no), func.max(_w.last_no)
_SIZES = tuple(select(*_SIZE).where(_LOAD, part) for part in (_EACH, _STARTING))
_THERE = _w.first_no <= bindparam("last"), _w.last_no >= bindparam("first")
_BLOCKS = tuple(select(_w.first_no, _w.last_no, _w.numbers).where(_LOAD, part, *_THERE) for part in (_EACH, _STARTING))


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


def fitting(connection: Connection, load_id: int, terms: Sequence[Term], after: int = 0) -> Iterator[int]:
    """The numbers above ``after`` of the people who fit every term, ascending."""
    sized = [(*_size(connection, load_id, term), term) for term in terms]
    if not sized or not all(amount for amount, *_ in sized):
        return
    sized.sort(key=lambda one: one[0])
    amount = sized[0][0]
    low, end = max(max(first for _, first, *_ in sized), after + 1), min(last for _, _, last, _ in sized)
    leader, others = sized[0][3], sized[1:]
    width = max(1, (end - low) * _WINDOW_NUMBERS // amount)
    while low <= end:
        high = min(end, low + width)
        found = sorted(_numbers(connection, load_id, leader, low, high))
        yield from _fitting_others(connection, load_id, others, found)
        low, width = high + 1, width * _WINDOW_GROWS


def _fitting_others(
    connection: Connection, load_id: int, sized: Sequence[tuple[int, int, int, Term]], found: list[int]
) -> list[int]:
    """Those of some ascending numbers that fit every one of these terms, the shortest list first."""
    for at, (amount, first, last, term) in enumerate(sized):
        if not found:
            break
        near = amount * min(1.0, (found[-1] - found[0] + 1) / (last - first + 1))
        if len(found) * _NUMBERS_A_ROW < near:
            return fitting_rows(connection, load_id, [(t.words, t.starts) for *_, t in sized[at:]], found)
        found = _among(connection, load_id, term, found)
    return found


def among(connection: Connection, load_id: int, terms: Sequence[Term], numbers: Sequence[int]) -> list[int]:
    """Those of some ascending numbers that fit every term."""
    sized = [(*_size(connection, load_id, term), term) for term in terms] if numbers else []
    return _fitting_others(connection, load_id, sorted(sized, key=lambda one: one[0]), list(numbers))


def words_near(connection: Connection, load_id: int, slips: Sequence[str]) -> list[str]:
    """The words of names that one of these slips may have been meant for."""
    s = register_slips.c
    return list(connection.scalars(select(s.word).distinct().where(s.load_id == load_id, s.slip.in_(slips))))


def _parts(term: Term) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each range of the index that a term is made of: which of the two statements asks for it, and with what."""
    if term.words:
        yield 0, {"words": term.words}
    for start in term.starts:
        yield 1, {"low": start, "high": start + _PAST_EVERY_LETTER}


def _size(connection: Connection, load_id: int, term: Term) -> tuple[int, int, int]:
    """How many numbers a term has, twice those of two of its words; the first and the last."""
    found = [connection.execute(_SIZES[which], {"load_id": load_id, **given}).one() for which, given in _parts(term)]
    there = [row for row in found if row[0]]
    if not there:
        return 0, 0, 0
    return sum(int(row[0]) for row in there), min(row[1] for row in there), max(row[2] for row in there)


def _blocks(
    connection: Connection, load_id: int, term: Term, low: int, high: int
) -> Iterator[tuple[int, int, "array[int]"]]:
    """The first, the last and all numbers of each block that reaches between two numbers."""
    for which, given in _parts(term):
        asked = {"load_id": load_id, "first": low, "last": high, **given}
        for first, last, packed in connection.execute(_BLOCKS[which], asked):
            yield first, last, unpack(packed)


def _numbers(connection: Connection, load_id: int, term: Term, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for first, last, numbers in _blocks(connection, load_id, term, low, high):
        if first < low or last > high:
            numbers = numbers[bisect_left(numbers, low) : bisect_left(numbers, high + 1)]
        found.update(numbers)
    return found


def _among(connection: Connection, load_id: int, term: Term, wanted: list[int]) -> list[int]:
    """Those of some ascending numbers that fit a term."""
    found: set[int] = set()
    sought = set(wanted)
    for first, last, numbers in _blocks(connection, load_id, term, wanted[0], wanted[-1]):
        here = wanted[bisect_left(wanted, first) : bisect_right(wanted, last)]
        if len(here) * _LOOKED_UP_EACH < len(numbers):
            found.update(no for no in here if numbers[bisect_left(numbers, no)] == no)
        else:
            found.update(sought.intersection(numbers))
    return [no for no in wanted if no in found]
