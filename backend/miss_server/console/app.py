"""The wiring of the console: its rooms, its assets, and how each failure is shown.

A room is a module with a ``router`` whose every route depends on ``guard.allow(…)``, templates that extend
``layout.html``, lines in ``menu`` and words in ``texts``; it is listed in ``ROOMS``. Forms are plain posts, read by
``guard.fields`` and answered by a redirect (303) with ``?said=KEY``, where ``said-KEY`` is a text; htmx is for filters.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from miss_server import journal
from miss_server.buckets import Buckets
from miss_server.clock import now_ms
from miss_server.console import (
    entrance,
    establishment_sheets,
    home,
    import_room,
    log,
    people,
    review,
    roster,
    staff_room,
    texts,
)
from miss_server.console.guard import Elsewhere, Refused
from miss_server.console.operators import OperatorError
from miss_server.console.pages import FOLDER, language_for, render
from miss_server.console.passkeys import Passkeys
from miss_server.console.shield import Shield

ROOMS = (entrance, home, review, people, establishment_sheets, staff_room, import_room, log, roster)
COOKIE = "miss-console"
TRIES_AT_ONCE, TRY_EVERY_MS = 60, 2_000
_OPERATOR_ERRORS = {"passkey-refused": 403, "link-refused": 403}


def create_console(server: Any, origin: str) -> FastAPI:
    """The console of a server that runs in this process, on the same loop.

    Args:
        server: the state of the server's application: ``database``, ``doorbell``, ``keyring``, ``settings``.
        origin: as browsers see it.
    """
    app = FastAPI(title="MiSS", docs_url=None, redoc_url=None, openapi_url=None)
    state = app.state
    state.database, state.doorbell, state.keyring = server.database, server.doorbell, server.keyring
    state.settings, state.origin = server.settings, origin
    state.trusted_proxies = server.settings.trusted_proxies
    state.passkeys = Passkeys(origin, now_ms)
    state.cookie = f"__Host-{COOKIE}" if origin.startswith("https:") else COOKIE
    state.entrance_buckets = Buckets("console", TRIES_AT_ONCE, TRY_EVERY_MS, now_ms)
    for room in ROOMS:
        app.include_router(room.router)
    app.mount("/assets", StaticFiles(directory=FOLDER / "assets"))
    _show_failures(app)
    app.add_middleware(Shield, origin=origin)
    return app


def _show_failures(app: FastAPI) -> None:
    """Every failure is a page, or a sentence for the page's script; a traceback goes to the log only."""

    @app.exception_handler(Elsewhere)
    async def elsewhere(request: Request, error: Elsewhere) -> Response:
        if _by_script(request):
            return _refusal(request, 401, "log-in-again")
        if request.headers.get("hx-request"):
            return Response(headers={"HX-Redirect": error.path})
        return RedirectResponse(error.path, 303)

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return _refusal(request, error.status, error.key, **error.fields)

    @app.exception_handler(OperatorError)
    async def operator(request: Request, error: OperatorError) -> Response:
        return _refusal(request, _OPERATOR_ERRORS.get(error.reason, 409), error.reason, **error.fields)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, _: RequestValidationError) -> Response:
        return _refusal(request, 400, "form-malformed")

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        return _refusal(request, error.status_code, "not-found" if error.status_code == 404 else "form-malformed")

    @app.middleware("http")
    async def unforeseen(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        try:
            return await answer(request)
        except Exception as error:  # whatever it is, the person gets a sentence and the log its place
            journal.failure("console-failed", error)
            return _refusal(request, 500, "internal")


def _by_script(request: Request) -> bool:
    return request.headers.get("accept", "") == "application/json"


def _refusal(request: Request, status: int, key: str, **fields: object) -> Response:
    if _by_script(request):
        return JSONResponse({"sentence": texts.say(key, language_for(request), **fields)}, status)
    return render(request, "refused.html", status, key=key, fields=fields)
