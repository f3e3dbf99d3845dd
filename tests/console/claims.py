"""What happens on the public side while operators work: people claim who they are, and look where they stand."""

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import update

from identity.extract import Someone, mailbox_lines, people_lines, write
from identity.post_office import device_request
from miss_server import charter
from miss_server.postgresql import open_database
from miss_server.register_load import load
from miss_server.register_tables import people
from server.office import Device, Office

FINESS = ("590000014", "750000010")  # fictional, with the right check digits


def load_register(office: Office, folder: Path, listed: Sequence[Someone]) -> None:
    """Gives the office a register of these people."""
    files = [write(folder / "people.txt", people_lines(listed)), write(folder / "mailboxes.txt", mailbox_lines(listed))]
    database = open_database(office.settings)
    load(database.transaction, files)
    database.close()


def someone(office: Office, name: str, number: str = "") -> Device:
    """A person of that name with one device."""
    device = office.device(os.urandom(16))
    office.person(device.person_id, number or Someone(int.from_bytes(os.urandom(3), "big"), "X", "Y", ()).rpps)
    named = update(people).where(people.c.person_id == device.person_id).values(display_name=name)
    office.in_database(lambda connection: connection.execute(named))
    return device


def claim(office: Office, someone: Someone, **typed: Any) -> dict[str, Any]:
    """A registration opened over HTTP; its answer."""
    body = {
        "rpps": someone.rpps,
        "family_name": someone.family,
        "given_name": someone.given,
        "profession": someone.jobs[0].profession,
        "language": "fr",
        "request": base64.b64encode(device_request()[1]).decode(),
        "charter": charter.load().version,
    }
    answer = httpx.post(f"{office.url}/v1/registrations", json=body | typed, timeout=20)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def standing(office: Office, opened: dict[str, Any], code: str = "") -> dict[str, Any]:
    """Where a registration stands, or what becomes of it once a code was typed."""
    headers = {"authorization": f"Bearer {opened['secret']}"}
    path = f"{office.url}/v1/registrations/{opened['registration']}"
    answer = (
        httpx.post(f"{path}/code", headers=headers, json={"code": code}, timeout=20)
        if code
        else httpx.get(path, headers=headers, timeout=20)
    )
    told: dict[str, Any] = answer.json()
    return told
