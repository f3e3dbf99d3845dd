"""Imports of a directory: what is shown is what is done, bad lines change nothing, and removals wait for a yes."""

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from establishments.files import LEMOINE, NOBODY_NEW, csv, row, xlsx
from establishments.hospital import AIDE, CH, CLINIC, DOCTOR, NURSE, PHYSICIAN, RETIRED_DOCTOR, SECRETARY, Hospitals
from identity.extract import rpps
from miss_server import (
    acts,
    establishments,
    register_tables,
    staff,
    staff_exports,
    staff_files,
    staff_imports,
    staff_records,
    tables,
    vouchers,
)
from miss_server.establishment_tables import directory_imports, establishment_staff
from miss_server.operator_texts import say
from miss_server.refusals import DecisionError
from miss_server.staff_imports import Import
from miss_server.staff_records import Line


def stage(hospitals: Hospitals, data: bytes, finess: str = CH) -> Import:
    """A dry run of a file."""
    source, lines = staff_files.read(data)
    found = hospitals.do(staff_records.sort, lines)
    return hospitals.do(staff_imports.stage, finess, source, found, who="op", now_ms=hospitals.now)


def apply(hospitals: Hospitals, found: Import, *, yes: bool = False, finess: str = CH) -> Import:
    verb, who = staff_imports.apply, {"who": "Une responsable", "now_ms": hospitals.now}
    return hospitals.do(verb, finess, found.import_id, yes=yes, **who)


def people(hospitals: Hospitals) -> list[Any]:
    """Every row of staff, to compare."""
    return hospitals.office.rows(establishment_staff)


def whats(found: Import) -> list[tuple[str, str]]:
    return [(change.what, change.key) for change in found.changes]


@pytest.mark.parametrize("make", [csv, xlsx])
def test_a_dry_run_then_all_of_it(hospitals: Hospitals, make: Any) -> None:
    before = people(hospitals)
    moved = row(SECRETARY, service="Urgences")
    found = stage(hospitals, make([moved, *NOBODY_NEW[1:], LEMOINE]))
    assert whats(found) == [("added", "S-010"), ("changed", "S-001")]
    assert found.changes[1].fields == ("service",)
    assert (found.unchanged, found.quarantine, found.state) == (2, (), "dry")
    assert people(hospitals) == before, "a dry run changes nobody"
    assert apply(hospitals, found).state == "applied"
    staffed = hospitals.do(staff.everyone, CH)
    assert (staffed["S-001"].service, staffed["S-010"].profession) == ("Urgences", "Aide-soignant")
    assert staffed["S-001"].number == next(one.number for one in before if one.staff_key == "S-001")
    last = hospitals.office.rows(register_tables.registrar_acts)[-1]
    assert (last.who, last.what) == ("Une responsable", "directory-imported")
    assert last.about.endswith("added 1 changed 1 removed 0 back 0 quarantined 0")
    with hospitals.office.database.snapshot() as connection:
        assert acts.verify(connection).broken_at is None


BAD = (
    (("", "DUPONT", "Léa", "", "ASH"), "empty"),
    (("B-1", "", "Léa", "", "ASH"), "empty"),
    (("B-2", "DUPONT", "Léa", "", ""), "profession-empty"),
    (("B-3", "DUPONT", "Léa", "", "Médecin"), "profession"),
    (("B-4", "=HYPERLINK(1)", "Léa", "", "ASH"), "formula"),
    (("B-5", "@SUM(1)", "Léa", "", "ASH"), "formula"),
    (("B-6", "DU\x00PONT", "Léa", "", "ASH"), "characters"),
    (("B-7", "DU\u202ePONT", "Léa", "", "ASH"), "characters"),
    (("B-8", "D" * 121, "Léa", "", "ASH"), "too-long"),
    (("B-9", "DUPONT", "Léa", "", "ASH", "", "appeler ici"), "telephone"),
    (("B-10", "DUPONT", "Léa", "", "ASH", "", "", "a@b@c"), "mailbox"),
    (("B-11", "DUPONT", "Léa", "12345678901"), "rpps"),
    (("B-12", "DUPONT", "Léa", "10003461033"), "rpps"),
    (("B-13", "DUPONT", "Léa", rpps(9_999)), "rpps-unknown"),
    (("B-14", "ROCHE", "Agnès", RETIRED_DOCTOR.rpps), "rpps-gone"),
    (("B-15", "DUPONT", "Léa", NURSE.rpps), "rpps-name"),
    (("B-16", "BENALI", "Nour", DOCTOR.rpps), "rpps-twice"),
    (("S-020", "UN", "Jean", "", "ASH"), "key-twice"),
    (("S-020", "DEUX", "Jean", "", "ASH"), "key-twice"),
    (("!!!", "???", "Jean", "", "ASH"), "characters"),
)


def test_bad_lines_wait_in_quarantine_and_change_nothing(hospitals: Hospitals) -> None:
    good = [NOBODY_NEW[0], NOBODY_NEW[1], LEMOINE]
    doctor_twice = NOBODY_NEW[2]
    padded = [(*line, *[""] * (8 - len(line))) for line, _ in BAD]
    found = stage(hospitals, csv([*good, *padded, doctor_twice]))
    reasons = {bad.where: bad.reason for bad in found.quarantine}
    for number, (_, reason) in enumerate(BAD, 5):
        assert reasons[str(number)] == reason, BAD[number - 5]
    assert reasons[str(5 + len(BAD))] == "rpps-twice"
    assert whats(found) == [("added", "S-010")], "the doctor in quarantine is not removed"
    for bad in found.quarantine:
        for language in ("fr", "en"):
            assert say(f"quarantine-{bad.reason}", language, about=bad.about)
    assert apply(hospitals, found).state == "applied"
    assert sorted(hospitals.do(staff.everyone, CH)) == ["S-001", "S-002", "S-003", "S-010"]


def test_a_persons_number_never_becomes_anothers(hospitals: Hospitals) -> None:
    hospitals.certified(hospitals.vouch())
    before = people(hospitals)
    other_doctor = ("S-003", NURSE.family, NURSE.given, NURSE.rpps, "", "", "", "")
    secretary_as_nurse = ("S-001", NURSE.family, NURSE.given, NURSE.rpps, "", "", "", "")
    for bad in (other_doctor, secretary_as_nurse):
        rest = [one for one in NOBODY_NEW if one[0] != bad[0]]
        found = stage(hospitals, csv([*rest, bad]))
        assert [(one.key, one.reason) for one in found.quarantine] == [(bad[0], "number-changed")]
        assert found.changes == ()
    second_key = ("S-009", DOCTOR.family, DOCTOR.given, DOCTOR.rpps, "", "", "", "")
    found = stage(hospitals, csv([NOBODY_NEW[0], NOBODY_NEW[1], second_key]))
    assert [(one.key, one.reason) for one in found.quarantine] == [("S-009", "rpps-known")]
    apply(hospitals, stage(hospitals, csv([*NOBODY_NEW])))
    assert people(hospitals) == before


def test_removing_many_needs_a_yes(hospitals: Hospitals) -> None:
    found = stage(hospitals, csv([NOBODY_NEW[0], NOBODY_NEW[2]]))
    assert whats(found) == [("removed", AIDE.key)]
    before = people(hospitals)
    with pytest.raises(DecisionError, match="import-needs-yes"):
        apply(hospitals, found)
    assert people(hospitals) == before
    code = hospitals.vouch(AIDE)
    hospitals.certified(code, AIDE)
    found = stage(hospitals, csv([NOBODY_NEW[0], NOBODY_NEW[2]]))
    apply(hospitals, found, yes=True)
    assert AIDE.key not in hospitals.do(staff.everyone, CH)
    (person,) = hospitals.office.rows(register_tables.people)
    assert person.suspended_at_ms is not None, "nobody vouches for the nursing assistant any more"
    apply(hospitals, stage(hospitals, csv(NOBODY_NEW)))
    (person,) = hospitals.office.rows(register_tables.people)
    assert person.suspended_at_ms is None
    assert hospitals.do(staff.keyed, CH, AIDE.key).number == person.rpps


def test_few_of_many_are_removed_unasked_but_not_beside_a_nameless_line(hospitals: Hospitals) -> None:
    crowd = [(f"M-{n}", "DURAND", f"Jean{'abcdefghij'[n % 10]}", "", "ASH", "", "", "") for n in range(40)]
    apply(hospitals, stage(hospitals, csv([*NOBODY_NEW, *crowd])))
    nameless = ("", "DURAND", "Jean", "", "ASH", "", "", "")
    with pytest.raises(DecisionError, match="import-needs-yes"):
        apply(hospitals, stage(hospitals, csv([*NOBODY_NEW, *crowd[:39], nameless])))
    assert hospitals.do(staff.count, CH) == 43
    apply(hospitals, stage(hospitals, csv([*NOBODY_NEW, *crowd[:39]])))
    assert hospitals.do(staff.count, CH) == 42


def test_what_was_shown_is_what_is_done_or_nothing(hospitals: Hospitals) -> None:
    found, other = stage(hospitals, csv([*NOBODY_NEW, LEMOINE])), stage(hospitals, csv([*NOBODY_NEW, LEMOINE]))
    apply(hospitals, found)
    before = people(hospitals)
    for late in (found, other):
        with pytest.raises(DecisionError, match="import-decided" if late is found else "import-stale"):
            apply(hospitals, late)
    hospitals.do(staff_imports.drop, CH, other.import_id, who="op", now_ms=hospitals.now)
    with pytest.raises(DecisionError, match="import-decided"):
        apply(hospitals, other)
    assert people(hospitals) == before


def test_two_managers_at_once(hospitals: Hospitals) -> None:
    found = stage(hospitals, csv([*NOBODY_NEW, LEMOINE]))

    def try_it(_: int) -> str:
        try:
            return apply(hospitals, found).state
        except DecisionError as error:
            return error.reason

    with ThreadPoolExecutor(4) as pool:
        ends = sorted(pool.map(try_it, range(4)))
    assert ends == ["applied", *["import-decided"] * 3]
    assert hospitals.do(staff.count, CH) == 4


def test_another_establishments_import_is_unknown(hospitals: Hospitals) -> None:
    found = stage(hospitals, csv([*NOBODY_NEW, LEMOINE]))
    for verb in (staff_imports.apply, staff_imports.drop, staff_imports.apply_or_wait):
        with pytest.raises(DecisionError, match="import-unknown"):
            hospitals.do(verb, CLINIC, found.import_id, who="op", now_ms=hospitals.now)
    assert hospitals.do(staff_imports.listing, CLINIC) == []
    hospitals.do(staff.dissolve, CH, who="op", now_ms=hospitals.now)
    with pytest.raises(DecisionError, match="establishment-closed"):
        apply(hospitals, found)


def test_a_failure_half_way_leaves_nothing(hospitals: Hospitals, monkeypatch: pytest.MonkeyPatch) -> None:
    found = stage(hospitals, csv([row(SECRETARY, service="Urgences"), *NOBODY_NEW[1:], LEMOINE]))
    before = people(hospitals), hospitals.office.rows(directory_imports)
    monkeypatch.setattr(staff_imports.acts, "record", lambda *_, **__: 1 / 0)  # the last step of all
    with pytest.raises(ZeroDivisionError):
        apply(hospitals, found)
    assert (people(hospitals), hospitals.office.rows(directory_imports)) == before


@pytest.mark.parametrize("write", [staff_exports.to_csv, staff_exports.to_xlsx])
def test_an_export_comes_back_as_it_was_and_holds_no_formula(hospitals: Hospitals, write: Any) -> None:
    apply(hospitals, stage(hospitals, csv([*NOBODY_NEW, LEMOINE])))
    source, lines = staff_files.read(hospitals.do(write, CH))
    assert source in ("csv", "xlsx")
    found = stage(hospitals, hospitals.do(write, CH))
    assert (found.changes, found.quarantine, found.unchanged) == ((), (), 4)
    assert len(lines) == 4


def test_what_looks_like_a_formula_is_exported_as_text(hospitals: Hospitals) -> None:
    """Such a name is refused today; it must do no harm where it came in otherwise."""
    hostile = '=HYPERLINK("http://x","y")'
    with hospitals.office.database.transaction() as connection:
        of_it = establishment_staff.update().where(establishment_staff.c.staff_key == "S-001")
        connection.execute(of_it.values(family_name=hostile, service="+1", given_name="@x"))
    as_csv = hospitals.do(staff_exports.to_csv, CH).decode("utf-8-sig")
    for line in as_csv.splitlines():
        assert not any(cell.lstrip('"').startswith(("=", "@", "+", "-")) for cell in line.split(";"))
    as_xlsx = hospitals.do(staff_exports.to_xlsx, CH)
    sheet = zipfile.ZipFile(io.BytesIO(as_xlsx)).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    (line,) = [one for one in staff_files.read(as_xlsx)[1] if one.fields["key"] == "S-001"]
    assert line.fields["family_name"] == hostile


def put(hospitals: Hospitals, data: bytes, key: str, finess: str = CH) -> Any:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return hospitals.office.http.put(f"/v1/establishments/{finess}/directory", content=data, headers=headers)


def test_a_machine_puts_a_directory(hospitals: Hospitals) -> None:
    key = hospitals.key()
    bad = ("B-1", "=1+1", "Léa", "", "ASH", "", "", "")
    answer = put(hospitals, xlsx([*NOBODY_NEW, LEMOINE, bad]), key)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["state"], told["added"], told["removed"], told["quarantined"]) == ("applied", 1, 0, 1)
    assert (told["quarantine"][0]["line"], told["quarantine"][0]["reason"]) == ("6", "formula")
    assert hospitals.do(staff.count, CH) == 4


def test_a_machine_that_removes_many_waits(hospitals: Hospitals) -> None:
    key = hospitals.key()
    before = people(hospitals)
    answer = put(hospitals, csv([NOBODY_NEW[0]]), key)
    assert (answer.status_code, answer.json()["state"], answer.json()["removed"]) == (202, "waiting", 2)
    assert people(hospitals) == before
    older = hospitals.do(staff_imports.find, CH, answer.json()["import"])
    newer = put(hospitals, csv([NOBODY_NEW[1]]), key).json()
    with pytest.raises(DecisionError, match="import-decided"):
        apply(hospitals, older, yes=True)
    apply(hospitals, hospitals.do(staff_imports.find, CH, newer["import"]), yes=True)
    assert sorted(hospitals.do(staff.everyone, CH)) == ["S-002"]


def test_a_machine_without_the_key_changes_nothing(hospitals: Hospitals) -> None:
    key = hospitals.key()
    before = people(hospitals), hospitals.office.rows(directory_imports)
    data = csv([*NOBODY_NEW, LEMOINE])
    wrong = [put(hospitals, data, "x" * len(key)), put(hospitals, data, ""), put(hospitals, data, key, CLINIC)]
    wrong += [put(hospitals, data, key, "750000001"), put(hospitals, data, key, "nonsense")]
    assert {(one.status_code, one.text) for one in wrong} == {(401, wrong[0].text)}, "nothing is told apart"
    assert put(hospitals, b"\x00" * 100, key).status_code == 422
    assert put(hospitals, b"x" * (staff_files.FILE_BYTES_MAX + 2), key).json()["reason"] == "file-large"
    assert (people(hospitals), hospitals.office.rows(directory_imports)) == before
    hospitals.do(establishments.forget_key, CH, who="op", now_ms=1)
    assert put(hospitals, data, key).status_code == 401


def test_colleagues_find_each_other_and_nobody_else_does(hospitals: Hospitals) -> None:
    hospitals.certified(hospitals.vouch(PHYSICIAN), PHYSICIAN)
    hospitals.certified(hospitals.vouch())
    doctor = next(one for one in hospitals.office.rows(register_tables.people) if one.rpps == DOCTOR.rpps)
    device = next(one for one in hospitals.office.rows(tables.devices) if one.person_id == doctor.person_id)
    ticket = {"authorization": f"Bearer {hospitals.office.tickets.make(device.device_id)}"}
    asked = hospitals.office.http.get("/v1/establishments/staff", params={"words": "diall cardio"}, headers=ticket)
    assert asked.status_code == 200, asked.text
    (found,) = asked.json()["people"]
    assert (found["display_name"], found["reachable"], found["checked_how"]) == ("Aïssatou Diallo", True, "voucher")
    assert asked.json()["establishments"] == ["CENTRE HOSPITALIER DU PARC, Lille"]
    everyone = hospitals.office.http.get("/v1/establishments/staff", headers=ticket).json()["people"]
    assert [one["reachable"] for one in everyone] == [True, True, False]
    stranger = hospitals.office.http.get("/v1/establishments/staff", headers=hospitals.office.ticket())
    assert stranger.json()["people"] == []
    assert hospitals.office.http.get("/v1/establishments/staff").status_code == 401
    for params in ({"words": "x" * 101}, {"skip": "-1"}, {"skip": "a"}):
        refused = hospitals.office.http.get("/v1/establishments/staff", params=params, headers=ticket)
        assert refused.status_code == 422


def test_a_line_typed_by_hand_is_checked_alike(hospitals: Hospitals) -> None:
    fields = dict(zip(staff_records.REQUIRED, ("S-7", "DUPONT", "Léa"), strict=True))
    assert hospitals.do(staff_records.one, fields).reason == "profession-empty"
    assert hospitals.do(staff_records.one, fields | {"profession": "secretaire"}).profession_code == "E1"
    assert hospitals.do(staff_records.sort, [Line("1", {})]).bad[0].reason == "empty"
    assert vouchers.DAYS == 14
