"""Where establishments' LDAP directories are and how they are read: sections ``[ldap.FINESS]`` of miss.toml."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from miss_protocol.invitation import LOOPBACK
from miss_server import finess as finess_number
from miss_server.config import ConfigError, Settings

DEFAULT_FILTER = "(objectClass=inetOrgPerson)"
# Our field: the attribute that holds it, unless the section says otherwise.
ATTRIBUTES = {
    "key": "employeeNumber",
    "family_name": "sn",
    "given_name": "givenName",
    "title": "personalTitle",
    "rpps": "",
    "profession": "employeeType",
    "service": "departmentNumber",
    "telephone": "telephoneNumber",
    "mailbox": "mail",
}
_TEXTS = ("url", "base", "filter", "user", "password_file", "ca_file")


@dataclass(frozen=True)
class Ldap:
    """One establishment's directory; ``ca_file`` is who is trusted for its TLS, the system's own where it is None."""

    finess: str
    host: str
    port: int
    tls: bool
    base: str
    filter: str
    user: str
    password_file: Path | None
    ca_file: Path | None
    attributes: dict[str, str]

    def password(self) -> str:
        """The password, read from its file at each use, so that it can be renewed without a restart."""
        return self.password_file.read_text(encoding="utf-8").strip() if self.password_file else ""


def of(settings: Settings) -> list[Ldap]:
    """The directories that are set.

    Raises:
        ConfigError: a section that cannot be used.
    """
    return [_read(number, section, settings.data) for number, section in sorted(settings.ldap.items())]


def _read(number: str, section: Any, data: Path) -> Ldap:
    name = f"ldap.{number}"
    finess = finess_number.parse(number)
    if finess is None or not isinstance(section, dict):
        raise ConfigError("setting-malformed", "ldap", number)
    for key in section.keys() - {*_TEXTS, "attributes"}:
        raise ConfigError("setting-unknown", f"{name}.{key}")
    said = {key: section.get(key, "") for key in _TEXTS}
    for key, value in said.items():
        if not isinstance(value, str):
            raise ConfigError("setting-malformed", f"{name}.{key}", value)
    attributes = section.get("attributes", {})
    if not isinstance(attributes, dict) or attributes.keys() - ATTRIBUTES.keys():
        raise ConfigError("setting-malformed", f"{name}.attributes", attributes)
    host, port, tls = _where(f"{name}.url", said["url"])
    if not said["base"]:
        raise ConfigError("setting-malformed", f"{name}.base", "")
    password, authority = (data / said[key] if said[key] else None for key in ("password_file", "ca_file"))
    for key, file in (("password_file", password), ("ca_file", authority)):
        if file is not None and not file.is_file():
            raise ConfigError("file-missing", f"{name}.{key}", file)
    wanted = {field: str(attribute) for field, attribute in (ATTRIBUTES | attributes).items() if attribute}
    filter_text = said["filter"] or DEFAULT_FILTER
    return Ldap(finess, host, port, tls, said["base"], filter_text, said["user"], password, authority, wanted)


def _where(name: str, url: str) -> tuple[str, int, bool]:
    """Host, port, and whether TLS from the first byte; without TLS on this machine only."""
    parsed = urlsplit(url)
    try:
        host, port = parsed.hostname or "", parsed.port
    except ValueError:
        host, port = "", None
    if parsed.scheme not in ("ldap", "ldaps") or not host or parsed.path.strip("/"):
        raise ConfigError("setting-malformed", name, url)
    tls = parsed.scheme == "ldaps"
    if not tls and host not in LOOPBACK:
        raise ConfigError("ldap-plain-outside", name, host)
    return host, port or (636 if tls else 389), tls
