"""Establishments on the console: a sheet, an XLSX import with errors, a code, and a manager who sees their own alone."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from console.browser import Desk, assert_fits
from console.conftest import NewDesk
from console.test_pages import faults
from establishments.files import csv, xlsx
from miss_server import establishments, staff, staff_files, staff_imports, staff_records, vouchers
from miss_server.clock import now_ms
from miss_server.console.operators import AUDITOR, MANAGER
from miss_server.finess import with_check_digit
from miss_server.staff import Record
from server.office import Office

NUMBERS = iter(range(33_000_000, 34_000_000))
LINES = (
    ("S-001", "DIALLO", "Aïssatou", "", "Secrétaire médicale", "Cardiologie", "01 99 00 02 01", ""),
    ("S-002", "MOREL", "Jean-Paul", "", "Aide-soignant", "Gériatrie", "", ""),
    ("S-003", "LEMOINE", "Zoé", "", "Aide-soignante", "Gériatrie", "", ""),
)
BAD = (
    ("S-090", "=HYPERLINK(1)", "Léa", "", "ASH", "", "", ""),
    ("S-091", "DUPONT", "Léa", "12345678901", "", "", "", ""),
    ("S-092", "<script>window.hurt=1</script>", "Léa", "", "<img src=x onerror=window.hurt=1>", "", "", ""),
)


def establishment(console: Office, name: str, referent: str = "") -> str:
    """A new one, with a referent where one is named; its FINESS number."""
    finess = with_check_digit(str(next(NUMBERS)))

    def make(connection: Any) -> None:
        fields = {"name": name, "town": "LILLE"}
        establishments.create(connection, finess, fields, who="root", now_ms=now_ms(), proof="arrêté vu")
        if referent:
            establishments.add_referent(connection, finess, referent, who="root", now_ms=now_ms())

    console.in_database(make)
    return finess


def staffed(console: Office, finess: str, *records: Record) -> None:
    def add(connection: Any) -> None:
        for record in records:
            staff.add_one(connection, finess, record, who="root", now_ms=now_ms())

    console.in_database(add)


def people_of(console: Office, finess: str) -> list[str]:
    return sorted(console.in_database(staff.everyone, finess))


def post(one: Desk, path: str, **form: str) -> int:
    return one.context.request.post(path, headers={"origin": one.origin}, form=form, max_redirects=0).status


def test_a_sheet_from_a_number_to_its_referent(console: Office, desk: NewDesk) -> None:
    one = desk().sit_down()
    one.page.get_by_role("link", name="Établissements").click()
    finess = with_check_digit(str(next(NUMBERS)))
    one.page.get_by_label("FINESS", exact=True).fill(finess[:-1] + str((int(finess[-1]) + 1) % 10))
    one.page.get_by_label("nom", exact=True).fill("Clinique des Essais")
    one.page.get_by_role("button", name="Créer la fiche").click()
    expect(one.page.get_by_role("alert")).to_contain_text("n’est pas un numéro FINESS")
    one.page.get_by_label("FINESS", exact=True).fill(finess)
    one.page.get_by_role("button", name="Créer la fiche").click()
    expect(one.page.get_by_role("alert")).to_contain_text("écrivez la preuve")
    one.page.get_by_label("preuve").fill("arrêté préfectoral vu")
    one.page.get_by_role("button", name="Créer la fiche").click()
    expect(one.page.get_by_role("status")).to_contain_text("Nommez au moins un référent")
    one.page.get_by_label("Prénom et nom du référent").fill("Mme Odile Vidal")
    one.page.get_by_role("button", name="Nommer").click()
    expect(one.page.get_by_text("Mme Odile Vidal")).to_be_visible()
    one.page.get_by_label("lits").fill("beaucoup")
    one.page.get_by_role("button", name="Enregistrer").first.click()
    expect(one.page.get_by_role("alert")).to_contain_text("n’est pas un nombre de lits")
    one.page.get_by_label("lits").fill("412")
    one.page.get_by_label("boîte d’alerte").fill("alerte@clinique.example")
    one.page.get_by_role("button", name="Enregistrer").first.click()
    expect(one.page.get_by_role("status")).to_contain_text("Fiche enregistrée")
    row = console.in_database(establishments.find, finess)
    assert (row.name, row.beds, row.alert_mailbox) == ("Clinique des Essais", 412, "alerte@clinique.example")
    one.page.get_by_role("button", name="Faire une clé").click()
    key = one.page.locator(".mono").first.inner_text().strip()
    pepper = console.keyring.pepper
    assert console.in_database(establishments.holds_key, finess, pepper, key)
    one.faults.clear()  # the answers 409 above


def test_an_xlsx_with_errors_is_looked_at_then_applied(console: Office, desk: NewDesk, tmp_path: Path) -> None:
    finess = establishment(console, "CH de l’Import", "Mme Jeanne Import")
    staffed(console, finess, Record("S-001", "", "", "DIALLO", "Aïssatou", "E1", "Secrétaire médical", "Urgences"))
    file = tmp_path / "personnel.xlsx"
    file.write_bytes(xlsx([*LINES, *BAD]))
    one = desk("Mme Jeanne Import").sit_down(MANAGER, finess)
    one.page.get_by_role("link", name="Établissements").click()
    one.page.get_by_role("link", name="CH de l’Import").click()
    one.page.get_by_role("link", name="Imports").click()
    one.page.get_by_label("Annuaire au format CSV ou XLSX").set_input_files(file)
    one.page.get_by_role("button", name="Voir les différences").click()
    quarantine = one.page.get_by_role("region", name="Quarantaine")
    expect(quarantine.get_by_role("row")).to_have_count(4)
    expect(quarantine.get_by_role("row", name="S-090")).to_contain_text("formule")
    expect(quarantine.get_by_role("row", name="S-091")).to_contain_text("RPPS mal formé")
    expect(quarantine.get_by_role("row", name="S-092")).to_contain_text("<img src=x")
    differences = one.page.get_by_role("region", name="Différences")
    expect(differences.get_by_role("row")).to_have_count(4)
    expect(differences.get_by_role("row", name="S-001")).to_contain_text("Service")
    expect(one.page.get_by_text("à décider")).to_be_visible()
    assert people_of(console, finess) == ["S-001"], "nothing has changed yet"
    assert_fits(one)
    assert faults(one) == []
    one.page.get_by_role("button", name="Appliquer ces différences").click()
    expect(one.page.get_by_role("status")).to_contain_text("Import appliqué")
    assert people_of(console, finess) == ["S-001", "S-002", "S-003"]
    assert one.page.evaluate("window.hurt") is None
    expect(one.page.get_by_role("button", name="Appliquer ces différences")).to_have_count(0)

    # A file that takes many away needs a tick, and nothing is done without it.
    file.write_bytes(csv(LINES[:1]))
    one.page.get_by_role("link", name="Imports").click()
    one.page.get_by_label("Annuaire au format CSV ou XLSX").set_input_files(file)
    one.page.get_by_role("button", name="Voir les différences").click()
    expect(one.page.get_by_text("seront retirées (2)")).to_be_visible()
    number = one.page.url.rpartition("/")[2]
    path = f"/establishments/{finess}/imports/{number}/apply"
    assert post(one, path) == 409
    assert len(people_of(console, finess)) == 3
    one.page.get_by_label("seront retirées (2)").check()
    one.page.get_by_role("button", name="Appliquer ces différences").click()
    expect(one.page.get_by_role("status")).to_contain_text("Import appliqué")
    assert people_of(console, finess) == ["S-001"]
    assert post(one, path, yes="yes") == 409, "once"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"\xff\xfe\x00", "ces caractères ne sont"),
        ("a.xlsx", b"PK\x03\x04 broken", "Ce classeur est illisible"),
        ("a.csv", b"Nom;Pr\xc3\xa9nom\r\nA;B\r\n", "Colonnes absentes"),
        ("a.csv", b"", "ne contient personne"),
        ("a.csv", b";".join([b"Nom"] * 300_000), "plus de 200 colonnes"),
    ],
)
def test_a_file_that_is_refused_says_why(
    console: Office, desk: NewDesk, tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    finess = establishment(console, "CH du Refus")
    one = desk().sit_down()
    file = tmp_path / name
    file.write_bytes(data)
    one.page.goto(f"/establishments/{finess}/imports")
    one.page.get_by_label("Annuaire au format CSV ou XLSX").set_input_files(file)
    one.page.get_by_role("button", name="Voir les différences").click()
    expect(one.page.get_by_role("alert")).to_contain_text(said)
    assert console.in_database(staff_imports.listing, finess) == []
    one.faults.clear()


def test_a_form_that_is_no_upload_is_refused(console: Office, desk: NewDesk) -> None:
    finess = establishment(console, "CH des Formulaires")
    one = desk().sit_down()
    request, path = one.context.request, f"/establishments/{finess}/imports"
    origin = {"origin": one.origin}
    assert request.post(path, headers=origin, form={"file": "x"}).status == 400
    assert request.post(path, headers=origin, multipart={"other": "x"}).status == 400
    assert request.post(path, headers=origin | {"content-type": "multipart/form-data"}, data=b"x").status == 400
    large = {"file": {"name": "a.csv", "mimeType": "text/csv", "buffer": b"x" * (staff_files.FILE_BYTES_MAX + 40_000)}}
    assert request.post(path, headers=origin, multipart=large).status == 413
    assert console.in_database(staff_imports.listing, finess) == []


def test_a_referent_hands_over_a_code_and_withdraws_another(console: Office, desk: NewDesk) -> None:
    finess = establishment(console, "CH des Codes", "M. Karim Codes")
    staffed(
        console,
        finess,
        Record("S-001", "", "", "DIALLO", "Aïssatou", "E1", "Secrétaire médical"),
        Record("S-002", "", "", "MOREL", "Jean-Paul", "35", "Aide-soignant"),
    )
    one = desk("M. Karim Codes").sit_down(MANAGER, finess)
    one.page.goto(f"/establishments/{finess}/staff")
    one.page.get_by_role("button", name="Faire un code pour Aïssatou Diallo").click()
    code = one.page.locator(".code").inner_text()
    assert vouchers.parse(code)
    expect(one.page.locator(".qr svg")).to_be_visible()
    assert faults(one) == []
    assert_fits(one)
    one.page.goto(f"/establishments/{finess}/staff")
    one.page.get_by_role("button", name="Faire un code pour Jean-Paul Morel").click()
    one.page.goto(f"/establishments/{finess}/vouchers")
    expect(one.page.get_by_role("row")).to_have_count(3)
    assert code not in one.page.content()
    one.page.get_by_role("button", name="Retirer ce code (Jean-Paul MOREL)").click()
    expect(one.page.get_by_role("status")).to_contain_text("Code retiré")
    states = [state for _, state in console.in_database(vouchers.listing, finess, now_ms())]
    assert states == ["withdrawn", "open"]

    # Who is removed as a referent, though a manager still, makes no more codes.
    referent = console.in_database(establishments.referent_named, finess, "M. Karim Codes").referent_id
    console.in_database(lambda c: establishments.remove_referent(c, finess, referent, who="root", now_ms=now_ms()))
    one.page.goto(f"/establishments/{finess}/staff")
    one.page.get_by_role("button", name="Faire un code pour Jean-Paul Morel").click()
    expect(one.page.get_by_role("alert")).to_contain_text("n’est pas référent")
    assert len(console.in_database(vouchers.listing, finess, now_ms())) == 2
    one.faults.clear()


def test_a_manager_is_kept_to_their_own_establishment(console: Office, desk: NewDesk) -> None:
    own, other = establishment(console, "CH à soi", "Mme Ici"), establishment(console, "CH d’ailleurs", "Mme Là")
    staffed(console, other, Record("S-001", "", "", "DIALLO", "Aïssatou", "E1", "Secrétaire médical"))
    (member,) = console.in_database(staff.everyone, other).values()
    referent = console.in_database(establishments.referents, other)[0].referent_id

    def stage(connection: Any) -> int:
        found = staff_records.sort(connection, staff_files.read(csv(LINES))[1])
        return staff_imports.stage(connection, other, "csv", found, who="x", now_ms=now_ms()).import_id

    number = console.in_database(stage)
    one = desk().sit_down(MANAGER, own)
    one.page.goto("/establishments")
    expect(one.page.get_by_role("link", name="CH à soi")).to_be_visible()
    assert "ailleurs" not in one.page.locator("main").inner_text()
    before = state(console, other)
    for room in ("", "/staff", "/vouchers", "/imports", f"/imports/{number}"):
        assert one.context.request.get(f"/establishments/{other}{room}").status == 404
        assert one.context.request.get(f"/establishments/{own}{room}").status == (404 if "s/" in room else 200)
    for path in (
        "",
        "/staff",
        "/staff/export",
        f"/staff/{member.staff_id}/remove",
        f"/staff/{member.staff_id}/vouch",
        f"/referents/{referent}/remove",
        f"/imports/{number}/apply",
        f"/imports/{number}/drop",
    ):
        assert post(one, f"/establishments/{other}{path}", name="x", yes="yes") == 404, path
        if path and path not in ("/staff", "/staff/export"):  # another's things under one's own number
            assert post(one, f"/establishments/{own}{path}", name="x", yes="yes") in (404, 409), path
    assert state(console, other) == before


def state(console: Office, finess: str) -> list[Any]:
    """All that is known of an establishment."""
    verbs: tuple[Callable[..., Any], ...] = (
        establishments.find,
        establishments.referents,
        staff.everyone,
        staff_imports.listing,
    )
    return [console.in_database(verb, finess) for verb in verbs]


def test_an_auditor_reads_and_changes_nothing(console: Office, desk: NewDesk) -> None:
    finess = establishment(console, "CH de l’Audit", "Mme Auditée")
    staffed(console, finess, Record("S-001", "", "", "DIALLO", "Aïssatou", "E1", "Secrétaire médical"))
    one = desk().sit_down(AUDITOR)
    for room in ("", "/staff", "/vouchers", "/imports"):
        one.page.goto(f"/establishments/{finess}{room}")
        buttons = [text.strip() for text in one.page.locator("main button").all_inner_texts()]
        assert set(buttons) <= {"XLSX", "CSV", "Rechercher", "Chercher"}, (room, buttons)
        assert_fits(one)


def test_the_pages_read_well_and_hold_hostile_words(console: Office, desk: NewDesk) -> None:
    finess = establishment(console, "CH <script>window.hurt=1</script> " + "É" * 150, "<b>Mme</b>")
    staffed(
        console,
        finess,
        Record("<b>S</b>", "", "", "<img src=x onerror=window.hurt=1>", "{{ 7*7 }}", "E1", "x" * 120, "É" * 120),
    )
    one = desk(language="en-GB").sit_down()
    found: list[str] = []
    for scheme, rooms in (("light", ("", "/staff", "/imports", "/vouchers")), ("dark", ("", "/staff"))):
        one.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two it knows
        for path in ("/establishments", *(f"/establishments/{finess}{room}" for room in rooms)):
            one.page.goto(path)
            found += faults(one)
            assert_fits(one)
    assert found == []
    assert one.page.evaluate("window.hurt") is None
    assert one.page.locator("main img, main script").count() == 0
    one.page.goto(f"/establishments/{finess}/staff")
    one.page.get_by_text("Add a person…").click()
    for label, value in (("Number", "S-2"), ("Family name", "DUPONT"), ("First name", "Léa")):
        fill = one.page.get_by_label(label, exact=True)
        if fill.count():
            fill.fill(value)
    one.page.locator("#typed-given_name").fill("Léa")
    one.page.get_by_role("button", name="Add", exact=True).click()
    expect(one.page.get_by_role("alert")).to_contain_text("neither RPPS nor profession")
    one.page.locator("#typed-profession").fill("ASH")
    one.page.get_by_role("button", name="Add", exact=True).click()
    expect(one.page.get_by_role("status").first).to_contain_text("Person added")
    with one.page.expect_download() as download:
        one.page.get_by_role("button", name="CSV").click()
    data = Path(download.value.path()).read_bytes()
    assert re.match(r"personnel-\w{9}\.csv", download.value.suggested_filename)
    assert len(staff_files.read(data)[1]) == 2
    one.faults.clear()
