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
    language: str = "fr"
    console: Console | None = None
    trusted_proxies: tuple[Network, ...] = ()
    metrics: tuple[str, int] | None = None
    ldap: dict[str, Any] = field(default_factory=dict)  # establishments' directories, which ``ldap_settings`` reads
    reach: dict[str, Any] = field(default_factory=dict)  # pushes and mails, which ``reach_settings`` reads
    given: frozenset[str] = field(default=frozenset(), compare=False)

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
        return self.data / "listening"

    @property
    def console_listening(self) -> Path:
        """Holds the console's origin while one is served."""
        return self.data / "console"

    @property
    def tls(self) -> bool:
        return self.tls_cert is not None

    @property
    def loopback(self) -> bool:
        return self.host in LOOPBACK

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
    known |= {"assistance", "console", "trusted_proxies", "metrics", "reach"}
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
        ldap=_sections(table, "ldap"),
        reach=_table(table, "reach", {"mail_minutes", "urgent_mail_minutes", "private_push", "contact"}),
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
    if not settings.tls and not settings.loopback:
        raise ConfigError("plain-http-outside", "listen", settings.host)
    if settings.database_url and not _names_a_database(settings.database_url):
        raise ConfigError("setting-malformed", "database", settings.database_url.partition(":")[0])
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


def first_file(settings: Settings) -> str:
    """The text of ``miss.toml`` at first start: every setting explained, those given on the command line filled in."""

    def line(name: str, value: str, default: str) -> str:
        return f'{name} = "{value}"' if value else f'# {name} = "{default}"'

    listen = f"{settings.host}:{settings.port}" if ":" not in settings.host else f"[{settings.host}]:{settings.port}"
    return _TEMPLATE.format(
        listen=line("listen", listen if "listen" in settings.given else "", DEFAULT_LISTEN),
        public_name=line("public_name", settings.public_name, "miss.exemple.fr"),
        tls_cert=line("tls_cert", _absolute(settings.tls_cert), "/etc/letsencrypt/live/miss.exemple.fr/fullchain.pem"),
        tls_key=line("tls_key", _absolute(settings.tls_key), "/etc/letsencrypt/live/miss.exemple.fr/privkey.pem"),
        database=line("database", settings.database_url, "postgresql://miss@/miss"),
        messages_days=limits.SERVER_KEEPS_MESSAGES_DAYS,
        photos_days=limits.SERVER_KEEPS_PHOTOS_DAYS,
        devices_days=limits.RETENTION_DAYS_MAX,
        console=DEFAULT_CONSOLE,
    )


def _absolute(path: Path | None) -> str:
    return str(path.resolve()).replace("\\", "/") if path else ""


def with_given(settings: Settings, *names: str) -> Settings:
    """The same settings, knowing which of them came from the command line."""
    return replace(settings, given=frozenset(names))


_TEMPLATE = """\
# Réglages du serveur MiSS, lus une fois au démarrage. Ce que dit la ligne de commande passe avant.
# Settings of the MiSS server, read once at start. What the command line says goes first.

# Adresse et port d'écoute. HTTP sans TLS : seulement sur cette machine (127.0.0.1, ::1, localhost).
# Address and port to listen on. HTTP without TLS: on this machine only.
{listen}

# Nom (et port) par lequel les appareils joignent ce serveur ; il figure dans le lien d'invitation.
# Name (and port) by which devices reach this server; it stands in the invitation link.
{public_name}

# Certificat TLS (chaîne complète) et sa clé, en PEM. / TLS certificate (full chain) and its key, PEM.
{tls_cert}
{tls_key}

# Derrière un répartiteur : ses adresses. Lui seul dit (X-Forwarded-For) d'où vient une demande.
# Behind a proxy: its addresses. It alone says (X-Forwarded-For) where a request comes from.
# trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]

# Base de données : sans ce réglage, le fichier miss.db de ce dossier ; sinon un serveur PostgreSQL (~/.pgpass).
# Database: without this setting, the file miss.db of this folder; else a PostgreSQL server (~/.pgpass).
{database}

# "exact" : une correspondance exacte avec le répertoire et le bon code suffisent ; le reste attend un opérateur.
# "always" : un opérateur décide toujours.
# "exact": an exact match with the register and the right code are enough; all else waits for an operator.
# "always": an operator decides every time.
# approval = "exact"

# Chiffres pour Prometheus, à une adresse à part, sur http://ADRESSE/metrics ; jamais publique.
# Figures for Prometheus, on an address of its own, at http://ADDRESS/metrics; never public.
# metrics = "127.0.0.1:9464"

# Console des opérateurs, à une adresse à part, jamais publique ; hors de cette machine, TLS et origin sont nécessaires.
# The operators' console, on an address of its own, never public; outside this machine it needs TLS and an origin.
# [console]
# listen = "{console}"
# origin = "https://console.exemple.fr"

# Courrier : sans cette section, les codes vont dans le dossier outbox/ et rien ne part.
# Mail: without this section, codes go to the folder outbox/ and nothing leaves.
# [smtp]
# host = "smtp.exemple.fr"
# port = 587
# security = "starttls"        # "starttls", "tls", "none"
# user = "miss"
# password_file = "smtp-password"
# sender = "miss@exemple.fr"

# Pro Santé Connect : l'inscription par carte CPS ou e-CPS. Le secret est dans un fichier, seul sur sa ligne.
# L'adresse de retour à déclarer est https://NOM/v1/psc/return, NOM étant public_name.
# Pro Santé Connect: registration by CPS card or e-CPS. The secret is in a file, alone on its line.
# The redirect address to declare is https://NAME/v1/psc/return, NAME being public_name.
# [psc]
# issuer = "https://auth.esw.esante.gouv.fr/auth/realms/esante-wallet"
# client_id = "miss"
# secret_file = "psc-secret"

# Prévenir qui n'a pas MiSS ouvert : un courrier sans contenu à sa boîte du répertoire quand un message reste sans être
# vu (minutes ; 0 : jamais) ; private_push admet un serveur de notifications du réseau interne ; contact est l'adresse
# que les serveurs de notifications peuvent joindre (mailto: ou https:).
# To tell who does not have MiSS open: a mail without content to their mailbox of the register where a message stays
# unseen (minutes; 0: never); private_push admits a push server on the internal network; contact is whom push servers
# may write to (mailto: or https:).
# [reach]
# mail_minutes = 30
# urgent_mail_minutes = 5
# private_push = false
# contact = "mailto:exploitation@exemple.fr"

# Annuaire LDAP d'un établissement, lu chaque jour ; son numéro FINESS est dans le titre. ldap:// seulement sur cette
# machine. Une section par établissement ; attributes dit quel attribut tient quel champ.
# An establishment's LDAP directory, read daily; its FINESS number is in the title. ldap:// on this machine only.
# [ldap.590000014]
# url = "ldaps://annuaire.ch.exemple.fr"
# base = "ou=personnes,dc=ch,dc=exemple,dc=fr"
# filter = "(objectClass=inetOrgPerson)"
# user = "cn=miss,dc=ch,dc=exemple,dc=fr"
# password_file = "ldap-password"
# ca_file = "ldap-ca.pem"
# attributes = {{ key = "employeeNumber", profession = "employeeType", rpps = "rpps" }}

# Combien de temps le serveur garde ce qu'il ne peut pas lire ; {messages_days} et {photos_days} jours au plus.
# How long the server keeps what it cannot read; {messages_days} and {photos_days} days at most.
# [retention]
# messages_days = {messages_days}
# photos_days = {photos_days}
# devices_days = {devices_days}          # sur les appareils, au plus / on devices, at most

# L'assistance, que MiSS montre sous Aide. / Help, as MiSS shows it.
# [assistance]
# hours_fr = "du lundi au vendredi, de 8 h à 18 h"
# hours_en = "Monday to Friday, 8:00 to 18:00"
# telephone = "03 20 00 00 00"
# mail = "assistance@exemple.fr"
"""
