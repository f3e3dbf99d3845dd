"""A registrar and certified devices, made with the protocol's own functions, for tests that need no server."""

import secrets
import time
from dataclasses import dataclass

from miss_app.engine.profile import DeviceKeys, login_key
from miss_protocol.identity import (
    LABEL_ENDORSEMENT,
    Authority,
    AuthorityKeys,
    CertificateRequest,
    DeviceCertificate,
    Endorsement,
    Professional,
    certify,
    endorsement_content,
    labelled,
    make_authority,
)

NOW_MS = time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Certified:
    """A device with its keys and certificate."""

    keys: DeviceKeys
    certificate: DeviceCertificate


class Registrar:
    """Certifies whom it is told to."""

    def __init__(self) -> None:
        made: tuple[Authority, AuthorityKeys] = make_authority("test", NOW_MS)
        self.authority, self.keys = made

    def person(self, name: str) -> Professional:
        """A fictional professional."""
        person_id = secrets.token_bytes(16)
        return Professional(
            person_id, f"Dr {name} Fictif", "Fictif", name, "", "10", "Médecin", "Cabinet Fictif", "mailbox", NOW_MS
        )

    def device(self, who: Professional, endorser: Certified | None = None, *, forged: bool = False) -> Certified:
        """A device of somebody, endorsed by another of their devices or by nobody; ``forged`` breaks the endorsement."""
        keys = DeviceKeys.make("test")
        login = login_key(keys.login_der)
        request = CertificateRequest.decode(
            CertificateRequest.sign(keys.device_id, "test", keys.signature_key, login).encode()
        )
        endorsement = None
        if endorser is not None:
            signed = who.person_id if not forged else bytes(16)
            content = endorsement_content(signed, request.device_id, request.signature_key, request.login_key)
            signature = endorser.keys.signature_key.sign(labelled(LABEL_ENDORSEMENT, content))
            endorsement = Endorsement(endorser.keys.device_id, signature)
        certificate = certify(self.authority, self.keys.issuing, who, request, NOW_MS, endorsement)
        return Certified(keys, certificate)
