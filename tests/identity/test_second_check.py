"""Who has devices and proves anew who they are: at once where none was seen lately, else after a day they may refuse."""

import base64
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from identity.people import GP, MARRIED, PHYSIO, RETIRED
from identity.post_office import PostOffice, device_request, refused
from identity.test_register_changes import registered, sharing, ticket
from miss_protocol.identity import DeviceCertificate
from miss_protocol.notices import RegisteredAgain, RegistrationWaits, read_proof
from miss_server import decisions, second_check, tables
from miss_server.decisions import DecisionError

DAY, MINUTE = 24 * 60, 1


def told(office: PostOffice, device_id: bytes) -> list[Any]:
    """What a device's own stream says about proofs."""
    r, s = tables.rows.c, tables.streams.c
    query = select(r.body).join_from(tables.rows, tables.streams, r.stream == s.stream).where(s.stream_id == device_id)
    with office.database.snapshot() as connection:
        found = [read_proof(bytes(body)) for body in connection.scalars(query.order_by(r.number))]
    return [one for one in found if one is not None]


def proves(office: PostOffice, someone: Any, mails: int = 2, name: str = "Nouveau téléphone") -> dict[str, Any]:
    """Another device, with the right code from the mailbox; the registration, and what the server said."""
    request = base64.b64encode(device_request(name)[1]).decode()
    opened: dict[str, Any] = office.claim(someone, request=request).json()
    done = office.step(opened, "code", code=office.code_for(someone, mails))
    assert done.status_code == 200, done.text
    return {**opened, **done.json()}


def live(office: PostOffice, person_id: bytes) -> set[bytes]:
    rows = office.rows(tables.devices)
    return {row.device_id for row in rows if row.person_id == person_id and row.revoked_at_ms is None}


def refuses(office: PostOffice, device_id: bytes, opened: dict[str, Any]) -> httpx.Response:
    path = f"/v1/waiting/{opened['registration']}/refuse"
    return office.http.post(path, headers=ticket(office, device_id))


def decide(office: PostOffice, function: Any, *arguments: Any, **options: Any) -> Any:
    with office.database.transaction() as connection:
        return function(connection, *arguments, now_ms=office.clock(), **options)


def test_an_old_device_that_nobody_has_seen_for_a_week_ends_at_once(post_office: PostOffice) -> None:
    old, person_id = registered(post_office, GP)
    friend, _ = registered(post_office, MARRIED)
    stranger, _ = registered(post_office, PHYSIO)
    sharing(post_office, old, friend)
    post_office.clock.later(7 * DAY + MINUTE)
    again = proves(post_office, GP)
    assert again["state"] == "certified"
    certificate = DeviceCertificate.parse(base64.b64decode(again["certificate"]))
    assert (certificate.person_id, certificate.endorsement) == (person_id, None)
    assert live(post_office, person_id) == {certificate.device_id}
    assert told(post_office, friend) == [RegisteredAgain(certificate.der)]
    assert told(post_office, stranger) == []
    assert told(post_office, certificate.device_id) == []
    assert post_office.acts()[-4:] == ["device-revoked", "registered-again", "device-enrolled", "certified"]


def test_a_device_seen_lately_is_told_and_the_new_one_waits_a_day(post_office: PostOffice) -> None:
    old, person_id = registered(post_office, GP)
    friend, _ = registered(post_office, MARRIED)
    sharing(post_office, old, friend)
    post_office.clock.later(6 * DAY)
    before = post_office.clock()
    again = proves(post_office, GP)
    until = again["until_ms"]
    assert again["state"] == "delayed"
    assert "certificate" not in again
    assert before + DAY * 60_000 <= until <= post_office.clock() + DAY * 60_000
    number = bytes.fromhex(again["registration"])
    assert told(post_office, old) == [RegistrationWaits(number, until, "Nouveau téléphone")]
    waits = post_office.http.get("/v1/waiting", headers=ticket(post_office, old)).json()["waiting"]
    assert waits == [{"registration": again["registration"], "until_ms": until, "device_name": "Nouveau téléphone"}]
    assert told(post_office, friend) == []
    post_office.clock.later(DAY - 2)
    assert post_office.step(again).json()["state"] == "delayed"
    assert live(post_office, person_id) == {old}
    post_office.clock.later(3)
    done = post_office.step(again).json()
    assert done["state"] == "certified"
    certificate = DeviceCertificate.parse(base64.b64decode(done["certificate"]))
    assert live(post_office, person_id) == {certificate.device_id}
    assert certificate.professional.checked_how == "mailbox"
    assert told(post_office, friend) == [RegisteredAgain(certificate.der)]
    assert post_office.step(again).json()["certificate"] == done["certificate"], "once"
    refused(refuses(post_office, certificate.device_id, again), "waiting-unknown")


def test_the_old_device_refuses_and_nothing_else_can(post_office: PostOffice) -> None:
    old, person_id = registered(post_office, GP)
    other, _ = registered(post_office, MARRIED)
    again = proves(post_office, GP)
    refused(refuses(post_office, other, again), "waiting-unknown")
    refused(post_office.http.post("/v1/waiting/zz/refuse", headers=ticket(post_office, old)), "waiting-unknown")
    assert post_office.http.get("/v1/waiting", headers=ticket(post_office, other)).json() == {"waiting": []}
    path = f"/v1/waiting/{again['registration']}/refuse"
    assert post_office.http.post(path).status_code == 401
    assert post_office.step(again).json()["state"] == "delayed"
    assert refuses(post_office, old, again).json() == {"refused": True}
    post_office.clock.later(2 * DAY)
    standing = post_office.step(again).json()
    assert (standing["state"], standing["problem"]) == ("refused", "refused-by-owner")
    assert live(post_office, person_id) == {old}
    refused(refuses(post_office, old, again), "waiting-unknown")
    assert "registered-again" not in post_office.acts()


def test_a_revoked_device_refuses_nothing(post_office: PostOffice) -> None:
    old, _ = registered(post_office, GP)
    again = proves(post_office, GP)
    with post_office.database.transaction() as connection:
        gone = update(tables.devices).where(tables.devices.c.device_id == old)
        connection.execute(gone.values(revoked_at_ms=post_office.clock()))
    assert refuses(post_office, old, again).status_code == 403
    assert post_office.step(again).json()["state"] == "delayed"


def test_two_different_operators_end_the_wait(post_office: PostOffice) -> None:
    registered(post_office, GP)
    again = proves(post_office, GP)
    number = again["registration"][:8]
    assert decide(post_office, second_check.shorten, number, operator="Alix") is False
    assert post_office.step(again).json()["state"] == "delayed"
    with pytest.raises(DecisionError, match="second-operator"):
        decide(post_office, second_check.shorten, number, operator="Alix")
    assert post_office.step(again).json()["state"] == "delayed"
    assert decide(post_office, second_check.shorten, number, operator="Dominique") is True
    assert post_office.step(again).json()["state"] == "certified"
    with pytest.raises(DecisionError, match="not-delayed"):
        decide(post_office, second_check.shorten, number, operator="Camille")
    assert [one for one in post_office.acts() if one.startswith("short")] == ["shortened-first", "shortened"]


def test_an_operator_may_refuse_what_waits(post_office: PostOffice) -> None:
    old, person_id = registered(post_office, GP)
    again = proves(post_office, GP)
    with post_office.database.snapshot() as connection:
        assert [case.number for case in decisions.cases(connection)] == [again["registration"]]
    decide(post_office, decisions.refuse, again["registration"][:8], operator="Alix", reason="Ce n’est pas elle.")
    post_office.clock.later(2 * DAY)
    assert post_office.step(again).json()["state"] == "refused"
    assert live(post_office, person_id) == {old}


def test_of_two_that_wait_the_first_to_take_effect_ends_the_other(post_office: PostOffice) -> None:
    _, person_id = registered(post_office, GP)
    first, second = proves(post_office, GP, 2), proves(post_office, GP, 3)
    post_office.clock.later(DAY + MINUTE)
    assert post_office.step(second).json()["state"] == "certified"
    standing = post_office.step(first).json()
    assert (standing["state"], standing["problem"]) == ("refused", "superseded")
    assert len(live(post_office, person_id)) == 1


def test_who_retired_meanwhile_is_not_certified(post_office: PostOffice) -> None:
    from identity.extract import people_lines, write
    from identity.people import EVERYBODY
    from miss_server.register_load import load

    registered(post_office, GP)
    again = proves(post_office, GP)
    people = [one for one in EVERYBODY if one not in (GP, RETIRED)]
    load(post_office.database.transaction, [write(post_office.folder / "newest.txt", people_lines(people))])
    post_office.clock.later(DAY + MINUTE)
    standing = post_office.step(again).json()
    assert (standing["state"], standing["problem"]) == ("refused", "no-longer-practising")


def test_an_approval_on_a_proof_waits_as_well(strict: PostOffice) -> None:
    def approved(**_: Any) -> dict[str, Any]:
        opened: dict[str, Any] = strict.claim(GP).json()
        for operator in ("Alix", "Dominique"):
            decide(strict, decisions.approve, opened["registration"][:8], operator=operator, proof="carte CPS vue")
        return {**opened, **strict.step(opened).json()}

    assert approved()["state"] == "certified"
    again = approved()
    assert (again["state"], again["via"]) == ("delayed", "operator")
    strict.clock.later(DAY + MINUTE)
    done = strict.step(again).json()
    who = DeviceCertificate.parse(base64.b64decode(done["certificate"])).professional
    assert (done["state"], who.checked_how) == ("certified", "operator")
