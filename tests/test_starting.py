"""*Starting it for real*, command by command as it stands in the README: from invitation to delivered message."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.demo.cast import CAMILLE, NADIA, Role, extract_files
from tests.demo.window import PHONE, Window

ROOT = Path(__file__).resolve().parent.parent
PIN = "428917"


def blocks() -> list[str]:
    """The commands of the chapter, in order."""
    readme = (ROOT / "README.md").read_text()
    chapter = re.search(r"^## Starting it for real\n(.*?)^## ", readme, re.DOTALL | re.MULTILINE)
    assert chapter
    return re.findall(r"^```sh\n(.*?)^```", chapter.group(1), re.DOTALL | re.MULTILINE)


def certificate(folder: Path, name: str) -> dict[str, str]:
    """A certificate authority of this machine's own, and a server certificate for ``name`` by it."""

    def subject(common: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])

    now = datetime.now(UTC)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def build(who: x509.Name, public: ec.EllipticCurvePublicKey, *extensions: tuple[x509.ExtensionType, bool]):
        builder = x509.CertificateBuilder().subject_name(who).issuer_name(subject("Authority of a test"))
        builder = builder.public_key(public).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(ca_key, hashes.SHA256())

    ski = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    authority = build(
        subject("Authority of a test"),
        ca_key.public_key(),
        (x509.BasicConstraints(True, 0), True),
        (ski, False),
        (usage, True),
    )
    aki = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski)
    server = build(
        subject(name), key.public_key(), (x509.SubjectAlternativeName([x509.DNSName(name)]), False), (aki, False)
    )
    pem = serialization.Encoding.PEM
    paths = {"CERT": folder / "server.pem", "KEY": folder / "server.key", "SSL_CERT_FILE": folder / "authority.pem"}
    paths["CERT"].write_bytes(server.public_bytes(pem))
    paths["SSL_CERT_FILE"].write_bytes(authority.public_bytes(pem))
    paths["KEY"].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    paths["KEY"].chmod(0o600)
    return {name: str(path) for name, path in paths.items()}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Machine:
    """A machine on which somebody follows the README."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        name, port = socket.gethostname(), free_port()
        people, mailboxes = extract_files(folder / "extract")
        self.variables = os.environ | certificate(folder, name)
        self.variables |= {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DATA": str(folder / "data"),
            "LISTEN": f"{socket.gethostbyname(name)}:{port}",
            "NAME": f"{name}:{port}",
            "EXTRACT": str(people),
            "MAILBOXES": str(mailboxes),
        }
        self.serve, self.load, self.decide, *_others, self.client = blocks()
        self.server: subprocess.Popen[bytes] | None = None
        self.windows: list[Window] = []

    def start(self) -> None:
        (self.folder / "data/listening").unlink(missing_ok=True)
        with (self.folder / "server.log").open("ab") as log:
            self.server = subprocess.Popen(
                ["bash", "-c", f"exec {self.serve}"], env=self.variables, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while not (self.folder / "data/listening").exists():
            assert self.server.poll() is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self) -> None:
        assert self.server is not None
        self.server.send_signal(signal.SIGTERM)
        assert self.server.wait(30) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)

    def run(self, commands: str, **more: str) -> str:
        done = subprocess.run(
            ["bash", "-ec", commands], env=self.variables | more, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def open(self, name: str) -> Window:
        """A person starts the client as the README says, on a machine account of their own."""
        home = self.folder / name
        environment = {
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "share"),
            "INVITATION": self.invitation(),
            "SSL_CERT_FILE": self.variables["SSL_CERT_FILE"],
            "PATH": self.variables["PATH"],
            "LANG": "fr_FR.UTF-8",
        }
        window = Window(name, home, PHONE, command=["bash", "-c", f"exec {self.client}"], environment=environment)
        self.windows.append(window)
        window.open()
        return window

    def invitation(self) -> str:
        found = re.search(r"miss://\S+#[0-9a-f]{64}", (self.folder / "server.log").read_text())
        assert found, "the first start prints the invitation"
        return found.group()


@pytest.fixture
def machine(tmp_path) -> Iterator[Machine]:
    one = Machine(tmp_path)
    try:
        yield one
    finally:
        for window in one.windows:
            window.close()
        if one.server is not None and one.server.poll() is None:
            one.server.kill()


def claim(window: Window, role: Role) -> None:
    window.until_there("claim-rpps", patience_s=30)
    window.type("claim-rpps", role.rpps)
    window.type("claim-family", role.family_name)
    window.type("claim-given", role.given_name)
    window.tap("claim-profession")
    window.tap(f"profession-{role.profession}")
    window.tap("claim-charter")
    window.tap("claim-go")


def choose_pin(window: Window) -> None:
    window.until_there("pin-field", patience_s=20)
    window.type("pin-field", PIN)
    window.type("pin-again", PIN)
    window.tap("pin-go")
    window.until_there("new-message")


def test_from_invitation_to_delivered_message(machine):
    machine.start()
    machine.run(machine.load)

    camille = machine.open("camille")
    claim(camille, CAMILLE)
    camille.until_there("code-field")
    outbox = machine.folder / "data/outbox"
    mail = max(outbox.iterdir(), key=lambda path: path.stat().st_mtime_ns).read_text()
    code = re.search(r"\b([0-9A-Z]{4}[- ]?[0-9A-Z]{4})\b", mail)
    assert code, "without mail settings the code is in the outbox folder"
    camille.type("code-field", code.group(1))
    camille.tap("code-go")
    choose_pin(camille)

    nadia = machine.open("nadia")
    claim(nadia, NADIA)
    nadia.until_there("waiting-text")
    listing = machine.run(machine.decide.splitlines()[0])
    number = next(line.split()[0] for line in listing.splitlines() if NADIA.rpps in line)
    for operator in ("Une opératrice", "Un autre opérateur"):  # what one has seen, another confirms
        machine.run(machine.decide, NUMBER=number, NAME=operator)
    choose_pin(nadia)

    camille.tap("new-message")
    camille.type("people-search", "modele")
    camille.tap(camille.until(NADIA.family_name, prefix="person-"))
    camille.type("composer", "Le premier message.")
    camille.tap("send")
    nadia.tap(nadia.until("Le premier message", prefix="conversation-"))

    machine.stop()
    camille.until_there("banner")
    machine.start()
    camille.type("composer", "Après le redémarrage.")
    camille.tap("send")
    nadia.until("Après le redémarrage", prefix="message-", patience_s=30)
    assert (machine.folder / "data").stat().st_mode & 0o777 == 0o700
