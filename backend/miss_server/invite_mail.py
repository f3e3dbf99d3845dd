"""The mail that invites a colleague to MiSS: it names nobody, and holds the link that refuses all others."""

from email.message import EmailMessage
from email.utils import formatdate, make_msgid

_FRENCH = """\
Bonjour,

Un professionnel de santé inscrit sur MiSS, la messagerie instantanée sécurisée des professionnels de santé, souhaite
pouvoir vous y écrire. Ce message ne contient rien d’autre et ne vous oblige à rien.

Pour vous inscrire, installez MiSS puis ouvrez cette invitation :

    {link}

Vous recevrez au plus une invitation par mois, quel que soit le nombre de personnes qui vous invitent.
Pour n’en recevoir plus jamais aucune :

    {refusal}
"""
_ENGLISH = """\
Hello,

A health professional registered with MiSS, the secure instant messaging of health professionals, would like to be able
to write to you there. This message holds nothing else and binds you to nothing.

To register, install MiSS, then open this invitation:

    {link}

You will receive one invitation a month at most, however many people invite you. Never to receive any again:

    {refusal}
"""


def compose(address: str, sender: str, link: str, refusal: str) -> EmailMessage:
    """The mail.

    Args:
        address: a mailbox of the register.
        link: the server's invitation.
        refusal: the address of the page that refuses all further ones.

    Raises:
        ValueError: an address would break a header.
    """
    message = EmailMessage()
    message["From"] = sender
    message["To"] = address
    message["Subject"] = "Invitation à MiSS"
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].strip(">") or "miss.invalid")
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: no out-of-office answers
    message["List-Unsubscribe"] = f"<{refusal}>"  # RFC 8058: mail programs show a button for it
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    words = {"link": link, "refusal": refusal}
    message.set_content(f"{_FRENCH.format(**words)}\n-- \n\n{_ENGLISH.format(**words)}")
    return message
