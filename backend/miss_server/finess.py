"""The FINESS number, which names one health establishment in France: nine characters, the last a check digit."""

import re

from miss_server.rpps import luhn

_SPACES = re.compile(r"[\s.\-\u200b]+")
_SHAPE = re.compile(r"[0-9][0-9AB][0-9]{7}")
# Corsica's departments are counted as 21 and 22 here; the rule of the NIR, which has 19 and 18, is another.
_CORSICA = {"2A": "21", "2B": "22"}


def parse(typed: str) -> str | None:
    """The nine characters of what a person typed, or None where it is no FINESS number.

    Spaces, dots, hyphens and small letters are forgiven.
    """
    number = _SPACES.sub("", typed).upper()
    if not number.isascii() or not _SHAPE.fullmatch(number):
        return None
    if not number[1].isdigit() and number[:2] not in _CORSICA:
        return None
    return number if luhn(_digits(number)) else None


def with_check_digit(eight: str) -> str:
    """The number whose first eight characters are given."""
    return next(eight + str(last) for last in range(10) if luhn(_digits(eight + str(last))))


def _digits(number: str) -> str:
    return _CORSICA.get(number[:2], number[:2]) + number[2:]
