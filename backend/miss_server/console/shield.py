"""What every request must be before it is looked at, and what every answer carries.

A request names the console's own host, else some other name was pointed at this address; and whatever changes something
comes from a page of the console itself, as the browser says. Pages load nothing that the console does not serve, run
nothing written inside them, and stand in no frame.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), "
    "microphone=(), geolocation=()",
    "X-Robots-Tag": "noindex",
}
ASSETS = "/assets/"
_SAFE = ("GET", "HEAD")


class Shield:
    """Stands before the application.

    Args:
        app: what answers.
        origin: of the console, as browsers see it.
    """

    def __init__(self, app: ASGIApp, origin: str) -> None:
        self._app = app
        self._origin = origin
        self._host = origin.split("://", 1)[1]
        _, _, port = self._host.partition(":")
        here = "127.0.0.1", "[::1]"
        self._numbers = [f"{one}:{port}" for one in here] if self._host.startswith("localhost:") else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def carry(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
                if self._origin.startswith("https:"):
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        await (self._turned_away(scope) or self._app)(scope, receive, carry)

    def _turned_away(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host != self._host:
            if host in self._numbers and scope["method"] in _SAFE:  # a passkey belongs to a name, not to an address
                return RedirectResponse(f"{self._origin}{scope['path']}", 307)
            return PlainTextResponse(f"Cette console est à l’adresse {self._origin} / This console is at it.\n", 421)
        if scope["method"] not in _SAFE and headers.get("origin") != self._origin:
            return PlainTextResponse("Demande venue d’un autre site. / Request from another site.\n", 403)
        return None
