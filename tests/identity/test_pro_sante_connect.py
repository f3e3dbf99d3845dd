"""Pro Santé Connect against a real OpenID provider: who signs in is certified, and every forged answer is refused."""

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from identity.extract import people_lines, rpps, write
from identity.oidc import Browser, Provider, claims_of, in_the_middle, payload
from identity.people import EVERYBODY, GP, MIDWIFE, NURSE, PHARMACIST, PHYSIO, PRACTISING, RETIRED, TWIN
from identity.post_office import PostOffice, device_request, refused
from miss_protocol.identity import DeviceCertificate
from miss_server import register_tables
from miss_server.pro_sante_connect import ProSanteConnect
from miss_server.refusals import wording
from miss_server.register_load import load

ACCOUNTS = {
    "gp": claims_of(GP),
    "midwife": claims_of(MIDWIFE),
    "pharmacist": claims_of(PHARMACIST),
    "twin": claims_of(TWIN),
    "nurse": claims_of(NURSE, SubjectNameID="0123456789", preferred_username="0123456789"),
    "retired": claims_of(RETIRED),
    "unknown": claims_of(GP, SubjectNameID=f"8{rpps(999)}", otherIds=[]),
    "adeli": claims_of(GP, SubjectNameID="0123456789", otherIds=[{"identifiant": "123456789", "origine": "ADELI"}]),
    "two": claims_of(GP, otherIds=[{"identifiant": PHYSIO.rpps, "origine": "RPPS"}]),
    "idle": claims_of(GP, SubjectRefPro={"exercices": []}),
    "bare": claims_of(GP, SubjectRefPro=None),
    "odd": claims_of(GP, SubjectRefPro=["nonsense"], otherIds="nonsense"),
}


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(ACCOUNTS, tmp_path_factory.mktemp("oidc") / "secret").open() as one:
        yield one


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[PostOffice]:
    """A server that is the provider's client, for the whole module: each test has registrations of its own."""
    one = PostOffice(tmp_path_factory.mktemp("office"))
    one.load(EVERYBODY)
    load(one.database.transaction, [write(one.folder / "newer.txt", people_lines(PRACTISING))])
    one.psc = lambda _: provider.client(one.clock)
    with one.open():
        yield one


@pytest.fixture
def another(tmp_path: Path) -> PostOffice:
    """A server that a test sets up in its own way."""
    one = PostOffice(tmp_path)
    one.load(EVERYBODY)
    return one


@pytest.fixture(autouse=True)
def as_set_up(office: PostOffice, provider: Provider) -> None:
    """Whatever the test before had put in the middle is gone."""
    asks(office, provider.client(office.clock))


def asks(office: PostOffice, client: ProSanteConnect) -> None:
    """From now on this server asks the provider so."""
    assert office.serving is not None
    office.serving.state.psc = client


def begin(office: PostOffice, language: str = "fr") -> dict[str, Any]:
    """A new device asks to register with Pro Santé Connect."""
    asked = {"language": language, "request": base64.b64encode(device_request()[1]).decode()}
    answer = office.http.post("/v1/registrations/psc", json=asked)
    assert answer.status_code == 201, answer.text
    opened: dict[str, Any] = answer.json()
    assert (opened["state"], opened["via"]) == ("browser", "psc")
    return opened


def signed_in(office: PostOffice, opened: dict[str, Any], login: str) -> httpx.Response:
    """A browser goes there and back; the page it ends on."""
    browser = Browser(office.url)
    try:
        return browser.come_back(browser.sign_in(opened["authorize"], login))
    finally:
        browser.close()


def ticket_on(page: httpx.Response) -> str:
    found = re.findall(r'<strong id="ticket">([0-9A-Z]{4}-[0-9A-Z]{4})</strong>', page.text)
    assert (page.status_code, len(found)) == (200, 1), page.text
    return str(found[0])


def ends(office: PostOffice, opened: dict[str, Any], page: httpx.Response, reason: str) -> None:
    """The page says why, in French as registered; the registration has ended; nobody was certified."""
    words = wording(reason)
    assert page.status_code == words.status, page.text
    assert words.french.replace("'", "&#x27;") in page.text
    assert "<strong" not in page.text
    standing = office.step(opened).json()
    assert (standing["state"], standing["problem"]) == ("refused", reason)
    refused(office.step(opened, "code", code="0000-0000"), "no-code")
    assert office.registration(opened).certificate is None


def test_who_signs_in_is_certified_with_the_names_of_the_register(office: PostOffice) -> None:
    assert office.http.get("/v1/registrations").json() == {"ways": ["mailbox", "psc"]}
    opened = begin(office)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(opened["authorize"]).query).items()}
    assert (asked["response_type"], asked["acr_values"], asked["scope"]) == ("code", "eidas1", "openid scope_all")
    assert asked["code_challenge_method"] == "S256"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    page = signed_in(office, opened, "gp")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert GP.rpps not in page.text
    standing = office.step(opened).json()
    assert (standing["state"], standing["via"], standing["mailbox"]) == ("code", "psc", "")
    assert "certificate" not in standing, "not before the ticket is back on the device"
    done = office.step(opened, "code", code=ticket_on(page)).json()
    assert done["state"] == "certified"
    certificate = DeviceCertificate.parse(base64.b64decode(done["certificate"]))
    who = certificate.professional
    assert (who.display_name, who.rpps, who.profession_code) == ("Dr Camille Lefèvre", GP.rpps, "10")
    assert who.checked_how == "psc"
    assert office.acts() == ["opened", "signed-in", "device-enrolled", "certified"]


def test_an_adeli_card_with_an_rpps_number_beside_it_will_do(office: PostOffice) -> None:
    opened = begin(office)
    done = office.step(opened, "code", code=ticket_on(signed_in(office, opened, "nurse"))).json()
    who = DeviceCertificate.parse(base64.b64decode(done["certificate"])).professional
    assert (who.rpps, who.checked_how) == (NURSE.rpps, "psc")


def test_a_signed_userinfo_is_read(another: PostOffice, provider: Provider) -> None:
    another.psc = lambda _: provider.client(another.clock, "miss-signed")
    with another.open():
        opened = begin(another)
        page = signed_in(another, opened, "twin")
        assert another.step(opened, "code", code=ticket_on(page)).json()["state"] == "certified"


def test_an_operator_still_decides_where_they_always_do(another: PostOffice, provider: Provider) -> None:
    another.always = True
    another.psc = lambda _: provider.client(another.clock)
    with another.open():
        opened = begin(another, "en")
        page = signed_in(another, opened, "gp")
        assert page.status_code == 200
        assert "<strong" not in page.text
        assert "An operator of your server" in page.text
        standing = another.step(opened).json()
        assert (standing["state"], standing["why"], standing["via"]) == ("waiting", "approval-always", "operator")
        assert another.registration(opened).rpps == GP.rpps


def test_a_server_without_it_says_so(another: PostOffice) -> None:
    with another.open():
        assert another.http.get("/v1/registrations").json() == {"ways": ["mailbox"]}
        asked = {"request": base64.b64encode(device_request()[1]).decode()}
        refused(another.http.post("/v1/registrations/psc", json=asked), "psc-off")
        assert another.http.get("/v1/psc/return?state=x&code=y").status_code == wording("psc-state-unknown").status
        assert another.rows(register_tables.registrations) == []


@pytest.mark.parametrize(
    ("login", "reason"),
    [
        ("nobody", "psc-cancelled"),
        ("retired", "no-longer-practising"),
        ("unknown", "unknown-number"),
        ("adeli", "psc-no-number"),
        ("two", "psc-two-numbers"),
        ("idle", "psc-no-exercise"),
        ("bare", "psc-no-exercise"),
        ("odd", "psc-no-exercise"),
    ],
)
def test_who_cannot_be_registered_is_told_why(office: PostOffice, login: str, reason: str) -> None:
    opened = begin(office)
    ends(office, opened, signed_in(office, opened, login), reason)


def test_an_encrypted_userinfo_is_refused_with_a_sentence(another: PostOffice, provider: Provider) -> None:
    another.psc = lambda _: provider.client(another.clock, "miss-encrypted")
    with another.open():
        opened = begin(another)
        ends(another, opened, signed_in(another, opened, "gp"), "psc-encrypted")


def changed(**claims: Any) -> Callable[[Provider, dict[str, Any]], str]:
    """The same token, with other claims, signed by the provider's own key; a claim that is None is left out."""

    def forge(provider: Provider, found: dict[str, Any]) -> str:
        altered = {name: value for name, value in {**found, **claims}.items() if value is not None}
        return provider.sign(altered)

    return forge


ID_TOKENS: dict[str, Callable[[Provider, dict[str, Any]], Any]] = {
    "nonce of another sign-in": changed(nonce="n" * 43),
    "no nonce": changed(nonce=None),
    "for another client": changed(aud="another"),
    "for two clients, the other authorised": changed(aud=["miss", "another"], azp="another"),
    "for two clients, none authorised": changed(aud=["miss", "another"]),
    "of another issuer": changed(iss="https://elsewhere.example"),
    "expired": changed(iat=1_600_000_000, exp=1_600_000_300),
    "without an end": changed(exp=None),
    "made in the future": changed(iat=4_000_000_000, exp=4_000_000_300),
    "without an assurance level": changed(acr=None),
    "of a low assurance level": changed(acr="0"),
    "of nobody": changed(sub=None),
    "of another person": changed(sub="twin"),
    "not signed": lambda provider, found: provider.sign(found, algorithm="none"),
    "signed with the client's secret": lambda provider, found: provider.sign(found, algorithm="HS256"),
    "signed with another key": lambda provider, found: provider.sign(found, provider.other_key),
    "with another signature's bytes": lambda provider, found: provider.sign(found)[:-12] + "AAAAAAAAAAAA",
    "cut off": lambda provider, found: provider.sign(found).rpartition(".")[0],
    "no token": lambda provider, found: None,
    "a number": lambda provider, found: 7,
}


@pytest.mark.parametrize("forge", ID_TOKENS.values(), ids=ID_TOKENS)
def test_a_forged_id_token_is_refused(
    office: PostOffice, provider: Provider, forge: Callable[[Provider, dict[str, Any]], Any]
) -> None:
    def alter(answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "id_token": forge(provider, payload(answer["id_token"]))}

    with in_the_middle(provider.endpoints()["token_endpoint"], alter) as token_endpoint:
        asks(office, provider.client(office.clock, **provider.endpoints(token_endpoint=token_endpoint)))
        opened = begin(office)
        ends(office, opened, signed_in(office, opened, "gp"), "psc-not-believed")


def test_the_same_token_passed_on_as_it_is_is_believed(office: PostOffice, provider: Provider) -> None:
    """What the forged ones are compared with: signed again with the right key, unaltered."""

    def alter(answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "id_token": provider.sign(payload(answer["id_token"]))}

    with in_the_middle(provider.endpoints()["token_endpoint"], alter) as token_endpoint:
        asks(office, provider.client(office.clock, **provider.endpoints(token_endpoint=token_endpoint)))
        ticket_on(signed_in(office, begin(office), "gp"))


USERINFO: dict[str, Callable[[Provider, dict[str, Any]], Any]] = {
    "of another subject": lambda provider, found: {**found, "sub": "twin"},
    "without subject": lambda provider, found: {k: v for k, v in found.items() if k != "sub"},
    "no object": lambda provider, found: [found],
    "signed by another": lambda provider, found: (
        "application/jwt",
        provider.sign({**found, "aud": "miss", "iss": provider.issuer}, provider.other_key),
    ),
    "signed for another": lambda provider, found: (
        "application/jwt",
        provider.sign({**found, "aud": "another", "iss": provider.issuer}),
    ),
    "signed by nobody": lambda provider, found: ("application/jwt", provider.sign(found, algorithm="none")),
}


@pytest.mark.parametrize("forge", USERINFO.values(), ids=USERINFO)
def test_a_forged_userinfo_is_refused(
    office: PostOffice, provider: Provider, forge: Callable[[Provider, dict[str, Any]], Any]
) -> None:
    endpoint = provider.endpoints()["userinfo_endpoint"]
    with in_the_middle(endpoint, lambda found: forge(provider, found)) as elsewhere:
        asks(office, provider.client(office.clock, **provider.endpoints(userinfo_endpoint=elsewhere)))
        opened = begin(office)
        ends(office, opened, signed_in(office, opened, "gp"), "psc-not-believed")


def test_a_state_is_good_once_and_for_ten_minutes(office: PostOffice) -> None:
    unknown = wording("psc-state-unknown")
    opened, browser = begin(office), Browser(office.url)
    back = browser.sign_in(opened["authorize"], "midwife")
    state = parse_qs(urlsplit(back).query)["state"][0]
    for spoilt in (back.replace(state, "x" * 43), back.replace(f"state={state}", "state="), f"{back}&state={state}"):
        page = browser.come_back(spoilt)
        assert (page.status_code, "<strong" in page.text) == (unknown.status, False)
        assert office.step(opened).json()["state"] == "browser", "nothing has happened"
    ticket = ticket_on(browser.come_back(back))
    replayed = browser.come_back(back, **{"accept-language": "en"})
    assert (replayed.status_code, "<strong" in replayed.text) == (unknown.status, False)
    assert "Go back to MiSS" in replayed.text
    assert office.step(opened, "code", code=ticket).json()["state"] == "certified"
    late = begin(office)
    back = browser.sign_in(late["authorize"], "midwife")
    browser.close()
    office.clock.later(minutes=11)
    try:
        assert browser.come_back(back).status_code == unknown.status
        assert office.step(late).json()["state"] == "browser"
    finally:
        office.clock.ahead_ms = 0


def test_a_code_of_another_sign_in_is_refused(office: PostOffice) -> None:
    """The code that one browser got, brought back with the state of another: PKCE binds each to its own request."""
    one, other = begin(office), begin(office)
    browser = Browser(office.url)
    back = browser.sign_in(one["authorize"], "gp")
    code = parse_qs(urlsplit(back).query)["code"][0]
    state = parse_qs(urlsplit(other["authorize"]).query)["state"][0]
    ends(
        office,
        other,
        browser.come_back(f"https://miss.example/v1/psc/return?code={code}&state={state}"),
        "psc-not-believed",
    )
    browser.close()
    assert office.step(one).json()["state"] == "browser"


def test_a_mixed_up_issuer_is_refused(office: PostOffice) -> None:
    opened, browser = begin(office), Browser(office.url)
    back = browser.sign_in(opened["authorize"], "gp")
    assert "iss=" in back
    page = browser.come_back(re.sub(r"iss=[^&]*", "iss=https%3A%2F%2Felsewhere.example", back))
    browser.close()
    ends(office, opened, page, "psc-not-believed")


def test_another_persons_ticket_opens_nothing(office: PostOffice) -> None:
    """Each ticket belongs to the registration its browser left from, whoever types it, and is good once."""
    mine, theirs = begin(office), begin(office)
    my_ticket = ticket_on(signed_in(office, mine, "pharmacist"))
    their_ticket = ticket_on(signed_in(office, theirs, "twin"))
    refused(office.step(mine, "code", code=their_ticket), "code-wrong")
    refused(office.step({**theirs, "secret": mine["secret"]}, "code", code=their_ticket), "registration-unknown")
    assert office.step(mine, "code", code=my_ticket).json()["state"] == "certified"
    refused(office.step(mine, "code", code=my_ticket), "code-used")
    refused(office.step(theirs, "resend"), "resend-by-browser")
    office.clock.later(minutes=11)
    try:
        refused(office.step(theirs, "code", code=their_ticket), "code-expired")
    finally:
        office.clock.ahead_ms = 0


def test_whoever_was_led_to_sign_in_for_another_gives_nothing_away(office: PostOffice) -> None:
    """The address is somebody else's: the ticket ends on the screen of who signed in, and guesses are counted."""
    attackers = begin(office)
    ticket_on(signed_in(office, attackers, "gp"))
    assert "certificate" not in office.step(attackers).json()
    for _ in range(4):
        refused(office.step(attackers, "code", code="0000-0000"), "code-wrong")
    refused(office.step(attackers, "code", code="0000-0000"), "code-exhausted")
    assert office.registration(attackers).certificate is None


def test_a_provider_that_does_not_answer_is_said(another: PostOffice, provider: Provider) -> None:
    nowhere = "http://127.0.0.1:1/"
    another.psc = lambda _: provider.client(another.clock, **provider.endpoints(token_endpoint=nowhere))
    with another.open():
        opened = begin(another)
        ends(another, opened, signed_in(another, opened, "gp"), "psc-unreachable")


def test_a_wrong_secret_is_refused_by_the_provider(another: PostOffice, provider: Provider, tmp_path: Path) -> None:
    another.psc = lambda _: provider.client(another.clock)
    with another.open():
        opened = begin(another)
        kept = provider.secret_file.read_text()
        provider.secret_file.write_text("another secret")
        try:
            ends(another, opened, signed_in(another, opened, "gp"), "psc-not-believed")
        finally:
            provider.secret_file.write_text(kept)
