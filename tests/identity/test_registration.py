"""Registration over HTTP and SMTP: a row for each refusal and each way through, and what is stored afterwards."""

import base64
import json
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from identity.extract import Someone, people_lines, rpps, write
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
    PRACTISING,
    RETIRED,
    TWIN,
    UNLISTED,
)
from identity.post_office import PEPPER, PostOffice, code_in, device_request, wait_for
from miss_protocol.errors import RemoteError
from miss_protocol.identity import DeviceCertificate
from miss_protocol.limits import CODE_TRIES_MAX
from miss_server import decisions, register_tables
from miss_server.codes import ALPHABET
from miss_server.decisions import DecisionError
from miss_server.refusals import WORDINGS, wording
from miss_server.register_load import load
from miss_server.registrar import (
    CODES_MAILED_PER_PERSON_DAY_MAX,
    CODES_PER_REGISTRATION_MAX,
    REGISTRATIONS_OPEN_PER_PERSON_DAY_MAX,
    forget,
)


@pytest.fixture
def post_office(tmp_path: Path) -> Iterator[PostOffice]:
    office = PostOffice(tmp_path)
    office.load(EVERYBODY)
    load(office.database.transaction, [write(tmp_path / "newer.txt", people_lines(PRACTISING))])  # RETIRED is gone
    with office.open():
        yield office


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[PostOffice]:
    """A server where an operator decides every time."""
    office = PostOffice(tmp_path, always=True)
    office.load(EVERYBODY)
    with office.open():
        yield office


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


@pytest.fixture(scope="module")
def judging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    """One server for the whole table of claims."""
    folder = tmp_path_factory.mktemp("judging")
    office = PostOffice(folder)
    office.load(EVERYBODY)
    load(office.database.transaction, [write(folder / "newer.txt", people_lines(PRACTISING))])
    office.claims_at_once = 100_000
    with office.open():
        yield office


def test_every_refusal_has_two_sentences_and_a_way_on() -> None:
    for reason, words in WORDINGS.items():
        assert 400 <= words.status < 600, reason
        for sentence in (words.french, words.english):
            assert sentence.endswith("."), reason
            assert len(sentence.split()) >= 8, reason
        assert words.french != words.english


# -- the code --


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
    assert [(c.device_id, name) for c, name in post_office.enrolled] == [(device_id, "Téléphone de Camille")]
    (person,) = post_office.rows(register_tables.people)
    assert (person.person_id, person.rpps) == (who.person_id, GP.rpps)
    assert post_office.step(opened).json()["certificate"] == done.json()["certificate"]
    assert post_office.acts() == ["opened", "code-made", "certified"]


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


def wrong(code: str) -> str:
    """Another code than this one."""
    return code[:-1] + ALPHABET[(ALPHABET.index(code[-1]) + 1) % 32]


def refused(post_office: PostOffice, answer: Any, reason: str) -> None:
    """The answer is that refusal, in French as registered."""
    words = wording(reason)
    assert (answer.status_code, answer.json()) == (words.status, {"reason": reason, "sentence": words.french})


def test_five_wrong_codes_end_it_and_another_can_be_sent(post_office: PostOffice) -> None:
    opened = post_office.claim(GP).json()
    code = post_office.code_for(GP)
    for left in range(CODE_TRIES_MAX - 1, 0, -1):
        refused(post_office, post_office.step(opened, "code", code=wrong(code)), "code-wrong")
        assert post_office.step(opened).json()["attempts_left"] == left
    refused(post_office, post_office.step(opened, "code", code=wrong(code)), "code-exhausted")
    refused(post_office, post_office.step(opened, "code", code=code), "code-exhausted")
    assert post_office.registration(opened).code_used_at_ms is None
    assert post_office.step(opened, "resend").json()["attempts_left"] == CODE_TRIES_MAX
    second = post_office.code_for(GP, 2)
    refused(post_office, post_office.step(opened, "code", code=code), "code-wrong")  # the first is no longer good
    assert post_office.step(opened, "code", code=second).json()["state"] == "certified"


def test_a_code_expires(post_office: PostOffice) -> None:
    opened = post_office.claim(GP).json()
    code = post_office.code_for(GP)
    post_office.clock.later(minutes=10.1)
    refused(post_office, post_office.step(opened, "code", code=code), "code-expired")
    assert post_office.registration(opened).code_tries == 0
    post_office.step(opened, "resend")
    post_office.clock.later(minutes=9.5)
    assert post_office.step(opened, "code", code=post_office.code_for(GP, 2)).json()["state"] == "certified"


def test_a_code_is_good_once_and_for_its_registration_only(post_office: PostOffice) -> None:
    opened, other = post_office.claim(GP).json(), post_office.claim(GP).json()
    wait_for("two mails", lambda: len(post_office.smtp.to(GP.mailbox)) == 2)
    codes = [code_in(mail) for mail in post_office.smtp.to(GP.mailbox)]
    mine = next(c for c in codes if post_office.step(opened, "code", code=c).status_code == 200)
    refused(post_office, post_office.step(opened, "code", code=mine), "code-used")
    refused(post_office, post_office.step(opened, "resend"), "code-used")
    refused(post_office, post_office.step(other, "code", code=mine), "code-wrong")
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
    refused(post_office, post_office.step(opened, "resend"), "resend-exhausted")
    assert len(post_office.smtp.to(GP.mailbox)) == CODES_PER_REGISTRATION_MAX


def test_nobody_fills_a_doctors_mailbox(post_office: PostOffice) -> None:
    """After a dozen codes in a day the claims wait for an operator, and a pile of claims is refused."""
    states = [post_office.claim(GP).json() for _ in range(REGISTRATIONS_OPEN_PER_PERSON_DAY_MAX)]
    mailed = [one for one in states if one["state"] == "code"]
    waiting = [one for one in states if one["state"] == "waiting"]
    assert len(mailed) == CODES_MAILED_PER_PERSON_DAY_MAX
    assert {one["why"] for one in waiting} == {"many-claims"}
    refused(post_office, post_office.step(mailed[0], "resend"), "resend-exhausted")
    refused(post_office, post_office.claim(GP), "too-many-claims")
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
            refused(post_office, answer, "registration-unknown")
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
    from sqlalchemy import event

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


def test_a_second_proof_adds_a_device_of_the_same_person(post_office: PostOffice) -> None:
    for count in (1, 2):
        opened = post_office.claim(GP).json()
        assert post_office.step(opened, "code", code=post_office.code_for(GP, count)).json()["state"] == "certified"
    first, second = (certificate for certificate, _ in post_office.enrolled)
    assert first.person_id == second.person_id
    assert first.device_id != second.device_id
    assert second.endorsement is None
    assert len(post_office.rows(register_tables.people)) == 1


def test_a_device_that_cannot_be_enrolled_spends_no_code(post_office: PostOffice) -> None:
    opened = post_office.claim(GP).json()
    code = post_office.code_for(GP)

    def full(*_: Any) -> None:
        raise RemoteError("too-many-devices")

    post_office.enrolling = full
    refused(post_office, post_office.step(opened, "code", code=code), "too-many-devices")
    assert post_office.registration(opened).state == "code"
    assert post_office.rows(register_tables.people) == []
    post_office.enrolling = None
    assert post_office.step(opened, "code", code=code).json()["state"] == "certified"


# -- the operator --


def decide(post_office: PostOffice, verb: Any, opened: dict[str, Any], **options: Any) -> Any:
    with post_office.database.transaction() as connection:
        return verb(
            connection, opened["registration"][:8], operator="Une opératrice", now_ms=post_office.clock(), **options
        )


def test_an_operator_sees_the_register_beside_the_claim(post_office: PostOffice) -> None:
    post_office.claim(TWIN)
    post_office.claim(NURSE, family_name="Ndiay")
    post_office.claim(GP)
    with post_office.database.snapshot() as connection:
        twin, nurse = decisions.cases(connection)
        assert len(decisions.cases(connection, everything=True)) == 3
    assert twin.entry is not None
    assert twin.entry.mailboxes[0].address == TWIN.mailbox
    assert [other.rpps for other in twin.homonyms] == [OTHER_TWIN.rpps]
    assert nurse.row.family_name == "Ndiay"
    assert nurse.entry is not None
    assert nurse.entry.family_name == "N'DIAYE"
    assert nurse.entry.telephones() == ("01 99 00 01 03",)


def test_approved_without_a_proof_the_code_goes_to_the_listed_mailbox(post_office: PostOffice) -> None:
    opened = post_office.claim(MARRIED, family_name="Da Silva").json()
    assert post_office.step(opened).json()["state"] == "waiting"
    decide(post_office, decisions.approve, opened, proof="")
    assert post_office.smtp.mails == []  # the code lives ten minutes: it is made when the device is there
    assert post_office.step(opened).json()["state"] == "code"
    assert post_office.step(opened).json()["mailbox"] == "i***@ch.mssante.example"
    code = post_office.code_for(MARRIED)
    assert post_office.step(opened, "code", code=code).json()["state"] == "certified"
    assert post_office.enrolled[0][0].professional.checked_how == "mailbox"
    assert post_office.acts() == ["opened", "approved", "code-made", "certified"]


def test_approved_on_a_proof_the_device_is_certified_when_it_asks(post_office: PostOffice) -> None:
    opened = post_office.claim(UNLISTED).json()
    refused(post_office, post_office.step(opened, "code", code="ABCD-EFGH"), "no-code")
    refused(post_office, post_office.step(opened, "resend"), "no-code")
    with pytest.raises(DecisionError) as lacking:
        decide(post_office, decisions.approve, opened, proof=" ")
    assert lacking.value.reason == "proof-needed"
    decide(post_office, decisions.approve, opened, proof="carte CPS vue en visio")
    assert post_office.rows(register_tables.people) == []
    with ThreadPoolExecutor(8) as pool:  # asked by impatient devices at once
        answers = [a.json() for a in pool.map(lambda _: post_office.step(opened), range(8))]
    assert {a["state"] for a in answers} == {"certified"}
    assert len(post_office.enrolled) == 1
    who = post_office.enrolled[0][0].professional
    assert (who.checked_how, who.profession) == ("operator", "Infirmier (étudiant)")
    registration = post_office.registration(opened)
    assert (registration.operator, registration.proof) == ("Une opératrice", "carte CPS vue en visio")
    about = [row.about for row in post_office.rows(register_tables.registrar_acts) if row.what == "approved"]
    assert "carte CPS vue en visio" in about[0]


def test_a_code_read_aloud_at_the_registers_number_certifies(post_office: PostOffice) -> None:
    opened = post_office.claim(NURSE).json()
    with pytest.raises(DecisionError) as lacking:
        decide(post_office, decisions.approve, opened, proof="")
    assert lacking.value.reason == "call-or-proof"
    case, code = decide(post_office, decisions.call, opened, pepper=PEPPER)
    assert case.entry.telephones() == ("01 99 00 01 03",)
    told = post_office.step(opened).json()
    assert (told["state"], told["via"], told["mailbox"]) == ("code", "operator", "")
    refused(post_office, post_office.step(opened, "resend"), "resend-by-operator")
    _, second = decide(post_office, decisions.call, opened, pepper=PEPPER)  # nobody answered the first time
    refused(post_office, post_office.step(opened, "code", code=code), "code-wrong")
    assert post_office.step(opened, "code", code=second.lower()).json()["state"] == "certified"
    assert post_office.enrolled[0][0].professional.checked_how == "telephone"
    assert post_office.smtp.mails == []


def test_nobody_is_called_at_a_number_of_their_own(post_office: PostOffice) -> None:
    opened = post_office.claim(UNLISTED).json()
    with pytest.raises(DecisionError) as lacking:
        decide(post_office, decisions.call, opened, pepper=PEPPER)
    assert lacking.value.reason == "no-telephone"


def test_a_refusal_says_why(post_office: PostOffice) -> None:
    opened = post_office.claim(TWIN).json()
    with pytest.raises(DecisionError) as lacking:
        decide(post_office, decisions.refuse, opened, reason="\n ")
    assert lacking.value.reason == "reason-needed"
    decide(post_office, decisions.refuse, opened, reason="Le numéro est celui\nd’une homonyme.")
    told = post_office.step(opened).json()
    assert (told["state"], told["note"]) == ("refused", "Le numéro est celui d’une homonyme.")
    assert told["problem"] == "refused-by-operator"
    refused(post_office, post_office.step(opened, "code", code="ABCD-EFGH"), "no-code")
    with pytest.raises(DecisionError) as ended:
        decide(post_office, decisions.approve, opened, proof="vue")
    assert ended.value.reason == "not-waiting"
    assert post_office.claim(TWIN).status_code == 201  # they may begin again


def test_what_is_certified_cannot_be_decided_any_more(post_office: PostOffice) -> None:
    opened = post_office.claim(GP).json()
    post_office.step(opened, "code", code=post_office.code_for(GP))
    for verb, options, reason in (
        (decisions.approve, {"proof": "vue"}, "not-waiting"),
        (decisions.refuse, {"reason": "trop tard"}, "at-end"),
        (decisions.call, {"pepper": PEPPER}, "not-waiting"),
    ):
        with pytest.raises(DecisionError) as ended:
            decide(post_office, verb, opened, **options)
        assert ended.value.reason == reason
    assert post_office.step(opened).json()["state"] == "certified"


def test_gone_between_the_claim_and_the_code(post_office: PostOffice) -> None:
    opened = post_office.claim(GP).json()
    code = post_office.code_for(GP)
    without = [someone for someone in PRACTISING if someone is not GP]
    load(post_office.database.transaction, [write(post_office.folder / "without.txt", people_lines(without))])
    told = post_office.step(opened, "code", code=code).json()
    assert (told["state"], told["problem"]) == ("refused", "no-longer-practising")
    assert post_office.enrolled == []


def test_where_an_operator_decides_every_time(strict: PostOffice) -> None:
    opened = strict.claim(GP).json()
    assert (opened["state"], opened["why"]) == ("waiting", "approval-always")
    refused(strict, strict.claim(GP, family_name="Bertrand"), "name-differs")  # nothing for an operator to decide
    decide(strict, decisions.approve, opened, proof="")
    assert strict.step(opened).json()["state"] == "code"
    assert strict.step(opened, "code", code=strict.code_for(GP)).json()["state"] == "certified"


def test_the_usual_wait_is_what_operators_took(post_office: PostOffice) -> None:
    waits = []
    for hours, who in ((0.5, NURSE), (0.5, UNLISTED), (60, TWIN)):
        opened = post_office.claim(who).json()
        waits.append(opened["usual_wait"])
        post_office.clock.later(minutes=hours * 60)
        decide(post_office, decisions.refuse, opened, reason="essai")
    assert waits == ["un jour au plus"] * 3
    assert post_office.claim(NURSE).json()["usual_wait"] == "moins d’une heure"
    assert post_office.claim(NURSE, language="en").json()["usual_wait"] == "less than an hour"


def test_without_a_register_nobody_is_judged(tmp_path: Path) -> None:
    with PostOffice(tmp_path).open() as office:
        refused(office, office.claim(GP), "register-missing")


def test_old_registrations_are_forgotten_and_the_acts_stay(post_office: PostOffice) -> None:
    post_office.claim(NURSE)
    post_office.clock.later(minutes=5)
    kept = post_office.claim(UNLISTED).json()
    with post_office.database.transaction() as connection:
        assert forget(connection, post_office.clock() - 60_000) == 1
    assert [row.registration_id.hex() for row in post_office.rows(register_tables.registrations)] == [
        kept["registration"]
    ]
    assert post_office.acts() == ["opened", "opened"]


# -- bad requests --


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
    refused(post_office, answer, "internal")
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


def test_the_certificate_is_of_the_keys_that_asked(post_office: PostOffice) -> None:
    _, request = device_request()
    opened = post_office.claim(GP, request=base64.b64encode(request).decode()).json()
    told = post_office.step(opened, "code", code=post_office.code_for(GP)).json()
    key = x509.load_der_x509_certificate(base64.b64decode(told["certificate"])).public_key()
    assert key != Ed25519PrivateKey.generate().public_key()
    assert key.public_bytes_raw() in request  # type: ignore[union-attr]  # an Ed25519 key, checked above
