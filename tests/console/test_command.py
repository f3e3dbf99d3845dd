"""The console from the command line: who may use it, where it listens, and what is refused."""

import logging
import os
import re
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, insert

from identity.test_mail import self_signed
from miss_server import config, data_folder, migrations
from miss_server.__main__ import main
from miss_server.config import ConfigError, load
from miss_server.console import operators
from miss_server.console.tables import operator_passkeys
from miss_server.console.texts import say
from miss_server.database import Database
from miss_server.register_tables import registrar_acts
from server.office import Office


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder on which a server was started once."""
    settings = load(tmp_path / "data")
    data_folder.make(settings, 1_700_000_000_000)
    database = Database(settings.database)
    migrations.apply(database)
    database.close()
    return settings.data


def test_operators_are_added_listed_recovered_and_removed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def typed(*words: str, language: str = "fr") -> tuple[int, str, str]:
        status = main(["operator", *words, "--data", str(folder), "--language", language])
        said = capsys.readouterr()
        return status, said.out.strip(), said.err.strip()

    assert typed("list") == (0, say("nobody", "fr"), "")
    assert typed("add", "Hélène Marchand") == (1, "", say("console-unset", "fr"))
    assert typed("list") == (0, say("nobody", "fr"), "")  # who has no link is not added
    with (folder / "miss.toml").open("a") as file:
        file.write('\n[console]\nlisten = "127.0.0.1:8471"\norigin = "https://console.miss.example"\n')
    links = []
    for words in (("add", "Hélène  Marchand"), ("recover", "helene MARCHAND")):
        status, out, _ = typed(*words)
        links += re.findall(r"^ +(https://console\.miss\.example/enrol#[\w-]{43})$", out, re.MULTILINE)
        assert status == 0
    assert len(set(links)) == 2
    assert typed("add", "Georges", "--role", "manager", "--establishment", "590000014")[0] == 0
    assert typed("list", language="en")[1].splitlines() == [
        "Georges  manager  590000014  passkeys: 0",
        "Hélène Marchand  operator    passkeys: 0",
    ]
    for words, key, fields in (
        (("add", "hélène marchand"), "operator-known", {"name": "hélène marchand"}),
        (("add", " "), "operator-name", {"most": 80}),
        (("add", "x" * 81), "operator-name", {"most": 80}),
        (("add", "Server"), "operator-name", {"most": 80}),
        (("add", "a\nb\u202e"), "operator-name", {"most": 80}),
        (("add", "Marc", "--role", "manager"), "operator-establishment", {}),
        (("add", "Marc", "--establishment", "590000014"), "operator-establishment", {}),
        (("recover", "Personne"), "operator-unknown", {"name": "Personne"}),
        (("remove", "Personne"), "operator-unknown", {"name": "Personne"}),
    ):
        for language in ("fr", "en"):
            assert typed(*words, language=language) == (1, "", say(key, language, **fields))
    assert typed("remove", "Georges") == (0, say("operator-removed", "fr", name="Georges"), "")
    assert typed("remove", "Georges")[0] == 1
    assert typed("add", "GEORGES")[2] == say("operator-known", "fr", name="GEORGES")  # the acts name him for ever
    database = Database(folder / "miss.db")
    with database.snapshot() as connection:
        done = [(act.what, act.about) for act in connection.execute(registrar_acts.select())]
    database.close()
    assert done == [
        ("operator-added", "Hélène Marchand operator"),
        ("operator-recovery", "Hélène Marchand"),
        ("operator-added", "Georges manager 590000014"),
        ("operator-removed", "Georges"),
    ]
    assert not any(link.partition("#")[2].encode() in (folder / "miss.db").read_bytes() for link in links)


def test_the_check_says_whether_two_operators_are_ready(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said() -> str:
        main(["check", "--data", str(folder), "--language", "en"])
        return "".join(line for line in capsys.readouterr().out.splitlines() if line.startswith("console"))

    def ready(connection: Connection, name: str) -> None:
        operators.add(connection, name, operators.OPERATOR, "", who="root", now_ms=1)
        for credential in (f"{name} 1", f"{name} 2"):
            values = {"credential_id": credential.encode(), "operator": operators.named(connection, name).operator}
            keys = {"public_key": b"", "sign_count": 0, "label": "", "added_at_ms": 1}
            connection.execute(insert(operator_passkeys).values(values | keys))

    assert said() == ""
    with (folder / "miss.toml").open("a") as file:
        file.write("\n[console]\n")
    where = "http://localhost:8471; operators ready, with two passkeys:"
    assert said().split(maxsplit=2) == ["console", "note", f"{where} 0 of 0 (two are needed)"]
    database = Database(folder / "miss.db")
    with database.transaction() as connection:
        for name in ("Une", "Deux"):
            ready(connection, name)
        operators.add(connection, "Trois", operators.OPERATOR, "", who="root", now_ms=1)
        operators.add(connection, "Quatre", operators.AUDITOR, "", who="root", now_ms=1)
    database.close()
    assert said().split(maxsplit=2) == ["console", "good", f"{where} 2 of 3 (two are needed)"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[console]\nlisten = 'nowhere'", "listen-malformed"),
        ("[console]\nlisten = '0.0.0.0:8471'", "console-outside"),
        ("[console]\nlisten = '0.0.0.0:8471'\norigin = 'https://console.miss.example'", "console-outside"),
        ("[console]\norigin = 'http://console.miss.example'", "console-origin"),
        ("[console]\norigin = 'https://192.0.2.1'", "console-origin"),
        ("[console]\norigin = 'https://[::1]:8471'", "console-origin"),
        ("[console]\norigin = 'https://console.miss.example/console'", "console-origin"),
        ("[console]\norigin = 'https://user@console.miss.example'", "console-origin"),
        ("[console]\nport = 8471", "setting-unknown"),
    ],
)
def test_settings_of_the_console_that_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, reason: str
) -> None:
    (tmp_path / "miss.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path)
    assert caught.value.reason == reason
    for language in ("fr", "en"):
        assert main(["serve", "--data", str(tmp_path), "--language", language]) == 2
        assert capsys.readouterr().err.strip()


def test_an_address_that_is_taken_is_said_and_nothing_is_served(
    tmp_path: Path, console: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    assert console.server is not None
    assert console.server.console is not None
    taken = console.server.console.origin.replace("http://localhost", "127.0.0.1")
    root, mask = logging.getLogger(), os.umask(0o022)
    handlers, level = root.handlers[:], root.level
    try:
        command = ["serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--language", "fr"]
        assert main([*command, "--console", taken]) == 1
    finally:
        root.handlers[:], _ = handlers, os.umask(mask)
        root.setLevel(level)
    assert f"{taken} pour la console" in capsys.readouterr().err
    assert not (tmp_path / "data/listening").exists()


def test_outside_this_machine_it_is_served_by_tls_alone(tmp_path: Path) -> None:
    key, certificate = self_signed(tmp_path, "localhost")
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "miss.toml").write_text(
        f"tls_cert = '{certificate}'\ntls_key = '{key}'\n[console]\norigin = 'https://console.miss.example'\n"
    )
    office = Office(folder, console="0.0.0.0:0")
    office.start()
    try:
        assert office.server is not None
        assert office.server.console is not None
        port = office.server.console._socket.getsockname()[1]
        trust = ssl.create_default_context(cafile=str(certificate))
        ask: dict[str, Any] = {"headers": {"host": "console.miss.example"}, "timeout": 20}
        answer = httpx.get(f"https://localhost:{port}/login", verify=trust, **ask)
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://localhost:{port}/login", **ask)
        assert httpx.get(f"https://localhost:{port}/login", verify=trust, timeout=20).status_code == 421
        assert office.server.console.state.cookie == "__Host-miss-console"
        assert (folder / "console").read_text() == "https://console.miss.example\n"
    finally:
        office.stop()
    assert not (folder / "console").exists()
