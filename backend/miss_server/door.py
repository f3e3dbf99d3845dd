"""What every request passes on its way in and out: no other sites' pages, no endless bodies, strict headers.

Clients of ours are no browsers and send no Origin. The few pages there are (refusing invitations, the return from Pro
Santé Connect) are this server's own and need no other origin than its own.
"""

import asyncio
import json
from collections.abc import MutableMapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from miss_server.answers import Denied, sentence
from miss_server.config import Network
from miss_server.meters import Meters
from miss_server.refusals import ENGLISH, FRENCH

REQUEST_SECONDS_MAX = 120
_ALWAYS = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}
_TLS_ONLY = b"max-age=63072000"


class Door:
    """Stands before the application.

    Args:
        tls: whether people reach this server by HTTPS, here or at a proxy.
        proxies: where it speaks HTTP without TLS, who alone may: whoever brings the TLS of others, and this machine.
    """

    def __init__(self, app: ASGIApp, meters: Meters, tls: bool, proxies: Sequence[Network] = ()) -> None:
        self._app = app
        self._proxies = proxies
        self._meters = meters
        self._headers = _ALWAYS | ({b"strict-transport-security": _TLS_ONLY} if tls else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        foreign = "foreign-origin" if _is_foreign(scope) else ""
        if self._proxies and not foreign and not self._is_brought(scope):
            foreign = "not-encrypted"
        if scope["type"] == "websocket":
            if foreign:
                self._meters.closed["origin"] += 1
                await send({"type": "websocket.close", "code": 1008})  # before accept: answered 403
                return
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._meters.answered[f"{message['status'] // 100}xx"] += 1
                headers = list(message.get("headers", ()))
                there = {name.lower() for name, _ in headers}
                message["headers"] = headers + [one for one in self._headers.items() if one[0] not in there]
            await send(message)

        if foreign:
            await _refuse(scope, answer, 403, foreign)
            return
        until = asyncio.get_running_loop().time() + REQUEST_SECONDS_MAX
        begun = False

        async def hear() -> Message:
            """The body's next piece; a body that has not ended by then is refused."""
            nonlocal begun
            if begun:  # the body has ended: what is waited for now is that the client goes
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise Denied(408, "too-slow", {"Connection": "close"}) from None
            begun = not message.get("more_body", False)
            return message

        await self._app(scope, hear, answer)

    def _is_brought(self, scope: Scope) -> bool:
        """Whether a request comes from this machine, or from a proxy that is trusted."""
        try:
            peer = ip_address((scope.get("client") or ("", 0))[0])
        except ValueError:
            return False
        return peer.is_loopback or any(peer in network for network in self._proxies)


def _is_foreign(scope: MutableMapping[str, Any]) -> bool:
    """Whether a browser asks for a page that is not this server's."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin")
    if origin is None:
        return False
    host = headers.get(b"host", b"").decode("latin-1").lower()
    try:
        return urlsplit(origin.decode("latin-1").lower()).netloc != host or not host
    except ValueError:  # half an IPv6 address, say
        return True


async def _refuse(scope: Scope, send: Send, status: int, reason: str) -> None:
    asked = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1").strip().lower()
    words = sentence(reason, ENGLISH if asked.startswith(ENGLISH) else FRENCH)
    body = json.dumps({"reason": reason, "sentence": words}, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
