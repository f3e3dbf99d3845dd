"""Unlocking a device from another one of the same person: what is asked, what is answered, and the digits both show.

The locked device holds nothing but its login key. It asks with a key made for this one question, signed by its login
key, which the approving device knows from the certificate it trusts: a server cannot put a key of its own into the
question. The answer is sealed to that key, and signed by the approving device over the very question it answers, so
that it fits no other device and no other time.
"""

import hashlib
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from miss_protocol import limits
from miss_protocol.errors import RemoteError
from miss_protocol.labels import (
    LABEL_UNLOCK_APPROVAL,
    LABEL_UNLOCK_REQUEST,
    labelled,
    sign_p256,
    verify_ed25519,
    verify_p256,
)
from miss_protocol.mls.codec import Writer, decode
from miss_protocol.mls.suite import PRODUCT_SUITE

NONCE_BYTES, SHARE_BYTES, PROOF_BYTES = 32, 32, 32
CODE_DIGITS = 4
_INFO = b"MiSS unlock 1"
_VERIFIER = b"MiSS vault verifier 1"


def verifier_of(proof: bytes) -> bytes:
    """What the server keeps of a proof: it recognises the proof and cannot make it."""
    return hashlib.sha256(_VERIFIER + proof).digest()


@dataclass(frozen=True)
class UnlockRequest:
    """A locked device asks its person's other devices to open it.

    ``key`` is an HPKE public key of which nobody but the asking process has the other half.
    """

    device_id: bytes
    nonce: bytes
    key: bytes
    at_ms: int
    signature: bytes = b""

    def content(self, server_id: bytes) -> bytes:
        return (
            Writer().fixed(server_id).fixed(self.device_id).fixed(self.nonce).opaque(self.key).u64(self.at_ms).bytes()
        )

    def sign(self, server_id: bytes, login_key: ec.EllipticCurvePrivateKey) -> Self:
        """The same, signed by the login key of the device that asks."""
        signature = sign_p256(login_key, LABEL_UNLOCK_REQUEST, self.content(server_id))
        return type(self)(self.device_id, self.nonce, self.key, self.at_ms, signature)

    def verify(self, server_id: bytes, login_key: bytes, now_ms: int) -> None:
        """Raises RemoteError("bad-signature"), or ("expired") where it was asked too long ago, or in the future."""
        verify_p256(login_key, LABEL_UNLOCK_REQUEST, self.content(server_id), self.signature)
        if self.late(now_ms):
            raise RemoteError("expired", "unlock request")

    def late(self, now_ms: int) -> bool:
        """Whether it was asked too long ago, or in the future."""
        age_ms, tolerance_ms = now_ms - self.at_ms, limits.CLOCK_TOLERANCE_MINUTES * 60_000
        return not -tolerance_ms <= age_ms <= limits.UNLOCK_REQUEST_SECONDS * 1000 + tolerance_ms

    def encode(self) -> bytes:
        out = Writer().fixed(self.device_id).fixed(self.nonce).opaque(self.key).u64(self.at_ms)
        return out.opaque(self.signature).bytes()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raises RemoteError("malformed")."""
        return decode(data, lambda r: cls(r.fixed(16), r.fixed(NONCE_BYTES), r.opaque(), r.u64(), r.opaque()))

    def digest(self, server_id: bytes) -> bytes:
        return hashlib.sha256(labelled(LABEL_UNLOCK_REQUEST, self.content(server_id))).digest()

    def code(self, server_id: bytes) -> str:
        """The digits that the locked screen shows and that its person types on the approving device."""
        return str(int.from_bytes(self.digest(server_id)[:8], "big") % 10**CODE_DIGITS).zfill(CODE_DIGITS)


@dataclass(frozen=True)
class UnlockApproval:
    """Another device's share, sealed to the key of one request."""

    device_id: bytes  # who approves
    encapsulation: bytes
    ciphertext: bytes
    signature: bytes = b""

    @classmethod
    def make(
        cls,
        request: UnlockRequest,
        server_id: bytes,
        share: bytes,
        device_id: bytes,
        signature_key: ed25519.Ed25519PrivateKey,
    ) -> Self:
        """Seal ``share`` to the request's key, and sign for this request alone; RemoteError where its key is unfit."""
        encapsulation, ciphertext = PRODUCT_SUITE.hpke.seal(request.key, _INFO + request.digest(server_id), share)
        bare = cls(device_id, encapsulation, ciphertext)
        signature = signature_key.sign(labelled(LABEL_UNLOCK_APPROVAL, bare.content(request, server_id)))
        return cls(device_id, encapsulation, ciphertext, signature)

    def content(self, request: UnlockRequest, server_id: bytes) -> bytes:
        out = Writer().fixed(request.digest(server_id)).fixed(self.device_id)
        return out.opaque(self.encapsulation).opaque(self.ciphertext).bytes()

    def verify(self, request: UnlockRequest, server_id: bytes, signature_key: bytes) -> None:
        """Raises RemoteError("bad-signature") unless this device approved this request."""
        verify_ed25519(signature_key, LABEL_UNLOCK_APPROVAL, self.content(request, server_id), self.signature)

    def open(self, request: UnlockRequest, server_id: bytes, private: bytes) -> bytes:
        """The share; RemoteError where it was sealed to another request."""
        info = _INFO + request.digest(server_id)
        return PRODUCT_SUITE.hpke.open(private, self.encapsulation, info, self.ciphertext)

    def encode(self) -> bytes:
        out = Writer().fixed(self.device_id).opaque(self.encapsulation).opaque(self.ciphertext)
        return out.opaque(self.signature).bytes()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raises RemoteError("malformed")."""
        return decode(data, lambda r: cls(r.fixed(16), r.opaque(), r.opaque(), r.opaque()))
