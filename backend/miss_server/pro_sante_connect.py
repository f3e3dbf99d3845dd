"""Pro Santé Connect as this server's client sees it: where to send a browser, and what its answer is worth.

OpenID Connect's code flow with PKCE (RFC 7636), state and nonce. The client's secret stays on the server: a device
gets an address to open, and never sees a token.
"""

import ssl
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import httpx

with warnings.catch_warnings(record=True):  # it says at import which HTTP library it would like better
    from authlib.common.errors import AuthlibBaseError
    from authlib.integrations.httpx_client import AsyncOAuth2Client

from miss_server.config import PSC_ENDPOINTS, Psc, safe
from miss_server.psc_claims import PscError, SignedIn, id_token, signed_userinfo, who
from miss_server.sign_ins import Dialogue

ASSURANCE_ASKED = "eidas1"
SECONDS_MAX = 10.0
ANSWER_BYTES_MAX = 256 * 1024
METADATA_SECONDS = 3_600.0


class ProSanteConnect:
    """The provider of these settings.

    Args:
        redirect_uri: where the browser comes back; registered with the provider.
        now_ms: the clock.
    """

    def __init__(self, settings: Psc, redirect_uri: str, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self.issuer = settings.issuer
        self._redirect_uri = redirect_uri
        self._now_ms = now_ms
        self._tls = ssl.create_default_context()
        self._metadata: dict[str, str] = {}
        self._read_at = 0.0

    async def address(self, dialogue: Dialogue) -> str:
        """Where the browser goes; PscError("psc-unreachable") where the provider does not say."""
        metadata = await self._endpoints()
        async with self._client() as client:
            address, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=dialogue.state,
                nonce=dialogue.nonce,
                code_verifier=dialogue.verifier,
                acr_values=ASSURANCE_ASKED,
            )
        return str(address)

    async def signed_in(self, dialogue: Dialogue, code: str) -> SignedIn:
        """Who came back with this code.

        Raises:
            PscError: why nobody did.
        """
        metadata = await self._endpoints()
        try:
            async with self._client() as client:
                token = await client.fetch_token(metadata["token_endpoint"], code=code, code_verifier=dialogue.verifier)
                keys = _json(await client.request("GET", metadata["jwks_uri"], withhold_token=True))
                claims = id_token(
                    token.get("id_token"),
                    keys,
                    issuer=self._settings.issuer,
                    client_id=self._settings.client_id,
                    nonce=dialogue.nonce,
                    now_ms=self._now_ms(),
                )
                answer = await client.get(metadata["userinfo_endpoint"])
        except AuthlibBaseError as error:
            raise PscError("psc-not-believed", str(error.error or type(error).__name__)[:100]) from error
        except httpx.HTTPError as error:
            raise PscError("psc-unreachable", type(error).__name__) from error
        return who(self._userinfo(answer, keys), claims.get("sub"))

    def _userinfo(self, answer: httpx.Response, keys: Mapping[str, Any]) -> Mapping[str, Any]:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if answer.status_code == httpx.codes.OK and kind == "application/jwt":
            issuer, client_id = self._settings.issuer, self._settings.client_id
            token = answer.text.strip()
            return signed_userinfo(token, keys, issuer=issuer, client_id=client_id, now_ms=self._now_ms())
        return _json(answer)

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self._settings.client_id,
            self._settings.secret(),
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106  # the name of a method
            scope=self._settings.scope,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            leeway=0,  # the access token is used at once, and lives a minute
            timeout=SECONDS_MAX,
            follow_redirects=False,
            verify=self._tls,
        )

    async def _endpoints(self) -> dict[str, str]:
        """The provider's addresses: as configured, else as its discovery document says, read again each hour."""
        if self._settings.endpoints:
            return self._settings.endpoints
        if self._metadata and time.monotonic() - self._read_at < METADATA_SECONDS:
            return self._metadata
        try:
            async with httpx.AsyncClient(timeout=SECONDS_MAX, verify=self._tls) as client:
                found = _json(await client.get(self._settings.discovery))
        except httpx.HTTPError as error:
            raise PscError("psc-unreachable", type(error).__name__) from error
        if found.get("issuer") != self._settings.issuer:
            raise PscError("psc-unreachable", "the discovery document is another issuer's")
        endpoints = {name: str(found.get(name) or "") for name in PSC_ENDPOINTS}
        if not all(safe(one) for one in endpoints.values()):
            raise PscError("psc-unreachable", "the discovery document lacks an endpoint on https")
        self._metadata, self._read_at = endpoints, time.monotonic()
        return endpoints


def _json(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != httpx.codes.OK or len(answer.content) > ANSWER_BYTES_MAX:
        raise PscError("psc-unreachable", f"status {answer.status_code}")
    try:
        found = answer.json()
    except ValueError as error:
        raise PscError("psc-not-believed", "an answer that is no JSON") from error
    if not isinstance(found, dict):
        raise PscError("psc-not-believed", "an answer that is no JSON object")
    return found
