"""The server's settings: read once from ``miss.toml`` and the command line, never changed while it runs."""

import tomllib
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from miss_protocol import limits
from miss_protocol.invitation import LOOPBACK

FILE_NAME = "miss.toml"
NODES, LISTENING = "nodes", "listening"
DRAIN_SECONDS_MAX = 300
DEFAULT_LISTEN = "127.0.0.1:8470"
DEFAULT_CONSOLE = "127.0.0.1:8471"
APPROVALS = ("exact", "always")
SMTP_SECURITY = ("starttls", "tls", "none")
PSC_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
ASSISTANCE_CHARACTERS_MAX = 200
PSC_SCOPE = "openid scope_all"
PSC_DISCOVERY = "/.well-known/wallet-openid-configuration"  # not the usual name


Network = IPv4Network | IPv6Network


class ConfigError(Exception):
    """A setting that cannot be used: its name, and a reason that ``wording`` turns into a sentence."""

    def __init__(self, reason: str, setting: str, value: object = "") -> None:
        super().__init__(f"{reason}: {setting} = {value}")
        self.reason = reason
        self.setting = setting
        self.value = value


@dataclass(frozen=True)
class Smtp:
    """How mail leaves; ``security`` is ``starttls``, ``tls`` or ``none``."""

    host: str
    port: int
    security: str
    user: str
    password_file: Path | None
    sender: str

    def password(self) -> str:
        """The password, read from its file at each use, so that it can be renewed without a restart."""
        return self.password_file.read_text(encoding="utf-8").strip() if self.password_file else ""


@dataclass(frozen=True)
class Console:
    """Where the operators' console listens, and the origin by which browsers reach it where that is not evident."""

    host: str
    port: int
    origin: str = ""

    @property
    def loopback(self) -> bool:
        return self.host in LOOPBACK

    def public(self, port: int) -> str:
        """The origin of a console that listens on ``port``: passkeys belong to a name, never to an address."""
        return self.origin or f"http://localhost:{port}"


@dataclass(frozen=True)
class Psc:
    """Pro Santé Connect: the provider, and this server as its client."""

    issuer: str
    client_id: str
    secret_file: Path
    scope: str
    discovery: str
    endpoints: dict[str, str]  # given one by one, for a provider without a discovery document

    def secret(self) -> str:
        """The client's secret, read from its file at each use, so that it can be renewed without a restart."""
        return self.secret_file.read_text(encoding="utf-8").strip()


@dataclass(frozen=True)
class S3:
    """An object store for photos; ``keys_file`` has the key's id and its secret, a line each."""

    bucket: str
    prefix: str
    endpoint: str
    region: str
    keys_file: Path | None

    def keys(self) -> tuple[str, str]:
        """The key's id and secret; empty where the store takes others (of the machine, say)."""
        lines = [*(_secret(self.keys_file).split()), "", ""]
        return lines[0], lines[1]


@dataclass(frozen=True)
class Settings:
    """Everything that an operator may choose; times in days."""

    data: Path
    host: str
    port: int
    public_name: str = ""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    smtp: Smtp | None = None
    psc: Psc | None = None
    approval: str = "exact"
    keep_messages_days: int = limits.SERVER_KEEPS_MESSAGES_DAYS
    keep_photos_days: int = limits.SERVER_KEEPS_PHOTOS_DAYS
    devices_days: int = limits.RETENTION_DAYS_MAX  # how long devices may keep messages at most
    assistance: dict[str, str] = field(default_factory=dict)  # hours_fr, hours_en, telephone, mail
    database_url: str = ""
    hints: tuple[str, ...] = ()
    hints_password_file: Path | None = None
    database_password_file: Path | None = None
    node: str = ""
    drain_seconds: int = 0
    s3: S3 | None = None
    language: str = "fr"
    console: Console | None = None
    trusted_proxies: tuple[Network, ...] = ()
    metrics: tuple[str, int] | None = None
    ldap: dict[str, Any] = field(default_factory=dict)  # establishments' directories, which ``ldap_settings`` reads
    reach: dict[str, Any] = field(default_factory=dict)  # pushes and mails, which ``reach_settings`` reads
    quotas: dict[str, Any] = field(default_factory=dict)  # which ``quotas`` reads
    given: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def run(self) -> Path:
        """Where a server says that it runs: the data folder, or a folder in it for each node that shares it."""
        return self.data / NODES / self.node if self.node else self.data

    @property
    def database(self) -> Path:
        return self.data / "miss.db"

    @property
    def blobs(self) -> Path:
        return self.data / "blobs"

    @property
    def keys(self) -> Path:
        return self.data / "keys"

    @property
    def listening(self) -> Path:
        """Holds ``host:port`` while a server runs on this folder."""
        return self.run / LISTENING

    @property
    def console_listening(self) -> Path:
        """Holds the console's origin while one is served."""
        return self.run / "console"

    def hints_password(self) -> str:
        """Of the NATS server; read from its file at each connection, so that it can be renewed without a restart."""
        return _secret(self.hints_password_file)

    def database_password(self) -> str:
        """Of the PostgreSQL server, likewise."""
        return _secret(self.database_password_file)

    @property
    def tls(self) -> bool:
        return self.tls_cert is not None

    @property
    def loopback(self) -> bool:
        return self.host in LOOPBACK

    @property
    def plain_proxies(self) -> tuple[Network, ...]:
        """Who alone may speak HTTP without TLS to a server that listens to other machines; else nobody is named."""
        return () if self.tls or self.loopback else self.trusted_proxies

    def public(self, port: int) -> tuple[str, int]:
        """The name and the port by which clients reach a server that listens on ``port``."""
        name, given_port = split_listen(self.public_name, port) if self.public_name else (self.host, port)
        return name, given_port


def split_listen(text: str, default_port: int | None = None) -> tuple[str, int]:
    """``HOST:PORT``, ``[IPv6]:PORT``, or ``HOST`` where a port is given by default.

    Raises:
        ConfigError: ``listen-malformed``.
    """
    host, colon, port = text.rpartition(":")
    if not colon or host.endswith(":") or (":" in host and not host.startswith("[")) or text.endswith("]"):
        host, port = text, ""
    host = host.strip("[]")
    if not host or (not port and default_port is None) or (port and not (port.isdecimal() and int(port) < 65536)):
        raise ConfigError("listen-malformed", "listen", text)
    return host, int(port) if port else int(default_port or 0)


def load(
    data: Path,
    *,
    listen: str | None = None,
    public_name: str | None = None,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    database: str | None = None,
    hints: str | None = None,
    node: str = "",
    language: str = "fr",
    console: str | None = None,
) -> Settings:
    """The settings of a data folder; what is given on the command line goes before the file.

    Raises:
        ConfigError: a setting that is unknown, malformed, or unsafe (``plain-http-outside``).
    """
    table = _read(data / FILE_NAME)
    mail = _table(table, "smtp", {"host", "port", "security", "user", "password_file", "sender"})
    retention = _table(table, "retention", {"messages_days", "photos_days", "devices_days"})
    psc = _table(table, "psc", {"issuer", "client_id", "secret_file", "scope", "discovery", *PSC_ENDPOINTS})
    known = {"listen", "public_name", "tls_cert", "tls_key", "database", "approval", "smtp", "ldap", "psc", "retention"}
    known |= {"assistance", "console", "trusted_proxies", "metrics", "hints", "hints_password_file", "drain_seconds"}
    known |= {"database_password_file", "blobs", "s3"}
    known |= {"reach", "quotas"}
    for name in table.keys() - known:
        raise ConfigError("setting-unknown", name)
    host, port = split_listen(listen or _text(table, "listen", DEFAULT_LISTEN))
    settings = Settings(
        data=data,
        host=host,
        port=port,
        public_name=public_name or _text(table, "public_name", ""),
        tls_cert=tls_cert or _path(table, "tls_cert", data),
        tls_key=tls_key or _path(table, "tls_key", data),
        smtp=_smtp(mail, data),
        psc=_psc(psc, data),
        approval=_choice(table, "approval", APPROVALS),
        keep_messages_days=_days(retention, "messages_days", limits.SERVER_KEEPS_MESSAGES_DAYS),
        keep_photos_days=_days(retention, "photos_days", limits.SERVER_KEEPS_PHOTOS_DAYS),
        devices_days=_days(retention, "devices_days", limits.RETENTION_DAYS_MAX),
        assistance=_assistance(table),
        database_url=database or _text(table, "database", ""),
        hints=tuple((hints or _text(table, "hints", "")).replace(",", " ").split()),
        hints_password_file=_path(table, "hints_password_file", data),
        database_password_file=_path(table, "database_password_file", data),
        node=node,
        drain_seconds=_seconds(table, "drain_seconds"),
        s3=_s3(table, data),
        ldap=_sections(table, "ldap"),
        reach=_table(table, "reach", {"mail_minutes", "urgent_mail_minutes", "private_push", "contact"}),
        quotas=_table(
            table, "quotas", {"messages_a_second", "messages_at_once", "uploads_mib_a_day", "conversation_mib"}
        ),
        language=language,
        console=_console(_table(table, "console", {"listen", "origin"}), console, "console" in table),
        trusted_proxies=_networks(table, "trusted_proxies"),
        metrics=split_listen(_text(table, "metrics", "")) if "metrics" in table else None,
    )
    return _checked(settings)


def _checked(settings: Settings) -> Settings:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise ConfigError("tls-halved", "tls_cert, tls_key")
    for name, path in (("tls_cert", settings.tls_cert), ("tls_key", settings.tls_key)):
        if path is not None and not path.is_file():
            raise ConfigError("file-missing", name, path)
    if not settings.tls and not settings.loopback and not settings.trusted_proxies:
        raise ConfigError("plain-http-outside", "listen", settings.host)
    if settings.database_url and not _names_a_database(settings.database_url):
        raise ConfigError("setting-malformed", "database", settings.database_url.partition(":")[0])
    for name, path in (
        ("hints_password_file", settings.hints_password_file),
        ("database_password_file", settings.database_password_file),
    ):
        if path is not None and not path.is_file():
            raise ConfigError("file-missing", name, path)
    for address in settings.hints:
        if not address.startswith(("nats://", "tls://")) or not urlsplit(address).hostname:
            raise ConfigError("setting-malformed", "hints", address.partition(":")[0])
    if settings.node and not (settings.node.isidentifier() and settings.node.isascii()):
        raise ConfigError("setting-malformed", "node", settings.node)
    if (settings.node or settings.hints) and not settings.database_url:
        raise ConfigError("nodes-need-postgresql", "node, hints")
    if settings.public_name:
        split_listen(settings.public_name, 443)
    console = settings.console
    if console is not None and not console.loopback and not (settings.tls and console.origin):
        raise ConfigError("console-outside", "console.listen", console.host)
    return settings


def _names_a_database(url: str) -> bool:
    parsed = urlsplit(url)
    return parsed.scheme == "postgresql" and bool(parsed.path.strip("/"))


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("file-malformed", FILE_NAME, error) from error


def _table(table: dict[str, Any], name: str, known: set[str]) -> dict[str, Any]:
    found = table.get(name, {})
    if not isinstance(found, dict):
        raise ConfigError("setting-malformed", name, found)
    for key in found.keys() - known:
        raise ConfigError("setting-unknown", f"{name}.{key}")
    return found


def _sections(table: dict[str, Any], name: str) -> dict[str, Any]:
    found = table.get(name, {})
    if not isinstance(found, dict):
        raise ConfigError("setting-malformed", name, found)
    return found


def _text(table: dict[str, Any], name: str, default: str) -> str:
    value = table.get(name, default)
    if not isinstance(value, str):
        raise ConfigError("setting-malformed", name, value)
    return value


def _networks(table: dict[str, Any], name: str) -> tuple[Network, ...]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigError("setting-malformed", name, value)
    try:
        return tuple(ip_network(one) for one in value)
    except ValueError as error:
        raise ConfigError("setting-malformed", name, value) from error


def _path(table: dict[str, Any], name: str, data: Path) -> Path | None:
    value = _text(table, name, "")
    return data / value if value else None


def _choice(table: dict[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = _text(table, name, choices[0])
    if value not in choices:
        raise ConfigError("setting-malformed", name, value)
    return value


def _days(table: dict[str, Any], name: str, most: int) -> int:
    """A number of days, at most what the protocol allows."""
    value = table.get(name, most)
    if type(value) is not int or not 1 <= value <= most:
        raise ConfigError("setting-malformed", f"retention.{name}", value)
    return value


def _assistance(table: dict[str, Any]) -> dict[str, str]:
    """When and how people get help, in short lines that clients show as they are."""
    given = _table(table, "assistance", {"hours_fr", "hours_en", "telephone", "mail"})
    for name, value in given.items():
        if not isinstance(value, str) or not value.isprintable() or len(value) > ASSISTANCE_CHARACTERS_MAX:
            raise ConfigError("setting-malformed", f"assistance.{name}", value)
    return given


def _seconds(table: dict[str, Any], name: str) -> int:
    value = table.get(name, 0)
    if type(value) is not int or not 0 <= value <= DRAIN_SECONDS_MAX:
        raise ConfigError("setting-malformed", name, value)
    return value


def _s3(table: dict[str, Any], data: Path) -> S3 | None:
    address = _text(table, "blobs", "")
    given = _table(table, "s3", {"endpoint", "region", "keys_file"})
    if not address and not given:
        return None
    parsed, endpoint = urlsplit(address), _text(given, "endpoint", "")
    if parsed.scheme != "s3" or not parsed.hostname:
        raise ConfigError("setting-malformed", "blobs", address)
    if endpoint and not safe(endpoint):
        raise ConfigError("setting-malformed", "s3.endpoint", endpoint)
    keys = _path(given, "keys_file", data)
    if keys is not None and not keys.is_file():
        raise ConfigError("file-missing", "s3.keys_file", keys)
    return S3(parsed.netloc, parsed.path.strip("/"), endpoint, _text(given, "region", "us-east-1"), keys)


def _secret(file: Path | None) -> str:
    return file.read_text(encoding="utf-8").strip() if file else ""


def _smtp(table: dict[str, Any], data: Path) -> Smtp | None:
    if not table:
        return None
    host, sender = _text(table, "host", ""), _text(table, "sender", "")
    if not host or "@" not in sender:
        raise ConfigError("setting-malformed", "smtp.host, smtp.sender", host)
    security = _choice(table, "security", SMTP_SECURITY)
    port = table.get("port", 465 if security == "tls" else 587)
    if type(port) is not int or not 0 < port < 65536:
        raise ConfigError("setting-malformed", "smtp.port", port)
    return Smtp(host, port, security, _text(table, "user", ""), _path(table, "password_file", data), sender)


def _console(table: dict[str, Any], given: str | None, named: bool) -> Console | None:
    if not named and given is None:
        return None
    host, port = split_listen(given or _text(table, "listen", DEFAULT_CONSOLE))
    origin = _text(table, "origin", "").rstrip("/")
    if origin and not _names_an_origin(origin):
        raise ConfigError("console-origin", "console.origin", origin)
    return Console(host, port, origin)


def _names_an_origin(origin: str) -> bool:
    """``https://NAME[:PORT]``, or ``http://localhost[:PORT]``: where browsers let passkeys work."""
    parsed = urlsplit(origin)
    name = parsed.hostname or ""
    named = bool(name) and not name.replace(".", "").isdigit() and ":" not in name and name == name.lower()
    known = parsed.scheme == "https" or (parsed.scheme == "http" and name == "localhost")
    return named and known and origin == f"{parsed.scheme}://{parsed.netloc}" and "@" not in parsed.netloc


def _psc(table: dict[str, Any], data: Path) -> Psc | None:
    if not table:
        return None
    issuer, client_id, secret = (
        _text(table, "issuer", ""),
        _text(table, "client_id", ""),
        _path(table, "secret_file", data),
    )
    endpoints = {name: _text(table, name, "") for name in PSC_ENDPOINTS if name in table}
    if not client_id or (endpoints and len(endpoints) < len(PSC_ENDPOINTS)):
        raise ConfigError("setting-malformed", "psc.client_id" if not client_id else "psc", client_id)
    if secret is None or not secret.is_file():
        raise ConfigError("file-missing", "psc.secret_file", secret or "")
    discovery = _text(table, "discovery", issuer + PSC_DISCOVERY)
    for name, address in {"issuer": issuer, "discovery": discovery, **endpoints}.items():
        if not safe(address):
            raise ConfigError("setting-malformed", f"psc.{name}", address)
    return Psc(issuer, client_id, secret, _text(table, "scope", PSC_SCOPE), discovery, endpoints)


def safe(address: str) -> bool:
    """Whether an address is on https, or on this very machine."""
    parsed = urlsplit(address)
    return parsed.scheme == "https" or (parsed.scheme == "http" and parsed.hostname in LOOPBACK)


def with_given(settings: Settings, *names: str) -> Settings:
    """The same settings, knowing which of them came from the command line."""
    return replace(settings, given=frozenset(names))
