"""The typed code, and the QR code, by which a trusted device recognises a new one: hashes of its certificate request.

The code is computed from the request, so that a server that swaps the request's keys would have to find another request
with the same 80 bits, each try costing one scrypt, within the ten minutes a link is open. The QR code holds the typed
code, by which the request is found, and all 256 bits of a plain hash, in characters of a QR code's alphanumeric mode.
"""

import base64
import binascii
import hashlib
import hmac

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from miss_protocol.errors import RemoteError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
CODE_CHARACTERS = 17  # 16 that say 80 bits, and one that finds typing mistakes
GROUP_CHARACTERS = 4
CODE_BYTES = 10
LOOKUP_BYTES = 16
SCRYPT_COST, SCRYPT_BLOCK, SCRYPT_LANES = 1 << 15, 8, 1
QR_PREFIX = "MISS:LINK:"
_QR_LABEL = b"MiSS link QR 1"
_LOOKUP_LABEL = b"MiSS link lookup 1"
_FIELD = 0b100101  # x^5 + x^2 + 1, primitive: the powers of x in GF(32) tell 31 places apart
_FORGIVEN = str.maketrans("OIL", "011", " -\t\n\r.")


def code_of(request: bytes, server_id: bytes) -> str:
    """The code of an encoded certificate request, 17 characters in groups of four.

    Args:
        request: ``CertificateRequest.encode()`` as it travels.
        server_id: 32 bytes, so that a code says nothing on another server.
    """
    stretched = Scrypt(salt=server_id, length=CODE_BYTES, n=SCRYPT_COST, r=SCRYPT_BLOCK, p=SCRYPT_LANES).derive(request)
    number = int.from_bytes(stretched, "big")
    values = [number >> shift & 31 for shift in range(75, -1, -5)]
    return shown("".join(ALPHABET[value] for value in [*values, _check(values)]))


def qr_of(request: bytes, server_id: bytes, code: str) -> str:
    """What the QR code of an encoded certificate request says; ``code`` is the typed one."""
    digest = base64.b32encode(_qr_hash(request, server_id)).decode().rstrip("=")
    return f"{QR_PREFIX}{normalise(code)}:{digest}"


def read_qr(text: str) -> tuple[str, bytes]:
    """The typed code and the hash in what a QR code says; RemoteError("link-code-wrong") where it is another one."""
    parts = text.strip().removeprefix(QR_PREFIX).split(":")
    if not text.strip().startswith(QR_PREFIX) or len(parts) != 2:
        raise RemoteError("link-code-wrong", "not a link's QR code")
    try:
        digest = base64.b32decode(parts[1] + "=" * (-len(parts[1]) % 8))
    except (binascii.Error, ValueError) as error:
        raise RemoteError("link-code-wrong", "not a link's QR code") from error
    if len(digest) != hashlib.sha256().digest_size:
        raise RemoteError("link-code-wrong", "not a link's QR code")
    return normalise(parts[0]), digest


def fits(request: bytes, server_id: bytes, digest: bytes) -> bool:
    """Whether this is the request that a QR code's hash was made from."""
    return hmac.compare_digest(_qr_hash(request, server_id), digest)


def _qr_hash(request: bytes, server_id: bytes) -> bytes:
    return hashlib.sha256(_QR_LABEL + server_id + request).digest()


def shown(code: str) -> str:
    """A code as it is shown: groups of four with spaces between."""
    return " ".join(code[start : start + GROUP_CHARACTERS] for start in range(0, len(code), GROUP_CHARACTERS))


def normalise(code: str) -> str:
    """A typed code without spaces and dashes, in capitals, O as 0, I and L as 1.

    Raises:
        RemoteError: ``link-code-wrong`` where it cannot be a code, or its check character does not fit.
    """
    plain = code.upper().translate(_FORGIVEN)
    if len(plain) != CODE_CHARACTERS or any(one not in ALPHABET for one in plain):
        raise RemoteError("link-code-wrong", "not a link code")
    values = [ALPHABET.index(one) for one in plain]
    if _check(values[:-1]) != values[-1]:
        raise RemoteError("link-code-wrong", "check character")
    return plain


def lookup_of(code: str) -> bytes:
    """The 16 bytes under which the server keeps the request; they do not give the code back."""
    values = [ALPHABET.index(one) for one in normalise(code)[:-1]]
    number = 0
    for value in values:
        number = number << 5 | value
    return hashlib.sha256(_LOOKUP_LABEL + number.to_bytes(CODE_BYTES, "big")).digest()[:LOOKUP_BYTES]


def _check(values: list[int]) -> int:
    """A checksum in GF(32) that finds every single wrong character and every swap of two neighbours."""
    check = 0
    for value in values:
        check = _times_x(check ^ value)
    return check


def _times_x(value: int) -> int:
    doubled = value << 1
    return doubled ^ _FIELD if doubled & 32 else doubled
