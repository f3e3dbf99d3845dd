"""How people are reached whose app is closed: the section ``[reach]`` of miss.toml."""

from dataclasses import dataclass
from typing import Any

from miss_server.config import ConfigError, Settings

MINUTES_MAX = 7 * 24 * 60


@dataclass(frozen=True)
class Unread:
    """After how long without anybody having seen a message a mail says so; 0: never."""

    normal_ms: int = 30 * 60_000
    urgent_ms: int = 5 * 60_000


@dataclass(frozen=True)
class ReachSettings:
    """``private_push``: whether push endpoints may be here and in private networks; ``contact``: of VAPID."""

    unread: Unread
    private_push: bool
    contact: str


def of(settings: Settings) -> ReachSettings:
    """The settings in force.

    Raises:
        ConfigError: one that cannot be used.
    """
    table = settings.reach
    unread = Unread(_minutes(table, "mail_minutes", 30), _minutes(table, "urgent_mail_minutes", 5))
    private = table.get("private_push", False)
    if not isinstance(private, bool):
        raise ConfigError("setting-malformed", "reach.private_push", private)
    contact = table.get("contact", "")
    if not isinstance(contact, str) or (contact and not contact.startswith(("mailto:", "https://"))):
        raise ConfigError("setting-malformed", "reach.contact", contact)
    return ReachSettings(unread, private, contact or _usual_contact(settings))


def _usual_contact(settings: Settings) -> str:
    """Whom a push service may write to about this server, where the operator did not say."""
    if settings.smtp is not None:
        return f"mailto:{settings.smtp.sender.rpartition('<')[2].strip('> ')}"
    return f"https://{settings.public_name or 'miss.invalid'}"


def _minutes(table: dict[str, Any], name: str, usual: int) -> int:
    value = table.get(name, usual)
    if type(value) is not int or not 0 <= value <= MINUTES_MAX:
        raise ConfigError("setting-malformed", f"reach.{name}", value)
    return value * 60_000
