"""The safety number: the same for both people, another one for every other set of keys, and the digits of the page."""

import itertools
import re
from pathlib import Path

import pytest

from miss_protocol.errors import RemoteError
from miss_protocol.safety_number import GROUPS, SafetyNumber, half_of

PAGE = (Path(__file__).resolve().parents[2] / "shared/PROTOCOL.md").read_text()
CAMILLE, HUGO = b"c" * 16, b"h" * 16
PHONE, TABLET, OTHER = b"\1" * 32, b"\2" * 32, b"\3" * 32


def pair() -> tuple[SafetyNumber, SafetyNumber]:
    camille, hugo = half_of(CAMILLE, [PHONE, TABLET]), half_of(HUGO, [OTHER])
    return SafetyNumber(camille, hugo), SafetyNumber(hugo, camille)


def test_both_people_read_the_same_and_each_code_fits_the_other() -> None:
    one, other = pair()
    assert one.groups() == other.groups()
    assert len(one.groups()) == GROUPS
    assert all(re.fullmatch("[0-9]{5}", group) for group in one.groups())
    assert one.fits(other.qr())
    assert other.fits(one.qr())
    assert not one.fits(one.qr()), "one's own code shown to oneself proves nothing"
    assert re.fullmatch("[0-9A-Z:]+", one.qr()), "alphanumeric mode"


def test_each_key_each_person_counts_and_their_order_does_not() -> None:
    assert half_of(CAMILLE, [PHONE, TABLET]) == half_of(CAMILLE, [TABLET, PHONE, TABLET])
    halves = [half_of(*one) for one in itertools.product((CAMILLE, HUGO), ([PHONE], [TABLET], [PHONE, TABLET]))]
    assert len(set(halves)) == len(halves)


def test_a_changed_half_does_not_fit() -> None:
    one, other = pair()
    for end in (one.qr()[:-1] + "A", other.qr()[:-2] + "AA"):
        assert not one.fits(end)


@pytest.mark.parametrize("shown", ["", "MISS:SAFETY:", "MISS:LINK:AAAA", "MISS:SAFETY:AAAA", "MISS:SAFETY:é", "12345"])
def test_what_is_no_such_code_is_refused(shown: str) -> None:
    with pytest.raises(RemoteError, match="safety-code-wrong"):
        pair()[0].fits(shown)
    with pytest.raises(RemoteError, match="safety-code-wrong"):
        pair()[0].fits(pair()[1].qr().removeprefix("MISS:SAFETY:"))


def test_no_keys_are_no_number() -> None:
    for keys in ([], [b"short"]):
        with pytest.raises(ValueError, match="keys"):
            half_of(CAMILLE, keys)


def test_the_digits_of_the_page() -> None:
    written = re.search(r"`((?:\d{5} ){11}\d{5})`", PAGE)
    assert written is not None
    assert written[1].split() == list(pair()[0].groups())
