"""The way in: login by passkey, enrolment by a one-time link, one's own passkeys, language, and the way out."""

import json
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy import Connection, select

from miss_server.buckets import granted
from miss_server.clock import now_ms
from miss_server.console import sessions
from miss_server.console.guard import EVERYBODY, FORM_BYTES_MAX, Refused, allow, fields, session_token
from miss_server.console.operators import Operator
from miss_server.console.pages import LANGUAGE_COOKIE, render
from miss_server.console.passkeys import PASSKEYS_NEEDED, Passkeys
from miss_server.console.sessions import FRESH_MINUTES, Visitor
from miss_server.console.tables import operator_passkeys
from miss_server.refusals import ENGLISH, FRENCH

router = APIRouter()
Anybody = Annotated[Visitor, Depends(allow(*EVERYBODY))]
Enrolling = Annotated[Visitor, Depends(allow(*EVERYBODY, enrolled=False))]


@router.get("/login")
async def login_page(request: Request) -> Response:
    return render(request, "login.html")


@router.post("/login/options")
async def login_options(request: Request) -> Response:
    await _slowly(request)
    return Response(_passkeys(request).login_options(), media_type="application/json")


@router.post("/login/passkey")
async def login(request: Request) -> Response:
    """A right answer opens a session."""
    await _slowly(request)
    body = await _json(request)

    def enter(connection: Connection) -> str:
        operator = _passkeys(request).login(connection, body.get("credential", {}))
        return sessions.open_session(connection, operator.operator, now_ms())

    return _entered(request, await request.app.state.database.run(enter))


@router.get("/enrol")
async def enrol_page(request: Request) -> Response:
    """Where a one-time link leads; its secret stands behind a # and is sent in bodies only."""
    return render(request, "enrol.html")


@router.post("/enrol/options")
async def enrol_options(request: Request) -> Response:
    await _slowly(request)
    token = _token(await _json(request))
    options = await request.app.state.database.read(_passkeys(request).options_by_link, token)
    return Response(options, media_type="application/json")


@router.post("/enrol/passkey")
async def enrol(request: Request) -> Response:
    """The first passkey opens a session, in which the second one is enrolled."""
    await _slowly(request)
    body = await _json(request)

    def enter(connection: Connection) -> str:
        found = _passkeys(request).enrol_by_link(
            connection, _token(body), body.get("credential", {}), str(body.get("label", ""))
        )
        return sessions.open_session(connection, found.operator, now_ms())

    return _entered(request, await request.app.state.database.run(enter))


@router.get("/passkeys")
async def passkeys_page(request: Request, visitor: Enrolling) -> Response:
    def read(connection: Connection) -> list[Any]:
        k = operator_passkeys.c
        query = select(k.credential_id, k.label, k.added_at_ms, k.used_at_ms).where(k.operator == visitor.operator)
        return list(connection.execute(query.order_by(k.added_at_ms)).all())

    found = await request.app.state.database.read(read)
    return render(
        request,
        "passkeys.html",
        passkeys=found,
        lacking=len(found) < PASSKEYS_NEEDED,
        spare=len(found) > PASSKEYS_NEEDED,
    )


@router.post("/passkeys/options")
async def further_options(request: Request, visitor: Enrolling) -> Response:
    _fresh(visitor)
    options = await request.app.state.database.read(_passkeys(request).options, visitor.operator)
    return Response(options, media_type="application/json")


@router.post("/passkeys/passkey")
async def further(request: Request, visitor: Enrolling) -> Response:
    """A further passkey, for who has just logged in."""
    _fresh(visitor)
    body = await _json(request)

    def enrol(connection: Connection) -> Operator:
        label = str(body.get("label", ""))
        return _passkeys(request).enrol(connection, visitor.operator, body.get("credential", {}), label)

    await request.app.state.database.run(enrol)
    return JSONResponse({"next": "/passkeys?said=passkey-added"})


@router.post("/passkeys/remove")
async def remove_passkey(request: Request, visitor: Anybody) -> Response:
    """A lost passkey goes, where two others stay."""
    _fresh(visitor)
    try:
        credential_id = bytes.fromhex((await fields(request)).get("passkey", ""))
    except ValueError:
        raise Refused(400, "form-malformed") from None
    await request.app.state.database.run(_passkeys(request).remove, visitor.operator, credential_id)
    return RedirectResponse("/passkeys?said=passkey-removed", 303)


@router.post("/logout")
async def logout(request: Request, _: Enrolling) -> Response:
    await request.app.state.database.run(sessions.close_session, session_token(request))
    answer = RedirectResponse("/login?said=logged-out", 303)
    answer.delete_cookie(request.app.state.cookie)
    return answer


@router.post("/language")
async def choose_language(request: Request) -> Response:
    """Keeps the language in this browser, and shows the page again."""
    chosen = (await fields(request)).get("language", "")
    if chosen not in (FRENCH, ENGLISH):
        raise Refused(400, "form-malformed")
    path = urlsplit(request.headers.get("referer", "")).path
    back = path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
    answer = RedirectResponse(back, 303)
    secure = request.app.state.origin.startswith("https:")
    answer.set_cookie(LANGUAGE_COOKIE, chosen, max_age=31_536_000, httponly=True, samesite="strict", secure=secure)
    return answer


def _entered(request: Request, token: str) -> Response:
    answer = JSONResponse({"next": "/"})
    secure = request.app.state.origin.startswith("https:")
    answer.set_cookie(request.app.state.cookie, token, path="/", httponly=True, samesite="strict", secure=secure)
    return answer


def _fresh(visitor: Visitor) -> None:
    """A stolen session must not become a passkey: only who has just proved to be there adds one."""
    if now_ms() - visitor.opened_at_ms > FRESH_MINUTES * 60_000:
        raise Refused(403, "log-in-again")


async def _slowly(request: Request) -> None:
    if not await granted(request, request.app.state.entrance_buckets):
        raise Refused(429, "too-many-tries")


def _passkeys(request: Request) -> Passkeys:
    passkeys: Passkeys = request.app.state.passkeys
    return passkeys


def _token(body: dict[str, Any]) -> str:
    token = body.get("token")
    return token if isinstance(token, str) else ""


async def _json(request: Request) -> dict[str, Any]:
    """The object that a page's script sent.

    Raises:
        Refused: it is too long, or none.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_BYTES_MAX:
            raise Refused(413, "form-too-long")
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "form-malformed") from error
    if not isinstance(read, dict) or not isinstance(read.get("credential", {}), dict):
        raise Refused(400, "form-malformed")
    return read
