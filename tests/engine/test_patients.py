"""What may be typed of a patient, and whether two are one: dates, the INS's own check, names, homonyms."""

from datetime import date

import pytest

from miss_app.engine.patients import Kinship, Patient, checked, corrects, ins_is_right, is_named, kinship
from miss_app.engine.problems import Problem

TODAY = date(2026, 5, 20)
# The first three are published examples; the others' keys are computed by hand, two of them for Corsica.
RIGHT = ("269054958815780", "255081416802538", "184127645108946", "185072A04501236", "185072B04501263")
ODETTE = Patient("Mme Odette Canari", "1941-03-07")


@pytest.mark.parametrize("number", RIGHT)
def test_an_ins_holds_its_own_check(number: str) -> None:
    assert ins_is_right(number)
    spaced = (
        f"{number[0]} {number[1:3]} {number[3:5]} {number[5:7].lower()} {number[7:10]} {number[10:13]} {number[13:]}"
    )
    assert checked(Patient("Mme T.", identifier=spaced), TODAY).identifier == number


@pytest.mark.parametrize("number", RIGHT[:3])
def test_one_wrong_digit_is_seen(number: str) -> None:
    for place in range(15):
        for digit in "0123456789":
            wrong = number[:place] + digit + number[place + 1 :]
            if wrong != number:
                assert not ins_is_right(wrong), wrong
                with pytest.raises(Problem, match="ins-wrong"):
                    checked(Patient("Mme T.", identifier=wrong), TODAY)


def test_what_is_no_ins_is_a_record_number() -> None:
    for number in ("12345", "IPP-0042-A", "2690549588157", "A" * 40):
        assert checked(Patient("Mme T.", identifier=number), TODAY).identifier == number
    with pytest.raises(Problem, match="text-too-long"):
        checked(Patient("Mme T.", identifier="1" * 41), TODAY)


@pytest.mark.parametrize(
    ("typed", "date_said"),
    [
        ("07/03/1941", "1941-03-07"),
        ("7.3.1941", "1941-03-07"),
        ("07031941", "1941-03-07"),  # as it stands on a card
        ("7/3/41", "1941-03-07"),
        ("07.03.41", "1941-03-07"),
        ("7 3 41", "1941-03-07"),
        ("20/5/26", "2026-05-20"),  # today
        ("21/5/26", "1926-05-21"),  # tomorrow, or a hundred years ago
        ("1/1/00", "2000-01-01"),
        ("29/2/00", "2000-02-29"),
        ("1941-03-07", "1941-03-07"),
        ("03/1941", "1941-03"),
        ("1941-03", "1941-03"),
        (" 1941 ", "1941"),
        ("20/05/2026", "2026-05-20"),
        ("", ""),
    ],
)
def test_a_birth_date_is_said_as_far_as_it_is_known(typed: str, date_said: str) -> None:
    assert checked(Patient("Mme T.", typed), TODAY).birth_date == date_said


@pytest.mark.parametrize(
    "typed",
    [
        "31/02/1941",
        "31021941",
        "0703194",
        "13/1941",
        "7 mars",
        "41",
        "21/05/2026",
        "1799",
        "1941-3-7-1",
        "0000",
        "31/2/41",
        "29/2/41",
        "0/3/41",
        "3/41",
        "7/3/941",
    ],
)
def test_a_birth_date_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(Problem, match="birth-date-wrong"):
        checked(Patient("Mme T.", typed), TODAY)


def test_data_without_a_name_are_refused() -> None:
    for data in (Patient("", "1941"), Patient(" ", identifier="4711")):
        with pytest.raises(Problem, match="patient-missing"):
            checked(data, TODAY)
    assert checked(Patient(), TODAY) == Patient()


@pytest.mark.parametrize(
    ("other", "near"),
    [
        (Patient("CANARI Odette", "1941-03-07"), Kinship.SAME),
        (Patient("Odette Canari", "1941"), Kinship.SAME),
        (Patient("Mme Odette Canari"), Kinship.PERHAPS),
        (Patient("Odette Canari", "1941-03-08"), Kinship.HOMONYM),
        (Patient("Odette Canari", "1943"), Kinship.HOMONYM),
        (Patient("Odile Canari", "1941-03-07"), Kinship.OTHER),
        (Patient(""), Kinship.OTHER),
    ],
)
def test_who_is_whom(other: Patient, near: Kinship) -> None:
    assert kinship(ODETTE, other) is near
    assert kinship(other, ODETTE) is near


def test_an_ins_decides() -> None:
    one, other = (Patient("Odette Canari", "1941-03-07", number) for number in RIGHT[:2])
    assert kinship(one, other) is Kinship.HOMONYM
    assert kinship(one, Patient("Odette Canari-Modèle", "", RIGHT[0])) is Kinship.SAME
    assert kinship(Patient("O. Canari", identifier="4711"), Patient("O. Canari", identifier="4711")) is Kinship.SAME


def test_a_correction_is_no_other_patient() -> None:
    assert corrects(ODETTE, Patient("Mme Odete Canari", "1941-03-07"))
    assert corrects(ODETTE, Patient("Mme Odette Canari", "1941-03-07", RIGHT[0]))
    assert corrects(Patient("Mme Odete Canari"), ODETTE)
    assert not corrects(ODETTE, Patient("Mme Odette Canari", "1914-03-07"))  # a slip, or another: the person says
    assert not corrects(ODETTE, Patient("M. René Moineau", "1941-03-07"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Odette Canari va mieux", True),
        ("CANARI, Odette : sortie demain", True),
        ("Mme Canari va mieux", True),
        ("madame canari", True),
        ("Le canari chante", False),
        ("Odette arrive", False),
        ("dossier 2 69 05 49 588 157 80", True),
        ("dossier 269054958815", False),
        ("", False),
    ],
)
def test_a_text_names_a_patient(text: str, named: bool) -> None:
    assert is_named(Patient("Mme Odette Canari", "1941", RIGHT[0]), text) is named


def test_an_initial_is_named_with_its_title_only() -> None:
    assert is_named(Patient("Mme T."), "Pansement de Mme T. refait")
    assert not is_named(Patient("Mme T."), "T. haute, tension basse")
