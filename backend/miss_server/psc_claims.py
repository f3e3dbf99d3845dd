"""What Pro Santé Connect says about who signed in: tokens whose signature, audience and time hold, and claims read.

Two kinds of tokens are read, with the provider's public keys: the ID token (OpenID Connect Core section 3.1.3.7) and a
userinfo answer that is signed. Only asymmetric signatures are accepted, so that neither ``none`` nor the client's own
secret can sign in anybody's place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from miss_server import rpps as rpps_number

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
ASSURANCE = frozenset({"eidas1", "eidas2", "eidas3"})  # what is asked is the least: the answer may be more
LEEWAY_SECONDS = 60
RPPS, JWE_PARTS = "RPPS", 5
_OTHER_IDS = ("otherIds", "otherIDs")  # both spellings are in use


class PscError(Exception):
    """A sign-in that is not taken; ``reason`` is one of ``refusals``, ``detail`` is for the log and names nobody."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class SignedIn:
    """Who signed in: the RPPS number, and the professions exercised as codes of TRE_G15."""

    rpps: str
    professions: tuple[str, ...]


def id_token(
    token: object, keys: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now_ms: int
) -> dict[str, Any]:
    """The claims of an ID token.

    Args:
        token: as the token endpoint gave it.
        keys: the provider's published key set.
        nonce: of the request that this must answer.

    Raises:
        PscError: ``psc-not-believed``.
    """
    claims = _signed(token, keys)
    expected: dict[str, Any] = {name: {"essential": True} for name in ("sub", "exp", "iat")}
    for name, value in (("iss", issuer), ("aud", client_id), ("nonce", nonce)):
        expected[name] = {"essential": True, "value": value}
    _validate(jwt.JWTClaimsRegistry(now=now_ms // 1000, leeway=LEEWAY_SECONDS, **expected), claims)
    audience = claims["aud"]
    if isinstance(audience, list) and audience != [client_id] and claims.get("azp") != client_id:
        raise PscError("psc-not-believed", "azp")
    if claims.get("azp", client_id) != client_id:
        raise PscError("psc-not-believed", "azp")
    if claims.get("acr") not in ASSURANCE:
        raise PscError("psc-not-believed", "acr")
    return claims


def signed_userinfo(token: str, keys: Mapping[str, Any], *, issuer: str, client_id: str, now_ms: int) -> dict[str, Any]:
    """The claims of a userinfo answer of type application/jwt (OpenID Connect Core section 5.3.2).

    Raises:
        PscError: ``psc-encrypted`` where it is encrypted, else ``psc-not-believed``.
    """
    if token.count(".") == JWE_PARTS - 1:
        raise PscError("psc-encrypted", "userinfo is a JWE")
    claims = _signed(token, keys)
    given = [name for name in ("iss", "aud") if name in claims]
    values = {"iss": issuer, "aud": client_id}
    options: dict[str, Any] = {name: {"essential": True, "value": values[name]} for name in given}
    _validate(jwt.JWTClaimsRegistry(now=now_ms // 1000, leeway=LEEWAY_SECONDS, **options), claims)
    return claims


def who(userinfo: Mapping[str, Any], subject: object) -> SignedIn:
    """Who a userinfo answer is about.

    Args:
        userinfo: its claims.
        subject: the ``sub`` of the ID token, which must be the same (OpenID Connect Core section 5.3.2).

    Raises:
        PscError: ``psc-not-believed``, ``psc-no-number``, ``psc-two-numbers`` or ``psc-no-exercise``.
    """
    if not isinstance(subject, str) or userinfo.get("sub") != subject:
        raise PscError("psc-not-believed", "userinfo of another subject")
    numbers = _numbers(userinfo)
    if not numbers:
        raise PscError("psc-no-number", "neither SubjectNameID nor otherIds holds an RPPS number")
    if len(numbers) > 1:
        raise PscError("psc-two-numbers", "SubjectNameID and otherIds differ")
    exercises = userinfo.get("SubjectRefPro")
    found = exercises.get("exercices") if isinstance(exercises, Mapping) else None
    if not isinstance(found, Sequence) or isinstance(found, str) or not found:
        raise PscError("psc-no-exercise", "exercices is empty")
    codes = [str(one.get("codeProfession") or "") for one in found if isinstance(one, Mapping)]
    return SignedIn(numbers.pop(), tuple(code for code in codes if code))


def _numbers(userinfo: Mapping[str, Any]) -> set[str]:
    """Every RPPS number an answer holds: the national identifier, and what ``otherIds`` says is one."""
    written: list[object] = []
    national = userinfo.get("SubjectNameID")
    if isinstance(national, str) and len(national) == rpps_number.DIGITS + 1:  # with an ADELI number it is shorter
        written.append(national)
    for name in _OTHER_IDS:
        others = userinfo.get(name)
        for one in others if isinstance(others, list) else []:
            if isinstance(one, Mapping) and str(one.get("origine") or "").upper() == RPPS:
                written.append(one.get("identifiant"))
    parsed = (rpps_number.parse(one) for one in written if isinstance(one, str))
    return {number for number in parsed if number is not None}


def _signed(token: object, keys: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(token, str):
        raise PscError("psc-not-believed", "no token")
    try:
        published = KeySet.import_key_set({"keys": _public(keys)})
        claims = jwt.decode(token, published, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise PscError("psc-not-believed", type(error).__name__) from error
    return claims


def _public(keys: Mapping[str, Any]) -> list[Any]:
    """The published keys that may sign: never a symmetric one, and none that is there for encryption."""
    found = keys.get("keys")
    listed = found if isinstance(found, list) else []
    return [
        one for one in listed if isinstance(one, dict) and one.get("kty") in ("RSA", "EC") and one.get("use") != "enc"
    ]


def _validate(expected: jwt.JWTClaimsRegistry, claims: dict[str, Any]) -> None:
    try:
        expected.validate(claims)
    except JoseError as error:
        raise PscError("psc-not-believed", str(error.description or type(error).__name__)[:100]) from error
