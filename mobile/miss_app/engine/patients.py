"""The patient a conversation is about: what may be typed, and whether two of them are one, another, or of one name."""

import re
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import pairwise

from miss_app.engine.folding import fold
from miss_app.engine.model import Conversation
from miss_app.engine.problems import Problem
from miss_protocol import limits

_TITLES = frozenset({"m", "mr", "mme", "mlle", "monsieur", "madame", "mademoiselle", "mrs", "ms"})
_INS_CHARACTERS = 15
_INS = re.compile(r"[1-478]\d{4}(?:\d\d|2[AB])\d{8}")
_CORSICA = {"2A": "19", "2B": "18"}
_FRENCH_DATE = re.compile(r"(?:(?:(\d{1,2})[ ./-])?(\d{1,2})[ ./-])?(\d{4})")
_SHORT_DATE = re.compile(r"(\d{1,2})[ ./-](\d{1,2})[ ./-](\d{2})")
_EIGHT_DIGITS = re.compile(r"(\d{2})(\d{2})(\d{4})")
_ISO_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_FIRST_YEAR = 1850
_ALIKE = 0.8  # of two spellings: below it they are two names
_NAMED_LETTERS_MIN = 3  # of a word that names somebody by itself, beside others
_NUMBER_CHARACTERS_MIN = 6  # of an identifier that is looked for in a text


class Kinship(StrEnum):
    """What one patient is to another, as far as their data say."""

    SAME = "same"
    PERHAPS = "perhaps"  # one name, and nothing that tells them apart
    HOMONYM = "homonym"  # one name, and another birth date or INS
    OTHER = "other"


@dataclass(frozen=True)
class Patient:
    """Whom a conversation is about; the birth date as far as it is known: "1941-03-07", "1941-03", "1941" or ""."""

    name: str = ""
    birth_date: str = ""
    identifier: str = ""  # an INS of 15 characters, or a record number


def patient_of(record: Conversation) -> Patient:
    """Whom a conversation is about, as its record says."""
    return Patient(record.patient, record.birth_date, record.identifier)


def checked(patient: Patient, today: date) -> Patient:
    """What a person typed, as it is sealed.

    Raises:
        Problem: ``patient-missing`` where there are data and no name, ``birth-date-wrong``, ``ins-wrong`` or
            ``text-too-long``.
    """
    name = " ".join(patient.name.split())
    born, identifier = patient.birth_date.strip(), "".join(patient.identifier.split()).upper()
    if not name and (born or identifier):
        raise Problem("patient-missing")
    if len(name) > limits.PATIENT_CHARACTERS_MAX or len(identifier) > limits.IDENTIFIER_CHARACTERS_MAX:
        raise Problem("text-too-long")
    if looks_like_ins(identifier) and not ins_is_right(identifier):
        raise Problem("ins-wrong")
    return Patient(name, birth_date(born, today) if born else "", identifier)


def looks_like_ins(identifier: str) -> bool:
    """Whether these are as many characters as an INS has, and of its alphabet."""
    return len(identifier) == _INS_CHARACTERS and re.fullmatch(r"\d{6}[0-9AB]\d{8}", identifier) is not None


def ins_is_right(identifier: str) -> bool:
    """Whether an INS holds its own check: 97 less the rest of its number by 97; Corsica counts as 19 or 18."""
    if _INS.fullmatch(identifier) is None:
        return False
    number = identifier[:5] + _CORSICA.get(identifier[5:7], identifier[5:7]) + identifier[7:13]
    return int(identifier[13:]) == 97 - int(number) % 97


def birth_date(typed: str, today: date) -> str:
    """ "07/03/1941", "7.3.41" or "07031941" → "1941-03-07"; a month or a year alone stays what it is.

    Two digits are the latest such year in which the day is past.

    Raises:
        Problem: ``birth-date-wrong``.
    """
    french, iso = _EIGHT_DIGITS.fullmatch(typed) or _FRENCH_DATE.fullmatch(typed), _ISO_DATE.fullmatch(typed)
    short = _SHORT_DATE.fullmatch(typed)
    found = iso.groups() if iso else tuple(reversed(french.groups())) if french else ()
    parts = [int(one) for one in found if one is not None]
    if short:
        day, month, year = (int(one) for one in short.groups())
        year += today.year // 100 * 100
        parts = [year if (year, month, day) <= (today.year, today.month, today.day) else year - 100, month, day]
    if not parts:
        raise Problem("birth-date-wrong")
    try:
        at = date(*[*parts, 1, 1][:3])
    except ValueError as error:
        raise Problem("birth-date-wrong") from error
    if at > today or at.year < _FIRST_YEAR:
        raise Problem("birth-date-wrong")
    return "-".join(f"{one:04}" if place == 0 else f"{one:02}" for place, one in enumerate(parts))


def kinship(one: Patient, other: Patient) -> Kinship:
    """What two patients are to each other; without a name, nobody is anybody's."""
    mine, theirs = _words(one.name), _words(other.name)
    if not mine or not theirs:
        return Kinship.OTHER
    if looks_like_ins(one.identifier) and looks_like_ins(other.identifier) and one.identifier == other.identifier:
        return Kinship.SAME
    if mine != theirs:
        return Kinship.OTHER
    both_ins = looks_like_ins(one.identifier) and looks_like_ins(other.identifier)
    if both_ins or not _may_be_one_day(one.birth_date, other.birth_date):
        return Kinship.HOMONYM
    known = bool(one.birth_date and other.birth_date) or bool(one.identifier and one.identifier == other.identifier)
    return Kinship.SAME if known else Kinship.PERHAPS


def corrects(before: Patient, after: Patient) -> bool:
    """Whether new data can be the same patient's, said better; else they are somebody else's, for all that is known."""
    near = kinship(before, after)
    if near is not Kinship.OTHER:
        return near is not Kinship.HOMONYM
    born = bool(before.birth_date) and before.birth_date == after.birth_date
    alike = SequenceMatcher(None, fold(before.name), fold(after.name)).ratio() >= _ALIKE
    return bool(after.name) and alike and (born or not (before.birth_date and after.birth_date))


def is_named(patient: Patient, text: str) -> bool:
    """Whether a text names this patient: by every word of the name, by title and family name, or by the number."""
    said = fold(text).split()
    words = [one for one in fold(patient.name).split() if one not in _TITLES and one.isalpha()]
    squeezed = "".join(text.split()).upper()
    if len(patient.identifier) >= _NUMBER_CHARACTERS_MIN and patient.identifier in squeezed:
        return True
    long = [one for one in words if len(one) >= _NAMED_LETTERS_MIN]
    if len(long) >= 2 and all(one in said for one in long):
        return True
    if not words:
        return False
    return any(first in _TITLES and second == words[-1] for first, second in pairwise(said))


def _words(name: str) -> tuple[str, ...]:
    return tuple(sorted(one for one in fold(name).split() if one not in _TITLES))


def _may_be_one_day(one: str, other: str) -> bool:
    """Whether two birth dates, each as far as it is known, may be the same."""
    return one.startswith(other) or other.startswith(one)
