"""WebAuthn: passkeys are enrolled and prove who logs in, each time over a fresh challenge that is good once.

A challenge lives in this process for two minutes, for one purpose and one operator or link. The browser says which
challenge it signed; it is taken away before anything else is looked at, so that neither a failed nor a right answer can
be given twice.
"""

import json
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from miss_server import acts
from miss_server.console.operators import Operator, OperatorError, by_link, find, hashed, use_link
from miss_server.console.tables import operator_passkeys, operators

PASSKEYS_NEEDED = 2
PASSKEYS_MAX = 10
CHALLENGE_SECONDS = 120
CHALLENGES_MAX = 1_000
LABEL_CHARACTERS_MAX = 60
_CHALLENGE_BYTES = 32
_LOGIN = b"login"

Credential = dict[str, Any]


class Challenges:
    """Challenges that wait for an answer, the oldest forgotten first."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._waiting: OrderedDict[bytes, tuple[bytes, int]] = OrderedDict()

    def make(self, purpose: bytes) -> bytes:
        """A new challenge for one purpose."""
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        self._waiting[challenge] = (purpose, self._now_ms())
        if len(self._waiting) > CHALLENGES_MAX:
            self._waiting.popitem(last=False)
        return challenge

    def take(self, credential: Credential, purpose: bytes) -> bytes:
        """The challenge that this answer names, which is good no more.

        Raises:
            OperatorError: ``passkey-refused``: it was never given, not for this, given back already, or too long ago.
        """
        challenge = _named_challenge(credential)
        found, made_at_ms = self._waiting.pop(challenge, (b"", 0))
        if found != purpose or self._now_ms() - made_at_ms > CHALLENGE_SECONDS * 1000:
            raise OperatorError("passkey-refused")
        return challenge


class Passkeys:
    """What the console asks of authenticators, and what it makes of their answers.

    Args:
        origin: of the console, as browsers see it: ``https://console.example``.
        now_ms: the clock.
    """

    def __init__(self, origin: str, now_ms: Callable[[], int]) -> None:
        self._origin = origin
        self._rp_id = origin.split("://", 1)[1].partition(":")[0]
        self._now_ms = now_ms
        self._challenges = Challenges(now_ms)

    def login_options(self) -> str:
        """What the browser is to have signed; whose passkey it will be is not asked beforehand."""
        options = generate_authentication_options(
            rp_id=self._rp_id,
            challenge=self._challenges.make(_LOGIN),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json(options)

    def login(self, connection: Connection, credential: Credential) -> Operator:
        """The operator whose passkey signed.

        Raises:
            OperatorError: ``passkey-refused``.
        """
        challenge = self._challenges.take(credential, _LOGIN)
        k = operator_passkeys.c
        row = connection.execute(
            select(operator_passkeys, operators.c.handle)
            .join(operators, operators.c.operator == k.operator)
            .where(k.credential_id == _bytes(credential, "rawId"), operators.c.removed_at_ms.is_(None))
        ).first()
        response = credential.get("response", {})
        if row is None or _bytes(response, "userHandle") != bytes(row.handle):
            raise OperatorError("passkey-refused")
        try:
            verified = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                credential_public_key=bytes(row.public_key),
                credential_current_sign_count=row.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, TypeError, KeyError) as error:
            raise OperatorError("passkey-refused") from error
        now = self._now_ms()
        connection.execute(
            update(operator_passkeys)
            .where(k.credential_id == row.credential_id)
            .values(sign_count=verified.new_sign_count, used_at_ms=now)
        )
        operator = find(connection, row.operator)
        if operator is None:
            raise OperatorError("passkey-refused")
        acts.record(connection, who=operator.name, what="console-login", about=row.label, now_ms=now)
        return operator

    def options_by_link(self, connection: Connection, token: str) -> str:
        """What the browser is to make for whoever holds this one-time link.

        Raises:
            OperatorError: ``link-refused``.
        """
        return self._options(connection, by_link(connection, token, self._now_ms()), hashed(token), anew=True)

    def enrol_by_link(self, connection: Connection, token: str, credential: Credential, label: str) -> Operator:
        """The first passkey, by a link that is good no more.

        Raises:
            OperatorError: ``link-refused``, ``passkey-refused``.
        """
        challenge = self._challenges.take(credential, hashed(token))
        operator = use_link(connection, token, self._now_ms())
        return self._enrol(connection, operator, challenge, credential, label)

    def options(self, connection: Connection, operator: int) -> str:
        """What the browser is to make as this operator's further passkey.

        Raises:
            OperatorError: ``passkeys-full``.
        """
        found = find(connection, operator)
        if found is None or found.passkeys >= PASSKEYS_MAX:
            raise OperatorError("passkeys-full")
        return self._options(connection, found, _further(operator))

    def enrol(self, connection: Connection, operator: int, credential: Credential, label: str) -> Operator:
        """A further passkey of an operator who is logged in.

        Raises:
            OperatorError: ``passkey-refused``.
        """
        challenge = self._challenges.take(credential, _further(operator))
        found = find(connection, operator)
        if found is None or found.passkeys >= PASSKEYS_MAX:
            raise OperatorError("passkey-refused")
        return self._enrol(connection, found, challenge, credential, label)

    def remove(self, connection: Connection, operator: int, credential_id: bytes) -> None:
        """Takes a lost passkey away; two stay.

        Raises:
            OperatorError: ``passkeys-needed``, ``passkey-refused`` where it is not one of this operator's.
        """
        found = find(connection, operator)
        if found is None or found.passkeys <= PASSKEYS_NEEDED:
            raise OperatorError("passkeys-needed")
        k = operator_passkeys.c
        gone = connection.execute(
            delete(operator_passkeys).where(k.credential_id == credential_id, k.operator == operator).returning(k.label)
        ).first()
        if gone is None:
            raise OperatorError("passkey-refused")
        acts.record(connection, who=found.name, what="passkey-removed", about=gone.label, now_ms=self._now_ms())

    def _options(self, connection: Connection, operator: Operator, purpose: bytes, *, anew: bool = False) -> str:
        """``anew``: the authenticators that hold a passkey already may make another, for the ones before go."""
        k = operator_passkeys.c
        known = [] if anew else connection.scalars(select(k.credential_id).where(k.operator == operator.operator)).all()
        options = generate_registration_options(
            rp_id=self._rp_id,
            rp_name="MiSS",
            user_name=operator.name,
            user_display_name=operator.name,
            user_id=operator.handle,
            challenge=self._challenges.make(purpose),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=bytes(one)) for one in known],
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                require_resident_key=True,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
        return options_to_json(options)

    def _enrol(
        self, connection: Connection, operator: Operator, challenge: bytes, credential: Credential, label: str
    ) -> Operator:
        try:
            verified = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, TypeError, KeyError) as error:
            raise OperatorError("passkey-refused") from error
        k = operator_passkeys.c
        if connection.scalar(select(k.operator).where(k.credential_id == verified.credential_id)) is not None:
            raise OperatorError("passkey-refused")
        label = "".join(c for c in label if c.isprintable()).strip()[:LABEL_CHARACTERS_MAX] or "—"
        values = {"credential_id": verified.credential_id, "operator": operator.operator, "label": label}
        keys = {"public_key": verified.credential_public_key, "sign_count": verified.sign_count}
        connection.execute(insert(operator_passkeys).values(added_at_ms=self._now_ms(), **values, **keys))
        acts.record(connection, who=operator.name, what="passkey-added", about=label, now_ms=self._now_ms())
        found = find(connection, operator.operator)
        assert found is not None
        return found


def _further(operator: int) -> bytes:
    return b"further passkey of %d" % operator


def _bytes(fields: Any, name: str) -> bytes:
    """A field in base64url; empty where it is no such thing."""
    text = fields.get(name) if isinstance(fields, dict) else None
    try:
        return base64url_to_bytes(text) if isinstance(text, str) else b""
    except ValueError:
        return b""


def _named_challenge(credential: Credential) -> bytes:
    try:
        client = json.loads(_bytes(credential.get("response"), "clientDataJSON"))
    except (ValueError, RecursionError):
        return b""
    return _bytes(client, "challenge")
