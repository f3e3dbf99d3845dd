"""Vouchers over HTTP: whom they certify, and every way in which one is worth nothing."""

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from establishments.hospital import (
    AIDE,
    CH,
    CLINIC,
    NURSE,
    PHYSICIAN,
    SECRETARY,
    Hospitals,
    another_code,
)
from identity.extract import people_lines, write
from identity.post_office import PEPPER, device_request, refused
from miss_protocol.identity import DeviceCertificate
from miss_server import decisions, establishments, register_tables, staff, tables, vouchers
from miss_server.codes import ALPHABET
from miss_server.operator_verbs import shown
from miss_server.refusals import DecisionError
from miss_server.register_load import load
from miss_server.rpps import is_national


def certificate_in(answer: dict[str, Any]) -> DeviceCertificate:
    return DeviceCertificate.parse(base64.b64decode(answer["certificate"]))


def test_a_secretary_is_certified_by_her_establishment(hospitals: Hospitals) -> None:
    device_id, request = device_request("Poste du secrétariat")
    opened = hospitals.claim(hospitals.vouch(), request=base64.b64encode(request).decode())
    assert opened.status_code == 201
    assert (opened.json()["state"], opened.json()["via"]) == ("waiting", "voucher")
    done = hospitals.office.step(opened.json()).json()
    certificate = certificate_in(done)
    certificate.verify(hospitals.office.authority, hospitals.now)
    who = certificate.professional
    assert (who.display_name, who.family_name, who.given_name) == ("Aïssatou Diallo", "DIALLO", "Aïssatou")
    assert (who.rpps, who.profession_code, who.profession) == ("", "E1", "Secrétaire médical")
    assert (who.place, who.checked_how) == ("CENTRE HOSPITALIER DU PARC, Lille", "voucher")
    assert certificate.device_id == device_id
    (person,) = hospitals.office.rows(register_tables.people)
    assert not is_national(person.rpps)
    assert person.checked_by == "CENTRE HOSPITALIER DU PARC"
    assert hospitals.office.step(opened.json()).json()["certificate"] == done["certificate"]
    assert hospitals.office.acts()[-4:] == ["voucher-made", "opened", "device-enrolled", "certified"]


def test_a_doctor_keeps_what_the_register_says(hospitals: Hospitals) -> None:
    who = certificate_in(hospitals.certified(hospitals.vouch(PHYSICIAN), PHYSICIAN)).professional
    assert (who.rpps, who.display_name, who.profession) == (PHYSICIAN.rpps, "Dr Nour Benali", "Médecine générale")
    assert who.checked_how == "voucher"


def test_a_second_voucher_is_the_same_person_after_a_day(hospitals: Hospitals) -> None:
    first = certificate_in(hospitals.certified(hospitals.vouch()))
    opened = hospitals.claim(hospitals.vouch()).json()
    assert hospitals.office.step(opened).json()["state"] == "delayed", "the first device can still say no"
    hospitals.office.clock.later(24 * 60 + 1)
    second = certificate_in(hospitals.office.step(opened).json())
    assert first.person_id == second.person_id
    assert first.device_id != second.device_id
    other = certificate_in(hospitals.certified(hospitals.vouch(AIDE), AIDE))
    assert other.person_id != first.person_id


@pytest.mark.parametrize(
    "spoil",
    [str.lower, lambda c: c.replace("-", ""), lambda c: f" {c.replace('-', ' ')} ", lambda c: c.replace("0", "o")],
)
def test_what_looks_like_the_code_is_the_code(hospitals: Hospitals, spoil: Any) -> None:
    hospitals.certified(spoil(hospitals.vouch()))


def test_a_slip_in_the_code_is_found_before_anything_is_asked() -> None:
    code = vouchers.new_code()
    for place in range(len(code)):
        changed = ALPHABET[(ALPHABET.index(code[place]) + 7) % 32]
        assert vouchers.parse(code[:place] + changed + code[place + 1 :]) is None
    assert vouchers.parse(vouchers.shown(code)) == code
    assert all(vouchers.parse(text) is None for text in ("", code[:-1], code + "0", "U" * 16, "é" * 16))


def untouched(hospitals: Hospitals) -> tuple[Any, ...]:
    """Everything that a refusal must leave as it was."""
    rows = hospitals.office.rows
    kept = list(rows(register_tables.people)), len(rows(tables.devices)), hospitals.office.acts()
    return (*kept, rows(register_tables.registrations))


def test_a_code_that_was_used(hospitals: Hospitals) -> None:
    code = hospitals.vouch()
    hospitals.certified(code)
    before = untouched(hospitals)
    refused(hospitals.claim(code), "voucher-used")
    assert untouched(hospitals) == before


def test_a_code_that_expired(hospitals: Hospitals) -> None:
    code = hospitals.vouch()
    opened = hospitals.claim(code).json()
    hospitals.office.clock.later(vouchers.DAYS * 24 * 60 + 1)
    before = untouched(hospitals)
    refused(hospitals.claim(code), "voucher-expired")
    assert untouched(hospitals) == before
    ended = hospitals.office.step(opened).json()  # claimed in time, but asked about too late
    assert (ended["state"], ended["problem"]) == ("refused", "voucher-expired")
    assert len(hospitals.office.rows(tables.devices)) == 1


def test_anothers_code_and_a_guessed_name(hospitals: Hospitals) -> None:
    code = hospitals.vouch()
    before = untouched(hospitals)
    for _ in range(vouchers.NAME_TRIES_MAX - 1):
        refused(hospitals.claim(code, AIDE), "voucher-of-another")
    refused(hospitals.claim(code, AIDE), "voucher-exhausted")
    refused(hospitals.claim(code), "voucher-exhausted")  # the right name comes too late
    assert untouched(hospitals) == before
    hospitals.certified(hospitals.vouch())


def test_codes_that_were_guessed(hospitals: Hospitals) -> None:
    hospitals.vouch()
    before = untouched(hospitals)
    for _ in range(20):
        refused(hospitals.claim(another_code()), "voucher-unknown")
    refused(hospitals.claim("ABCD-EFGH"), "voucher-malformed")
    assert untouched(hospitals) == before


@pytest.mark.parametrize("at", ["before the claim", "after the claim"])
@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("referent", "voucher-withdrawn"),
        ("withdrawn", "voucher-withdrawn"),
        ("person", "voucher-withdrawn"),
        ("establishment", "voucher-withdrawn"),
        ("profession", "voucher-profession"),
        ("newer voucher", "voucher-withdrawn"),
    ],
)
def test_what_ends_a_code_ends_it_at_any_moment(hospitals: Hospitals, ending: str, reason: str, at: str) -> None:
    code = hospitals.vouch()
    opened = hospitals.claim(code).json() if at == "after the claim" else None
    who = {"who": "op", "now_ms": hospitals.now}
    if ending == "referent":
        hospitals.do(establishments.remove_referent, CH, hospitals.referent, **who)
    elif ending == "withdrawn":
        (voucher, _), *_ = hospitals.do(vouchers.listing, CH, hospitals.now)
        hospitals.do(vouchers.withdraw, CH, voucher.voucher_id, **who)
    elif ending == "person":
        hospitals.do(staff.remove_one, CH, hospitals.staff[SECRETARY.key], **who)
    elif ending == "establishment":
        hospitals.do(staff.dissolve, CH, **who)
    elif ending == "profession":
        hospitals.do(establishments.allow, CH, ["35"], **who)
    else:
        hospitals.vouch()
    if opened is None:
        refused(hospitals.claim(code), reason)
    else:
        ended = hospitals.office.step(opened).json()
        assert ended["state"] == "refused"
        assert ended["problem"] in (reason, "no-longer-vouched")
    assert hospitals.office.rows(register_tables.people) == []
    assert len(hospitals.office.rows(tables.devices)) == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"finess": CLINIC}, "referent-unknown"),
        ({"finess": CLINIC, "referent_id": "theirs"}, "staff-unknown"),
        ({"referent_id": "theirs"}, "referent-unknown"),
        ({"referent_id": 999}, "referent-unknown"),
        ({"staff_id": 999}, "staff-unknown"),
        ({"finess": "750000001"}, "establishment-unknown"),
    ],
)
def test_one_establishment_never_vouches_for_anothers(
    hospitals: Hospitals, changed: dict[str, Any], reason: str
) -> None:
    theirs = {key: hospitals.other_referent if value == "theirs" else value for key, value in changed.items()}
    with pytest.raises(DecisionError) as error:
        hospitals.vouch(**theirs)
    assert error.value.reason == reason
    assert hospitals.do(vouchers.listing, CH, hospitals.now) == []
    hospitals.vouch()
    (voucher, state), *_ = hospitals.do(vouchers.listing, CH, hospitals.now)
    assert state == "open"
    with pytest.raises(DecisionError, match="voucher-not-open"):
        hospitals.do(vouchers.withdraw, CLINIC, voucher.voucher_id, who="op", now_ms=hospitals.now)


def test_a_profession_that_is_not_on_the_list_gets_no_code(hospitals: Hospitals) -> None:
    hospitals.do(establishments.allow, CH, ["35"], who="op", now_ms=hospitals.now)
    with pytest.raises(DecisionError, match="profession-not-allowed"):
        hospitals.vouch()
    hospitals.certified(hospitals.vouch(AIDE), AIDE)
    hospitals.certified(hospitals.vouch(PHYSICIAN), PHYSICIAN)  # the register says what a doctor is
    with pytest.raises(DecisionError, match="profession-unknown"):
        hospitals.do(establishments.allow, CH, ["10"], who="op", now_ms=hospitals.now)


def test_of_many_parallel_uses_one_succeeds(hospitals: Hospitals) -> None:
    code = hospitals.vouch()
    with ThreadPoolExecutor(10) as pool:
        opened = list(pool.map(lambda _: hospitals.claim(code).json(), range(20)))
        answers = list(pool.map(hospitals.office.step, opened))
    states = sorted(answer.json()["state"] for answer in answers)
    assert states == ["certified"] + ["refused"] * 19
    assert len(hospitals.office.rows(tables.devices)) == 2


def test_an_answer_that_was_lost_is_asked_for_again(hospitals: Hospitals) -> None:
    code = hospitals.vouch()
    lost = hospitals.claim(code).json()
    again = hospitals.certified(code)
    assert certificate_in(again).professional.family_name == "DIALLO"
    assert hospitals.office.step(lost).json()["problem"] == "voucher-used"


def test_who_practises_no_more_gets_no_certificate_by_a_code(hospitals: Hospitals) -> None:
    code = hospitals.vouch(PHYSICIAN)
    rest = write(hospitals.office.folder / "none.txt", people_lines([NURSE]))
    load(hospitals.office.database.transaction, [rest])
    before = untouched(hospitals)
    refused(hospitals.claim(code, PHYSICIAN), "no-longer-practising")
    assert untouched(hospitals) == before


def test_where_an_operator_decides_always_a_code_waits(strict_hospitals: Hospitals) -> None:
    hospitals, office = strict_hospitals, strict_hospitals.office
    opened = hospitals.claim(hospitals.vouch()).json()
    assert (office.step(opened).json()["state"], office.step(opened).json()["why"]) == ("waiting", "approval-always")
    (case,) = hospitals.do(decisions.cases)
    assert "Aïssatou DIALLO, Secrétaire médical, CENTRE HOSPITALIER DU PARC, Lille (Mme Jeanne Roy)" in shown(
        case, "fr"
    )
    hospitals.do(decisions.approve, opened["registration"], operator="op", proof="", now_ms=hospitals.now)
    assert certificate_in(office.step(opened).json()).professional.checked_how == "voucher"


def test_leaving_the_last_establishment_suspends_and_coming_back_restores(hospitals: Hospitals) -> None:
    hospitals.certified(hospitals.vouch())
    hospitals.certified(hospitals.vouch(PHYSICIAN), PHYSICIAN)
    for key in (SECRETARY.key, PHYSICIAN.key):
        hospitals.do(staff.remove_one, CH, hospitals.staff[key], who="op", now_ms=hospitals.now)
    suspended = {is_national(p.rpps): p.suspended_at_ms for p in hospitals.office.rows(register_tables.people)}
    assert suspended[True] is None, "the register still knows the doctor"
    assert suspended[False] is not None
    hospitals.do(staff.add_one, CH, SECRETARY, who="op", now_ms=hospitals.now)
    assert all(p.suspended_at_ms is None for p in hospitals.office.rows(register_tables.people))


def test_a_new_load_of_the_register_leaves_them_alone(hospitals: Hospitals) -> None:
    hospitals.certified(hospitals.vouch())
    load(
        hospitals.office.database.transaction,
        [write(hospitals.office.folder / "n.txt", people_lines([NURSE]))],
    )
    (person,) = hospitals.office.rows(register_tables.people)
    assert person.suspended_at_ms is None


@pytest.mark.parametrize(
    "body",
    [
        {"family_name": ""},
        {"family_name": "A\nB"},
        {"given_name": "x" * 81},
        {"voucher": ""},
        {"voucher": "0" * 61},
        {"language": "de"},
        {"more": 1},
        {"request": "!!"},
    ],
)
def test_a_claim_that_is_malformed(hospitals: Hospitals, body: dict[str, Any]) -> None:
    before = untouched(hospitals)
    assert hospitals.claim(hospitals.vouch(), **body).status_code == 422
    assert len(untouched(hospitals)[2]) == len(before[2]) + 1, "the voucher's act alone"


def test_the_pepper_is_needed_to_try_a_code(hospitals: Hospitals) -> None:
    code = hospitals.vouch()
    found = hospitals.do(vouchers.claim, bytes(32), code, "Diallo", "Aïssatou", hospitals.now)
    assert found.reason == "voucher-unknown"
    found = hospitals.do(vouchers.claim, PEPPER, code, "Diallo", "Aïssatou", hospitals.now)
    assert found.place == "CENTRE HOSPITALIER DU PARC, Lille"
