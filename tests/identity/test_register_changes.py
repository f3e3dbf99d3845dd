"""What a newer extract does to people on MiSS: departures suspend and tell, returns restore, moves and names follow."""

from dataclasses import replace

import httpx
import pytest
from sqlalchemy import insert, select

from identity.extract import Job, Someone, crowd, people_lines, write
from identity.people import EVERYBODY, GP, MARRIED, PHYSIO
from identity.post_office import PostOffice
from miss_protocol.errors import RemoteError
from miss_protocol.notices import ContactStanding, read, read_standing
from miss_server import devices, register_changes, register_tables, tables
from miss_server.extracts import ExtractError
from miss_server.register_load import load


def registered(office: PostOffice, someone: Someone) -> tuple[bytes, bytes]:
    """Registers somebody by the code to their mailbox; the device's and the person's id."""
    opened = office.claim(someone)
    assert opened.status_code == 201, opened.text
    done = office.step(opened.json(), "code", code=office.code_for(someone))
    assert done.json()["state"] == "certified"
    row = office.registration(opened.json())
    return bytes(row.device_id), bytes(row.person_id)


def sharing(office: PostOffice, *device_ids: bytes) -> None:
    """Makes these devices members of one conversation."""
    with office.database.transaction() as connection:
        row = {"stream_id": b"a conversation!!", "kind": "group", "head": 1, "created_at_ms": 1}
        key = connection.execute(insert(tables.streams).values(row)).inserted_primary_key
        assert key is not None
        for device_id in device_ids:
            device = connection.scalar(select(tables.devices.c.device).where(tables.devices.c.device_id == device_id))
            connection.execute(insert(tables.memberships).values(stream=key[0], device=device, added=1))


def told(office: PostOffice, device_id: bytes) -> list[ContactStanding]:
    """What a device's own stream says of its contacts."""
    with office.database.snapshot() as connection:
        query = (
            select(tables.rows.c.body)
            .join(tables.streams, tables.streams.c.stream == tables.rows.c.stream)
            .where(tables.streams.c.stream_id == device_id)
            .order_by(tables.rows.c.number)
        )
        return [one for body in connection.scalars(query) if (one := read_standing(bytes(body)))]


def newer(office: PostOffice, people: list[Someone], **options: bool) -> register_changes.Changes:
    file = write(office.folder / "newer.txt", people_lines(people))
    return load(office.database.transaction, [file], **options).changes


def person(office: PostOffice, person_id: bytes) -> object:
    return next(row for row in office.rows(register_tables.people) if bytes(row.person_id) == person_id)


def ticket(office: PostOffice, device_id: bytes) -> dict[str, str]:
    return {"authorization": f"Bearer {office.tickets.make(device_id)}"}


def search(office: PostOffice, device_id: bytes, words: str) -> httpx.Response:
    return office.http.get("/v1/directory", params={"words": words}, headers=ticket(office, device_id))


def test_a_departure_suspends_and_tells_who_shares_a_conversation(post_office: PostOffice) -> None:
    leaving, leaver = registered(post_office, GP)
    staying, _ = registered(post_office, MARRIED)
    stranger, _ = registered(post_office, PHYSIO)
    sharing(post_office, leaving, staying)
    changes = newer(post_office, [one for one in EVERYBODY if one is not GP])
    assert changes == register_changes.Changes(suspended=1)
    assert told(post_office, staying) == [ContactStanding(leaver, False)]
    assert told(post_office, stranger) == told(post_office, leaving) == []
    refused = search(post_office, leaving, "moreau")
    assert (refused.status_code, refused.json()["reason"]) == (403, "suspended")
    with post_office.database.snapshot() as connection:
        device = devices.find(connection, leaving)
        assert device is not None
        assert device.suspended
        assert not device.revoked
        assert device.device in devices.suspended_since(connection, 1)
    with post_office.database.transaction() as connection:
        assert devices.take_key_packages(connection, leaver, bytes(16), 1) == []
    assert search(post_office, staying, "lefevre").json()["people"] == []
    assert "suspended" in post_office.acts()
    # the same extract again tells nobody twice
    assert newer(post_office, [one for one in EVERYBODY if one is not GP]) == register_changes.Changes()
    assert len(told(post_office, staying)) == 1
    # and back, a day later
    assert newer(post_office, list(EVERYBODY)) == register_changes.Changes(restored=1)
    assert told(post_office, staying) == [ContactStanding(leaver, False), ContactStanding(leaver, True)]
    assert search(post_office, leaving, "moreau").status_code == 200
    (found,) = search(post_office, staying, "lefevre").json()["people"]
    assert found["reachable"]


def test_a_suspended_device_cannot_log_in(post_office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    leaving, _ = registered(post_office, GP)
    newer(post_office, [one for one in EVERYBODY if one is not GP])
    monkeypatch.setattr(
        devices, "verify_p256", lambda *_: None
    )  # its signature is good: the order of checks follows it
    with post_office.database.snapshot() as connection:
        found = devices.find(connection, leaving)
    with pytest.raises(RemoteError) as refused:
        devices.check_login(found, bytes(32), bytes(32), bytes(32), b"")
    assert refused.value.reason == "suspended"


def test_a_move_and_a_new_name_are_followed(post_office: PostOffice) -> None:
    _, person_id = registered(post_office, GP)
    elsewhere = replace(GP, jobs=(Job("10", "SM26", "CLINIQUE DU CAP", "29200", "BREST"),))
    others = [one for one in EVERYBODY if one is not GP]
    assert newer(post_office, [*others, elsewhere]) == register_changes.Changes(moved=1)
    assert person(post_office, person_id).place == "CLINIQUE DU CAP, Brest"
    married = replace(elsewhere, family="LEFÈVRE-DURAND")
    assert newer(post_office, [*others, married]) == register_changes.Changes(renamed=1)
    assert person(post_office, person_id).display_name == "Dr Camille Lefèvre-Durand"
    # one more place changes nothing of what is said
    second = replace(married, jobs=(Job("10", "SM26", "PMI", "59000", "LILLE"), *married.jobs))
    assert newer(post_office, [*others, second]) == register_changes.Changes()
    assert {"moved", "renamed"} <= set(post_office.acts())


def test_a_suspended_person_cannot_register_again(post_office: PostOffice) -> None:
    registered(post_office, GP)
    newer(post_office, [one for one in EVERYBODY if one is not GP])
    assert post_office.claim(GP).json()["reason"] == "no-longer-practising"


def test_an_extract_that_would_suspend_too_many_is_refused(post_office: PostOffice) -> None:
    """Even where the register had nobody to compare with, as after it was forgotten."""
    everybody = list(crowd(100))
    columns = [one.name for one in register_tables.people.c if one.name != "suspended_at_ms"]
    with post_office.database.transaction() as connection:
        for at, one in enumerate(everybody):
            row = dict.fromkeys(columns, "") | {"person_id": at.to_bytes(16, "big"), "rpps": one.rpps}
            connection.execute(insert(register_tables.people).values(row | {"checked_at_ms": 1, "created_at_ms": 1}))
        connection.execute(register_tables.register_loads.delete())
    with pytest.raises(ExtractError) as refused:
        newer(post_office, everybody[:40])
    assert (refused.value.reason, refused.value.fields) == ("register-shrinks", {"gone": 60, "before": 100})
    assert all(row.suspended_at_ms is None for row in post_office.rows(register_tables.people))
    assert newer(post_office, everybody[:40], shrink=True).suspended == 60


def test_an_older_client_reads_over_the_notice() -> None:
    body = register_changes.streams.notices.encode(ContactStanding(bytes(16), False))
    assert read(body) is None
    for cut in range(2, len(body)):
        with pytest.raises(RemoteError):
            read_standing(body[:cut])
    with pytest.raises(RemoteError):
        read_standing(body + b"\0")
