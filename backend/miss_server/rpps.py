"""The RPPS number, which names one health professional in France: eleven digits, the last a Luhn check digit."""

import re

DIGITS = 11
# Who has no RPPS number is given one of this server's own: this letter, which no digit comes after, and ten others.
OWN_NUMBERS = "V"
_SPACES = re.compile(r"[\s.\-\u200b]+")


def luhn(digits: str) -> bool:
    """Whether the last digit of ``digits`` checks the others (ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value if value < 10 else value - 9
    return total % 10 == 0


def parse(typed: str) -> str | None:
    """The eleven digits of what a person typed, or None where it is no RPPS number.

    Spaces, dots and hyphens are forgiven. The national form of twelve digits is ``8`` and the number: the ``8`` goes
    before the check digit is looked at, for with it the check never passes.
    """
    digits = _SPACES.sub("", typed)
    if not digits.isascii() or not digits.isdigit():
        return None
    if len(digits) == DIGITS + 1 and digits[0] == "8":
        digits = digits[1:]
    return digits if len(digits) == DIGITS and luhn(digits) else None


def with_check_digit(ten: str) -> str:
    """The number whose first ten digits are given."""
    return next(ten + str(last) for last in range(10) if luhn(ten + str(last)))


def is_national(number: str) -> bool:
    """Whether a person's number is the register's; who has none is given one of this server's own."""
    return number.isdigit()
