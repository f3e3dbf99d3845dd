"""Labelled signatures: what is signed names its purpose, so that no signature can stand in the place of another."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Writer

LABEL_LOGIN = "MiSS login 1"
LABEL_REQUEST = "MiSS certificate request 1"
LABEL_ENDORSEMENT = "MiSS endorsement 1"
LABEL_LOG_HEAD = "MiSS log head 1"
LABEL_UNLOCK_REQUEST = "MiSS unlock request 1"
LABEL_UNLOCK_APPROVAL = "MiSS unlock approval 1"

ED25519_KEY_BYTES = 32
P256_KEY_BYTES = 33  # SEC1, compressed

# The encodings of the eight points of small order (RFC 7748 and RFC 8032 arithmetic: order 1, 2, 4 and 8, and their
# non-canonical forms). A key of small order accepts one signature for every message.
_P = 2**255 - 19
_ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _P, _P + 1, _ORDER_8_Y, _P - _ORDER_8_Y})


def labelled(label: str, content: bytes) -> bytes:
    """What is signed: the label first, so that no signature can stand in the place of another."""
    return Writer().text(label).opaque(content).bytes()


def check_ed25519_key(key: bytes) -> None:
    """Raises RemoteError("bad-key") unless this is a point that is not of small order."""
    if len(key) != ED25519_KEY_BYTES:
        raise RemoteError("bad-key", "an Ed25519 key has 32 bytes")
    if int.from_bytes(key, "little") & ((1 << 255) - 1) in _SMALL_ORDER_Y:
        raise RemoteError("bad-key", "small order")


def verify_ed25519(key: bytes, label: str, content: bytes, signature: bytes) -> None:
    """Raises RemoteError("bad-signature") unless ``signature`` is this key's over the labelled content."""
    check_ed25519_key(key)
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, labelled(label, content))
    except (InvalidSignature, ValueError) as error:
        raise RemoteError("bad-signature", label) from error


def verify_p256(key: bytes, label: str, content: bytes, signature: bytes) -> None:
    """The same for a login key (compressed SEC1 point, DER signature)."""
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
        public.verify(signature, labelled(label, content), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError) as error:
        raise RemoteError("bad-signature", label) from error


def sign_p256(key: ec.EllipticCurvePrivateKey, label: str, content: bytes) -> bytes:
    """A login key's signature over the labelled content, DER."""
    return key.sign(labelled(label, content), ec.ECDSA(hashes.SHA256()))


def p256_public(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half of a login key as certificates hold it."""
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)


def ed25519_public(key: ed25519.Ed25519PrivateKey) -> bytes:
    """The public half of a signature key, 32 bytes."""
    return key.public_key().public_bytes_raw()
