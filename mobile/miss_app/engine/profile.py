"""What a profile's folder holds besides the store: server, keys that wait for a PIN, login key, settings.

Before a PIN is chosen the new keys wait in the file ``pending`` (0600); choosing the PIN moves them into the store and
erases it, which is the moment the profile counts as made. Only the login key stays readable without the PIN: it opens
nothing.
"""

import json
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from miss_app.engine import records
from miss_app.engine.events import RegistrationView, Stage
from miss_app.engine.files import erase_file, read_file, write_file
from miss_app.engine.problems import Problem
from miss_app.engine.session import Credentials
from miss_protocol.errors import RemoteError
from miss_protocol.identity import Authority, CertificateRequest
from miss_protocol.invitation import Invitation

T = TypeVar("T")
DEFAULT_SETTINGS = {"theme": "auto"}


@dataclass(frozen=True)
class Server:
    """The server of this profile, its registrar's certificates as first checked, and its public name."""

    invitation_link: str
    authority_bytes: bytes
    name: str

    @property
    def invitation(self) -> Invitation:
        return Invitation.parse(self.invitation_link)

    def at(self, port: int) -> "Server":
        """The same server at another port: where it moved to on this machine."""
        moved = replace(self.invitation, port=port)
        return replace(self, invitation_link=moved.link())

    @property
    def authority(self) -> Authority:
        return Authority.decode(self.authority_bytes, server_id=self.invitation.server_id)

    def followed_by(self, fresh: bytes) -> bool:
        """Whether these are other certificates, of what the registrar that is known here became."""
        if fresh == self.authority_bytes:
            return False
        return Authority.decode(fresh, server_id=self.invitation.server_id).follows(self.authority)


@dataclass(frozen=True)
class DeviceKeys:
    """A device's own id and private keys."""

    device_id: bytes
    device_name: str
    signature_seed: bytes  # Ed25519, 32 bytes
    login_der: bytes  # PKCS #8

    @classmethod
    def make(cls, device_name: str) -> "DeviceKeys":
        login = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        seed = ed25519.Ed25519PrivateKey.generate().private_bytes_raw()
        return cls(secrets.token_bytes(16), device_name, seed, login)

    @property
    def signature_key(self) -> ed25519.Ed25519PrivateKey:
        return ed25519.Ed25519PrivateKey.from_private_bytes(self.signature_seed)

    def request(self) -> bytes:
        """The encoded certificate request. ECDSA signatures are random: ask once and keep it."""
        login = login_key(self.login_der)
        return CertificateRequest.sign(self.device_id, self.device_name, self.signature_key, login).encode()


@dataclass(frozen=True)
class Pending:
    """A profile on its way to a certificate."""

    keys: DeviceKeys
    stage: Stage
    request: bytes
    registration: str = ""
    secret: str = ""
    via: str = ""
    mailbox: str = ""
    problem: str = ""
    attempts_left: int = 5
    note: str = ""
    code: str = ""  # shown on a device being linked
    certificate: bytes = b""
    authorize: str = ""  # where the browser signs in
    until_ms: int = 0  # the person has other devices: when this one takes their place
    keeper: bytes = b""  # by which the server takes another share of the vault's key

    def view(self) -> RegistrationView:
        seen = (self.stage, self.via, self.mailbox, self.problem, self.attempts_left, self.note, self.authorize)
        return RegistrationView(*seen, self.until_ms)


@dataclass(frozen=True)
class _Login:
    device_id: bytes
    login_der: bytes


class Profile:
    """One person's folder on this machine.

    Args:
        folder: made (0700) where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self.vault_path = folder / "vault"
        self.store_path = folder / "store.db"

    def server(self) -> Server | None:
        return self._read("server", Server)

    def set_server(self, server: Server) -> None:
        write_file(self.folder / "server", records.encode(server))

    def pending(self) -> Pending | None:
        return self._read("pending", Pending)

    def set_pending(self, pending: Pending) -> None:
        write_file(self.folder / "pending", records.encode(pending))

    def erase_pending(self) -> None:
        erase_file(self.folder / "pending")

    def credentials(self) -> Credentials | None:
        """What logs in, readable without the PIN."""
        found = self._read("login", _Login)
        return None if found is None else Credentials(found.device_id, login_key(found.login_der))

    def set_credentials(self, keys: DeviceKeys) -> None:
        write_file(self.folder / "login", records.encode(_Login(keys.device_id, keys.login_der)))

    def endpoint(self) -> str:
        """Where this device is woken, readable without the PIN; "" where nowhere."""
        return (read_file(self.folder / "endpoint") or b"").decode("ascii", "replace")

    def set_endpoint(self, endpoint: str) -> None:
        if endpoint:
            write_file(self.folder / "endpoint", endpoint.encode("ascii"))
        else:
            erase_file(self.folder / "endpoint")

    def is_leaving(self) -> bool:
        """Whether this person asked to leave MiSS, and whether that came about is not known yet."""
        return read_file(self.folder / "leaving") is not None

    def set_leaving(self, leaving: bool) -> None:
        if leaving:
            write_file(self.folder / "leaving", b"1")
        else:
            erase_file(self.folder / "leaving")

    def wipe(self) -> None:
        """Erase all that this profile holds, the wrapped key first; only its theme and language stay."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name != "settings.json"]
        for path in sorted(files, key=lambda one: one != self.vault_path):
            erase_file(path)

    def forget_half_made(self) -> None:
        """Remove a vault and a store whose making was interrupted: no message was ever in them."""
        for path in (self.vault_path, self.store_path, *self.folder.glob("store.db-*")):
            erase_file(path)

    def settings(self) -> dict[str, str]:
        """What the screen should look like; nothing secret, so that it is known before the PIN."""
        data = read_file(self.folder / "settings.json")
        try:
            found = json.loads(data or b"{}")
            return DEFAULT_SETTINGS | {str(name): str(value) for name, value in found.items()}
        except (ValueError, AttributeError):
            return dict(DEFAULT_SETTINGS)

    def set_setting(self, name: str, value: str) -> None:
        changed = self.settings() | {name: value}
        write_file(self.folder / "settings.json", json.dumps(changed, indent=1).encode())

    def _read(self, name: str, kind: type[T]) -> T | None:
        data = read_file(self.folder / name)
        if data is None:
            return None
        try:
            return records.decode(kind, data)
        except RemoteError as error:
            raise Problem("store-damaged") from error


def login_key(der: bytes) -> ec.EllipticCurvePrivateKey:
    """The login key again; Problem("store-damaged") where it is none."""
    try:
        key = serialization.load_der_private_key(der, None)
    except ValueError as error:
        raise Problem("store-damaged") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Problem("store-damaged")
    return key
