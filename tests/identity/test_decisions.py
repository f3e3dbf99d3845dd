"""What an operator decides, as the waiting device sees it over HTTP, and what is stored of it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from identity.extract import people_lines, write
from identity.people import GP, MARRIED, NURSE, OTHER_TWIN, PRACTISING, TWIN, UNLISTED
from identity.post_office import PEPPER, PostOffice, refused
from miss_server import decisions, register_tables
from miss_server.decisions import DecisionError
from miss_server.register_load import load
from miss_server.registration_rows import forget


def decide(post_office: PostOffice, verb: Any, opened: dict[str, Any], **options: Any) -> Any:
    who = {"operator": "Une opératrice", "now_ms": post_office.clock()}
    with post_office.database.transaction() as connection:
        return verb(connection, opened["registration"][:8], **(who | options))


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
    assert post_office.acts() == ["opened", "approved", "code-made", "device-enrolled", "certified"]


def test_approved_on_a_proof_the_device_is_certified_when_it_asks(post_office: PostOffice) -> None:
    opened = post_office.claim(UNLISTED).json()
    refused(post_office.step(opened, "code", code="ABCD-EFGH"), "no-code")
    refused(post_office.step(opened, "resend"), "no-code")
    with pytest.raises(DecisionError) as lacking:
        decide(post_office, decisions.approve, opened, proof=" ")
    assert lacking.value.reason == "proof-needed"
    decide(post_office, decisions.approve, opened, proof="carte CPS vue en visio")
    assert post_office.step(opened).json()["state"] == "waiting"  # one operator alone certifies nobody
    with pytest.raises(DecisionError) as lacking:
        decide(post_office, decisions.approve, opened, proof="vue encore", operator=" UNE  Operatrice ")
    assert lacking.value.reason == "second-operator"
    decide(post_office, decisions.approve, opened, proof="carte CPS vue en visio", operator="Un autre")
    assert post_office.rows(register_tables.people) == []
    with ThreadPoolExecutor(8) as pool:  # asked by impatient devices at once
        answers = [a.json() for a in pool.map(lambda _: post_office.step(opened), range(8))]
    assert {a["state"] for a in answers} == {"certified"}
    assert len(post_office.enrolled) == 1
    who = post_office.enrolled[0][0].professional
    assert (who.checked_how, who.profession) == ("operator", "Infirmier (étudiant)")
    registration = post_office.registration(opened)
    assert (registration.operator, registration.proof) == ("Une opératrice, Un autre", "carte CPS vue en visio")
    assert post_office.acts()[1:3] == ["approved-first", "approved"]
    about = [row.about for row in post_office.rows(register_tables.registrar_acts) if row.what.startswith("approved")]
    assert all("carte CPS vue en visio" in one for one in about)


def test_two_operators_at_once_are_two_approvals_or_one_decision(post_office: PostOffice) -> None:
    opened = post_office.claim(UNLISTED).json()
    with post_office.database.snapshot() as connection:
        seen = decisions.find(connection, opened["registration"]).stamp

    def approve(operator: str) -> str:
        try:
            decide(post_office, decisions.approve, opened, proof="vue", operator=operator, seen=seen)
        except DecisionError as error:
            return error.reason
        return "done"

    with ThreadPoolExecutor(8) as pool:  # each has read the case while nobody had decided
        answers = list(pool.map(approve, [f"Opérateur {letter}" for letter in "ABCDEFGH"]))
    assert sorted(answers) == ["changed-meanwhile"] * 7 + ["done"]
    with pytest.raises(DecisionError) as late:
        decide(post_office, decisions.refuse, opened, reason="double", seen=seen)
    assert late.value.reason == "changed-meanwhile"
    assert post_office.step(opened).json()["state"] == "waiting"
    assert post_office.rows(register_tables.registrations)[0].operator == ""


def test_a_code_read_aloud_at_the_registers_number_certifies(post_office: PostOffice) -> None:
    opened = post_office.claim(NURSE).json()
    with pytest.raises(DecisionError) as lacking:
        decide(post_office, decisions.approve, opened, proof="")
    assert lacking.value.reason == "call-or-proof"
    case, code = decide(post_office, decisions.call, opened, pepper=PEPPER)
    assert case.entry.telephones() == ("01 99 00 01 03",)
    told = post_office.step(opened).json()
    assert (told["state"], told["via"], told["mailbox"]) == ("code", "operator", "")
    refused(post_office.step(opened, "resend"), "resend-by-operator")
    _, second = decide(post_office, decisions.call, opened, pepper=PEPPER)  # nobody answered the first time
    refused(post_office.step(opened, "code", code=code), "code-wrong")
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
    refused(post_office.step(opened, "code", code="ABCD-EFGH"), "no-code")
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
    refused(strict.claim(GP, family_name="Bertrand"), "name-differs")  # nothing for an operator to decide
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
        refused(office.claim(GP), "register-missing")


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
