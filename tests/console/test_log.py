"""The log of acts on the console: filtered, taken away as tables without formulas, verified."""

import csv
import io
import sqlite3
from pathlib import Path
from typing import Any

import python_calamine
from playwright.sync_api import Page, expect

from console.browser import Desk
from console.conftest import NewDesk
from miss_server import acts
from miss_server.clock import now_ms
from miss_server.console.operators import AUDITOR
from server.office import Office

FORMULAS = ('=HYPERLINK("http://evil.example")', "+1", "-2+3", "@SUM(A1)", "\t=1", 'n° 12, "entre guillemets"')


def note(office: Office, who: str, *abouts: str) -> None:
    def write(connection: Any) -> None:
        for about in abouts:
            acts.record(connection, who=who, what="approved", about=about, now_ms=now_ms())

    office.in_database(write)


def taken(page: Page, button: str) -> bytes:
    """What a button downloads."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_bytes()


def test_acts_are_filtered_and_taken_away(console: Office, desk: NewDesk) -> None:
    one = desk()
    note(console, "=cmd|'/c calc'!A1", *FORMULAS)
    note(console, "Quelqu’un d’autre", "n° 13")
    one.sit_down(AUDITOR)
    one.page.goto("/acts")
    one.page.get_by_label("Qui").fill("calc")
    expect(one.page.get_by_role("row")).to_have_count(len(FORMULAS) + 1)
    one.page.get_by_label("Quoi").select_option("refused" if has(one, "refused") else "approved")
    one.page.get_by_label("Quoi").select_option("approved")
    expect(one.page.get_by_role("row")).to_have_count(len(FORMULAS) + 1)
    table = list(csv.reader(io.StringIO(taken(one.page, "CSV").decode("utf-8-sig"), newline="")))
    book = python_calamine.load_workbook(io.BytesIO(taken(one.page, "XLSX")))
    sheet = book.get_sheet_by_index(0).to_python()
    for rows in (table, sheet):
        assert len(rows) == len(FORMULAS) + 1
        assert [row[2] for row in rows[1:]] == ["'=cmd|'/c calc'!A1"] * len(FORMULAS)
        for row, formula in zip(rows[1:], FORMULAS, strict=True):
            assert str(row[4]).strip("' \t") == formula.strip()
            assert not any(str(cell).startswith(("=", "+", "-", "@", "\t")) for cell in row)
    one.page.goto("/acts?what=acts-exported")
    exported = one.page.get_by_role("row").filter(has=one.page.get_by_role("cell", name=one.name, exact=True))
    asked = "who=calc&what=approved"
    assert exported.locator("td:last-child").all_inner_texts() == [f"xlsx {asked}", f"csv {asked}"]  # each is an act
    one.page.goto("/acts?since=2001-01-01&until=2001-01-02")
    expect(one.page.get_by_text("Aucun acte ne correspond")).to_be_visible()
    assert one.context.request.get("/acts?since=hier").status == 400


def has(one: Desk, kind: str) -> bool:
    return one.page.locator(f'#what option[value="{kind}"]').count() > 0


def test_an_altered_act_is_found(console: Office, desk: NewDesk) -> None:
    note(console, "Une opératrice", "à modifier")
    one = desk().sit_down(AUDITOR)
    one.page.goto("/acts")
    one.page.get_by_role("button", name="Vérifier").click()
    expect(one.page.get_by_role("status")).to_contain_text("aucun modifié")
    head = one.page.locator("main .mono").inner_text()
    one.page.goto("/acts")
    one.page.get_by_label("Empreinte notée").fill(head)
    one.page.get_by_role("button", name="Vérifier").click()
    expect(one.page.get_by_role("status")).to_contain_text("l’empreinte notée est bien celle")
    one.page.goto("/acts")
    one.page.get_by_label("Empreinte notée").fill("0" * 63 + "1")
    one.page.get_by_role("button", name="Vérifier").click()
    expect(one.page.get_by_role("alert")).to_contain_text("n’est celle d’aucun acte")

    # Who owns the file can change it past the triggers; the chain tells. It is put back afterwards.
    with sqlite3.connect(console.settings.database, isolation_level=None) as connection:
        (trigger,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'registrar_acts_stay_update'"
        ).fetchone()
        connection.execute("DROP TRIGGER registrar_acts_stay_update")
        connection.execute("UPDATE registrar_acts SET about = 'modifié' WHERE about = 'à modifier'")
    try:
        one.page.goto("/acts")
        one.page.get_by_role("button", name="Vérifier").click()
        expect(one.page.get_by_role("alert")).to_contain_text("a été modifié")
    finally:
        with sqlite3.connect(console.settings.database, isolation_level=None) as connection:
            connection.execute("UPDATE registrar_acts SET about = 'à modifier' WHERE about = 'modifié'")
            connection.execute(trigger)
        connection.close()
