"""What happens on the public side while operators work: people claim who they are, and look where they stand."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from identity.extract import Someone, mailbox_lines, people_lines, write
from identity.post_office import device_request
from miss_server import charter
from miss_server.postgresql import open_database
from miss_server.register_load import load
from server.office import Office


def load_register(office: Office, folder: Path, people: Sequence[Someone]) -> None:
    """Gives the office a register of these people."""
    files = [write(folder / "people.txt", people_lines(people)), write(folder / "mailboxes.txt", mailbox_lines(people))]
    database = open_database(office.settings)
    load(database.transaction, files)
    database.close()


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
