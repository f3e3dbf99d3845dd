"""How mail leaves, by the settings: through an SMTP server, or into a folder where none is set."""

from miss_server.config import Settings
from miss_server.mail import Mail, OutboxPost, SmtpPost

OUTBOX = "outbox"
OUTBOX_SENDER = "miss@miss.invalid"


def mail_of(settings: Settings) -> Mail:
    """By SMTP where there are settings for it, else into a folder."""
    smtp = settings.smtp
    if smtp is None:
        return Mail(OutboxPost(settings.data / OUTBOX), OUTBOX_SENDER)
    return Mail(SmtpPost(smtp.host, smtp.port, smtp.security, smtp.user, smtp.password()), smtp.sender)
