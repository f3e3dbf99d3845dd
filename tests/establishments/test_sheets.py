"""Establishments' sheets: what a FINESS number is, who may have a sheet, what it may say."""

from pathlib import Path

import pytest

from establishments.hospital import CH, CLINIC, SECRETARY, UNLISTED_FINESS, Hospitals
from miss_server import acts, establishments, finess, staff
from miss_server.refusals import DecisionError
from miss_server.register_tables import registrar_acts


@pytest.mark.parametrize("number", ["590000014", "2A0000022", "2B0000020", "970100012"])
def test_a_number_is_checked_as_the_rule_says(number: str) -> None:
    made = finess.with_check_digit(number[:8])
    spaced = f"{made[:2]} {made[2:6]}-{made[6:]}".lower()
    assert finess.parse(spaced) == made
    for place in range(2, 9):  # every single digit that is mistaken is found
        wrong = made[:place] + str((int(made[place]) + 1) % 10) + made[place + 1 :]
        assert finess.parse(wrong) is None


def test_corsica_counts_as_21_and_22() -> None:
    assert finess.parse("2A" + finess.with_check_digit("21000017")[2:]) == finess.with_check_digit("2A000017")
    assert finess.parse("2B" + finess.with_check_digit("22000017")[2:]) == finess.with_check_digit("2B000017")


@pytest.mark.parametrize(
    "text", ["", "59000001", "5900000144", "59000001X", "2C0000022", "１２３４５６７８９", "A90000014"]
)
def test_what_is_no_number(text: str) -> None:
    assert finess.parse(text) is None


def test_a_sheet_starts_from_what_the_register_says(hospitals: Hospitals) -> None:
    row = hospitals.do(establishments.find, CH)
    assert (row.name, row.postcode, row.town) == ("CENTRE HOSPITALIER DU PARC", "59000", "LILLE")
    assert establishments.place(row) == "CENTRE HOSPITALIER DU PARC, Lille"
    fields = {
        "group_name": "GHT des Flandres", "address": "1 rue du Parc", "beds": "412", "telephone": "01 99 00 02 00",
        "administrative_referent": "Mme Odile Vidal", "it_manager": "M. Paul Adam", "it_telephone": "01 99 00 02 01",
        "alert_mailbox": "alerte@ch.example",
    }  # fmt: skip
    row = hospitals.do(establishments.change, CH, fields, who="Une opératrice", now_ms=hospitals.now)
    assert {name: str(getattr(row, name)) for name in fields} == fields
    last = hospitals.office.rows(registrar_acts)[-1]
    assert (last.who, last.what) == ("Une opératrice", "establishment-changed")
    assert "Vidal" not in last.about, "which fields, not what they say"


@pytest.mark.parametrize(
    ("typed", "fields", "proof", "reason"),
    [
        ("590000019", {}, "", "finess-malformed"),
        (UNLISTED_FINESS, {"name": "EHPAD"}, "", "finess-unlisted"),
        (UNLISTED_FINESS, {}, "arrêté vu", "field-empty"),
        (CH, {}, "", "establishment-known"),
        (UNLISTED_FINESS, {"name": "EHPAD", "beds": "-4"}, "vu", "beds-malformed"),
        (UNLISTED_FINESS, {"name": "EHPAD", "beds": "1e3"}, "vu", "beds-malformed"),
        (UNLISTED_FINESS, {"name": "EHPAD", "alert_mailbox": "a@b\r\nBcc: c@d"}, "vu", "field-characters"),
        (UNLISTED_FINESS, {"name": "EHPAD", "alert_mailbox": "a@b, c@d"}, "vu", "address-malformed"),
        (UNLISTED_FINESS, {"name": "E" * 201}, "vu", "field-too-long"),
        (UNLISTED_FINESS, {"name": "EHPAD\x00"}, "vu", "field-characters"),
        (UNLISTED_FINESS, {"name": "EHPAD", "import_key_hash": "x"}, "vu", "field-unknown"),
    ],
)
def test_a_sheet_that_is_not_made(
    hospitals: Hospitals, typed: str, fields: dict[str, str], proof: str, reason: str
) -> None:
    before = hospitals.do(establishments.everyone), hospitals.office.acts()
    with pytest.raises(DecisionError) as refused:
        hospitals.do(establishments.create, typed, fields, who="op", now_ms=hospitals.now, proof=proof)
    assert refused.value.reason == reason
    assert (hospitals.do(establishments.everyone), hospitals.office.acts()) == before


def test_an_unlisted_one_needs_a_proof_which_is_kept(hospitals: Hospitals) -> None:
    name = {"name": "EHPAD des Mimosas"}
    row = hospitals.do(establishments.create, UNLISTED_FINESS, name, who="op", now_ms=1, proof="arrêté préfectoral vu")
    assert row.proof == "arrêté préfectoral vu"
    assert hospitals.office.rows(registrar_acts)[-1].about.endswith("arrêté préfectoral vu")


def test_another_establishments_referent_is_unknown(hospitals: Hospitals) -> None:
    for asked in (hospitals.other_referent, 999):
        with pytest.raises(DecisionError, match="referent-unknown"):
            hospitals.do(establishments.remove_referent, CH, asked, who="op", now_ms=hospitals.now)
    with pytest.raises(DecisionError, match="referent-known"):
        hospitals.do(establishments.add_referent, CH, "mme JEANNE roy", who="op", now_ms=hospitals.now)


def test_a_closed_one_is_closed_for_everything(hospitals: Hospitals) -> None:
    hospitals.do(staff.dissolve, CH, who="op", now_ms=hospitals.now)
    assert hospitals.do(staff.count, CH) == 0
    for verb, arguments in (
        (establishments.change, ({"beds": "1"},)),
        (establishments.add_referent, ("Une autre",)),
        (establishments.close, ()),
        (staff.add_one, (SECRETARY,)),
    ):
        with pytest.raises(DecisionError, match="establishment-closed"):
            hospitals.do(verb, CH, *arguments, who="op", now_ms=hospitals.now)
    assert hospitals.do(establishments.find, CLINIC).closed_at_ms is None
    with hospitals.office.database.snapshot() as connection:
        assert acts.verify(connection).broken_at is None


def test_an_import_key_opens_one_establishment_only(hospitals: Hospitals) -> None:
    pepper = bytes(32)
    first = hospitals.do(establishments.make_key, CH, pepper, who="op", now_ms=1)
    assert hospitals.do(establishments.holds_key, CH, pepper, first)
    assert not hospitals.do(establishments.holds_key, CLINIC, pepper, first)
    assert not hospitals.do(establishments.holds_key, UNLISTED_FINESS, pepper, first)
    assert not hospitals.do(establishments.holds_key, CH, pepper, "")
    second = hospitals.do(establishments.make_key, CH, pepper, who="op", now_ms=1)
    assert not hospitals.do(establishments.holds_key, CH, pepper, first)
    assert hospitals.do(establishments.holds_key, CH, pepper, second)
    hospitals.do(establishments.forget_key, CH, who="op", now_ms=1)
    assert not hospitals.do(establishments.holds_key, CH, pepper, second)


def test_no_key_and_no_code_is_in_the_database(hospitals: Hospitals, tmp_path: Path) -> None:
    key = hospitals.do(establishments.make_key, CH, bytes(32), who="op", now_ms=1)
    code = hospitals.vouch()
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("miss.db*"))
    assert CH.encode() in stored
    for secret in (key, code, code.replace("-", "")):
        assert secret.encode() not in stored
