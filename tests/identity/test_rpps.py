"""RPPS numbers: what is read, what is refused."""

import pytest

from identity.extract import rpps
from miss_server.rpps import luhn, parse, with_check_digit

GOOD = rpps(101)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (GOOD, GOOD),
        (f" {GOOD[:3]} {GOOD[3:7]}\u00a0{GOOD[7:]} ", GOOD),
        (f"{GOOD[:5]}-{GOOD[5:]}", GOOD),
        (f"8{GOOD}", GOOD),  # the national form: the 8 goes before the check
        (f"8 {GOOD}", GOOD),
        (f"9{GOOD}", None),
        (GOOD[:-1], None),
        (GOOD + "0", None),
        (GOOD[:-1] + "٣", None),  # a digit, but not one of ours
        ("10003461033", None),  # printed in documents, and no valid number
        ("", None),
        ("no number", None),
    ],
)
def test_a_typed_number_is_read_or_refused(typed: str, read: str | None) -> None:
    assert parse(typed) == read


def test_every_single_wrong_digit_is_noticed() -> None:
    for place in range(11):
        for digit in "0123456789":
            wrong = GOOD[:place] + digit + GOOD[place + 1 :]
            assert luhn(wrong) is (wrong == GOOD)


def test_the_check_digit_is_the_one_that_fits() -> None:
    assert with_check_digit(GOOD[:10]) == GOOD
