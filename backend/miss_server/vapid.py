"""Who asks a push service to wake a device: the server's own key, and what it signs for each service (RFC 8292)."""

import base64
import hmac
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

_LABEL = b"MiSS vapid 1"
# The order of P-256 (SEC 2, section 2.4.2).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
TOKEN_SECONDS = 12 * 3_600  # RFC 8292 section 2: no more than 24 hours
REUSED_MS = 6 * 3_600_000


class Vapid:
    """The key that endpoints are bound to. It is made of the pepper: the same on every node, and after a new root.

    Args:
        pepper: the server's.
        subject: whom a push service may write to about this server, ``mailto:`` or ``https:`` (RFC 8292 section 2.1).
    """

    def __init__(self, pepper: bytes, subject: str) -> None:
        wide = hmac.digest(pepper, _LABEL + b" high", "sha256") + hmac.digest(pepper, _LABEL + b" low", "sha256")
        number = int.from_bytes(wide, "big") % (_ORDER - 1) + 1  # twice as wide as the order: no bias to speak of
        self._key = ec.derive_private_key(number, ec.SECP256R1())
        self._jwk = ECKey.import_key(self._key)
        self._subject = subject
        self._tokens: dict[str, tuple[str, int]] = {}
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public = base64.urlsafe_b64encode(point).decode().rstrip("=")

    def authorization(self, endpoint: str, now_ms: int) -> str:
        """The Authorization header of a push to this endpoint (RFC 8292 section 3)."""
        parsed = urlsplit(endpoint)
        audience = f"{parsed.scheme}://{parsed.netloc}"
        token, made_ms = self._tokens.get(audience, ("", 0))
        if not token or not 0 <= now_ms - made_ms < REUSED_MS:
            claims = {"aud": audience, "exp": now_ms // 1000 + TOKEN_SECONDS, "sub": self._subject}
            token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, self._jwk)
            self._tokens[audience] = (token, now_ms)
            while len(self._tokens) > 1_000:  # as many push services as that are somebody's mischief
                del self._tokens[next(iter(self._tokens))]
        return f"vapid t={token}, k={self.public}"
