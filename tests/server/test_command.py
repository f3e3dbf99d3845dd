"""``miss-server``: the first start, its settings, the invitation, what ``check`` says, and what it refuses to do."""

import argparse
import json
import os
import re
import ssl
import stat
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from miss_protocol.errors import RemoteError
from miss_protocol.invitation import Invitation
from miss_server import authority, config, first_settings, journal
from miss_server.__main__ import _parser, main
from miss_server.server_texts import TEXTS
from server.office import Office, Process, make_circle, play

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A data folder after a first start and a stop."""
    office = Office(tmp_path / "data")
    office.start()
    office.stop()
    return office.folder


def test_the_first_start(tmp_path, capsys):
    folder = tmp_path / "data"
    process = Process(folder, "--public-name", "miss.example:8443", "--language", "en")
    port = process.start()
    try:
        said = folder.with_suffix(".log").read_text()
        link = re.search(r"miss://\S+", said)
        assert link
        invitation = Invitation.parse(link.group())
        assert (invitation.host, invitation.port) == ("miss.example", 8443)
        keyring = authority.load(folder / "keys")
        assert invitation.server_id == keyring.authority.server_id
        assert f"listening on 127.0.0.1:{port}" in said.splitlines()
        assert "█" in said
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
        for name, mode in modes.items():
            assert mode & 0o077 == 0, f"{name} is for this account alone"
        settings = tomllib.loads((folder / "miss.toml").read_text())
        assert settings == {"listen": "127.0.0.1:0", "public_name": "miss.example:8443"}
        assert main(["invitation", "--data", str(folder)]) == 0
        shown = capsys.readouterr().out
        assert link.group() in shown
        assert shown.count("█") > 100
        assert main(["serve", "--data", str(folder), "--language", "fr"]) == 1
        assert f"Un serveur tourne déjà sur le dossier {folder}." in capsys.readouterr().err
    finally:
        process.kill()
    process.start()
    said = folder.with_suffix(".log").read_text()
    assert said.count("miss://") == 1, "only the first start shows the invitation"
    process.kill()


def test_every_setting_of_the_file_is_explained_and_known(tmp_path):
    settings = config.load(tmp_path)
    text = first_settings.text_of(settings)
    assert tomllib.loads(text) == {}
    uncommented = re.sub(r"(?m)^# ((?:[a-z_]+ = |\[).*)$", r"\1", text)
    secrets = ("smtp-password", "psc-secret", "database-password", "nats-password", "s3-keys")
    for name in ("fullchain.pem", "privkey.pem", *secrets):
        (tmp_path / name).write_text("x")
    uncommented = re.sub(r'"/etc/letsencrypt/live/miss.exemple.fr/([a-z.]+)"', r'"\1"', uncommented)
    (tmp_path / "miss.toml").write_text(uncommented)
    loaded = config.load(tmp_path)
    assert loaded.smtp == config.Smtp(
        "smtp.exemple.fr", 587, "starttls", "miss", tmp_path / "smtp-password", "miss@exemple.fr"
    )
    assert loaded.psc is not None
    assert loaded.psc.discovery.endswith("/esante-wallet/.well-known/wallet-openid-configuration")
    assert (loaded.psc.client_id, loaded.psc.secret(), loaded.psc.endpoints) == ("miss", "x", {})
    assert (loaded.approval, loaded.keep_messages_days, loaded.keep_photos_days) == ("exact", 30, 37)
    assert (loaded.hints, loaded.hints_password(), loaded.database_password()) == (("nats://127.0.0.1:4222",), "x", "x")
    assert loaded.s3 == config.S3("miss-photos", "", "https://s3.exemple.fr", "eu-west-3", tmp_path / "s3-keys")
    assert (loaded.host, loaded.port, loaded.public_name, loaded.tls) == ("127.0.0.1", 8470, "miss.exemple.fr", True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("listen = 'nowhere'", "listen-malformed"),
        ("listen = 'a:b:c'", "listen-malformed"),
        ("listen = '127.0.0.1:99999'", "listen-malformed"),
        ("listen = 8470", "setting-malformed"),
        ("listen = '0.0.0.0:8470'", "plain-http-outside"),
        ("listen = '[::]:8470'", "plain-http-outside"),
        ("colour = 'blue'", "setting-unknown"),
        ("approval = 'never'", "setting-malformed"),
        ("tls_cert = 'miss.toml'", "tls-halved"),
        ("tls_cert = 'no.pem'\ntls_key = 'no.key'", "file-missing"),
        ("[smtp]\nhost = 'smtp.example'", "setting-malformed"),
        ("[smtp]\nhost = 'smtp.example'\nsender = 'a@b.example'\nport = 'x'", "setting-malformed"),
        ("[smtp]\nhost = 'smtp.example'\nsender = 'a@b.example'\nsecurity = 'ssl'", "setting-malformed"),
        ("[smtp]\npassword = 'secret'", "setting-unknown"),
        ("[retention]\nmessages_days = 31", "setting-malformed"),
        ("[retention]\nmessages_days = 0", "setting-malformed"),
        ("smtp = 3", "setting-malformed"),
        ("= broken", "file-malformed"),
    ],
)
def test_settings_that_cannot_be_used(tmp_path, capsys, text, reason):
    (tmp_path / "miss.toml").write_text(text)
    with pytest.raises(config.ConfigError) as caught:
        config.load(tmp_path)
    assert caught.value.reason == reason
    for language in ("fr", "en"):
        assert main(["serve", "--data", str(tmp_path), "--language", language]) == 2
        assert capsys.readouterr().err.strip()
    assert not (tmp_path / "keys").exists(), "nothing is made with settings that cannot be used"


def test_keys_that_are_missing_are_never_replaced(made, capsys):
    (made / "keys/issuing.key").unlink()
    assert main(["serve", "--data", str(made), "--language", "fr"]) == 1
    said = capsys.readouterr().err
    assert "issuing.key" in said
    assert "sauvegarde" in said


def test_a_newer_database_is_not_served(made, capsys):
    from sqlalchemy import text

    from miss_server.database import Database

    database = Database(made / "miss.db")
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    assert main(["serve", "--data", str(made), "--listen", "127.0.0.1:0", "--language", "en"]) == 1
    assert "9999" in capsys.readouterr().err


def test_an_address_that_is_taken(made, tmp_path, capsys):
    other = Office(tmp_path / "other")
    other.start()
    try:
        assert main(["serve", "--data", str(made), "--listen", f"127.0.0.1:{other.port}", "--language", "en"]) == 1
        assert "Is the address taken" in capsys.readouterr().err
    finally:
        other.stop()


def test_the_invitation_of_a_server_that_does_not_run(made, tmp_path, capsys):
    assert main(["invitation", "--data", str(made), "--language", "en"]) == 0
    assert "miss://127.0.0.1:8470#" in capsys.readouterr().out
    (made / "miss.toml").write_text("listen = '127.0.0.1:0'\n")
    assert main(["invitation", "--data", str(made), "--language", "en"]) == 1
    assert "port is not fixed" in capsys.readouterr().err
    assert main(["invitation", "--data", str(tmp_path / "nowhere"), "--language", "fr"]) == 1
    assert "miss-server serve" in capsys.readouterr().err


def lines(folder: Path, capsys, *more: str, language: str = "en") -> dict[str, str]:
    status = main(["check", "--data", str(folder), "--language", language, *more])
    said = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert status == (1 if any("BAD" in one or "MAUVAIS" in one for one in said.values()) else 0)
    return said


def test_check_says_a_line_each(made, capsys):
    said = lines(made, capsys)
    assert list(said) == ["database", "disk", "clock", "TLS", "mail", "register", "server"]
    assert said["database"].startswith("good")
    assert "GB free" in said["disk"]
    assert said["register"] == "BAD      not loaded yet: miss-server register load"
    assert said["TLS"].startswith("note")
    assert "outbox" in said["mail"]
    assert said["server"] == "note     is not running"
    assert list(lines(made, capsys, language="fr")) == [
        "base de données",
        "disque",
        "horloge",
        "TLS",
        "courrier",
        "répertoire",
        "serveur",
    ]


def test_check_sees_a_loaded_register_a_wrong_clock_and_a_broken_database(made, capsys, monkeypatch):
    from miss_server import register_load
    from miss_server.database import Database

    sample = Path(register_load.__file__).parent / "sample"
    database = Database(made / "miss.db")
    register_load.load(database.transaction, sorted(sample.glob("*.txt"), reverse=True), lambda _state: None)
    database.close()
    assert lines(made, capsys)["register"] == "good     extract loaded 0 days ago"

    async def write_a_row() -> None:
        device = office.device()
        async with office.wire(device) as wire:
            await make_circle(office, wire)

    office = Office(made)
    office.start()
    try:
        assert lines(made, capsys)["server"] == f"good     listens on 127.0.0.1:{office.port}"
        play(write_a_row)
    finally:
        office.stop()
    assert lines(made, capsys)["clock"].startswith("good")
    yesterday = 86_400_000
    from miss_server.clock import now_ms

    with monkeypatch.context() as patched:
        patched.setattr("miss_server.__main__.now_ms", lambda: now_ms() - yesterday)
        assert lines(made, capsys)["clock"].startswith("BAD")
    with (made / "miss.db").open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 8)
    assert lines(made, capsys)["database"].startswith("BAD")


def certificate(folder: Path, days: int) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=days, hours=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    signed = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    cert_file, key_file = folder / "server.pem", folder / "server.key"
    cert_file.write_bytes(signed.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file.write_bytes(private)
    return cert_file, key_file


def test_tls_is_served_and_its_days_are_counted(made, tmp_path, capsys):
    cert_file, key_file = certificate(tmp_path, 90)
    (made / "miss.toml").write_text(f"tls_cert = '{cert_file}'\ntls_key = '{key_file}'\npublic_name = 'localhost'\n")
    assert lines(made, capsys)["TLS"] == "good     valid for 90 days yet"
    office = Office(made)
    office.start()
    try:
        trust = ssl.create_default_context(cafile=str(cert_file))
        assert httpx.get(f"https://localhost:{office.port}/health", verify=trust).json() == {"status": "ok"}
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://localhost:{office.port}/health")
    finally:
        office.stop()
    certificate(tmp_path, 5)
    assert lines(made, capsys)["TLS"] == "BAD      valid for 5 days yet"
    certificate(tmp_path, 90)
    (made / "miss.toml").write_text(f"tls_cert = '{cert_file}'\ntls_key = '{key_file}'\npublic_name = 'a.example'\n")
    assert lines(made, capsys)["TLS"] == "BAD      valid for 90 days yet, but not for a.example"
    cert_file.write_text("nonsense")
    assert lines(made, capsys)["TLS"].startswith("BAD      cannot be read")


def test_check_greets_the_mail_server_and_sends_a_test_mail(made, tmp_path, capsys):
    folder = tmp_path / "mail"
    command = [sys.executable, "-m", "tests.demo.mailbox", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as post:
        port = int(post.stdout.readline())
        settings = f"[smtp]\nhost = '127.0.0.1'\nport = {port}\nsecurity = 'none'\nsender = 'miss@miss.example'\n"
        (made / "miss.toml").write_text(settings)
        assert lines(made, capsys)["mail"].startswith("good")
        assert not list(folder.glob("*.eml"))
        said = lines(made, capsys, "--mail-to", "operatrice@service.example")
        assert said["mail"] == "good     test mail handed over for operatrice@service.example"
        [mail] = folder.glob("*.eml")
        assert "operatrice@service.example" in mail.read_text()
        post.terminate()
    assert lines(made, capsys)["mail"].startswith("BAD")


def test_revoke_from_the_command_line(made, capsys):
    office = Office(made)
    office.start()
    try:
        device = office.device()
        assert main(["revoke", device.device_id.hex(), "--data", str(made), "--language", "en"]) == 0
        assert main(["revoke", device.device_id.hex(), "--data", str(made), "--language", "en"]) == 1
        assert main(["revoke", "camille", "--data", str(made), "--language", "en"]) == 1

        async def scene() -> None:
            wire = await office.dial(device)
            await wire.close()

        with pytest.raises(Exception, match="4403"):
            play(scene)
    finally:
        office.stop()


def test_a_failure_is_logged_without_its_words(capsys):
    journal.start(sys.stderr)
    try:
        raise ValueError("Mme Quetsche")
    except ValueError as error:
        journal.failure("something-failed", error)
    event = json.loads(capsys.readouterr().err)
    assert (event["event"], event["error"]) == ("something-failed", "ValueError")
    assert "Quetsche" not in json.dumps(event)


def test_every_text_is_there_in_both_languages():
    for key, texts in TEXTS.items():
        assert len(texts) == 2, key
        french, english = texts
        assert french, key
        assert english, key
        assert set(re.findall(r"{(\w+)", french)) == set(re.findall(r"{(\w+)", english)), key


FINGERPRINT = "ab" * 32


@pytest.mark.parametrize(
    ("link", "host", "port", "http", "websocket"),
    [
        ("miss://miss.example#", "miss.example", 443, "https://miss.example", "wss://miss.example/v1/socket"),
        (
            "miss://MISS.example:8443#",
            "miss.example",
            8443,
            "https://miss.example:8443",
            "wss://miss.example:8443/v1/socket",
        ),
        ("miss://127.0.0.1:8470#", "127.0.0.1", 8470, "http://127.0.0.1:8470", "ws://127.0.0.1:8470/v1/socket"),
        ("miss://localhost:443#", "localhost", 443, "http://localhost:443", "ws://localhost:443/v1/socket"),
        ("miss://[::1]:8470#", "::1", 8470, "http://[::1]:8470", "ws://[::1]:8470/v1/socket"),
        (" miss://miss.example/#\n", "miss.example", 443, "https://miss.example", "wss://miss.example/v1/socket"),
    ],
)
def test_an_invitation_says_where_to_go(link, host, port, http, websocket):
    invitation = Invitation.parse(link.rstrip("\n") + FINGERPRINT)
    assert (invitation.host, invitation.port, invitation.server_id) == (host, port, bytes.fromhex(FINGERPRINT))
    assert (invitation.http_url, invitation.websocket_url) == (http, websocket)
    assert Invitation.parse(invitation.link()) == invitation


@pytest.mark.parametrize(
    "link",
    [
        "",
        "miss://",
        f"miss://#{FINGERPRINT}",
        "miss://miss.example",
        f"miss://miss.example#{FINGERPRINT[:-1]}",
        f"miss://miss.example#{FINGERPRINT}0",
        f"https://miss.example#{FINGERPRINT}",
        f"miss://miss.example:0#{FINGERPRINT}",
        f"miss://miss.example:65536#{FINGERPRINT}",
        f"miss://user@miss.example#{FINGERPRINT}",
        f"miss://miss.example/path#{FINGERPRINT}",
        f"miss://miss..example#{FINGERPRINT}",
        f"miss://[zz]:1#{FINGERPRINT}",
        f"miss://miss.example#{'é' * 64}",
        f"miss://{'a' * 500}#{FINGERPRINT}",
    ],
)
def test_an_invitation_that_is_none(link):
    with pytest.raises(RemoteError, match="invitation-malformed"):
        Invitation.parse(link)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_verb_can_say_what_it_takes(language: str) -> None:
    """A lone per cent sign ends the help with a traceback, and from Python 3.14 on the server as it starts."""
    waiting, seen = [_parser(language)], 0
    while waiting:
        parser = waiting.pop()
        assert parser.format_help()
        seen += 1
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                waiting += list({id(one): one for one in action.choices.values()}.values())
    assert seen > 20


def test_whoever_reads_the_output_may_have_enough_of_it(made: Path) -> None:
    """``miss-server invitation | head -0`` ends without a traceback."""
    words = [sys.executable, "-m", "miss_server", "invitation", "--data", str(made)]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
