"""Inviting over HTTP, and the page by which whoever was invited refuses it for ever."""

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from miss_protocol.invitation import Invitation
from miss_server import invites
from miss_server.answers import language_of
from miss_server.clock import now_ms
from miss_server.config import Settings
from miss_server.devices import Device
from miss_server.invite_mail import compose
from miss_server.invites import InviteLetter
from miss_server.refusals import ENGLISH, Refusal
from miss_server.registration_routes import PlainRoute, Refused, body_of
from miss_server.tickets import require_device

router = APIRouter(route_class=PlainRoute)
Caller = Annotated[Device, Depends(require_device)]
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",  # the address is a secret
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
# Title, sentence, and the button where there is something to do.
_ASK = (
    ("Ne plus recevoir d’invitation", "Plus aucune invitation à MiSS ne vous sera envoyée, de personne.", "Confirmer"),
    ("No more invitations", "No invitation to MiSS will be sent to you any more, from anybody.", "Confirm"),
)
_DONE = (
    ("C’est noté", "Vous ne recevrez plus jamais d’invitation à MiSS.", ""),
    ("Noted", "You will never receive an invitation to MiSS again.", ""),
)
_UNKNOWN = (
    ("Lien inconnu", "Ce lien n’est pas, ou n’est plus, connu. Recopiez-le en entier depuis le message reçu.", ""),
    ("Unknown link", "This link is not known, or no longer. Copy it whole from the mail you received.", ""),
)


class InviteBody(BaseModel):
    """POST /v1/invites."""

    model_config = ConfigDict(extra="forbid", strict=True)
    invite: Annotated[str, StringConstraints(min_length=1, max_length=200)]


@router.post("/v1/invites")
async def invite(request: Request, device: Caller, later: BackgroundTasks) -> Response:
    """The asking person invites somebody of the register."""
    body = InviteBody.model_validate_json(await body_of(request))
    state = request.app.state
    done = await state.database.run(invites.invite, device.person_id, body.invite, state.keyring.pepper, now_ms())
    if isinstance(done, Refusal):
        raise Refused(done.reason)
    if done.letter is not None:
        later.add_task(_mail, request, done.letter)
    return JSONResponse({"state": done.state}, background=later)


@router.get("/invites/{secret}")
async def ask(request: Request, secret: str) -> Response:
    """Asks to confirm: reading a page refuses nothing, for mail filters read every link."""
    known = await request.app.state.database.read(invites.refusable, _secret(secret))
    return _page(request, _ASK if known else _UNKNOWN, 200 if known else 404)


@router.post("/invites/{secret}")
async def refuse(request: Request, secret: str) -> Response:
    """No further invitation, for ever; twice is once."""
    known = await request.app.state.database.run(invites.refuse, _secret(secret), now_ms())
    return _page(request, _DONE if known else _UNKNOWN, 200 if known else 404)


async def _mail(request: Request, letter: InviteLetter) -> None:
    state = request.app.state
    settings: Settings = state.settings
    name, port = settings.public(_port(settings))
    server = Invitation(name, port, state.keyring.authority.server_id)
    secret = base64.urlsafe_b64encode(letter.secret).decode().rstrip("=")
    message = compose(letter.address, state.mail.sender, server.link(), f"{server.http_url}/invites/{secret}")
    if not await state.mail.hand_over(message, "invite"):
        await state.database.run(invites.mail_failed, letter.rpps)


def _port(settings: Settings) -> int:
    """The port this server listens on, which it may have been left to choose."""
    return settings.port or int(settings.listening.read_text("ascii").strip().rpartition(":")[2])


def _secret(text: str) -> bytes:
    """The bytes of a link's secret; what is none is as unknown as any."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _page(request: Request, words: tuple[tuple[str, str, str], tuple[str, str, str]], status: int) -> Response:
    """A page of fixed words: nothing of the request is in it."""
    language = language_of(request)
    title, sentence, button = words[1] if language == ENGLISH else words[0]
    form = f'<form method="post"><button type="submit">{button}</button></form>' if button else ""
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{title} – MiSS</title></head><body><main><h1>{title}</h1><p>{sentence}</p>{form}</main></body></html>"
    )
    return HTMLResponse(html, status, headers=_HEADERS)
