"""The normative page says what the code does: its tables are compared with the modules."""

import re
from pathlib import Path

from fastapi.routing import APIRoute

from miss_protocol import acts, content, frames, identity, labels, limits, notices, terms
from miss_protocol.connection import TURNS, Role
from miss_server import (
    availability_routes,
    charter_routes,
    establishment_routes,
    health_routes,
    identity_routes,
    invite_routes,
    log_routes,
    personal_routes,
    reach_routes,
    registration_routes,
    routes,
    service_routes,
    sign_in_routes,
)

# Where the server's routes are, for clients; the operators' console is no part of the protocol.
ROUTES = (
    availability_routes,
    charter_routes,
    establishment_routes,
    health_routes,
    invite_routes,
    identity_routes,
    log_routes,
    personal_routes,
    reach_routes,
    registration_routes,
    routes,
    service_routes,
    sign_in_routes,
)
PAGE = (Path(__file__).resolve().parents[2] / "shared/PROTOCOL.md").read_text()


def rows(first_column: str, second_column: str) -> list[list[str]]:
    """The rows of the table whose header starts with these two columns."""
    found, inside = [], False
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[:2] == [first_column, second_column]:
            inside = True
        elif inside and line.startswith("|---"):
            continue
        elif inside and line.startswith("|"):
            found.append(cells)
        elif inside:
            return found
    return found


def test_frames():
    speakers = {kind: role for (_, role), turns in TURNS.items() for kind in turns}
    written = {(int(code, 16), name, speaker) for code, name, speaker, _ in rows("type", "frame")}
    assert written == {(code, kind.__name__, str(speakers[kind])) for code, kind in frames.FRAMES.items()}
    assert {Role(speaker) for *_, speaker in written} == set(Role)


def test_kinds_classes_refusals_and_close_codes():
    for header, enumeration in (
        (("kind", "name"), frames.Kind),
        (("class", "name"), frames.Class),
        (("reason", "name"), frames.Refusal),
        (("close code", "name"), frames.Close),
    ):
        assert {(int(row[0]), row[1]) for row in rows(*header)} == {(one.value, one.name) for one in enumeration}


def test_content_types():
    written = {(int(code, 16), name) for code, name, _ in rows("type", "part")}
    names = ("TEXT", "PHOTO", "READ", "SUBJECT", "IN_REPLY_TO", "REPLACES", "EXPIRES", "URGENCY", "MENTIONS", "ORIGIN")
    names += ("OFFER", "WISH", "PARCEL", "RECEIVED", "STATE", "DOCUMENT", "CONSENT")
    spoken = {(code, kind.__name__.upper()) for code, kind in acts.ACTS.items()}
    assert written == {(getattr(content, name), name) for name in names} | spoken


def test_notices():
    written = {(int(row[0]), row[1]) for row in rows("notice", "name")}
    names = (
        "DEVICE_ADDED",
        "CONTACT_STANDING",
        "DEVICE_READY",
        "REGISTRATION_WAITS",
        "REGISTERED_AGAIN",
        "CERTIFICATE_DUE",
        "PERSON_ARRIVED",
        "PERSON_GONE",
        "UNLOCK_ASKED",
        "NOT_DELIVERED",
        "MESSAGES_EXPIRED",
    )
    assert written == {(getattr(notices, name), name) for name in names}


def test_labels():
    written = {row[0].strip("`") for row in rows("label", "by")}
    assert written == {getattr(labels, name) for name in dir(labels) if name.startswith("LABEL_")}


def test_certificate_extensions():
    assert f"`{identity.ARC}`" in PAGE
    numbers = {int(row[0]): row[1] for row in rows("number", "name")}
    codes = {
        "login key": identity.OID_LOGIN_KEY,
        "check": identity.OID_CHECK,
        "endorsement": identity.OID_ENDORSEMENT,
        "role": identity.OID_ROLE,
    }
    assert {f"{identity.ARC}.{number}": name for number, name in numbers.items()} == {
        oid.dotted_string: name for name, oid in codes.items()
    }


def test_limits():
    written = rows("limit", "value")
    assert len(written) > 20
    for name, value in written:
        assert getattr(limits, name) == int(value), name


def test_terms_extension_and_subprotocol():
    assert f"{terms.EXTENSION_TYPE:#06X}".replace("0X", "0x") in PAGE
    assert f"`{frames.SUBPROTOCOL}`" in PAGE
    assert re.search(r"self_remove \(0x000a\)", PAGE)


def test_requests():
    served = {
        (method, route.path)
        for module in ROUTES
        for route in module.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert {tuple(row[0].strip("`").split()) for row in rows("request", "asks")} == served
