"""The way into the console: two passkeys by a one-time link, login, and all that is refused."""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from console.browser import Desk
from console.conftest import NewDesk
from miss_server.buckets import Buckets
from miss_server.clock import now_ms
from miss_server.console import operators, passkeys, sessions
from miss_server.console.operators import OperatorError
from miss_server.console.passkeys import Challenges
from miss_server.console.tables import operator_links, operator_passkeys, operator_sessions
from server.office import Office

LOGIN = re.compile("Se connecter")


def ask(desk: Desk, path: str, body: Any = None, **headers: str) -> httpx.Response:
    """As the page's script would, from outside the browser; None leaves a header out."""
    given = {"origin": desk.origin, "accept": "application/json"} | headers
    return httpx.post(f"{desk.origin}{path}", json=body or {}, headers=given, timeout=20)


def rows(office: Office, table: Any) -> list[Any]:
    return office.in_database(lambda connection: connection.execute(select(table)).all())


def sent(desk: Desk, path: str, act: Any) -> dict[str, Any]:
    """What the page sends to a path while somebody acts."""
    with desk.page.expect_request(f"**{path}") as request:
        act()
    body: dict[str, Any] = request.value.post_data_json
    return body


def press_login(desk: Desk) -> None:
    desk.page.get_by_role("button", name=LOGIN).click()


def test_two_passkeys_by_a_one_time_link_then_login_with_either(desk: NewDesk, console: Office) -> None:
    one = desk()
    link = one.invite()
    one.page.goto(link)
    assert "#" not in one.page.url  # the secret is out of the address at once
    one.plug_in()
    one.page.get_by_role("button", name="Créer ma première clé d’accès").click()
    one.page.wait_for_url("**/passkeys")
    expect(one.page.get_by_text("Il vous faut deux clés d’accès")).to_be_visible()
    one.page.goto("/registrations")  # nothing else is open before
    assert one.page.url.endswith("/passkeys")
    one.page.get_by_role("button", name="Ajouter une clé").click()
    expect(one.page.get_by_role("alert")).to_contain_text("porte déjà une de vos clés")  # not twice on one device
    one.plug_in()
    one.add_passkey()
    expect(one.page.get_by_role("row")).to_have_count(3)
    one.page.goto("/")
    expect(one.page.get_by_role("heading", name="Accueil")).to_be_visible()
    cookies = one.context.cookies()
    (session,) = [cookie for cookie in cookies if cookie["name"] == "miss-console"]
    assert (session["httpOnly"], session["sameSite"], session["expires"]) == (True, "Strict", -1)
    one.log_out()
    one.page.goto("/")
    assert one.page.url.endswith("/login")
    one.use(0)
    one.log_in()
    one.log_out()
    one.use(1)
    for _ in range(10):  # by the keyboard alone
        one.page.keyboard.press("Tab")
        if one.page.evaluate("document.activeElement.textContent").startswith("Se connecter"):
            break
    one.page.keyboard.press("Enter")
    one.page.wait_for_url(f"{one.origin}/")
    one.log_out()
    assert session["value"] not in one.cookies().values()
    stolen = httpx.get(f"{one.origin}/", headers={"cookie": f"miss-console={session['value']}"})
    assert (stolen.status_code, stolen.headers["location"]) == (303, "/login")

    again = desk()  # somebody who found the link
    again.page.goto(link)
    again.plug_in()
    again.page.get_by_role("button", name="Créer ma première clé").click()
    expect(again.page.get_by_role("alert")).to_contain_text("il ne sert qu’une fois")
    again.faults.clear()
    assert len([row for row in rows(console, operator_passkeys) if row.label.startswith("Clé")]) >= 2


def test_a_lost_operator_recovers_and_the_old_passkeys_end(desk: NewDesk, console: Office) -> None:
    lost, found = desk(), desk()
    lost.come_in()
    recover = partial(operators.recover, name=lost.name, who="root", now_ms=now_ms())
    token = console.in_database(recover)
    lost.page.goto("/")
    expect(lost.page.get_by_role("heading", name="Accueil")).to_be_visible()  # until the link is used
    found.enrol(f"{found.origin}/enrol#{token}")
    lost.page.goto("/")
    assert lost.page.url.endswith("/login")
    press_login(lost)
    expect(lost.page.get_by_role("alert")).to_contain_text("n’est pas reconnue ici")
    lost.faults.clear()

    # Taken away on the machine: everything ends at once.
    found.page.goto("/")
    console.in_database(partial(operators.remove, name=lost.name, who="root", now_ms=now_ms()))
    found.page.goto("/registrations")
    assert found.page.url.endswith("/login")
    press_login(found)
    expect(found.page.get_by_role("alert")).to_contain_text("n’est pas reconnue ici")
    found.faults.clear()


def test_an_answer_is_good_once_and_for_its_own_challenge(desk: NewDesk) -> None:
    one = desk().come_in()
    one.log_out()
    body = sent(one, "/login/passkey", lambda: press_login(one))
    one.page.wait_for_url(f"{one.origin}/")
    replayed = ask(one, "/login/passkey", body)
    assert replayed.status_code == 403
    assert "pas reconnue" in replayed.json()["sentence"]
    assert "set-cookie" not in replayed.headers

    # Signed for a challenge that the server never gave, or that it gave for something else.
    for challenge in (bytes(32), base64.urlsafe_b64decode(ask_enrol_challenge(one) + "==")):
        client = {"type": "webauthn.get", "challenge": _text(challenge), "origin": one.origin, "crossOrigin": False}
        forged = json.loads(json.dumps(body))
        forged["credential"]["response"]["clientDataJSON"] = _text(json.dumps(client).encode())
        assert ask(one, "/login/passkey", forged).status_code == 403

    # A signature, a byte of it changed, over a challenge that is fresh.
    one.log_out()
    one.page.route("**/login/passkey", lambda route: route.abort())
    body = sent(one, "/login/passkey", lambda: press_login(one))
    signature = base64.urlsafe_b64decode(body["credential"]["response"]["signature"] + "==")
    body["credential"]["response"]["signature"] = _text(signature[:-1] + bytes([signature[-1] ^ 1]))
    assert ask(one, "/login/passkey", body).status_code == 403
    one.faults.clear()


def test_a_lost_passkey_is_taken_away_and_two_stay(desk: NewDesk, console: Office) -> None:
    one, other = desk().come_in(), desk().sit_down()
    one.page.goto("/passkeys")
    expect(one.page.get_by_role("button", name="Retirer")).to_have_count(0)
    one.plug_in()
    one.page.get_by_label("Nom de cette clé").fill("Troisième")
    one.add_passkey()
    mine = one.page.locator("button[name=passkey]").evaluate_all("buttons => buttons.map(one => one.value)")
    stolen = other.context.request.post(
        "/passkeys/remove", headers={"origin": one.origin}, form={"passkey": mine[0]}, max_redirects=0
    )
    assert stolen.status == 409
    one.page.get_by_role("row", name="Clé principale").get_by_role("button", name="Retirer").click()
    expect(one.page.get_by_role("status")).to_contain_text("ne vaut plus")
    expect(one.page.get_by_role("row")).to_have_count(3)
    last = one.context.request.post("/passkeys/remove", headers={"origin": one.origin}, form={"passkey": mine[1]})
    assert last.status == 409
    assert "Il doit vous en rester deux" in last.text()
    assert (
        one.context.request.post("/passkeys/remove", headers={"origin": one.origin}, form={"passkey": "é"}).status
        == 400
    )
    one.log_out()
    one.use(0)
    press_login(one)
    expect(one.page.get_by_role("alert")).to_contain_text("n’est pas reconnue ici")
    one.use(2)
    one.log_in()
    one.faults.clear()


def ask_enrol_challenge(one: Desk) -> str:
    """A challenge that was given for a further passkey, not for a login."""
    answer = one.context.request.post(
        "/passkeys/options", headers={"origin": one.origin, "accept": "application/json"}, data={}
    )
    challenge: str = answer.json()["challenge"]
    return challenge


def test_one_operators_passkey_is_not_anothers(desk: NewDesk, console: Office) -> None:
    one, other = desk().come_in(), desk().sit_down()
    one.log_out()
    one.page.route("**/login/passkey", lambda route: route.abort())
    body = sent(one, "/login/passkey", lambda: press_login(one))
    handles = {row.name: bytes(row.handle) for row in rows(console, operators.operators)}
    keys = [row for row in rows(console, operator_passkeys) if row.used_at_ms is None]
    body["credential"]["response"]["userHandle"] = _text(handles[other.name])
    assert ask(one, "/login/passkey", body).status_code == 403
    body["credential"]["response"]["userHandle"] = _text(handles[one.name])
    body["credential"]["id"] = body["credential"]["rawId"] = _text(bytes(keys[-1].credential_id))
    assert ask(one, "/login/passkey", body).status_code == 403

    # A passkey made over another's challenge is not enrolled for them.
    one.page.unroute("**/login/passkey")
    one.log_in()
    one.page.goto("/passkeys")
    one.page.route("**/passkeys/passkey", lambda route: route.abort())
    one.plug_in()
    body = sent(one, "/passkeys/passkey", lambda: one.page.get_by_role("button", name="Ajouter").click())
    before = len(rows(console, operator_passkeys))
    answer = other.context.request.post(
        "/passkeys/passkey", headers={"origin": one.origin, "accept": "application/json"}, data=body
    )
    assert answer.status == 403
    assert len(rows(console, operator_passkeys)) == before
    one.faults.clear()


@contextmanager
def another_site() -> Iterator[str]:
    """A page of somebody else, on the same name and another port: browsers let it ask for this name's passkeys."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>another site</title>")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()


STEAL = """async options => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({ publicKey })).toJSON();
}"""

POST = """url => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = url;
  document.body.append(form);
  form.submit();
}"""


def test_what_was_signed_for_another_site_opens_nothing(desk: NewDesk) -> None:
    one = desk().come_in()
    with another_site() as site:
        one.page.goto(site)
        options = ask(one, "/login/options").json()
        assert options["userVerification"] == "required"
        credential = one.page.evaluate(STEAL, options)
        client = json.loads(base64.urlsafe_b64decode(credential["response"]["clientDataJSON"] + "=="))
        assert client["origin"] == site
        assert client["challenge"] == options["challenge"]
        assert ask(one, "/login/passkey", {"credential": credential}).status_code == 403
        # Nor does a form of that site speak for who is logged in. For a cookie another port is the same site: it is
        # sent along, and the origin alone tells.
        with one.page.expect_response(f"{one.origin}/logout") as answer:
            one.page.evaluate(POST, f"{one.origin}/logout")
        assert answer.value.status == 403
        assert "miss-console" in answer.value.request.all_headers()["cookie"]
    one.page.goto("/")
    expect(one.page.get_by_role("heading", name="Accueil")).to_be_visible()  # still logged in
    one.faults.clear()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/login/options", {"origin": "https://evil.example"}, 403),
        ("/login/options", {"origin": "null"}, 403),
        ("/login/options", {"origin": ""}, 403),
        ("/login/options", {"host": "evil.example"}, 421),
        ("/logout", {"origin": "http://localhost"}, 403),
    ],
)
def test_another_sites_request_is_turned_away(desk: NewDesk, path: str, headers: dict[str, str], status: int) -> None:
    assert ask(desk(), path, **headers).status_code == status


def test_a_number_leads_to_the_name_that_passkeys_belong_to(desk: NewDesk) -> None:
    one = desk()
    answer = httpx.get(f"{one.origin.replace('localhost', '127.0.0.1')}/login")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{one.origin}/login")


def test_nothing_malformed_breaks_the_way_in(desk: NewDesk, console: Office) -> None:
    one = desk()
    bodies: list[Any] = [
        {"credential": {"rawId": "é", "response": "x"}},
        {"credential": {"rawId": "AAAA", "response": {"clientDataJSON": "////", "userHandle": 3}}},
        {"credential": {"rawId": "AAAA", "response": {"clientDataJSON": _text(b"[" * 5_000)}}},
        {"token": "x" * 1_000, "credential": {}},
        {"token": ["x"], "label": {"a": 1}},
    ]
    for path in ("/login/passkey", "/enrol/passkey", "/enrol/options"):
        for body in bodies:
            assert ask(one, path, body).status_code == 403, (path, body)
    assert ask(one, "/login/passkey", {"credential": []}).status_code == 400
    given = {"origin": one.origin, "accept": "application/json"}
    for content, status in ((b"{", 400), (b"[]", 400), (b"[" * 50_000, 400), (b" " * 70_000, 413)):
        answer = httpx.post(f"{one.origin}/login/passkey", content=content, headers=given, timeout=20)
        assert answer.status_code == status
        assert answer.json()["sentence"]


def test_links_and_sessions_end_by_themselves(desk: NewDesk, console: Office) -> None:
    one = desk()
    token = one.invite().partition("#")[2]
    late = update(operator_links).where(operator_links.c.token_hash == operators.hashed(token))
    console.in_database(lambda connection: connection.execute(late.values(expires_at_ms=now_ms() - 1)))
    assert ask(one, "/enrol/options", {"token": token}).status_code == 403

    two = desk().sit_down()
    (cookie,) = [value for name, value in two.cookies().items() if name == "miss-console"]

    def aged(**minutes: int) -> int:
        """Where the first page leads once the session is that old."""
        values = {f"{name}_at_ms": now_ms() - age * 60_000 for name, age in minutes.items()}
        mine = update(operator_sessions).where(operator_sessions.c.token_hash == operators.hashed(cookie))
        console.in_database(lambda connection: connection.execute(mine.values(**values)))
        return httpx.get(f"{two.origin}/", headers={"cookie": f"miss-console={cookie}"}).status_code

    assert aged(touched=sessions.IDLE_MINUTES - 1) == 200
    assert aged(opened=sessions.FRESH_MINUTES + 1) == 200
    two.page.goto("/passkeys")
    two.plug_in()
    two.page.get_by_role("button", name="Ajouter").click()
    expect(two.page.get_by_role("alert")).to_contain_text("reconnectez-vous")  # no further passkey from an old login
    assert aged(touched=sessions.IDLE_MINUTES + 1) == 303
    assert aged(touched=0, opened=sessions.SESSION_HOURS * 60 + 1) == 303
    two.faults.clear()


def test_what_was_shown_leaves_the_screen_when_nobody_is_there(desk: NewDesk) -> None:
    one = desk()
    one.page.clock.install()
    one.sit_down()
    one.page.clock.fast_forward((sessions.IDLE_MINUTES - 1) * 60_000)
    expect(one.page.get_by_role("heading", name="Accueil")).to_be_visible()
    one.page.clock.fast_forward(60_000)
    one.page.wait_for_url("**/login")


def test_whoever_tries_too_often_waits(desk: NewDesk, console: Office) -> None:
    one = desk()
    assert console.server is not None
    assert console.server.console is not None
    state = console.server.console.state
    usual, state.entrance_buckets = state.entrance_buckets, Buckets("console-test", 3, 600_000, now_ms)
    try:
        answers = [ask(one, path) for path in ("/login/options", "/enrol/options", "/login/passkey", "/enrol/passkey")]
    finally:
        state.entrance_buckets = usual
    assert [answer.status_code for answer in answers] == [200, 403, 403, 429]
    assert "Attendez une minute" in answers[-1].json()["sentence"]


def test_challenges_age_and_are_counted() -> None:
    clock = [1_000_000]
    challenges = Challenges(lambda: clock[0])

    def taken(challenge: bytes, purpose: bytes) -> bool:
        client = json.dumps({"challenge": _text(challenge)}).encode()
        try:
            return challenges.take({"response": {"clientDataJSON": _text(client)}}, purpose) == challenge
        except OperatorError:
            return False

    first = challenges.make(b"login")
    assert taken(first, b"login")
    assert not taken(first, b"login")
    other = challenges.make(b"further passkey of 1")
    assert not taken(other, b"further passkey of 2")
    assert not taken(other, b"further passkey of 1"), "a wrong answer uses it up"
    old = challenges.make(b"login")
    clock[0] += passkeys.CHALLENGE_SECONDS * 1000 + 1
    assert not taken(old, b"login")
    forgotten = challenges.make(b"login")
    for _ in range(passkeys.CHALLENGES_MAX):
        challenges.make(b"login")
    assert not taken(forgotten, b"login")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
