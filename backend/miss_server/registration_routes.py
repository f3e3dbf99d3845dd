"""Registration and directory over HTTP: JSON in, one transaction, JSON out; every refusal is a reason and a sentence.

The application gives ``database``, ``registrar``, ``mail``, ``psc``, ``tickets`` and
the buckets on its state.
"""

import base64
import binascii
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, BackgroundTasks, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from sqlalchemy import Connection

from miss_protocol.errors import RemoteError
from miss_protocol.limits import DIRECTORY_WORDS_CHARACTERS_MAX
from miss_server import decisions, establishments, invites, journal
from miss_server.answers import Denied, denial, language_of
from miss_server.buckets import RETRY_SECONDS, granted
from miss_server.devices import Device
from miss_server.directory import Page, Query, search
from miss_server.identity_checks import MAILBOX, PSC, VOUCHER, Claim, VoucherClaim
from miss_server.psc_claims import PscError
from miss_server.refusals import ENGLISH, FRENCH, Refusal, wording
from miss_server.registrar import Opened, Registrar
from miss_server.registration_rows import DELAYED, WAITING, Letter, Standing
from miss_server.sign_ins import Dialogue
from miss_server.tickets import require_device

BODY_BYTES_MAX = 16 * 1024
SECRET_BYTES = 32
REGISTRATION_ID_BYTES = 16
_MARK_CHARACTERS_MAX = 1_000
T = TypeVar("T")


class Refused(Exception):
    """A request is refused, with a reason of ``refusals``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PlainRoute(APIRoute):
    """A route whose failures are answered in the language of the request, never with a traceback."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def answer_or_refuse(request: Request) -> Response:
            try:
                return await answer(request)
            except Refused as refused:
                return refusal(refused.reason, _language(request))
            except Denied as denied:
                return denial(request, denied.status, denied.reason, denied.headers)
            except RemoteError as error:
                return refusal(error.reason, _language(request))
            except (RequestValidationError, ValidationError):
                return refusal("malformed", _language(request))
            except Exception as error:  # whatever it is, the person gets a sentence and the log its place
                journal.failure(f"{request.method} {self.path}", error)
                return refusal("internal", _language(request))

        return answer_or_refuse


def refusal(reason: str, language: str) -> Response:
    """The answer to a refused request."""
    words = wording(reason)
    headers = {"Retry-After": str(RETRY_SECONDS)} if words.status == 429 else None
    return JSONResponse({"reason": reason, "sentence": words.sentence(language)}, words.status, headers)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("control characters")
    return text


_Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), AfterValidator(_printable)
]


class ClaimBody(BaseModel):
    """POST /v1/registrations."""

    model_config = ConfigDict(extra="forbid", strict=True)
    rpps: Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(_printable)]
    family_name: _Text
    given_name: _Text
    profession: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}$")]
    language: Annotated[str, StringConstraints(pattern="^(fr|en)$")] = FRENCH
    request: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    charter: Annotated[str, StringConstraints(max_length=40), AfterValidator(_printable)] = ""  # the version accepted


class BrowserBody(BaseModel):
    """POST /v1/registrations/psc."""

    model_config = ConfigDict(extra="forbid", strict=True)
    language: Annotated[str, StringConstraints(pattern="^(fr|en)$")] = FRENCH
    request: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    charter: Annotated[str, StringConstraints(max_length=40), AfterValidator(_printable)] = ""  # the version accepted


class VoucherBody(BaseModel):
    """POST /v1/registrations/voucher."""

    model_config = ConfigDict(extra="forbid", strict=True)
    voucher: Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(_printable)]
    family_name: _Text
    given_name: _Text
    language: Annotated[str, StringConstraints(pattern="^(fr|en)$")] = FRENCH
    request: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    charter: Annotated[str, StringConstraints(max_length=40), AfterValidator(_printable)] = ""  # the version accepted


class CodeBody(BaseModel):
    """POST /v1/registrations/{id}/code."""

    model_config = ConfigDict(extra="forbid", strict=True)
    code: Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(_printable)]


class DirectoryQuery(BaseModel):
    """GET /v1/directory."""

    model_config = ConfigDict(extra="forbid")
    words: Annotated[str, StringConstraints(max_length=DIRECTORY_WORDS_CHARACTERS_MAX), AfterValidator(_printable)] = ""
    profession: Annotated[
        str, StringConstraints(max_length=DIRECTORY_WORDS_CHARACTERS_MAX), AfterValidator(_printable)
    ] = ""
    place: Annotated[str, StringConstraints(max_length=DIRECTORY_WORDS_CHARACTERS_MAX), AfterValidator(_printable)] = ""
    after: Annotated[str, StringConstraints(max_length=_MARK_CHARACTERS_MAX, pattern="^[A-Za-z0-9_-]*$")] = ""


router = APIRouter(prefix="/v1", route_class=PlainRoute)


@router.post("/registrations")
async def open_registration(request: Request, later: BackgroundTasks) -> Response:
    """Judges a claim, and sends the code where there is one to send."""
    body = ClaimBody.model_validate_json(await body_of(request))
    request.state.language = body.language
    if not await granted(request, request.app.state.claim_buckets):
        raise Refused("too-many-claims")
    claim = Claim(body.rpps, body.family_name, body.given_name, body.profession)
    opened = await _run(request, _registrar(request).open, claim, body.language, bytes_of(body.request), body.charter)
    _post(request, later, opened.standing.letter)
    content = {"secret": _secret(opened), **await _told(request, opened.standing)}
    return JSONResponse(content, 201, background=later)


@router.get("/registrations")
async def ways(request: Request) -> Response:
    """How somebody may prove here who they are."""
    browser = request.app.state.psc is not None
    vouched = await request.app.state.database.read(establishments.any_referent)
    return JSONResponse({"ways": [MAILBOX, *([PSC] if browser else []), *([VOUCHER] if vouched else [])]})


@router.post("/registrations/psc")
async def open_in_browser(request: Request) -> Response:
    """A registration of whoever signs in with Pro Santé Connect, and the address for their browser."""
    body = BrowserBody.model_validate_json(await body_of(request))
    request.state.language = body.language
    if request.app.state.psc is None:
        raise Refused("psc-off")
    if not await granted(request, request.app.state.claim_buckets):
        raise Refused("too-many-claims")
    dialogue, asked = Dialogue.begin(), bytes_of(body.request)
    try:
        address = await request.app.state.psc.address(dialogue)
    except PscError as error:
        journal.write("psc-failed", reason=error.reason, detail=error.detail)
        raise Refused(error.reason) from error
    verb = _registrar(request).open_in_browser
    opened = await _run(request, verb, body.language, asked, dialogue, body.charter)
    told = await _told(request, opened.standing)
    return JSONResponse({"secret": _secret(opened), "authorize": address, **told}, 201)


@router.post("/registrations/voucher")
async def open_vouched_registration(request: Request) -> Response:
    """A claim that an establishment attests; the device is certified when it asks where it stands."""
    body = VoucherBody.model_validate_json(await body_of(request))
    request.state.language = body.language
    if not await granted(request, request.app.state.claim_buckets):
        raise Refused("too-many-claims")
    claim = VoucherClaim(body.voucher, body.family_name, body.given_name)
    proof = bytes_of(body.request)
    opened = await _run(request, _registrar(request).open_vouched, claim, body.language, proof, body.charter)
    return JSONResponse({"secret": _secret(opened), **await _told(request, opened.standing)}, 201)


@router.get("/registrations/{registration}")
async def read_registration(request: Request, registration: str, later: BackgroundTasks) -> Response:
    """Where a registration stands: asked every few seconds by who waits, so it is read beside the writer."""
    looked = await request.app.state.database.read(_registrar(request).look, *_credentials(request, registration))
    if looked is not None:
        return JSONResponse(await _told(request, _kept(looked)))
    return await _step(request, later, registration, _registrar(request).standing)


@router.post("/registrations/{registration}/code")
async def enter_code(request: Request, registration: str, later: BackgroundTasks) -> Response:
    """The right code certifies."""
    body = CodeBody.model_validate_json(await body_of(request))
    if not await granted(request, request.app.state.code_buckets):
        raise Refused("too-many-claims")
    return await _step(request, later, registration, _registrar(request).enter_code, body.code)


@router.post("/registrations/{registration}/resend")
async def send_again(request: Request, registration: str, later: BackgroundTasks) -> Response:
    """Another code to the same mailbox."""
    return await _step(request, later, registration, _registrar(request).send_again)


@router.get("/directory")
async def search_directory(request: Request, device: Annotated[Device, Depends(require_device)]) -> Response:
    """The people who fit, a page at a time."""
    asked = request.query_params
    if len(asked.multi_items()) != len(asked):
        raise Refused("malformed")
    query = DirectoryQuery.model_validate(dict(asked))
    if not await granted(request, request.app.state.search_buckets, device.person_id.hex()):
        raise Refused("too-many-searches")
    looked_for = Query(query.words, query.profession, query.place, query.after)
    page: Page = _kept(await request.app.state.database.read(search, looked_for, device.person_id))
    pepper = _registrar(request).pepper
    found = [one.told(invites.refer(pepper, device.person_id, one.rpps) if one.rpps else "") for one in page.people]
    return JSONResponse({"people": found, "more": page.more})


async def _step(
    request: Request,
    later: BackgroundTasks,
    registration: str,
    verb: Callable[..., Standing | Refusal],
    *arguments: str,
) -> Response:
    """One verb of the registrar on the registration whose secret the request carries."""
    registration_id, secret = _credentials(request, registration)
    standing = await _run(request, verb, registration_id, secret, *arguments)
    _post(request, later, standing.letter)
    return JSONResponse(await _told(request, standing), background=later)


async def _run(request: Request, function: Callable[..., T | Refusal], *arguments: object) -> T:
    """One transaction; a refusal, whose writes are kept, is raised after it."""

    def one(connection: Connection) -> T | Refusal:
        return function(connection, *arguments)

    result: T | Refusal = await request.app.state.database.run(one)
    return _kept(result)


def _kept(result: T | Refusal) -> T:
    if isinstance(result, Refusal):
        raise Refused(result.reason)
    return result


async def _told(request: Request, standing: Standing) -> dict[str, object]:
    told: dict[str, object] = {
        "registration": standing.registration_id.hex(),
        "state": standing.state,
        "via": standing.via,
        "mailbox": standing.mailbox,
        "attempts_left": standing.attempts_left,
        "why": standing.why,
        "note": standing.note,
        "problem": standing.problem,
    }
    if standing.state == WAITING:
        wait_ms = await request.app.state.database.read(decisions.usual_wait_ms)
        told["usual_wait"] = usual_wait(wait_ms, standing.language)
    if standing.state == DELAYED:
        told["until_ms"] = standing.until_ms
    if standing.certificate is not None:
        told["certificate"] = text_of(standing.certificate)
    return told


def usual_wait(wait_ms: int | None, language: str) -> str:
    """How long operators take, in words; a day is promised while too little is known."""
    hours = 24 if wait_ms is None else wait_ms / 3_600_000
    if hours <= 1:
        return "less than an hour" if language == ENGLISH else "moins d’une heure"
    if hours <= 24:
        return "one day at most" if language == ENGLISH else "un jour au plus"
    days = round(hours / 24)
    return f"about {days} days" if language == ENGLISH else f"environ {days} jours"


def _post(request: Request, later: BackgroundTasks, letter: Letter | None) -> None:
    """Mails a letter once the answer has left, so that how long mail takes is nobody's to measure."""
    if letter is not None:
        later.add_task(_mail, request, letter)


async def _mail(request: Request, letter: Letter) -> None:
    if not await request.app.state.mail.send(letter):
        await request.app.state.database.run(_registrar(request).mail_failed, letter.registration_id)


def _secret(opened: Opened) -> str:
    return base64.urlsafe_b64encode(opened.secret).decode().rstrip("=")


def _registrar(request: Request) -> Registrar:
    registrar: Registrar = request.app.state.registrar
    return registrar


async def body_of(request: Request) -> bytes:
    """The request's body, read no further than it may be long; refused as malformed beyond."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_BYTES_MAX:
            raise Refused("malformed")
    return bytes(body)


def _credentials(request: Request, registration: str) -> tuple[bytes, bytes]:
    """The registration's id and secret; what is not even of their form is as unknown as what is."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    try:
        registration_id = bytes.fromhex(registration)
        secret = base64.b64decode(text.strip() + "=" * (-len(text.strip()) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise Refused("registration-unknown") from None
    if scheme.lower() != "bearer" or len(secret) != SECRET_BYTES or len(registration_id) != REGISTRATION_ID_BYTES:
        raise Refused("registration-unknown")
    return registration_id, secret


def bytes_of(text: str) -> bytes:
    """What a base64 text of a request holds; refused as malformed where it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("malformed") from None


def _language(request: Request) -> str:
    """The language of the body, else of the header, else French."""
    told: str | None = getattr(request.state, "language", None)
    return language_of(request) if told is None else told


def text_of(data: bytes) -> str:
    """Bytes as an answer's text."""
    return base64.b64encode(data).decode()
