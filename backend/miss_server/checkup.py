"""``miss-server check``: a line each on what an operator must know before trusting a server."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate

from cryptography import x509
from cryptography.x509.oid import ExtensionOID
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from miss_server import data_folder, migrations
from miss_server.config import Settings
from miss_server.console import operators
from miss_server.console.listening import origin_of
from miss_server.console.passkeys import PASSKEYS_NEEDED
from miss_server.database import Database
from miss_server.mail import MailError, SmtpPost
from miss_server.mail_settings import mail_of
from miss_server.postgresql import open_database
from miss_server.register_tables import register_loads
from miss_server.server_texts import say
from miss_server.tables import rows

GOOD, NOTE, BAD = "good", "note", "bad"
DISK_FREE_BYTES_MIN = 2 * 1024**3
TLS_DAYS_MIN = 14
REGISTER_DAYS_MAX = 45
OPERATORS_NEEDED = 2
DAY_MS = 86_400_000
_ALLOWED_AHEAD_MS = 60_000


@dataclass(frozen=True)
class Line:
    """One thing that was looked at: its name, how it stands, and what was found."""

    what: str
    state: str
    found: str

    def shown(self, language: str) -> str:
        return f"{say(self.what, language):<18} {say(self.state, language):<8} {self.found}"


def look(settings: Settings, language: str, now_ms: int, mail_to: str = "") -> Iterator[Line]:
    """Looks at a data folder and what the settings name, whether a server runs on it or not.

    Args:
        mail_to: an address for a test mail; without one the mail server is only greeted.
    """
    database = open_database(settings)
    try:
        yield _database(database, language)
        yield _disk(settings, language)
        yield _clock(database, language, now_ms)
        yield _tls(settings, language, now_ms)
        yield _mail(settings, language, mail_to)
        yield _register(database, language, now_ms)
        if settings.console is not None:
            yield _console(database, settings, language)
    finally:
        database.close()
    yield _server(settings, language)


def _database(database: Database, language: str) -> Line:
    try:
        with database.snapshot() as connection:
            on_file = connection.dialect.name == "sqlite"
            verdict = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()) if on_file else "ok"
            revision = migrations.revision(connection)
    except SQLAlchemyError as error:
        return Line("database", BAD, say("database-bad", language, why=type(error).__name__))
    if verdict != "ok" or revision != migrations.head():
        why = verdict.splitlines()[-1] if verdict != "ok" else f"{revision} ≠ {migrations.head()}"
        return Line("database", BAD, say("database-bad", language, why=why))
    return Line("database", GOOD, say("database-good", language, revision=revision))


def _disk(settings: Settings, language: str) -> Line:
    usage = shutil.disk_usage(settings.data)
    found = say("disk-free", language, free_gb=usage.free / 1e9, percent=100 * usage.free / usage.total)
    return Line("disk", GOOD if usage.free >= DISK_FREE_BYTES_MIN else BAD, found)


def _clock(database: Database, language: str, now_ms: int) -> Line:
    """A clock that stands before rows already written makes certificates and codes wrong."""
    try:
        with database.snapshot() as connection:
            latest = int(connection.scalar(select(func.max(rows.c.at_ms))) or 0)
    except SQLAlchemyError:
        latest = 0
    now = _date(now_ms)
    if latest > now_ms + _ALLOWED_AHEAD_MS:
        return Line("clock", BAD, say("clock-behind", language, now=now, latest=_date(latest)))
    return Line("clock", GOOD, say("clock-good", language, now=now))


def _tls(settings: Settings, language: str, now_ms: int) -> Line:
    if settings.tls_cert is None:
        return Line("tls", NOTE, say("tls-none", language))
    try:
        certificate = x509.load_pem_x509_certificate(settings.tls_cert.read_bytes())
    except (OSError, ValueError) as error:
        return Line("tls", BAD, say("tls-bad", language, why=type(error).__name__))
    days = int((certificate.not_valid_after_utc.timestamp() * 1000 - now_ms) // DAY_MS)
    name, _ = settings.public(settings.port)
    if not _covers(certificate, name):
        return Line("tls", BAD, say("tls-name", language, days=days, name=name))
    return Line("tls", GOOD if days >= TLS_DAYS_MIN else BAD, say("tls-days", language, days=days))


def _covers(certificate: x509.Certificate, name: str) -> bool:
    try:
        value = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        return False
    assert isinstance(value, x509.SubjectAlternativeName)
    names = {one.lower() for one in value.get_values_for_type(x509.DNSName)}
    addresses = {str(one) for one in value.get_values_for_type(x509.IPAddress)}
    wildcard = "*." + name.lower().partition(".")[2]
    return name.lower() in names or wildcard in names or name in addresses


def _mail(settings: Settings, language: str, mail_to: str) -> Line:
    post = mail_of(settings).post
    where = post.describe(language)
    if not isinstance(post, SmtpPost) or settings.smtp is None:
        return Line("mail", NOTE, say("mail-good", language, where=where))
    try:
        if mail_to:
            asyncio.run(post.send(_test_mail(settings.smtp.sender, mail_to)))
            return Line("mail", GOOD, say("mail-sent", language, address=mail_to))
        asyncio.run(post.greet())
    except (MailError, ValueError) as error:
        return Line("mail", BAD, say("mail-bad", language, where=where, why=error))
    return Line("mail", GOOD, say("mail-good", language, where=where))


def _test_mail(sender: str, address: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Date"] = sender, address, formatdate()
    message["Subject"] = "MiSS : essai / test"
    message.set_content("Le courrier du serveur MiSS arrive.\nThe MiSS server's mail arrives.\n")
    return message


def _register(database: Database, language: str, now_ms: int) -> Line:
    try:
        with database.snapshot() as connection:
            current = register_loads.c.state == "current"
            loaded = connection.scalar(select(func.min(register_loads.c.started_at_ms)).where(current))
    except SQLAlchemyError:
        loaded = None
    if loaded is None:
        return Line("register", BAD, say("register-none", language))
    days = (now_ms - int(loaded)) // DAY_MS
    return Line("register", GOOD if days <= REGISTER_DAYS_MAX else BAD, say("register-age", language, days=days))


def _console(database: Database, settings: Settings, language: str) -> Line:
    """A proof that somebody saw needs two operators, and each of them two passkeys."""
    try:
        with database.snapshot() as connection:
            found = [one for one in operators.listed(connection) if one.role == operators.OPERATOR]
    except SQLAlchemyError:
        found = []
    ready = sum(one.passkeys >= PASSKEYS_NEEDED for one in found)
    where = origin_of(settings) or say("console-any-port", language)
    state = GOOD if ready >= OPERATORS_NEEDED else NOTE
    return Line("console", state, say("console-operators", language, where=where, ready=ready, operators=len(found)))


def _server(settings: Settings, language: str) -> Line:
    address = data_folder.address(settings.data)
    if not address:
        return Line("server", NOTE, say("server-stopped", language))
    return Line("server", GOOD, say("server-listens", language, address=address))


def _date(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
