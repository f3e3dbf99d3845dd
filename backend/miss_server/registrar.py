"""The registrar: a claimed identity becomes a certified device, or a refusal with its reason.

    opened ──► code ─────── right code ──────────► certified
       │        ▲ ▲ ▲                                  ▲
       ├─► browser ─┘ (Pro Santé Connect)              │
       │        │ └─── the operator telephones ◄──┐     │
       │        └──── approved, mailbox listed ◄─┤     │
       └─────► waiting (an operator decides) ────┴── approved on a proof seen
                                    └────────────► refused
    A person who has devices already is certified at once only where none was seen lately: ``second_check``.

Every method is one transaction's worth of work on a connection. A refusal is returned, not raised: a wrong code that
was counted stays counted. Certificates are made in the server's own process only: an operator's approval takes effect
when the waiting device asks again. Nothing before a proof looks at who already uses MiSS.
"""

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Row, insert, select, update

from miss_protocol.enrolment import CertificateRequest
from miss_protocol.errors import RemoteError
from miss_protocol.identity import Authority, DeviceCertificate, Professional
from miss_protocol.limits import CODE_MINUTES, CODE_TRIES_MAX
from miss_server import acts, certificate_log, codes, professionals, register, second_check, sign_ins, vouchers
from miss_server import charter as charters
from miss_server import rpps as rpps_number
from miss_server.extracts import PEOPLE
from miss_server.identity_checks import (
    APPROVAL_ALWAYS,
    MAILBOX,
    OPERATOR,
    PSC,
    VOUCHER,
    ByCode,
    ByOperator,
    Claim,
    VoucherClaim,
    judge,
)
from miss_server.psc_claims import SignedIn
from miss_server.refusals import Refusal
from miss_server.register_load import insert_missing
from miss_server.register_tables import people, registrations
from miss_server.registration_rows import (
    APPROVED,
    BROWSER,
    CERTIFIED,
    CODE,
    DELAYED,
    REFUSED,
    WAITING,
    Letter,
    Standing,
    hashed,
    lately,
    make_code,
    owned,
    put,
    read,
    standing_of,
    why_not,
)

CODES_PER_REGISTRATION_MAX = 4
CODES_MAILED_PER_PERSON_DAY_MAX = 12
REGISTRATIONS_OPEN_PER_PERSON_DAY_MAX = 20
_CODE_MS = CODE_MINUTES * 60_000

Enrol = Callable[[Connection, DeviceCertificate, str, int], None]


@dataclass(frozen=True)
class Opened:
    """A new registration and the secret that only its claimant holds."""

    standing: Standing
    secret: bytes


class Registrar:
    """Opens registrations, checks codes, and certifies.

    Args:
        authority, issuing_key: of this server.
        pepper: keys the hashes of codes; 32 bytes that are not in the database.
        now_ms: the clock, milliseconds since 1970.
        always: an operator decides every time.
        enrol: ``(connection, certificate, device name, now_ms)`` in the certifying transaction: writes the device and
            tells the person's other devices, or raises RemoteError with the reason why not.
        charter: the version that whoever registers must have accepted; "" where nothing is asked.
    """

    def __init__(
        self,
        authority: Authority,
        issuing_key: Ed25519PrivateKey,
        pepper: bytes,
        *,
        now_ms: Callable[[], int],
        always: bool = False,
        enrol: Enrol,
        charter: str = "",
    ) -> None:
        self._authority = authority
        self._issuing_key = issuing_key
        self._pepper = pepper
        self._now_ms = now_ms
        self._always = always
        self._enrol = enrol
        self._charter = charter

    @property
    def pepper(self) -> bytes:
        """Keys what is in nobody's hands but this server's."""
        return self._pepper

    def open(
        self, connection: Connection, claim: Claim, language: str, request: bytes, charter: str = ""
    ) -> Opened | Refusal:
        """Judges a claim; where it may go on, writes the registration and returns it.

        Args:
            claim: as typed; the number is read here.
            request: an encoded ``CertificateRequest``.
            charter: the version of the charter that was accepted.
        """
        if self._charter and (unfit := charters.check(self._charter, charter)):
            return unfit
        try:
            device_id = CertificateRequest.decode(request).device_id
        except RemoteError:
            return Refusal("bad-request")
        number = rpps_number.parse(claim.rpps)
        if number is None:
            return Refusal("number-malformed")
        if register.current(connection, PEOPLE) is None:
            return Refusal("register-missing")
        claim = replace(claim, rpps=number)
        entry = register.look_up(connection, number)
        same_name = register.homonyms(connection, entry, claim.profession) if entry else []
        now = self._now_ms()
        still_open, mailed = lately(connection, number, now)
        many = mailed >= CODES_MAILED_PER_PERSON_DAY_MAX
        verdict = judge(claim, entry, same_name, always=self._always, many=many)
        if isinstance(verdict, Refusal):
            return verdict
        if still_open >= REGISTRATIONS_OPEN_PER_PERSON_DAY_MAX:
            return Refusal("too-many-claims")
        return self._write(connection, claim, language, request, device_id, verdict, charter)

    def open_in_browser(
        self, connection: Connection, language: str, request: bytes, dialogue: sign_ins.Dialogue, charter: str = ""
    ) -> Opened | Refusal:
        """A registration of whoever signs in with Pro Santé Connect; who that is, is not known yet."""
        if self._charter and (unfit := charters.check(self._charter, charter)):
            return unfit
        try:
            device_id = CertificateRequest.decode(request).device_id
        except RemoteError:
            return Refusal("bad-request")
        if register.current(connection, PEOPLE) is None:
            return Refusal("register-missing")
        nobody = {"rpps": "", "family_name": "", "given_name": "", "profession": ""}
        asked: dict[str, Any] = {"language": language, "request": request, "device_id": device_id, "charter": charter}
        opened = self._insert(connection, **nobody, **asked, state=BROWSER, via=PSC)
        registration_id = opened.standing.registration_id
        sign_ins.begin(connection, registration_id, language, dialogue, self._now_ms())
        return opened

    def browser_back(self, connection: Connection, state: str) -> sign_ins.SignIn | None:
        """Which sign-in a browser comes back from, once; None where it is none that is awaited."""
        return sign_ins.take(connection, state, self._now_ms())

    def signed_in(self, connection: Connection, registration_id: bytes, who: SignedIn) -> str | Refusal:
        """Somebody signed in for a registration: the ticket that they carry back from the browser to their device.

        The register decides as for any other claim, and gives the names. The ticket is "" where an operator decides.
        """
        row = read(connection, registration_id)
        if row.state != BROWSER:
            return Refusal("psc-used")
        entry = register.look_up(connection, who.rpps)
        if entry is None or entry.gone_since_ms is not None or not entry.activities:
            reason = "unknown-number" if entry is None else "no-longer-practising"
            self._refuse(connection, row, reason)
            return Refusal(reason)
        practised = (code for code in who.professions if entry.activity_as(code) is not None)
        profession = next(practised, entry.activities[0].profession_code)
        names = {"family_name": entry.family_name, "given_name": entry.given_name}
        put(connection, registration_id, rpps=entry.rpps, profession=profession, **names)
        self._note(connection, "signed-in", registration_id, "with Pro Santé Connect")
        if self._always:
            put(connection, registration_id, state=WAITING, via=OPERATOR, why=APPROVAL_ALWAYS)
            return ""
        return make_code(connection, registration_id, self._pepper, self._now_ms(), via=PSC)

    def sign_in_failed(self, connection: Connection, registration_id: bytes, reason: str) -> None:
        """Nobody signed in: the registration ends with the reason, and another may be opened."""
        row = read(connection, registration_id)
        if row.state == BROWSER:
            self._refuse(connection, row, reason)

    def open_vouched(
        self, connection: Connection, claim: VoucherClaim, language: str, request: bytes, charter: str = ""
    ) -> Opened | Refusal:
        """A registration of whom an establishment's voucher attests; it certifies when the device asks again.

        Until then nothing is used up: an answer that is lost may be asked for again with the same voucher.
        """
        if self._charter and (unfit := charters.check(self._charter, charter)):
            return unfit
        try:
            device_id = CertificateRequest.decode(request).device_id
        except RemoteError:
            return Refusal("bad-request")
        names = (claim.family_name, claim.given_name)
        attested = vouchers.claim(connection, self._pepper, claim.code, *names, self._now_ms())
        if isinstance(attested, Refusal):
            return attested
        number, profession = attested.staff.number, attested.staff.profession_code
        about = professionals.describe(connection, number, profession)
        if isinstance(about, Refusal):
            return about
        who = {"rpps": number, "family_name": names[0], "given_name": names[1], "profession": profession}
        asked: dict[str, Any] = {"language": language, "request": request, "device_id": device_id, "charter": charter}
        state, why = (WAITING, APPROVAL_ALWAYS) if self._always else (APPROVED, "")
        opened = self._insert(connection, **who, **asked, state=state, why=why, via=VOUCHER)
        vouchers.reserve(connection, attested.voucher_id, opened.standing.registration_id)
        return opened

    def look(self, connection: Connection, registration_id: bytes, secret: bytes) -> Standing | Refusal | None:
        """Where the registration stands, by reading alone; None where something waits to take effect."""
        row = owned(connection, registration_id, secret)
        if row is None:
            return Refusal("registration-unknown")
        return None if row.state == APPROVED or self._is_due(row) else standing_of(row)

    def standing(self, connection: Connection, registration_id: bytes, secret: bytes) -> Standing | Refusal:
        """Where the registration stands; an approval given meanwhile, or a wait now over, takes effect, once."""
        row = owned(connection, registration_id, secret)
        if row is None:
            return Refusal("registration-unknown")
        r = registrations
        if self._is_due(row):
            ended = update(r).where(r.c.registration_id == registration_id, r.c.state == DELAYED)
            if connection.execute(ended.values(state=CERTIFIED)).rowcount == 1:
                return self._certify(connection, row, row.via)
        follows = CODE if row.via == MAILBOX else CERTIFIED
        moved = connection.execute(
            update(r).where(r.c.registration_id == registration_id, r.c.state == APPROVED).values(state=follows)
        )
        if moved.rowcount != 1:
            return standing_of(read(connection, registration_id))
        return (
            self._mail_code(connection, row)
            if follows == CODE
            else self._certify(connection, row, VOUCHER if row.via == VOUCHER else OPERATOR)
        )

    def enter_code(
        self, connection: Connection, registration_id: bytes, secret: bytes, typed: str
    ) -> Standing | Refusal:
        """Certifies on the right code. Each try is counted before it is compared, so that none is free."""
        row = owned(connection, registration_id, secret)
        if row is None:
            return Refusal("registration-unknown")
        now = self._now_ms()
        r = registrations
        this_code = (r.c.registration_id == registration_id, r.c.state == CODE, r.c.code_used_at_ms.is_(None))
        counted = connection.execute(
            update(r)
            .where(*this_code, r.c.code_tries < CODE_TRIES_MAX, r.c.code_made_at_ms > now - _CODE_MS)
            .values(code_tries=r.c.code_tries + 1)
        )
        row = read(connection, registration_id)
        if counted.rowcount != 1:
            return why_not(row)
        if not codes.matches(self._pepper, registration_id, typed, row.code_hash):
            return Refusal("code-exhausted" if row.code_tries >= CODE_TRIES_MAX else "code-wrong")
        used = connection.execute(update(r).where(*this_code).values(code_used_at_ms=now, state=CERTIFIED))
        if used.rowcount != 1:
            return Refusal("code-used")
        return self._certify(connection, row, row.via)

    def send_again(self, connection: Connection, registration_id: bytes, secret: bytes) -> Standing | Refusal:
        """A new code to the same mailbox; the one before is no longer good."""
        row = owned(connection, registration_id, secret)
        if row is None:
            return Refusal("registration-unknown")
        if row.state != CODE:
            return why_not(row)
        if row.via != MAILBOX:
            return Refusal("resend-by-browser" if row.via == PSC else "resend-by-operator")
        _, mailed = lately(connection, row.rpps, self._now_ms())
        if row.codes_made >= CODES_PER_REGISTRATION_MAX or mailed >= CODES_MAILED_PER_PERSON_DAY_MAX:
            return Refusal("resend-exhausted")
        return self._mail_code(connection, row)

    def mail_failed(self, connection: Connection, registration_id: bytes) -> None:
        """Notes that the mail with the code could not be handed over, for the claimant to be told."""
        connection.execute(
            update(registrations)
            .where(registrations.c.registration_id == registration_id)
            .values(mail_failed_at_ms=self._now_ms())
        )

    def _write(
        self,
        connection: Connection,
        claim: Claim,
        language: str,
        request: bytes,
        device_id: bytes,
        verdict: ByCode | ByOperator,
        charter: str,
    ) -> Opened:
        by_code = isinstance(verdict, ByCode)
        opened = self._insert(
            connection,
            **asdict(claim),
            language=language,
            request=request,
            device_id=device_id,
            state=CODE if by_code else WAITING,
            why="" if isinstance(verdict, ByCode) else verdict.why,
            via=MAILBOX if by_code else OPERATOR,
            mailbox=verdict.mailbox if isinstance(verdict, ByCode) else "",
            charter=charter,
        )
        row = read(connection, opened.standing.registration_id)
        return replace(opened, standing=self._mail_code(connection, row)) if by_code else opened

    def _insert(self, connection: Connection, **values: Any) -> Opened:
        registration_id, secret = secrets.token_bytes(16), secrets.token_bytes(32)
        values = {"why": "", "mailbox": "", **values, "opened_at_ms": self._now_ms()}
        ids = {"registration_id": registration_id, "secret_hash": hashed(secret)}
        connection.execute(insert(registrations).values(**ids, **values))
        self._note(connection, "opened", registration_id, f"{values['state']} {values['why']}")
        return Opened(standing_of(read(connection, registration_id)), secret)

    def _mail_code(self, connection: Connection, row: Row[Any]) -> Standing:
        code = make_code(connection, row.registration_id, self._pepper, self._now_ms(), via=MAILBOX)
        self._note(connection, "code-made", row.registration_id, "for the mailbox")
        letter = Letter(row.registration_id, row.mailbox, code, row.language)
        return replace(standing_of(read(connection, row.registration_id)), letter=letter)

    def _certify(self, connection: Connection, row: Row[Any], how: str) -> Standing:
        """The device's certificate, from what is known of the person today; its row is already marked as certified."""
        about = professionals.describe(connection, row.rpps, row.profession)
        if isinstance(about, Refusal):
            return self._refuse(connection, row, about.reason)
        now, checked_by = self._now_ms(), ""
        if how == VOUCHER:  # before anything waits, or is told to anybody, for its sake
            attested = vouchers.reserved(connection, row.registration_id, now)
            if isinstance(attested, Refusal):
                return self._refuse(connection, row, attested.reason)
        until_ms = second_check.wait_until(connection, row.rpps, now)
        if until_ms and not row.certify_from_ms:
            put(connection, row.registration_id, state=DELAYED, via=how)
            second_check.delay(connection, row, until_ms, now)
            return standing_of(read(connection, row.registration_id))
        if how == VOUCHER:
            attested = vouchers.redeem(connection, row.registration_id, now)
            if isinstance(attested, Refusal):
                return self._refuse(connection, row, attested.reason)
            checked_by = attested.establishment.name
            about = replace(about, place=attested.place)
        request = CertificateRequest.decode(row.request)
        who = about.known_by(how, now)
        person_id = _person(connection, row.rpps, {**who, "checked_by": checked_by}, now)
        if row.charter:
            charters.accept(connection, person_id, row.charter, row.opened_at_ms)
        professional = Professional(person_id=person_id, **about.names(), **who)
        certificate = certificate_log.issue(connection, self._authority, self._issuing_key, professional, request, now)
        second_check.replace(connection, row, certificate, now)
        self._enrol(connection, certificate, request.device_name, now)
        values = {"certified_at_ms": now, "person_id": person_id, "certificate": certificate.der}
        put(connection, row.registration_id, **values)
        self._note(connection, "certified", row.registration_id, f"by {how}")
        return standing_of(read(connection, row.registration_id))

    def _is_due(self, row: Row[Any]) -> bool:
        return bool(row.state == DELAYED and row.certify_from_ms <= self._now_ms())

    def _refuse(self, connection: Connection, row: Row[Any], reason: str) -> Standing:
        put(connection, row.registration_id, state=REFUSED, why=reason, decided_at_ms=self._now_ms())
        self._note(connection, "refused", row.registration_id, reason)
        return standing_of(read(connection, row.registration_id))

    def _note(self, connection: Connection, what: str, registration_id: bytes, more: str) -> None:
        about = f"{registration_id.hex()} {more}".strip()
        acts.record(connection, who="server", what=what, about=about, now_ms=self._now_ms())


def _person(connection: Connection, rpps: str, who: dict[str, Any], now_ms: int) -> bytes:
    """The person's id, which is the number's for ever; what the register and the check say of them is renewed."""
    fresh = secrets.token_bytes(16)
    insert_missing(connection, people, [{"person_id": fresh, "rpps": rpps, "created_at_ms": now_ms, **who}])
    person_id = connection.execute(select(people.c.person_id).where(people.c.rpps == rpps)).scalar_one()
    connection.execute(update(people).where(people.c.rpps == rpps).values(**who))
    return bytes(person_id)
