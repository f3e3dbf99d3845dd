"""Claims over HTTP: a row for each refusal and each way on, and what is stored and mailed afterwards."""

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from identity.extract import Someone, rpps
from identity.people import (
    EVERYBODY,
    GP,
    MARRIED,
    MIDWIFE,
    NAMESAKE,
    NURSE,
    OTHER_TWIN,
    PHARMACIST,
    PHYSIO,
    RETIRED,
    TWIN,
    UNLISTED,
)
from identity.post_office import PostOffice, code_in, device_request, refused, wait_for
from miss_server import register_tables
from miss_server.refusals import WORDINGS, wording


@dataclass(frozen=True)
class Row:
    """A claim: who makes it, what they type in another way than the register has it, and what comes of it."""

    who: Someone
    typed: dict[str, Any] = field(default_factory=dict)
    reason: str = ""  # of a refusal
    state: str = ""  # of a registration
    why: str = ""  # an operator decides


WRONG_CHECK_DIGIT = GP.rpps[:-1] + str((int(GP.rpps[-1]) + 1) % 10)

CLAIMS = {
    # refused, and said why: the register is public
    "number with a wrong digit": Row(GP, {"rpps": WRONG_CHECK_DIGIT}, "number-malformed"),
    "number too short": Row(GP, {"rpps": GP.rpps[:10]}, "number-malformed"),
    "number of letters": Row(GP, {"rpps": "pas un numéro"}, "number-malformed"),
    "number of nobody": Row(GP, {"rpps": rpps(999)}, "unknown-number"),
    "name of another": Row(GP, {"family_name": "Bertrand"}, "name-differs"),
    "first name of another": Row(GP, {"given_name": "Véronique"}, "name-differs"),
    "number of another": Row(GP, {"rpps": PHYSIO.rpps}, "name-differs"),
    "half of two names": Row(MARRIED, {"family_name": "Durand", "given_name": "Paul"}, "name-differs"),
    "retired": Row(RETIRED, {}, "no-longer-practising"),
    "retired, and nearly the name": Row(RETIRED, {"family_name": "Guerrin"}, "no-longer-practising"),
    "another profession": Row(GP, {"profession": "60"}, "profession-differs"),
    # a code to the listed mailbox
    "as in the register": Row(GP, {}, state="code"),
    "lower case, no accents": Row(GP, {"family_name": "lefevre", "given_name": "CAMILLE"}, state="code"),
    "a space for a hyphen, no ligature": Row(
        MIDWIFE, {"family_name": "Sacrecoeur", "given_name": "anne elodie"}, state="code"
    ),
    "another apostrophe": Row(PHARMACIST, {"family_name": "O’connor", "given_name": "Jean Baptiste"}, state="code"),
    "name in one word": Row(PHYSIO, {"family_name": "LeGoff"}, state="code"),
    "number with its 8 and spaces": Row(GP, {"rpps": f" 8 {GP.rpps[:5]} {GP.rpps[5:]}"}, state="code"),
    "exercise name of the extract": Row(MARRIED, {"family_name": "Moreau Da Silva"}, state="code"),
    "name of the mailbox list": Row(MARRIED, {"family_name": "Durand"}, state="code"),
    "homonym of another profession": Row(NAMESAKE, {}, state="code"),
    # an operator decides
    "a letter more": Row(GP, {"family_name": "Lefebvre"}, state="waiting", why="near-match"),
    "half a married name": Row(MARRIED, {"family_name": "Da Silva"}, state="waiting", why="near-match"),
    "fields swapped": Row(GP, {"family_name": "Camille", "given_name": "Lefèvre"}, state="waiting", why="near-match"),
    "homonym": Row(TWIN, {}, state="waiting", why="homonym"),
    "the other homonym": Row(OTHER_TWIN, {}, state="waiting", why="homonym"),
    "no mailbox listed": Row(NURSE, {}, state="waiting", why="no-mailbox"),
    "neither mailbox nor telephone": Row(UNLISTED, {}, state="waiting", why="no-mailbox"),
    # not of the form
    "no name": Row(GP, {"family_name": " "}, "malformed"),
    "name of 81 letters": Row(GP, {"family_name": "x" * 81}, "malformed"),
    "name with NUL": Row(GP, {"family_name": "Lefèvre\0"}, "malformed"),
    "name with a line": Row(GP, {"given_name": "Camille\r\nBcc: x@y.example"}, "malformed"),
    "number as a number": Row(GP, {"rpps": 99700001011}, "malformed"),
    "profession of letters": Row(GP, {"profession": "médecin"}, "malformed"),
    "unknown language": Row(GP, {"language": "de"}, "malformed"),
    "a field more": Row(GP, {"mailbox": "me@elsewhere.example"}, "malformed"),
    "request that is no base64": Row(GP, {"request": "§§§"}, "malformed"),
    "request of nonsense": Row(GP, {"request": base64.b64encode(b"x" * 200).decode()}, "bad-request"),
    "request signed by other keys": Row(GP, {"request": "forged"}, "bad-request"),
}


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("row", CLAIMS.values(), ids=CLAIMS)
def test_a_claim(judging: PostOffice, row: Row, language: str) -> None:
    post_office = judging
    with post_office.database.transaction() as connection:
        connection.execute(register_tables.registrations.delete())
    mails = len(post_office.smtp.mails)
    typed = {"language": language, **row.typed}
    if typed.get("request") == "forged":
        first, second = device_request()[1], device_request()[1]
        typed["request"] = base64.b64encode(first[:-40] + second[-40:]).decode()
    answer = post_office.claim(row.who, **typed)
    stored = post_office.rows(register_tables.registrations)
    if row.reason:
        words = wording(row.reason)
        # a body that is not of the form has no language: the header's counts, else French
        expected = words.sentence("fr" if row.reason == "malformed" and "request" not in row.typed else language)
        assert answer.status_code == words.status
        assert answer.json() == {"reason": row.reason, "sentence": expected}
        assert stored == []
        assert len(post_office.smtp.mails) == mails
        return
    assert answer.status_code == 201, answer.text
    opened = answer.json()
    assert (opened["state"], opened["why"]) == (row.state, row.why)
    (registration,) = stored
    assert registration.state == row.state
    assert registration.rpps == row.who.rpps
    assert registration.family_name == row.typed.get("family_name", row.who.family)
    if row.state == "code":
        assert opened["via"] == "mailbox"
        assert opened["mailbox"] == f"{row.who.mailbox[0]}***@{row.who.mailbox.partition('@')[2]}"
        mail = wait_for("the mail", lambda: post_office.smtp.mails[mails:])[0]
        assert mail[0] == row.who.mailbox
        assert code_in(mail[1]).replace("-", "").encode() not in registration.code_hash
        assert "usual_wait" not in opened
    else:
        assert opened["via"] == "operator"
        assert opened["mailbox"] == ""
        assert opened["usual_wait"] == {"fr": "un jour au plus", "en": "one day at most"}[language]
        assert registration.code_hash is None
        assert len(post_office.smtp.mails) == mails


def test_every_refusal_has_two_sentences_and_a_way_on() -> None:
    for reason, words in WORDINGS.items():
        assert 400 <= words.status < 600, reason
        for sentence in (words.french, words.english):
            assert sentence.endswith("."), reason
            assert len(sentence.split()) >= 8, reason
        assert words.french != words.english


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/registrations", b""),
        ("POST", "/v1/registrations", b"{"),
        ("POST", "/v1/registrations", b"[]"),
        ("POST", "/v1/registrations", b"null"),
        ("POST", "/v1/registrations", b"\xff\xfe"),
        ("POST", "/v1/registrations", json.dumps({"rpps": "1" * 20_000}).encode()),
        ("POST", "/v1/registrations", b'{"rpps":' + b"[" * 8_000),
        ("POST", "/v1/registrations/00/code", b"{}"),
        ("POST", "/v1/registrations/00/code", b'{"code": ""}'),
        ("POST", "/v1/registrations/00/code", b'{"code": 12345678}'),
        ("POST", "/v1/registrations/00/code", b'{"code": "ABCD-EFGH", "more": 1}'),
        ("POST", "/v1/registrations/00/code", json.dumps({"code": "A" * 41}).encode()),
        ("POST", "/v1/registrations/00/code", json.dumps({"code": "ABCD\u0000EFGH"}).encode()),
    ],
)
def test_a_bad_request_has_a_reason(judging: PostOffice, method: str, path: str, body: bytes) -> None:
    answer = judging.http.request(method, path, content=body)
    assert answer.status_code == 422
    assert answer.json() == {"reason": "malformed", "sentence": wording("malformed").french}
    english = judging.http.request(method, path, content=body, headers={"accept-language": "en-GB,en"})
    assert english.json()["sentence"] == wording("malformed").english


def test_a_failure_inside_shows_nothing_of_the_inside(post_office: PostOffice) -> None:
    with post_office.database.transaction() as connection:
        register_tables.registrar_acts.drop(connection)
    answer = post_office.claim(GP)
    refused(answer, "internal")
    assert post_office.rows(register_tables.registrations) == []


def test_one_address_may_not_ask_without_end(tmp_path: Path) -> None:
    office = PostOffice(tmp_path)
    office.load(EVERYBODY)
    office.claims_at_once = 3
    with office.open():
        answers = [office.claim(GP, rpps=rpps(999)).json()["reason"] for _ in range(5)]
        assert answers == ["unknown-number"] * 3 + ["too-many-claims"] * 2
        office.clock.later(minutes=1)
        assert office.claim(GP).status_code == 201
