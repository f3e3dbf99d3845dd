"""The mail that carries a registration's code: by SMTP to a mailbox of the register, or into a local folder."""

import asyncio
import os
import secrets
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any, Protocol

import aiosmtplib

from miss_protocol.limits import CODE_MINUTES
from miss_server import journal
from miss_server.codes import shown
from miss_server.refusals import ENGLISH
from miss_server.registration_rows import Letter

SMTP_SECONDS_MAX = 20
_RETRY_AFTER_SECONDS = (0.0, 2.0, 10.0)

_FRENCH = """\
Bonjour,

Une inscription à MiSS, la messagerie sécurisée des professionnels de santé, a été demandée sous votre numéro RPPS.
Si c’est vous, tapez ce code dans l’application :

    {code}

Il vaut {minutes} minutes et ne sert qu’une fois. Ne le donnez à personne : aucun opérateur ne vous le demandera.
Si ce n’est pas vous, ne faites rien : sans ce code, l’inscription n’aboutit pas.
"""
_ENGLISH = """\
Hello,

A registration with MiSS, the secure messaging of health professionals, was requested under your RPPS number.
If it was you, type this code in the application:

    {code}

It is good for {minutes} minutes, once. Give it to nobody: no operator will ask you for it.
If it was not you, do nothing: without this code the registration goes no further.
"""


class MailError(Exception):
    """A mail could not be handed over; the message is for the operator and names no one."""


class Post(Protocol):
    """A way to hand over mail."""

    async def send(self, message: EmailMessage) -> None:
        """Raises MailError where it cannot be handed over."""

    def describe(self, language: str) -> str:
        """Where mail goes, in one sentence for the operator."""


@dataclass(frozen=True)
class SmtpPost:
    """Hands mail to an SMTP server. ``tls``: "starttls", "tls" (from the first byte) or "none" (loopback, tests)."""

    host: str
    port: int
    tls: str = "starttls"
    user: str = ""
    password: str = ""
    trust: ssl.SSLContext | None = None

    async def send(self, message: EmailMessage) -> None:
        try:
            await aiosmtplib.send(message, timeout=SMTP_SECONDS_MAX, **self._options())
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise MailError(_why(error)) from error

    def describe(self, language: str) -> str:
        where = f"{self.host}:{self.port} ({self.tls})"
        return f"Mail goes by SMTP to {where}." if language == ENGLISH else f"Le courrier part par SMTP vers {where}."

    async def greet(self) -> None:
        """Connects and signs in without sending; raises MailError where that fails."""
        options = self._options()
        user, password = options.pop("username"), options.pop("password")
        client = aiosmtplib.SMTP(timeout=SMTP_SECONDS_MAX, **options)
        try:
            async with client:
                if user:
                    await client.login(user, password)
                await client.noop()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise MailError(_why(error)) from error

    def _options(self) -> dict[str, Any]:
        return {
            "hostname": self.host,
            "port": self.port,
            "use_tls": self.tls == "tls",
            "start_tls": self.tls == "starttls",
            "tls_context": self.trust if self.tls != "none" else None,
            "username": self.user or None,
            "password": self.password or None,
        }


@dataclass(frozen=True)
class OutboxPost:
    """Writes each mail to a folder, for a server without SMTP settings."""

    folder: Path

    async def send(self, message: EmailMessage) -> None:
        try:
            await asyncio.to_thread(self._write, message.as_bytes(policy=SMTP))
        except OSError as error:
            raise MailError(f"the outbox folder cannot be written: {error.strerror}") from error

    def describe(self, language: str) -> str:
        if language == ENGLISH:
            return f"No SMTP settings: mail is not sent but written to {self.folder}."
        return f"Pas de réglages SMTP : le courrier ne part pas, il est écrit dans {self.folder}."

    def _write(self, content: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(4)}"
        part = self.folder / f".{name}.part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(content)
        part.rename(self.folder / f"{name}.eml")  # whoever watches the folder sees whole mails only


class Mail:
    """Writes the registrar's letters and hands them over, again where the first attempt fails.

    Args:
        sender: the address they come from.
        retry_after_seconds: the pause before each attempt.
    """

    def __init__(self, post: Post, sender: str, retry_after_seconds: Sequence[float] = _RETRY_AFTER_SECONDS) -> None:
        self.post = post
        self.sender = sender
        self._retry_after_seconds = tuple(retry_after_seconds)

    async def send(self, letter: Letter) -> bool:
        """Hands the letter over; False, with a line in the log, where every attempt failed."""
        message, number = compose(letter, self.sender), letter.registration_id.hex()[:8]
        return await self.hand_over(message, "code", registration=number)

    async def hand_over(self, message: EmailMessage, what: str, **about: Any) -> bool:
        """Hands any mail over; False where every attempt failed. The log says ``what`` and ``about``, never to whom."""
        for attempt, pause_seconds in enumerate(self._retry_after_seconds, 1):
            await asyncio.sleep(pause_seconds)
            try:
                await self.post.send(message)
            except MailError as error:
                journal.write(f"{what}-not-mailed", attempt=attempt, why=str(error), **about)
            else:
                journal.write(f"{what}-mailed", attempt=attempt, **about)
                return True
        return False


def compose(letter: Letter, sender: str) -> EmailMessage:
    """The mail for a letter: the code and nothing about anybody, the claimant's language first.

    Raises:
        ValueError: an address would break a header.
    """
    message = EmailMessage()
    first, second = (_ENGLISH, _FRENCH) if letter.language == ENGLISH else (_FRENCH, _ENGLISH)
    message["From"] = sender
    message["To"] = letter.address
    message["Subject"] = "Your MiSS code" if letter.language == ENGLISH else "Votre code MiSS"
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].strip(">") or "miss.invalid")
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: no out-of-office answers
    words = {"code": shown(letter.code), "minutes": CODE_MINUTES}
    message.set_content(f"{first.format(**words)}\n-- \n\n{second.format(**words)}")
    return message


def _why(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"the SMTP server answered {error.code}"
    return type(error).__name__
