"""The invitation: one link that says where a server is and which registrar to expect there."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Self

from miss_protocol.errors import RemoteError

SCHEME = "miss://"
DEFAULT_PORT = 443
SERVER_ID_BYTES = 32
LINK_CHARACTERS_MAX = 400
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_LINK = re.compile(
    r"miss://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)"
    r"(?::(?P<port>[0-9]{1,5}))?/?#(?P<server_id>[0-9A-Fa-f]{64})"
)


@dataclass(frozen=True)
class Invitation:
    """Where to go, and whom to trust there.

    Args:
        host: a domain name or an address, IPv6 without brackets.
        port: 1 to 65535.
        server_id: SHA-256 of the root certificate, 32 bytes.
    """

    host: str
    port: int
    server_id: bytes

    @property
    def loopback(self) -> bool:
        """Whether plain HTTP is right: the server is on this very machine."""
        return self.host in LOOPBACK

    @property
    def authority(self) -> str:
        """Host and port as a URL writes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORT else f"{host}:{self.port}"

    @property
    def http_url(self) -> str:
        """Where HTTP requests go, without a trailing slash."""
        return f"http://{self._with_port}" if self.loopback else f"https://{self.authority}"

    @property
    def websocket_url(self) -> str:
        """Where the websocket is opened."""
        return (f"ws://{self._with_port}" if self.loopback else f"wss://{self.authority}") + "/v1/socket"

    @property
    def _with_port(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def link(self) -> str:
        """The link as it is shown, scanned and pasted."""
        return f"{SCHEME}{self.authority}#{self.server_id.hex()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The invitation in a link that a person pasted; blanks around it, and line breaks in it, are forgiven.

        Raises:
            RemoteError: ``invitation-malformed``.
        """
        found = _LINK.fullmatch("".join(text.split())) if len(text) <= LINK_CHARACTERS_MAX else None
        if found is None:
            raise RemoteError("invitation-malformed", "miss://NAME[:PORT]#FINGERPRINT is expected")
        host = found["host"].lower()
        port = int(found["port"] or DEFAULT_PORT)
        if not 0 < port < 65536 or ".." in host:
            raise RemoteError("invitation-malformed", "host or port")
        if host.startswith("["):
            host = _ipv6(host[1:-1])
        return cls(host, port, bytes.fromhex(found["server_id"]))


def _ipv6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError as error:
        raise RemoteError("invitation-malformed", "IPv6 address") from error
