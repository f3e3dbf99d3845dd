"""The mail with the code: what it says, what it cannot be made to do, and what happens when it cannot leave."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from identity.extract import Job, Someone, mailbox_lines, people_lines, write
from identity.people import GP, PHYSIO
from identity.post_office import PostOffice, code_in, wait_for
from miss_server import register, register_tables
from miss_server.codes import new_code, shown
from miss_server.mail import Mail, MailError, OutboxPost, SmtpPost, compose
from miss_server.register_load import load
from miss_server.registration_rows import Letter

CODE = "7K3M9QXZ"


def letter(address: str = GP.mailbox, language: str = "fr", code: str = CODE) -> Letter:
    return Letter(bytes(16), address, code, language)


@pytest.mark.parametrize(
    ("language", "subject", "first"), [("fr", "Votre code MiSS", "Bonjour"), ("en", "Your MiSS code", "Hello")]
)
def test_both_languages_the_claimants_first(language: str, subject: str, first: str) -> None:
    mail = compose(letter(language=language), "MiSS <miss@miss.example>")
    assert mail["Subject"] == subject
    text = mail.get_content()
    assert text.startswith(first)
    assert text.count("7K3M-9QXZ") == 2
    assert "10 minutes" in text
    assert mail["To"] == GP.mailbox
    assert mail["Message-ID"].endswith("@miss.example>")


def test_nothing_about_anybody_is_in_it(tmp_path: Path) -> None:
    office = PostOffice(tmp_path)
    office.load([GP])
    with office.open():
        office.claim(GP)
        wait_for("the mail", lambda: office.smtp.mails)
    whole = office.smtp.mails[0][1].as_string().replace(GP.mailbox, "")
    for word in (GP.rpps, GP.family, "Lefevre", GP.given, "LILLE", "PARC", "Médecin"):
        assert word.lower() not in whole.lower()


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example\nBcc: c@d.example",
        "a@b.example,c@d.example",
        "a@b.example c@d.example",
        "<a@b.example>",
        "a@b.example;c@d.example",
        "a(c@d.example)@b.example",
        "a@b@c.example",
        "@b.example",
        "a@",
        "é@b.example",
        "a" * 250 + "@b.example",
    ],
)
def test_a_mailbox_that_is_none_is_not_loaded(tmp_path: Path, address: str) -> None:
    office = PostOffice(tmp_path)
    odd = Someone(1, "ODD", "Jean", (Job(),), mailbox=address.replace("\r\n", "\r").replace("\n", "\r"))
    boxes = write(tmp_path / "boxes.txt", mailbox_lines([odd, GP]))
    load(office.database.transaction, [write(tmp_path / "people.txt", people_lines([odd, GP])), boxes])
    with office.database.snapshot() as connection:
        assert register.look_up(connection, odd.rpps).mailboxes == ()  # it was loaded
        assert register.look_up(connection, GP.rpps).mailboxes
    office.database.close()


def test_an_address_that_ends_a_header_is_not_composed() -> None:
    with pytest.raises(ValueError):
        compose(letter("a@b.example\r\nBcc: c@d.example"), "miss@miss.example")


def test_without_smtp_the_mail_is_a_file(tmp_path: Path) -> None:
    outbox = tmp_path / "outbox"
    post = OutboxPost(outbox)
    assert asyncio.run(Mail(post, "miss@miss.example").send(letter()))
    (file,) = outbox.iterdir()
    assert (outbox.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert code_in(mail) == shown(CODE)
    assert str(outbox) in post.describe("fr")
    assert "not sent" in post.describe("en")


def test_mail_that_cannot_leave_is_tried_again_then_told(tmp_path: Path) -> None:
    office = PostOffice(tmp_path)
    office.load([GP, PHYSIO])
    with office.open():
        office.smtp.answer = "451 try again later"
        opened = office.claim(GP).json()
        assert opened["problem"] == ""  # how mail fares is not waited for
        told = wait_for("the failure", lambda: office.step(opened).json()["problem"])
        assert told == "mail-failed"
        assert office.step(opened).json()["state"] == "code"
        office.smtp.answer = "250 OK"
        assert office.step(opened, "resend").json()["problem"] == ""
        assert office.step(opened, "code", code=office.code_for(GP)).json()["state"] == "certified"


def test_one_refusal_of_the_smtp_server_is_survived(tmp_path: Path) -> None:
    office = PostOffice(tmp_path)
    office.load([GP])
    answers = iter(["451 greylisted", "250 OK"])
    received = office.smtp.handle_DATA

    async def greylist(*arguments: object) -> str:
        office.smtp.answer = next(answers)
        return await received(*arguments)

    office.smtp.handle_DATA = greylist  # its answer changes from mail to mail
    with office.open():
        opened = office.claim(GP).json()
        office.code_for(GP)
        assert office.step(opened).json()["problem"] == ""


def test_no_smtp_server_is_an_error_with_a_cause() -> None:
    with pytest.raises(MailError):
        asyncio.run(SmtpPost("127.0.0.1", 1, "none").greet())
    assert asyncio.run(Mail(SmtpPost("127.0.0.1", 1, "none"), "miss@miss.example", (0, 0)).send(letter())) is False


def test_a_server_without_tls_is_not_sent_a_code(tmp_path: Path) -> None:
    """Where settings ask for STARTTLS, a server that does not offer it gets nothing."""
    office = PostOffice(tmp_path)
    with office.open():
        asyncio.run(SmtpPost("127.0.0.1", office.smtp.port, "none").greet())
        with pytest.raises(MailError):
            asyncio.run(SmtpPost("127.0.0.1", office.smtp.port, "starttls").greet())
        sent = asyncio.run(
            Mail(SmtpPost("127.0.0.1", office.smtp.port, "starttls"), "m@m.example", (0,)).send(letter())
        )
    assert sent is False
    assert office.smtp.mails == []


def self_signed(folder: Path, name: str) -> tuple[Path, Path]:
    """A key and a certificate of its own for a DNS name, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    files = folder / "key.pem", folder / "certificate.pem"
    files[0].write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
    files[1].write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.PEM))
    return files


def test_the_smtp_servers_certificate_is_checked(tmp_path: Path) -> None:
    key, certificate = self_signed(tmp_path, "localhost")
    offered = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    offered.load_cert_chain(certificate, key)
    office = PostOffice(tmp_path)
    office.smtp_tls = offered
    trusting = ssl.create_default_context(cafile=certificate)
    with office.open():
        with pytest.raises(MailError):
            asyncio.run(SmtpPost("localhost", office.smtp.port, "starttls").greet())
        with pytest.raises(MailError):  # the right authority, the wrong name
            asyncio.run(SmtpPost("127.0.0.1", office.smtp.port, "starttls", trust=trusting).greet())
        trusted = SmtpPost("localhost", office.smtp.port, "starttls", trust=trusting)
        asyncio.run(trusted.greet())
        assert asyncio.run(Mail(trusted, "m@m.example", (0,)).send(letter()))
    assert code_in(office.smtp.mails[0][1]) == shown(CODE)


def test_codes_are_of_unmistakable_letters() -> None:
    codes = {new_code() for _ in range(2_000)}
    assert len(codes) == 2_000
    assert set("".join(codes)) == set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_nothing_of_a_mail_is_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    office = PostOffice(tmp_path)
    office.load([GP])
    with caplog.at_level("DEBUG", "miss_server"), office.open():
        office.claim(GP)
        code = office.code_for(GP)
        wait_for("the line", lambda: any("code-mailed" in record.getMessage() for record in caplog.records))
    # Other tests of this process may have turned on the logs of the tests' own client and of their mail server.
    ours = [record for record in caplog.records if record.name.startswith(("miss_server", "sqlalchemy", "uvicorn"))]
    assert ours
    lines = " ".join(f"{record.getMessage()} {record.__dict__.get('fields')}" for record in ours)
    for word in (code, GP.mailbox, GP.rpps, GP.family):
        assert word not in lines
    assert register_tables.registrations.name not in lines
