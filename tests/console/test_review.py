"""Operators review registrations in a browser: two where a proof that somebody saw is all there is."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
from playwright.sync_api import Page, expect

from console.browser import Desk
from console.claims import claim, standing
from console.conftest import NewDesk
from identity.people import MARRIED, NURSE, PHYSIO, TWIN, UNLISTED
from miss_server.console.operators import AUDITOR
from server.office import Office


def open_case(page: Page, number: str) -> None:
    page.goto("/")
    page.get_by_role("link", name="Inscriptions", exact=True).click()
    page.locator(f'a[href="/registrations/{number}"]').click()
    page.wait_for_url(f"**/registrations/{number}")


def test_two_operators_certify_on_a_proof(console: Office, desk: NewDesk) -> None:
    opened = claim(console, UNLISTED)
    first, second = desk().come_in(), desk().come_in()
    open_case(first.page, opened["registration"])
    expect(first.page.get_by_role("row", name="Nom ROSSI ROSSI identique")).to_be_visible()
    expect(first.page.get_by_text("aucune boîte aux lettres au répertoire")).to_be_visible()
    second.page.goto(first.page.url)  # reads the same case, and is slower
    second.page.get_by_label("La preuve, en vos mots").fill("carte CPS vue en visio")
    first.page.get_by_label("La preuve, en vos mots").fill("carte CPS vue en visio, à 10 h")
    first.page.get_by_role("button", name="Donner la première approbation").click()
    expect(first.page.get_by_role("status")).to_contain_text("Première approbation notée")
    expect(first.page.get_by_text("Vous avez approuvé cette demande")).to_be_visible()
    expect(first.page.get_by_label("La preuve, en vos mots")).to_have_count(0)
    assert standing(console, opened)["state"] == "waiting"
    second.page.get_by_role("button", name="Donner la première approbation").click()
    expect(second.page.get_by_role("alert")).to_contain_text("a changé depuis que vous l’avez ouverte")
    expect(second.page.get_by_text("à 10 h")).to_be_visible()  # what the first one saw
    assert second.page.get_by_label("La preuve, en vos mots").input_value() == "carte CPS vue en visio"
    assert standing(console, opened)["state"] == "waiting"
    second.page.get_by_role("button", name="Approuver", exact=True).click()
    expect(second.page.get_by_role("status")).to_contain_text("Demande acceptée")
    assert standing(console, opened)["state"] == "certified"
    expect(second.page.get_by_text(f"{first.name}, {second.name}")).to_be_visible()
    second.faults = [one for one in second.faults if "409" not in one]


def test_of_two_decisions_at_once_one_stands(console: Office, desk: NewDesk) -> None:
    opened = claim(console, UNLISTED)
    page = f"/registrations/{opened['registration']}"
    desks = [desk().sit_down() for _ in range(3)]
    cookies = {one: one.cookies()["miss-console"] for one in desks}

    def decide(one: Desk, verb: str, stamp: str) -> int:
        form = {"by": "proof", "proof": "carte vue", "reason": "carte illisible", "seen": stamp}
        headers = {"origin": one.origin, "cookie": f"miss-console={cookies[one]}"}
        return httpx.post(f"{one.origin}{page}/{verb}", data=form, headers=headers, timeout=60).status_code

    def stamp() -> str:
        desks[0].page.goto(page)
        return desks[0].page.locator("[name=seen]").first.input_value()

    assert decide(desks[0], "approve", "") == 409  # what was not read is not decided on
    assert decide(desks[0], "approve", stamp()) == 303
    read = stamp()
    calls = [(desks[1], "approve"), (desks[2], "refuse")] * 3
    prepared = [partial(decide, one, verb, read) for one, verb in calls]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda one: one(), prepared))
    assert sorted(answers) == [303, 409, 409, 409, 409, 409]
    approved = answers.index(303) % 2 == 0
    told = standing(console, opened)["state"]
    assert told in ({"certified", "delayed"} if approved else {"refused"})  # delayed: they have a device already


def test_one_operator_is_enough_where_a_code_decides(console: Office, desk: NewDesk) -> None:
    opened = claim(console, MARRIED, family_name="Da Silva")
    one = desk().sit_down()
    open_case(one.page, opened["registration"])
    expect(one.page.get_by_role("row", name=re.compile("Nom Da Silva .*différent"))).to_be_visible()
    one.page.get_by_role("button", name="Accepter et envoyer le code").click()
    expect(one.page.get_by_role("status")).to_contain_text("Le code partira")
    assert standing(console, opened)["state"] == "code"


def test_a_code_is_read_aloud_over_the_registers_telephone(console: Office, desk: NewDesk) -> None:
    opened = claim(console, PHYSIO, family_name="Legof")
    one = desk().sit_down()
    open_case(one.page, opened["registration"])
    one.page.get_by_role("button", name="Obtenir un code à dicter").click()
    expect(one.page.get_by_text("Appelez 01 99 00 01 09")).to_be_visible()
    code = one.page.locator(".code").inner_text()
    assert standing(console, opened, code)["state"] == "certified"


def test_a_refusal_by_the_keyboard_alone_reaches_the_person(console: Office, desk: NewDesk) -> None:
    opened = claim(console, TWIN)
    one = desk().sit_down()
    one.page.goto(f"/registrations/{opened['registration']}")
    expect(one.page.get_by_text("CLINIQUE SAINTE-ANNE")).to_be_visible()  # the other one of that name
    reached: list[str] = []
    for _ in range(60):
        one.page.keyboard.press("Tab")
        at = one.page.evaluate("[document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]")
        reached.append(at[0])
        assert at[1] != "none", "what has the focus shows it"
        if at[0] == "reason":
            break
    assert "reason" in reached, "every field is reached by Tab"
    one.page.keyboard.type("Le numéro est celui d’une homonyme.")
    one.page.keyboard.press("Tab")
    one.page.keyboard.press("Enter")
    expect(one.page.get_by_role("status")).to_contain_text("Demande refusée")
    told = standing(console, opened)
    assert (told["state"], told["note"]) == ("refused", "Le numéro est celui d’une homonyme.")


def test_two_operators_end_the_day_that_a_new_proof_waits(console: Office, desk: NewDesk) -> None:
    one, other, opened = desk().sit_down(), desk().sit_down(), {}
    for _ in range(2):  # the second time, the first device was seen lately
        opened = claim(console, NURSE)
        one.page.goto(f"/registrations/{opened['registration']}")
        one.page.get_by_role("button", name="Obtenir un code à dicter").click()
        code = one.page.locator(".code").inner_text()
        told = standing(console, opened, code)
    assert told["state"] == "delayed"
    other.page.goto(f"/registrations/{opened['registration']}")  # has read it while nobody had asked
    open_case(one.page, opened["registration"])
    expect(one.page.get_by_text("il est prévenu et peut refuser")).to_be_visible()
    one.page.get_by_role("button", name="Donner la première voix").click()
    expect(one.page.get_by_role("status")).to_contain_text("Première voix notée")
    expect(one.page.get_by_role("button", name="Lever l’attente maintenant")).to_have_count(0)
    again = one.context.request.post(
        f"/registrations/{opened['registration']}/shorten",
        headers={"origin": one.origin},
        form={"seen": one.page.locator("[name=seen]").first.input_value()},
    )
    assert again.status == 409
    assert standing(console, opened)["state"] == "delayed"
    other.page.get_by_role("button", name="Donner la première voix").click()
    expect(other.page.get_by_role("alert")).to_contain_text("a changé depuis que vous l’avez ouverte")
    other.page.get_by_role("button", name="Lever l’attente maintenant").click()
    expect(other.page.get_by_role("status")).to_contain_text("L’attente est levée")
    assert standing(console, opened)["state"] == "certified"
    other.faults.clear()


def test_an_auditor_reads_and_decides_nothing(console: Office, desk: NewDesk) -> None:
    opened = claim(console, UNLISTED)
    one = desk().sit_down(AUDITOR)
    one.page.goto(f"/registrations/{opened['registration']}")
    expect(one.page.get_by_role("heading", name="Chiara ROSSI")).to_be_visible()
    assert one.page.locator("main form").count() == 0
    for verb in ("approve", "refuse", "call"):
        answer = one.context.request.post(
            f"/registrations/{opened['registration']}/{verb}",
            headers={"origin": one.origin},
            form={"by": "proof", "proof": "vue", "reason": "x"},
        )
        assert answer.status == 403
        assert "Votre rôle" in answer.text()
    assert standing(console, opened)["state"] == "waiting"
