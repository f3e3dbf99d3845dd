"""The mail that says that something waits in MiSS: nothing of what, of whom, or of how much."""

from email.message import EmailMessage
from email.utils import formatdate, make_msgid

SUBJECT = "Un message vous attend dans MiSS"

_FRENCH = """\
Bonjour,

Un message vous attend dans MiSS depuis un moment, et vous ne l’avez vu sur aucun de vos appareils. Ouvrez l’application
pour le lire.

Ce courrier ne contient rien d’autre. Pour n’en plus recevoir : Réglages, Notifications, dans MiSS.
"""
_ENGLISH = """\
Hello,

A message has been waiting for you in MiSS for a while, and you have not seen it on any of your devices. Open
the application to read it.

This mail holds nothing else. To receive none any more: Settings, Notifications, in MiSS.
"""


def compose(address: str, sender: str) -> EmailMessage:
    """The mail to a mailbox of the register.

    Raises:
        ValueError: an address would break a header.
    """
    message = EmailMessage()
    message["From"] = sender
    message["To"] = address
    message["Subject"] = SUBJECT
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].strip(">") or "miss.invalid")
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: no out-of-office answers
    message.set_content(f"{_FRENCH}\n-- \n\n{_ENGLISH}")
    return message
