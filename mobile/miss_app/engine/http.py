"""Talk HTTP to the server: one request, its answer, and every failure as a Problem."""

import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from miss_app.engine.problems import Problem
from miss_app.engine.reachability import SERVER_AWAY, reason_of
from miss_protocol.errors import RemoteError
from miss_protocol.identity import Authority
from miss_protocol.invitation import Invitation

_SECONDS_MAX = 20.0
_NAME_HEADER = "X-MiSS-Name"


class Http:
    """HTTP to one server.

    Args:
        invitation: which server.
        language: what the server's sentences should be in, ``fr`` or ``en``.
        ticket: gives the ticket of the logged-in socket; called with True when the last one was refused.
    """

    def __init__(
        self,
        invitation: Invitation,
        language: str,
        tls: ssl.SSLContext,
        ticket: Callable[[bool], Awaitable[str]] | None = None,
    ) -> None:
        self._ticket = ticket
        # A proxy named in the environment is honoured, except to this very machine.
        self._client = httpx.AsyncClient(
            base_url=invitation.http_url,
            verify=tls,
            timeout=_SECONDS_MAX,
            trust_env=not invitation.loopback,
            headers={"Accept-Language": language},
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        bearer: str | None = None,
        ticket: bool = False,
        allow: tuple[int, ...] = (),
    ) -> httpx.Response:
        """One request.

        Args:
            bearer: a token of one's own (a registration's or a link's secret).
            ticket: log in with the socket's ticket.
            allow: statuses that are answers here although they are errors elsewhere.

        Raises:
            Problem: the server's reason and sentence, or why it could not be reached.
        """
        renew = False
        while True:
            sent = dict(headers or {})
            if ticket and self._ticket is not None:
                sent["Authorization"] = f"Bearer {await self._ticket(renew)}"
            elif bearer is not None:
                sent["Authorization"] = f"Bearer {bearer}"
            try:
                answer = await self._client.request(
                    method, path, json=json, content=content, params=query, headers=sent
                )
            except httpx.HTTPError as error:
                raise Problem(reason_of(error)) from error
            if answer.status_code == 401 and ticket and not renew:
                renew = True
                continue
            if answer.is_success or answer.status_code in allow:
                return answer
            raise _refusal(answer)

    async def json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The same, for an answer that is a JSON object."""
        answer = await self.call(method, path, **options)
        return json_object(answer)

    async def authority(self, server_id: bytes) -> tuple[bytes, str]:
        """The registrar's certificates, checked against the invitation's fingerprint, and the server's public name.

        Raises:
            Problem: ``fingerprint-mismatch``, or why the server could not be reached.
        """
        answer = await self.call("GET", "/v1/authority")
        try:
            Authority.decode(answer.content, server_id=server_id)
        except RemoteError as error:
            mismatch = error.reason == "fingerprint-mismatch"
            raise Problem("fingerprint-mismatch" if mismatch else "server-not-understood") from error
        return answer.content, answer.headers.get(_NAME_HEADER, "")[:200]


def json_object(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; Problem("server-not-understood") where it is none."""
    try:
        found = answer.json()
    except ValueError as error:
        raise Problem("server-not-understood") from error
    if not isinstance(found, dict):
        raise Problem("server-not-understood")
    return found


def _refusal(answer: httpx.Response) -> Problem:
    try:
        said = answer.json()
        return Problem(str(said["reason"])[:100], str(said.get("sentence", ""))[:500])
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # not our server's words: a gateway's page
    if answer.status_code == 407:
        return Problem("proxy-refused")
    return Problem(SERVER_AWAY if answer.status_code >= 500 else "server-not-understood")
