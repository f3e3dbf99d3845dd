"""An establishment's directory over LDAP, from a real slapd: all of it by the same checks, or a refusal with a line."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from establishments import slapd
from establishments.hospital import AIDE, CH, PHYSICIAN, SECRETARY, Hospitals
from establishments.slapd import BASE, PASSWORD, USER, Directory, entry
from miss_server import config, ldap_imports, ldap_settings, staff, staff_imports, staff_ldap
from miss_server.config import ConfigError
from miss_server.ldap_settings import Ldap
from miss_server.operator_texts import say
from miss_server.staff_columns import DirectoryError

PEOPLE = (
    entry("S-001", "DIALLO", "Aïssatou", employeeType="Secrétaire médicale", departmentNumber="Cardiologie"),
    entry("S-002", "MOREL", "Jean-Paul", employeeType="35", departmentNumber="Gériatrie"),
    entry("S-003", "BENALI", "Nour", title="Dr", carLicense=PHYSICIAN.rpps, departmentNumber="Urgences"),
    entry("S-010", "LEMOINE", "Zoé", employeeType="Aide-soignante", mail="z.lemoine@ch.example"),
    entry("S-011", "=CMD()", "Jean", employeeType="ASH"),
    entry("S*)(uid=*", "ÉTOILE", "Anne", employeeType="Médecin"),
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    with slapd.running(tmp_path_factory.mktemp("slapd"), "\n".join(PEOPLE)) as one:
        yield one


@pytest.fixture
def ldap(directory: Directory, tmp_path: Path) -> Ldap:
    """The directory as miss.toml sets it."""
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    (tmp_path / "ca.pem").write_bytes(directory.ca_file.read_bytes())
    (tmp_path / "miss.toml").write_text(
        f'[ldap.{CH}]\nurl = "ldaps://127.0.0.1:{directory.port}"\nbase = "ou=people,{BASE}"\nuser = "{USER}"\n'
        f'password_file = "password"\nca_file = "ca.pem"\nattributes = {{ rpps = "carLicense", title = "title" }}\n'
    )
    (one,) = ldap_settings.of(config.load(tmp_path))
    return one


def refusal(ldap: Ldap, key: str | None = None) -> str:
    with pytest.raises(DirectoryError) as refused:
        staff_ldap.read(ldap, key)
    error = refused.value
    assert all(say(error.reason, language, **error.fields) for language in ("fr", "en"))
    return error.reason


def test_the_daily_reading_imports_what_is_good(hospitals: Hospitals, ldap: Ldap) -> None:
    now = hospitals.now
    asyncio.run(ldap_imports.go_round(hospitals.office.database, [ldap], now))
    (found,) = hospitals.do(staff_imports.listing, CH)
    assert (found.state, found.row.source) == ("applied", "ldap")
    assert [(change.what, change.key) for change in found.changes] == [("added", "S-010")]
    reasons = {bad.where.split(",")[0].lower(): bad.reason for bad in found.quarantine}
    assert reasons == {"employeenumber=s-011": "formula", "employeenumber=s*)(uid\\3d*": "profession"}
    assert hospitals.do(staff.keyed, CH, "S-010").mailbox == "z.lemoine@ch.example"
    assert found.unchanged == 3
    asyncio.run(ldap_imports.go_round(hospitals.office.database, [ldap], now + 3_600_000))
    assert len(hospitals.do(staff_imports.listing, CH)) == 1, "once a day"
    asyncio.run(ldap_imports.go_round(hospitals.office.database, [ldap], now + 25 * 3_600_000))
    assert len(hospitals.do(staff_imports.listing, CH)) == 2


def test_a_shorter_directory_waits_for_a_yes(hospitals: Hospitals, ldap: Ldap) -> None:
    only = replace(ldap, filter="(employeeNumber=S-001)")
    asyncio.run(ldap_imports.go_round(hospitals.office.database, [only], hospitals.now))
    (found,) = hospitals.do(staff_imports.listing, CH)
    assert (found.state, found.count("removed")) == ("waiting", 2)
    assert set(hospitals.do(staff.everyone, CH)) == {SECRETARY.key, AIDE.key, PHYSICIAN.key}


def test_one_person_by_a_number_that_is_no_filter(ldap: Ldap) -> None:
    (line,) = staff_ldap.read(ldap, "S-001")
    assert line.fields["given_name"] == "Aïssatou"
    (line,) = staff_ldap.read(ldap, "S*)(uid=*")
    assert line.fields["family_name"] == "ÉTOILE"
    for injected in ("*", "S-001)(|(uid=*", "S-0*", "*)(objectClass=*", "\\2a", "S-001\x00"):
        assert refusal(ldap, injected) == "directory-empty"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"filter": "(objectClass=inetOrgPerson"}, "ldap-filter"),
        ({"filter": "objectClass=)("}, "ldap-filter"),
        ({"filter": "(employeeNumber=nobody)"}, "directory-empty"),
        ({"base": "ou=nowhere,dc=ch,dc=example"}, "ldap-base"),
        ({"password_file": "wrong"}, "ldap-credentials"),
        ({"user": "cn=nobody,dc=ch,dc=example"}, "ldap-credentials"),
        ({"user": "", "password_file": None}, "ldap-base"),  # anonymous: this directory shows it nothing
        ({"ca_file": "another"}, "ldap-tls"),
        ({"ca_file": None}, "ldap-tls"),
        ({"host": "localhost"}, "ldap-tls"),  # not the name that was certified
        ({"port": 1}, "ldap-unreachable"),
        ({"tls": False}, "ldap-unreachable"),
    ],
)
def test_a_directory_that_is_refused_whole(
    hospitals: Hospitals, ldap: Ldap, tmp_path: Path, changed: dict[str, Any], reason: str
) -> None:
    (tmp_path / "wrong").write_text("un autre")
    changed = {
        name: tmp_path / value if name == "password_file" and value else value for name, value in changed.items()
    }
    if changed.get("ca_file"):
        (tmp_path / "other").mkdir()
        changed["ca_file"] = slapd.certificates(tmp_path / "other", "stranger")
    broken = replace(ldap, **changed)
    assert refusal(broken) == reason
    asyncio.run(ldap_imports.go_round(hospitals.office.database, [broken], hospitals.now))
    assert hospitals.do(staff_imports.listing, CH) == []
    assert hospitals.do(staff.count, CH) == 3


def test_a_directory_that_gives_a_part_only(tmp_path: Path, ldap: Ldap) -> None:
    with slapd.running(tmp_path, "\n".join(PEOPLE), size_limit=3) as short:
        assert refusal(replace(ldap, port=short.port, ca_file=short.ca_file)) == "ldap-truncated"


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ('[ldap.590000019]\nurl = "ldaps://a"\nbase = "b"', "setting-malformed"),
        (f'[ldap.{CH}]\nurl = "ldap://annuaire.example"\nbase = "b"', "ldap-plain-outside"),
        (f'[ldap.{CH}]\nurl = "http://a"\nbase = "b"', "setting-malformed"),
        (f'[ldap.{CH}]\nurl = "ldaps://a:x"\nbase = "b"', "setting-malformed"),
        (f'[ldap.{CH}]\nurl = "ldaps://a"', "setting-malformed"),
        (f'[ldap.{CH}]\nurl = "ldaps://a"\nbase = "b"\npassword = "x"', "setting-unknown"),
        (f'[ldap.{CH}]\nurl = "ldaps://a"\nbase = "b"\npassword_file = "none"', "file-missing"),
        (f'[ldap.{CH}]\nurl = "ldaps://a"\nbase = "b"\nattributes = {{ colour = "x" }}', "setting-malformed"),
        (f'[ldap]\n{CH} = "x"', "setting-malformed"),
        ('ldap = "x"', "setting-malformed"),
    ],
)
def test_a_setting_that_cannot_be_used(tmp_path: Path, section: str, reason: str) -> None:
    (tmp_path / "miss.toml").write_text(section)
    with pytest.raises(ConfigError) as refused:
        ldap_settings.of(config.load(tmp_path))
    assert refused.value.reason == reason
