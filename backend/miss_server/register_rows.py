"""What is written of a new extract of people: a row a person, their names in order, the words they are found by.

The rows are sorted on disk three times: by number, so that a person's activities come together wherever the extract
has them; by name, so that people are numbered in that order; by word. Every table is thus written in the order of its
key, and what is held in memory does not grow with the extract.
"""

import json
from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from sys import byteorder
from typing import Any

from miss_server.names import fold
from miss_server.spool import Spool

NAME, NAME_START, PLACE, PROFESSION = "n", "s", "t", "p"
# Names by their first letters are so many that these have a list of their own.
START_LETTERS = (2, 3)
SLIP_LETTERS_MIN = 4
PEOPLE_COLUMNS = (
    "rpps", "title", "family_name", "given_name", "family_folded", "given_folded", "activities",
)  # fmt: skip
NAMES_COLUMNS = ("no", "family_folded", "given_folded", "rpps")
WORDS_COLUMNS = ("word", "first_no", "last_no", "amount", "numbers")
SLIPS_COLUMNS = ("slip", "word")
PROFESSIONS_COLUMNS = ("profession_id", "code", "label", "category", "specialty_code", "specialty", "folded")

_TITLES = {"docteur": "Dr", "professeur": "Pr", "dr": "Dr", "pr": "Pr"}
_FIELDS = (
    "title", "family_name", "given_name", "profession_code", "profession", "category", "specialty_code", "specialty",
    "place", "sign", "postcode", "town", "cedex", "telephone", "telephone_2",
)  # fmt: skip
_BLOCK_NUMBERS = 1_024
_PEOPLE_PER_RUN = 40_000
_SLIP_LETTERS_MAX = 40
_fold = lru_cache(maxsize=20_000)(fold)


def line_of(rpps: str, line: int, row: dict[str, str]) -> str:
    """One activity as a line to sort: a person's stand together, in the extract's order."""
    return "|".join((rpps, f"{line:010d}", *(row[name] for name in _FIELDS)))


class People:
    """The people of sorted lines, one after the other.

    Args:
        by_name: given a line for each of them, to be sorted next.
    """

    def __init__(self, by_name: Spool) -> None:
        self._by_name = by_name
        self._professions: dict[tuple[str, ...], int] = {}

    def rows(self, lines: Iterator[str]) -> Iterator[tuple[Any, ...]]:
        """A row of ``PEOPLE_COLUMNS`` for each person."""
        split = (line.split("|") for line in lines)
        for rpps, activities in groupby(split, itemgetter(0)):
            yield self._person(rpps, [dict(zip(_FIELDS, fields[2:], strict=True)) for fields in activities])

    def _person(self, rpps: str, lines: Sequence[dict[str, str]]) -> tuple[Any, ...]:
        first = lines[0]
        family, given = _fold(first["family_name"]), _fold(first["given_name"])
        activities: dict[tuple[Any, ...], None] = {}
        words: dict[str, None] = {}
        for line in lines:
            profession = self._profession(line)
            place, town = line["place"] or line["sign"], line["town"] or line["cedex"]
            telephone, sign = line["telephone"] or line["telephone_2"], line["sign"] if line["place"] else ""
            activities[profession, place, line["postcode"], town, telephone, sign] = None
            words[f"{PROFESSION}{profession}"] = None
            for part in {place, sign, town, line["postcode"]}:
                words.update((PLACE + word, None) for word in _fold(part).split())
        for word in (*family.split(), *given.split()):
            words[NAME + word] = None
            words.update((NAME_START + word[:letters], None) for letters in START_LETTERS if len(word) >= letters)
        self._by_name.add("\t".join((family, given, rpps, " ".join(words))))
        packed = json.dumps(list(activities), ensure_ascii=False, separators=(",", ":"))
        title = _TITLES.get(_fold(first["title"]), "")
        return rpps, title, first["family_name"], first["given_name"], family, given, packed

    def _profession(self, line: dict[str, str]) -> int:
        key = (line["profession_code"], line["profession"], line["category"], line["specialty_code"], line["specialty"])
        known = self._professions.get(key)
        if known is None:
            known = self._professions[key] = len(self._professions) + 1
        return known

    def professions(self) -> list[tuple[Any, ...]]:
        """A row of ``PROFESSIONS_COLUMNS`` for each of the professions that were met."""
        return [(known, *key, fold(f"{key[1]} {key[4]}")) for key, known in self._professions.items()]


def names(lines: Iterator[str], by_word: Spool) -> Iterator[tuple[Any, ...]]:
    """A row of ``NAMES_COLUMNS`` for each person of the lines sorted by name; their words go to ``by_word``."""
    found: dict[str, array[int]] = {}
    for no, line in enumerate(lines, 1):
        family, given, rpps, words = line.split("\t")
        for word in words.split(" "):
            if word in found:
                found[word].append(no)
            else:
                found[word] = array("I", (no,))
        if no % _PEOPLE_PER_RUN == 0:
            by_word.add_run(_word_lines(found))
            found = {}
        yield no, family, given, rpps
    by_word.add_run(_word_lines(found))


def _word_lines(found: dict[str, "array[int]"]) -> Iterator[str]:
    for word in sorted(found):
        numbers = found[word]
        yield f"{word}\t{numbers[0]:08x}\t{pack(numbers).hex()}"


def words(lines: Iterator[str], slips: Spool) -> Iterator[tuple[Any, ...]]:
    """Rows of ``WORDS_COLUMNS``, in blocks; what the distinct words of names may be mistaken for goes to ``slips``."""
    split = (line.split("\t") for line in lines)
    for word, parts in groupby(split, itemgetter(0)):
        if word[0] == NAME and SLIP_LETTERS_MIN <= len(word) - 1 <= _SLIP_LETTERS_MAX:
            for slip in sorted(slips_of(word[1:])):
                slips.add(f"{slip}\t{word[1:]}")
        waiting: array[int] = array("I")
        for _, _, packed in parts:
            waiting.extend(unpack(bytes.fromhex(packed)))
            while len(waiting) >= _BLOCK_NUMBERS:
                yield _block(word, waiting[:_BLOCK_NUMBERS])
                waiting = waiting[_BLOCK_NUMBERS:]
        if waiting:
            yield _block(word, waiting)


def slip_rows(lines: Iterator[str]) -> Iterator[tuple[Any, ...]]:
    """Rows of ``SLIPS_COLUMNS``."""
    return (tuple(line.split("\t")) for line in lines)


def slips_of(word: str) -> set[str]:
    """A word, and the same with each one of its letters left out."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def _block(word: str, numbers: "array[int]") -> tuple[Any, ...]:
    return word, numbers[0], numbers[-1], len(numbers), pack(numbers)


def pack(numbers: "array[int]") -> bytes:
    """Numbers as they are stored: 32 bits each, the lowest byte first."""
    if byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def unpack(data: bytes) -> "array[int]":
    """The numbers in ``data``."""
    numbers: array[int] = array("I")
    numbers.frombytes(data)
    if byteorder == "big":
        numbers.byteswap()
    return numbers
