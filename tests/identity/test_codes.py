"""Codes over HTTP and SMTP: the right one once, the wrong ones counted, and what no stranger may learn."""

import base64
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event

from identity.people import GP, PHYSIO
from identity.post_office import PostOffice, code_in, device_request, refused, wait_for, wrong
from miss_protocol.errors import RemoteError
from miss_protocol.identity import DeviceCertificate
from miss_protocol.limits import CODE_TRIES_MAX
from miss_server import register_tables
from miss_server.registrar import (
    CODES_MAILED_PER_PERSON_DAY_MAX,
    CODES_PER_REGISTRATION_MAX,
    REGISTRATIONS_OPEN_PER_PERSON_DAY_MAX,
)


def test_the_right_code_certifies_at_once(post_office: PostOffice) -> None:
    device_id, request = device_request("Téléphone de Camille")
    opened = post_office.claim(GP, request=base64.b64encode(request).decode()).json()
    code = post_office.code_for(GP)
    done = post_office.step(opened, "code", code=code)
    assert done.status_code == 200
    assert done.json()["state"] == "certified"
    certificate = DeviceCertificate.parse(base64.b64decode(done.json()["certificate"]))
    certificate.verify(post_office.authority, post_office.clock())
    who = certificate.professional
    assert (who.display_name, who.family_name, who.given_name) == ("Dr Camille Lefèvre", "LEFÈVRE", "Camille")
    assert (who.rpps, who.profession_code, who.profession) == (GP.rpps, "10", "Médecine générale")
    assert who.place == "MAISON DE SANTÉ DU PARC, Lille"
    assert who.checked_how == "mailbox"
    assert abs(who.checked_at_ms - post_office.clock()) < 60_000
    assert certificate.device_id == device_id
    assert certificate.signature_key in request
    assert certificate.login_key in request
    assert [(c.device_id, name) for c, name in post_office.enrolled] == [(device_id, "Téléphone de Camille")]
    (person,) = post_office.rows(register_tables.people)
    assert (person.person_id, person.rpps) == (who.person_id, GP.rpps)
    assert post_office.step(opened).json()["certificate"] == done.json()["certificate"]
    assert post_office.acts() == ["opened", "code-made", "device-enrolled", "certified"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda code: code.lower(),
        lambda code: code.replace("-", ""),
        lambda code: f" {code[0]} {code[1:]}  ",
        lambda code: code.replace("0", "O").replace("1", "I"),
        lambda code: code.replace("0", "o").replace("1", "l"),
        lambda code: code.replace("-", " - "),
    ],
)
def test_what_looks_like_the_code_is_the_code(post_office: PostOffice, spoil: Any) -> None:
    opened = post_office.claim(GP).json()
    assert post_office.step(opened, "code", code=spoil(post_office.code_for(GP))).json()["state"] == "certified"


def test_five_wrong_codes_end_it_and_another_can_be_sent(post_office: PostOffice) -> None:
    opened = post_office.claim(GP).json()
    code = post_office.code_for(GP)
    for left in range(CODE_TRIES_MAX - 1, 0, -1):
        refused(post_office.step(opened, "code", code=wrong(code)), "code-wrong")
        assert post_office.step(opened).json()["attempts_left"] == left
    refused(post_office.step(opened, "code", code=wrong(code)), "code-exhausted")
    refused(post_office.step(opened, "code", code=code), "code-exhausted")
    assert post_office.registration(opened).code_used_at_ms is None
    assert post_office.step(opened, "resend").json()["attempts_left"] == CODE_TRIES_MAX
    second = post_office.code_for(GP, 2)
    refused(post_office.step(opened, "code", code=code), "code-wrong")  # the first is no longer good
    assert post_office.step(opened, "code", code=second).json()["state"] == "certified"


def test_a_code_expires(post_office: PostOffice) -> None:
    opened = post_office.claim(GP).json()
    code = post_office.code_for(GP)
    post_office.clock.later(minutes=10.1)
    refused(post_office.step(opened, "code", code=code), "code-expired")
    assert post_office.registration(opened).code_tries == 0
    post_office.step(opened, "resend")
    post_office.clock.later(minutes=9.5)
    assert post_office.step(opened, "code", code=post_office.code_for(GP, 2)).json()["state"] == "certified"


def test_a_code_is_good_once_and_for_its_registration_only(post_office: PostOffice) -> None:
    opened, other = post_office.claim(GP).json(), post_office.claim(GP).json()
    wait_for("two mails", lambda: len(post_office.smtp.to(GP.mailbox)) == 2)
    codes = [code_in(mail) for mail in post_office.smtp.to(GP.mailbox)]
    mine = next(c for c in codes if post_office.step(opened, "code", code=c).status_code == 200)
    refused(post_office.step(opened, "code", code=mine), "code-used")
    refused(post_office.step(opened, "resend"), "code-used")
    refused(post_office.step(other, "code", code=mine), "code-wrong")
    assert len(post_office.enrolled) == 1


def test_of_fifty_parallel_uses_one_succeeds(post_office: PostOffice) -> None:
    opened = post_office.claim(GP).json()
    code = post_office.code_for(GP)
    together = threading.Barrier(50)

    def use(_: int) -> tuple[int, str]:
        together.wait(20)
        answer = post_office.step(opened, "code", code=code)
        return answer.status_code, answer.json().get("reason", answer.json().get("state"))

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(use, range(50)))
    assert sorted(answers) == [(200, "certified"), *[(409, "code-used")] * 49]
    assert len(post_office.enrolled) == 1
    assert post_office.acts().count("certified") == 1
    assert len(post_office.rows(register_tables.people)) == 1


def test_of_fifty_parallel_guesses_five_are_compared(post_office: PostOffice) -> None:
    opened = post_office.claim(GP).json()
    code = post_office.code_for(GP)
    guesses = [code[:-2] + a + b for a in "ABCDE" for b in "0123456789" if code[-2:] != a + b][:50]
    with ThreadPoolExecutor(50) as pool:
        answers = [a.json()["reason"] for a in pool.map(lambda g: post_office.step(opened, "code", code=g), guesses)]
    assert answers.count("code-wrong") == CODE_TRIES_MAX - 1
    assert set(answers) == {"code-wrong", "code-exhausted"}
    assert post_office.registration(opened).code_tries == CODE_TRIES_MAX


def test_sending_again_is_bounded(post_office: PostOffice) -> None:
    opened = post_office.claim(GP).json()
    for _ in range(CODES_PER_REGISTRATION_MAX - 1):
        assert post_office.step(opened, "resend").status_code == 200
    refused(post_office.step(opened, "resend"), "resend-exhausted")
    assert len(post_office.smtp.to(GP.mailbox)) == CODES_PER_REGISTRATION_MAX


def test_nobody_fills_a_doctors_mailbox(post_office: PostOffice) -> None:
    """After a dozen codes in a day the claims wait for an operator, and a pile of claims is refused."""
    states = [post_office.claim(GP).json() for _ in range(REGISTRATIONS_OPEN_PER_PERSON_DAY_MAX)]
    mailed = [one for one in states if one["state"] == "code"]
    waiting = [one for one in states if one["state"] == "waiting"]
    assert len(mailed) == CODES_MAILED_PER_PERSON_DAY_MAX
    assert {one["why"] for one in waiting} == {"many-claims"}
    refused(post_office.step(mailed[0], "resend"), "resend-exhausted")
    refused(post_office.claim(GP), "too-many-claims")
    assert post_office.claim(PHYSIO).status_code == 201  # nobody else is held up
    post_office.clock.later(minutes=24 * 60 + 1)
    assert post_office.claim(GP).json()["state"] == "code"


def test_no_stranger_reads_or_moves_a_registration(post_office: PostOffice) -> None:
    opened, other = post_office.claim(GP).json(), post_office.claim(PHYSIO).json()
    code = post_office.code_for(GP)
    strangers = [
        {**opened, "secret": other["secret"]},
        {**opened, "secret": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()},
        {**opened, "secret": ""},
        {**opened, "secret": "§"},
        {**opened, "registration": secrets.token_hex(16)},
        {**opened, "registration": "0"},
        {**opened, "registration": "zz" * 16},
    ]
    for stranger in strangers:
        headers = {"authorization": f"Bearer {stranger['secret']}".strip().encode()}
        path = f"/v1/registrations/{stranger['registration']}"
        for answer in (
            post_office.http.get(path, headers=headers),
            post_office.http.post(f"{path}/resend", headers=headers),
            post_office.http.post(f"{path}/code", headers=headers, json={"code": code}),
        ):
            refused(answer, "registration-unknown")
    assert post_office.registration(opened).code_tries == 0
    assert post_office.step(opened, "code", code=code).json()["state"] == "certified"


def test_neither_code_nor_secret_is_stored(post_office: PostOffice) -> None:
    opened = post_office.claim(GP).json()
    code = post_office.code_for(GP)
    post_office.step(opened, "code", code=wrong(code))
    kept = b"".join(file.read_bytes() for file in post_office.folder.glob("miss.db*"))
    assert opened["registration"] not in ("", None)
    assert bytes.fromhex(opened["registration"]) in kept  # the search itself finds what is there
    for form in (code, code.replace("-", ""), opened["secret"]):
        assert form.encode() not in kept
    assert base64.urlsafe_b64decode(opened["secret"] + "=") not in kept


# -- what no stranger may learn --


def test_an_account_changes_nothing_that_a_stranger_sees(post_office: PostOffice) -> None:
    """The same claim before and after its person is certified: the same answer, and the same statements run."""
    asked: list[str] = []

    @event.listens_for(post_office.database._writing, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    def claim() -> tuple[dict[str, Any], list[str]]:
        asked.clear()
        answer = post_office.claim(GP).json()
        return {k: v for k, v in answer.items() if k not in ("registration", "secret")}, list(asked)

    before = claim()
    opened = post_office.claim(GP).json()
    wait_for("mails", lambda: len(post_office.smtp.to(GP.mailbox)) == 2)
    codes = [code_in(mail) for mail in post_office.smtp.to(GP.mailbox)]
    assert any(post_office.step(opened, "code", code=code).status_code == 200 for code in codes)
    after = claim()
    assert before == after
    assert not any("people.person_id" in statement or "FROM people" in statement for statement in after[1])
    assert not any("devices" in statement for statement in after[1])


def test_a_device_that_cannot_be_enrolled_spends_no_code(post_office: PostOffice) -> None:
    opened = post_office.claim(GP).json()
    code = post_office.code_for(GP)

    def full(*_: Any) -> None:
        raise RemoteError("too-many-devices")

    post_office.enrolling = full
    refused(post_office.step(opened, "code", code=code), "too-many-devices")
    assert post_office.registration(opened).state == "code"
    assert post_office.rows(register_tables.people) == []
    post_office.enrolling = None
    assert post_office.step(opened, "code", code=code).json()["state"] == "certified"
