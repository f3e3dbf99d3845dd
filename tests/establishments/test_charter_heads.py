"""The head of an establishment accepts the charter for its staff, by version and date, and for nobody else."""

from pathlib import Path

import pytest

from establishments.hospital import CH, CLINIC, PHYSICIAN, SECRETARY, Hospitals
from establishments.test_establishment_verbs import data as data
from establishments.test_establishment_verbs import run
from miss_server import charter, register_tables, staff


def person(hospitals: Hospitals, name: str) -> bytes:
    return bytes(
        next(one.person_id for one in hospitals.office.rows(register_tables.people) if one.display_name == name)
    )


def test_it_counts_for_the_staff_of_today_alone(hospitals: Hospitals) -> None:
    hospitals.certified(hospitals.vouch())
    secretary = person(hospitals, "Aïssatou Diallo")

    def accepted(version: str) -> int | None:
        found: int | None = hospitals.do(charter.accepted_at_ms, secretary, version)
        return found

    assert accepted("1") is None
    assert hospitals.do(charter.accept_as_head, CLINIC, "M. Luc Roy", "1", "op", hospitals.now)
    assert accepted("1") is None  # another establishment's head
    at = hospitals.now
    assert hospitals.do(charter.accept_as_head, CH, "Mme Jeanne Roy, directrice", "1", "op", at)
    assert (accepted("1"), accepted("2")) == (at, None)
    assert not hospitals.do(charter.accept_as_head, CH, "Somebody Else", "1", "op", at + 1)
    assert accepted("1") == at
    acts = [row for row in hospitals.office.rows(register_tables.registrar_acts) if row.what == "charter-for-staff"]
    assert [row.about for row in acts] == [f"{CLINIC} 1 M. Luc Roy", f"{CH} 1 Mme Jeanne Roy, directrice"]
    # One's own acceptance comes first; who is of the staff no more has the head's no more.
    hospitals.do(charter.accept, secretary, "1", at + 5)
    assert accepted("1") == at + 5
    hospitals.certified(hospitals.vouch(PHYSICIAN), PHYSICIAN)
    doctor = person(hospitals, "Dr Nour Benali")
    assert hospitals.do(charter.accepted_at_ms, doctor, "1") == at
    hospitals.do(staff.remove_one, CH, hospitals.staff[PHYSICIAN.key], who="op", now_ms=at)
    assert hospitals.do(charter.accepted_at_ms, doctor, "1") is None
    assert SECRETARY.key in hospitals.staff


def test_the_verb_writes_it_down(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    version = charter.load().version
    assert run(data, "charter", CH, "--head", "Mme Jeanne Roy") == 1  # no such establishment yet
    assert run(data, "create", CH) == 0
    capsys.readouterr()
    assert run(data, "charter", CH, "--head", "  ") == 1
    assert "head" in capsys.readouterr().err
    assert run(data, "charter", CH, "--head", "Mme Jeanne Roy, directrice", language="fr") == 0
    said = capsys.readouterr().out
    assert version in said
    assert "Mme Jeanne Roy, directrice" in said
    assert run(data, "charter", CH, "--head", "M. Autre", language="fr") == 0
    assert "déjà" in capsys.readouterr().out
