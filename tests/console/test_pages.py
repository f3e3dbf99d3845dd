"""Every page of the console: whom it is for, what its answer carries, how it reads and how it is used."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from console.browser import Desk, assert_fits
from console.claims import FINESS, claim, someone
from console.conftest import NewDesk
from identity.people import TWIN
from miss_server.console import app, texts
from miss_server.console.guard import Guard
from miss_server.console.operators import AUDITOR, MANAGER, OPERATOR, ROLES
from miss_server.console.pages import FOLDER
from miss_server.console.shield import HEADERS
from server.office import Office

AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"

# Whom each route is for; "" is who is not logged in. A route without a line here fails a test.
EVERYBODY = set(ROLES)
ROUTES: dict[tuple[str, str], set[str]] = {
    ("GET", "/login"): {"", *EVERYBODY},
    ("POST", "/login/options"): {"", *EVERYBODY},
    ("POST", "/login/passkey"): {"", *EVERYBODY},
    ("GET", "/enrol"): {"", *EVERYBODY},
    ("POST", "/enrol/options"): {"", *EVERYBODY},
    ("POST", "/enrol/passkey"): {"", *EVERYBODY},
    ("POST", "/language"): {"", *EVERYBODY},
    ("GET", "/passkeys"): EVERYBODY,
    ("POST", "/passkeys/options"): EVERYBODY,
    ("POST", "/passkeys/passkey"): EVERYBODY,
    ("POST", "/passkeys/remove"): EVERYBODY,
    ("POST", "/logout"): EVERYBODY,
    ("GET", "/"): EVERYBODY,
    ("GET", "/registrations"): {OPERATOR, AUDITOR},
    ("GET", "/registrations/{number}"): {OPERATOR, AUDITOR},
    ("POST", "/registrations/{number}/approve"): {OPERATOR},
    ("POST", "/registrations/{number}/refuse"): {OPERATOR},
    ("POST", "/registrations/{number}/call"): {OPERATOR},
    ("POST", "/registrations/{number}/shorten"): {OPERATOR},
    ("GET", "/people"): EVERYBODY,
    ("GET", "/people/{person}"): EVERYBODY,
    ("POST", "/people/{person}/devices/{device}/revoke"): {OPERATOR, MANAGER},
    ("GET", "/establishments"): EVERYBODY,
    ("POST", "/establishments"): {OPERATOR},
    ("GET", "/establishments/{finess}"): EVERYBODY,
    ("POST", "/establishments/{finess}"): {OPERATOR, MANAGER},
    ("POST", "/establishments/{finess}/professions"): {OPERATOR},
    ("POST", "/establishments/{finess}/referents"): {OPERATOR},
    ("POST", "/establishments/{finess}/referents/{referent}/remove"): {OPERATOR, MANAGER},
    ("POST", "/establishments/{finess}/close"): {OPERATOR},
    ("POST", "/establishments/{finess}/key"): {OPERATOR},
    ("GET", "/establishments/{finess}/staff"): EVERYBODY,
    ("POST", "/establishments/{finess}/staff"): {OPERATOR, MANAGER},
    ("POST", "/establishments/{finess}/staff/export"): EVERYBODY,
    ("POST", "/establishments/{finess}/staff/{member}/remove"): {OPERATOR, MANAGER},
    ("POST", "/establishments/{finess}/staff/{member}/vouch"): {OPERATOR, MANAGER},
    ("GET", "/establishments/{finess}/vouchers"): EVERYBODY,
    ("POST", "/establishments/{finess}/vouchers/{voucher}/withdraw"): {OPERATOR, MANAGER},
    ("GET", "/establishments/{finess}/imports"): EVERYBODY,
    ("POST", "/establishments/{finess}/imports"): {OPERATOR, MANAGER},
    ("GET", "/establishments/{finess}/imports/{number}"): EVERYBODY,
    ("POST", "/establishments/{finess}/imports/{number}/apply"): {OPERATOR, MANAGER},
    ("POST", "/establishments/{finess}/imports/{number}/drop"): {OPERATOR, MANAGER},
    ("GET", "/operators"): {OPERATOR, AUDITOR},
    ("GET", "/acts"): {OPERATOR, AUDITOR},
    ("POST", "/acts/verify"): {OPERATOR, AUDITOR},
    ("POST", "/acts/export"): {OPERATOR, AUDITOR},
}


def routes() -> Iterator[tuple[str, str, set[str]]]:
    """Every route of the rooms, with the roles that its guard lets in."""
    for room in app.ROOMS:
        for route in room.router.routes:
            guards = [one.call for one in route.dependant.dependencies if isinstance(one.call, Guard)]
            assert len(guards) <= 1
            roles = set(guards[0].roles) if guards else {"", *ROLES}
            for method in route.methods:
                yield method, route.path, roles


def test_every_route_is_for_whom_it_is_said_to_be() -> None:
    assert {(method, path): roles for method, path, roles in routes()} == ROUTES


@pytest.fixture(scope="module")
def desks(browser: Browser, console: Office) -> Iterator[dict[str, Desk]]:
    """One desk of each role, and one of nobody, "" ."""
    found = {role: Desk(browser, console, f"Quelqu’un ({role})") for role in ("", *ROLES)}
    for role in ROLES:
        found[role].sit_down(role, FINESS[0] if role == MANAGER else "")
    yield found
    for one in found.values():
        one.close()


def test_each_role_is_refused_where_it_has_no_business(desks: dict[str, Desk], console: Office) -> None:
    opened = claim(console, TWIN)["registration"]
    person = someone(console, "Dr Cible Matrice")
    filled = {"number": opened, "person": person.person_id.hex(), "device": person.device_id.hex()}
    filled |= {"finess": FINESS[0], "referent": "1", "member": "1", "voucher": "1"}
    for (method, path), roles in ROUTES.items():
        for role, one in desks.items():
            if role in roles:
                continue
            answer = one.context.request.fetch(
                path.format(**filled), method=method, headers={"origin": one.origin}, max_redirects=0,
                form={"by": "proof", "proof": "x", "reason": "x", "as": "csv"} if method == "POST" else None,
            )  # fmt: skip
            if role == "":
                assert (answer.status, answer.headers["location"]) == (303, "/login"), (method, path)
            else:
                assert answer.status == 403, (method, path, role)
                assert "Votre rôle" in answer.text()
    found = httpx.get(f"{desks[''].origin}/registrations/{opened}", follow_redirects=False)
    assert (found.status_code, found.text) == (303, "")  # nothing of the page is in the answer
    filtered = httpx.get(f"{desks[''].origin}/people?words=a", headers={"hx-request": "true"})
    assert (filtered.headers["hx-redirect"], filtered.text) == ("/login", "")  # nor in what a filter is answered


def test_every_answer_carries_the_headers(desks: dict[str, Desk]) -> None:
    one = desks[OPERATOR]
    for path in ("/", "/login", "/nowhere", "/assets/console.css", "/assets/nowhere", "/people", "/acts"):
        headers = one.context.request.get(path).headers
        assert {name: headers.get(name.lower()) for name in HEADERS} == HEADERS, path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
    origin = one.origin
    for path, host in (("/", "evil.example"), ("/login", "")):
        answer = httpx.get(f"{origin}{path}", headers={"host": host})
        assert answer.status_code in (400, 421)
    assert one.context.request.get("/nowhere").status == 404


def test_the_console_is_not_on_the_public_address(console: Office) -> None:
    for path in ("/login", "/enrol", "/people", "/registrations", "/acts", "/assets/console.css", "/console"):
        assert httpx.get(f"{console.url}{path}").status_code == 404


def test_nothing_is_written_inside_a_page_that_runs_or_styles() -> None:
    """What the policy would refuse anyway is not there in the first place."""
    for template in sorted((FOLDER / "templates").glob("*.html")):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|https?://", text), (
            template
        )
        assert "|safe" not in text, template


def test_every_text_is_there_in_both_languages() -> None:
    for key, (french, english) in texts.TEXTS.items():
        assert french.strip(), key
        assert english.strip(), key
        assert set(re.findall(r"{\w+}", french)) == set(re.findall(r"{\w+}", english)), key
    for template in sorted((FOLDER / "templates").glob("*.html")):
        for key in re.findall(r"\bt\(\s*[\"']([\w-]+)[\"']\s*[,)]", template.read_text(encoding="utf-8")):
            assert texts.known(key), (template.name, key)


def faults(one: Desk, *rules: str) -> list[str]:
    """What axe-core finds that is serious, or worse; by some of its rules only, where they are named."""
    if not one.page.evaluate("'axe' in window"):
        assert AXE.exists(), "axe-core is missing: make setup"
        one.page.evaluate(AXE.read_text(encoding="utf-8"))
    options: dict[str, Any] = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found: dict[str, Any] = one.page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{one.page.url}: {fault['id']}: {json.dumps([node['html'] for node in fault['nodes']][:3])}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(desks: dict[str, Desk], console: Office, scheme: Any) -> None:
    opened = claim(console, TWIN)["registration"]
    person = someone(console, "Dr Page Lisible").person_id.hex()
    one = desks[OPERATOR]
    one.page.emulate_media(color_scheme=scheme)
    found: list[str] = []
    rules = ("color-contrast",) if scheme == "dark" else ()  # all else is the same in both
    paths = [f"/registrations/{opened}", f"/people/{person}", "/acts", "/"]
    for path in paths if rules else [*paths, "/passkeys", "/registrations", "/people", "/operators"]:
        one.page.goto(path)
        assert_fits(one)
        found += faults(one, *rules)
    out = desks[""]
    out.page.emulate_media(color_scheme=scheme)
    for path in ("/login", "/enrol", "/nowhere"):
        out.page.goto(path)
        found += faults(out, *rules)
    assert found == []
    out.page.evaluate("document.querySelector('main').innerHTML = '<h1>x</h1><input>'")
    assert ": label: " in " ".join(faults(out)), "a fault would have been seen"


def test_english_is_complete_and_kept(desk: NewDesk) -> None:
    one = desk(language="en-GB").sit_down()
    for path, heading in (("/", "Overview"), ("/registrations", "Registrations"), ("/acts", "Log of acts")):
        one.page.goto(path)
        expect(one.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        assert one.page.locator("html").get_attribute("lang") == "en"
    one.page.get_by_role("button", name="Français").click()
    expect(one.page.get_by_role("heading", name="Journal des actes")).to_be_visible()
    one.page.goto("/people")
    assert one.page.locator("html").get_attribute("lang") == "fr"


def test_a_page_without_its_script_still_searches(desk: NewDesk, console: Office) -> None:
    """htmx spares a reload, no more: each form is one that a browser sends by itself."""
    someone(console, "Dr Sans Script")
    one = desk().sit_down()
    one.page.route("**/htmx.min.js", lambda route: route.abort())
    one.page.goto("/people")
    one.page.get_by_label("Nom, prénom ou numéro RPPS").fill("sans script")
    one.page.keyboard.press("Enter")
    one.page.wait_for_url("**/people?words=sans+script")
    expect(one.page.get_by_role("row")).to_have_count(2)
    one.faults.clear()
