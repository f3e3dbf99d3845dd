"""Who fits several words at once, read from the packed lists of the register a window at a time.

People are numbered in the order of their names, so the lists are walked in the order in which people are shown: the
shortest list leads, the others are asked only about its numbers, and the walk ends as soon as enough were found.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, CompoundSelect, Connection, and_, false, func, select, union_all

from miss_server.register_rows import NAME, NAME_START, PLACE, PROFESSION, START_LETTERS, unpack
from miss_server.register_tables import register_slips, register_words

_PAST_EVERY_LETTER = "{"  # folded words have only a-z and 0-9, which all come before it
_WINDOW_NUMBERS = 2_000
_WINDOW_GROWS = 4
_LOOKED_UP_EACH = 10  # fewer than one in so many: looked up one by one, instead of all at once


@dataclass(frozen=True)
class Term:
    """One thing that must fit: the people of any of these words, and of any that begin as these do."""

    words: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()

    def __or__(self, other: "Term") -> "Term":
        return Term(self.words + other.words, self.starts + other.starts)

    def rows(self, load_id: int, columns: Sequence[Column[Any]], *more: ColumnElement[bool]) -> CompoundSelect[Any]:
        """The rows of this term; each of its parts is one range of the index."""
        w = register_words.c
        parts = [and_(w.word >= start, w.word < start + _PAST_EVERY_LETTER) for start in self.starts]
        parts.append(w.word.in_(self.words) if self.words else false())
        return union_all(*(select(*columns).where(w.load_id == load_id, part, *more) for part in parts))


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
    leader, others = sized[0][3], [term for *_, term in sized[1:]]
    width = max(1, (end - low) * _WINDOW_NUMBERS // amount)
    while low <= end:
        high = min(end, low + width)
        found = sorted(_numbers(connection, load_id, leader, low, high))
        for other in others:
            if not found:
                break
            found = _among(connection, load_id, other, found)
        yield from found
        low, width = high + 1, width * _WINDOW_GROWS


def among(connection: Connection, load_id: int, terms: Sequence[Term], numbers: Sequence[int]) -> list[int]:
    """Those of some ascending numbers that fit every term."""
    found = list(numbers)
    for term in terms:
        if found:
            found = _among(connection, load_id, term, found)
    return found


def words_near(connection: Connection, load_id: int, slips: Sequence[str]) -> list[str]:
    """The words of names that one of these slips may have been meant for."""
    s = register_slips.c
    return list(connection.scalars(select(s.word).distinct().where(s.load_id == load_id, s.slip.in_(slips))))


def _size(connection: Connection, load_id: int, term: Term) -> tuple[int, int, int]:
    """How many numbers a term has, twice those of two of its words; the first and the last."""
    w = register_words.c
    rows = term.rows(load_id, (w.amount, w.first_no, w.last_no)).subquery()
    query = select(func.sum(rows.c.amount), func.min(rows.c.first_no), func.max(rows.c.last_no))
    amount, first, last = connection.execute(query).one()
    return int(amount or 0), first or 0, last or 0


def _blocks(
    connection: Connection, load_id: int, term: Term, low: int, high: int
) -> Iterator[tuple[int, int, "array[int]"]]:
    """The first, the last and all numbers of each block that reaches between two numbers."""
    w = register_words.c
    there = (w.first_no <= high, w.last_no >= low)
    for first, last, packed in connection.execute(term.rows(load_id, (w.first_no, w.last_no, w.numbers), *there)):
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
    for first, last, numbers in _blocks(connection, load_id, term, wanted[0], wanted[-1]):
        here = wanted[bisect_left(wanted, first) : bisect_right(wanted, last)]
        if len(here) * _LOOKED_UP_EACH < len(numbers):
            found.update(no for no in here if numbers[bisect_left(numbers, no)] == no)
        else:
            found.update(set(numbers).intersection(here))
    return [no for no in wanted if no in found]
