"""Where a browser comes back from Pro Santé Connect: a short page that shows the ticket to carry back into MiSS.

The ticket is shown to whoever signed in, and asked for by the device that opened the registration. An address that
somebody else was led to open ends on that person's screen: without the ticket, the device that began it gets nothing.
"""

import base64
import hashlib
from html import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from miss_server import journal
from miss_server.answers import language_of
from miss_server.codes import shown
from miss_server.psc_claims import PscError
from miss_server.refusals import ENGLISH, Refusal, wording
from miss_server.sign_ins import SignIn

RETURN_PATH = "/v1/psc/return"
_STYLE = (
    "body{font:18px/1.5 system-ui,sans-serif;margin:0;background:#f4f7f8;color:#12303a}"
    "main{max-width:32rem;margin:12vh auto;padding:2rem;background:#fff;border-radius:16px}"
    "h1{font-size:1.5rem;margin:0 0 1rem}"
    "strong{display:block;font:700 2.2rem/1.4 ui-monospace,monospace;letter-spacing:.12em;margin:1rem 0}"
    "@media(prefers-color-scheme:dark){body{background:#0d1a1f;color:#e8f1f3}main{background:#14262c}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_TITLES = {"done": ("Retournez dans MiSS", "Go back to MiSS"), "failed": ("Connexion refusée", "Sign-in refused")}
_TICKET = (
    "Tapez ce code dans MiSS, sur l’appareil que vous inscrivez. Il vaut dix minutes et ne sert qu’une fois.",
    "Type this code in MiSS, on the device you are registering. It is good for ten minutes, once.",
)
_WARNING = (
    "Ne le donnez à personne. Si vous n’avez pas commencé d’inscription dans MiSS, fermez cette page : sans ce code, "
    "rien ne se passe.",
    "Give it to nobody. If you have not begun to register in MiSS, close this page: without this code nothing happens.",
)
_WAITING = (
    "Votre identité est vérifiée. Un opérateur de votre serveur examine encore l’inscription : MiSS vous le dira.",
    "Your identity is checked. An operator of your server still looks at the registration: MiSS will tell you.",
)

router = APIRouter()


@router.get(RETURN_PATH)
async def come_back(request: Request) -> Response:
    """The browser is back: who signed in is asked of the provider, and the registration goes on or ends."""
    asked = request.query_params
    state = request.app.state
    if state.psc is None or len(asked.multi_items()) != len(asked):
        return _refused("psc-state-unknown", language_of(request))
    signing = await state.database.run(state.registrar.browser_back, asked.get("state", ""))
    if signing is None:
        return _refused("psc-state-unknown", language_of(request))
    try:
        ticket = await _ticket(request, signing)
    except PscError as error:
        journal.write("psc-failed", reason=error.reason, detail=error.detail)
        await state.database.run(state.registrar.sign_in_failed, signing.registration_id, error.reason)
        return _refused(error.reason, signing.language)
    except Exception as error:  # the registration must not be left waiting for a browser that has come
        journal.failure("psc-failed", error)
        await state.database.run(state.registrar.sign_in_failed, signing.registration_id, "psc-not-believed")
        return _refused("psc-not-believed", signing.language)
    return _page("done", signing.language, ticket)


async def _ticket(request: Request, signing: SignIn) -> str:
    asked, state = request.query_params, request.app.state
    if "error" in asked:
        raise PscError("psc-cancelled" if asked["error"] == "access_denied" else "psc-not-believed", "error")
    if asked.get("iss", state.psc.issuer) != state.psc.issuer:  # RFC 9207
        raise PscError("psc-not-believed", "iss")
    who = await state.psc.signed_in(signing.dialogue, asked.get("code", ""))
    made = await state.database.run(state.registrar.signed_in, signing.registration_id, who)
    if isinstance(made, Refusal):
        raise PscError(made.reason)
    return str(made)


def _refused(reason: str, language: str) -> Response:
    words = wording(reason)
    return _page("failed", language, sentence=words.sentence(language), status=words.status)


def _page(title: str, language: str, ticket: str = "", *, sentence: str = "", status: int = 200) -> Response:
    said = 1 if language == ENGLISH else 0
    if sentence:
        body = f"<p>{escape(sentence)}</p>"
    elif ticket:
        code = f'<strong id="ticket">{escape(shown(ticket))}</strong>'
        body = f"<p>{escape(_TICKET[said])}</p>{code}<p>{escape(_WARNING[said])}</p>"
    else:
        body = f"<p>{escape(_WAITING[said])}</p>"
    heading = escape(_TITLES[title][said])
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    html = (
        f'<!doctype html><html lang="{"en" if said else "fr"}"><head><meta charset="utf-8">{viewport}'
        f"<title>{heading} · MiSS</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{heading}</h1>{body}</main></body></html>"
    )
    return HTMLResponse(html, status, headers=_HEADERS)
