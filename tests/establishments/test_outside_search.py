"""Who is in no register is found in the directory all the same, once on MiSS; and renews as anybody does."""

import base64
from dataclasses import replace

import pytest

from establishments.hospital import AIDE, CH, PHYSICIAN, SECRETARY, Hospitals
from miss_protocol.identity import DeviceCertificate
from miss_server import professionals, staff, wishes
from miss_server.professionals import Described
from miss_server.refusals import Refusal
from miss_server.register_tables import people
from miss_server.wishes import Wishes


def found(hospitals: Hospitals, **asked: str) -> list[tuple[str, str, bool]]:
    answer = hospitals.office.search(**asked)
    assert answer.status_code == 200, answer.text
    return [(one["display_name"], one["checked_how"], one["reachable"]) for one in answer.json()["people"]]


@pytest.mark.parametrize(
    "asked",
    [
        {"words": "diallo"},
        {"words": "aissat dial"},
        {"words": "secretaire lille"},
        {"words": "DIALLO cardio"},
        {"words": "diallo", "profession": "secretaire"},
        {"words": "diallo", "profession": "e1", "place": "lille"},
        {"profession": "secretaire medical", "place": "centre hospitalier"},
    ],
)
def test_by_name_profession_or_place(hospitals: Hospitals, asked: dict[str, str]) -> None:
    assert found(hospitals, **asked) == [], "not on MiSS yet"
    hospitals.certified(hospitals.vouch())
    assert found(hospitals, **asked) == [("Aïssatou Diallo", "voucher", True)]


@pytest.mark.parametrize("asked", [{"words": "dial_o"}, {"words": "dia%lo"}, {"words": "diallo", "place": "ajaccio"}])
def test_who_does_not_fit(hospitals: Hospitals, asked: dict[str, str]) -> None:
    hospitals.certified(hospitals.vouch())
    assert [one for one in found(hospitals, **asked) if one[1] == "voucher"] == []


def test_a_doctor_is_found_once_and_others_come_after(hospitals: Hospitals) -> None:
    for record in (PHYSICIAN, SECRETARY, AIDE):
        hospitals.certified(hospitals.vouch(record), record)
    assert found(hospitals, words="benali") == [("Dr Nour Benali", "voucher", True)]
    assert [name for name, *_ in found(hospitals, place="lille")] == [
        "Aïssatou Diallo",
        "Jean-Paul Morel",
        "Dr Nour Benali",
    ]


def test_who_left_or_wishes_not_to_be_found_is_not(hospitals: Hospitals) -> None:
    hospitals.certified(hospitals.vouch())
    (person,) = hospitals.office.rows(people)
    hospitals.do(wishes.keep, person.person_id, Wishes(unlisted=True), hospitals.now)
    assert found(hospitals, words="diallo") == []
    hospitals.do(wishes.keep, person.person_id, Wishes(), hospitals.now)
    assert len(found(hospitals, words="diallo")) == 1
    hospitals.do(staff.remove_one, CH, hospitals.staff[SECRETARY.key], who="op", now_ms=hospitals.now)
    assert found(hospitals, words="diallo") == []


def test_a_new_name_is_the_next_certificates(hospitals: Hospitals) -> None:
    der = base64.b64decode(hospitals.certified(hospitals.vouch())["certificate"])
    (person,) = hospitals.office.rows(people)
    assert DeviceCertificate.parse(der).professional.family_name == "DIALLO"
    row = hospitals.do(staff.keyed, CH, SECRETARY.key)
    hospitals.do(staff.change, row, replace(SECRETARY, family_name="DIALLO-ROY"), hospitals.now)
    about = hospitals.do(professionals.describe, person.rpps, "E1")
    assert isinstance(about, Described)
    assert (about.family_name, about.display_name, about.rpps) == ("DIALLO-ROY", "Aïssatou Diallo-Roy", "")
    assert hospitals.office.rows(people)[0].display_name == "Aïssatou Diallo-Roy"
    hospitals.do(staff.dissolve, CH, who="op", now_ms=hospitals.now)
    assert hospitals.do(professionals.describe, person.rpps, "E1") == Refusal("no-longer-vouched")
