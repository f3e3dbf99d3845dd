"""The registrations that wait for an operator: the claim beside the register's lines, and what is decided."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from miss_protocol.limits import CODE_MINUTES
from miss_server import decisions, names, second_check
from miss_server.clock import now_ms
from miss_server.console import case_words
from miss_server.console.guard import Refused, allow, fields
from miss_server.console.operators import AUDITOR, OPERATOR
from miss_server.console.pages import render
from miss_server.console.sessions import Visitor
from miss_server.decisions import NOTE_CHARACTERS_MAX, Case, DecisionError
from miss_server.registration_rows import APPROVED, CODE, DELAYED, WAITING

router = APIRouter(prefix="/registrations")
Reader = Annotated[Visitor, Depends(allow(OPERATOR, AUDITOR))]
Decider = Annotated[Visitor, Depends(allow(OPERATOR))]
_ID_LETTERS = 32


@router.get("")
async def queue_page(request: Request, _: Reader) -> Response:
    """Those that wait, oldest first; with ``?all=1`` the latest, whatever their state."""
    everything = request.query_params.get("all") == "1"
    cases = await request.app.state.database.read(_cases, everything)
    return render(request, "queue.html", cases=cases, everything=everything, **_words(request))


@router.get("/{number}")
async def case_page(request: Request, number: str, visitor: Reader) -> Response:
    return _shown(request, visitor, await _case(request, number))


@router.post("/{number}/approve")
async def approve(request: Request, number: str, visitor: Decider) -> Response:
    """On a proof, or, where none is written down, by a code to the register's mailbox."""
    given = await fields(request)
    proof = given.get("proof", "") if given.get("by") == "proof" else ""
    if given.get("by") == "proof" and not proof.strip():
        return await _again(request, number, visitor, DecisionError("proof-needed", number=number[:8]), given)

    def decide(connection: Connection) -> Case:
        return decisions.approve(
            connection, _whole(number), operator=visitor.name, proof=proof, now_ms=now_ms(), seen=given.get("seen", "")
        )

    try:
        case = await request.app.state.database.run(decide)
    except DecisionError as error:
        return await _again(request, number, visitor, error, given)
    said = "approved-first" if case.row.state != APPROVED else "approved-proof" if proof else "approved-code"
    return RedirectResponse(f"/registrations/{case.number}?said={said}", 303)


@router.post("/{number}/refuse")
async def refuse(request: Request, number: str, visitor: Decider) -> Response:
    given = await fields(request)

    def decide(connection: Connection) -> Case:
        reason = given.get("reason", "")
        return decisions.refuse(
            connection,
            _whole(number),
            operator=visitor.name,
            reason=reason,
            now_ms=now_ms(),
            seen=given.get("seen", ""),
        )

    try:
        case = await request.app.state.database.run(decide)
    except DecisionError as error:
        return await _again(request, number, visitor, error, given)
    return RedirectResponse(f"/registrations/{case.number}?said=refused", 303)


@router.post("/{number}/call")
async def call(request: Request, number: str, visitor: Decider) -> Response:
    """A code to read aloud, shown on this page alone and never again."""
    given = await fields(request)
    pepper = request.app.state.keyring.pepper

    def decide(connection: Connection) -> tuple[Case, str]:
        return decisions.call(
            connection,
            _whole(number),
            operator=visitor.name,
            pepper=pepper,
            now_ms=now_ms(),
            seen=given.get("seen", ""),
        )

    try:
        case, code = await request.app.state.database.run(decide)
    except DecisionError as error:
        return await _again(request, number, visitor, error, given)
    return render(request, "call.html", case=case, code=code, minutes=CODE_MINUTES)


@router.post("/{number}/shorten")
async def shorten(request: Request, number: str, visitor: Decider) -> Response:
    """Ends the day that a new proof waits where the person has devices; two operators must want it."""
    given = await fields(request)

    def decide(connection: Connection) -> bool:
        seen = given.get("seen", "")
        return second_check.shorten(connection, _whole(number), operator=visitor.name, now_ms=now_ms(), seen=seen)

    try:
        over = await request.app.state.database.run(decide)
    except DecisionError as error:
        return await _again(request, number, visitor, error, given)
    return RedirectResponse(f"/registrations/{number}?said={'shortened' if over else 'shortened-first'}", 303)


def waiting(connection: Connection) -> tuple[int, int]:
    """How many wait for a first operator, and how many for a second one."""
    rows = [case.row for case in decisions.cases(connection) if case.row.state == WAITING]
    second = sum(bool(row.first_operator) for row in rows)
    return len(rows) - second, second


def _cases(connection: Connection, everything: bool) -> list[Case]:
    return decisions.cases(connection, everything=everything)


async def _case(request: Request, number: str) -> Case:
    def read(connection: Connection) -> Case:
        return decisions.find(connection, _whole(number))

    try:
        case: Case = await request.app.state.database.read(read)
    except DecisionError as error:
        raise Refused(404, "case-unknown") from error
    return case


async def _again(
    request: Request, number: str, visitor: Visitor, error: DecisionError, given: dict[str, str]
) -> Response:
    """The case as it is now, with why it could not be decided, and what was typed."""
    case = await _case(request, number)
    return _shown(request, visitor, case, 409, problem=case_words.problem(error, request), given=given)


def _shown(request: Request, visitor: Visitor, case: Case, status: int = 200, **more: Any) -> Response:
    row, entry = case.row, case.entry
    open_still = row.state in (WAITING, CODE)
    may = visitor.role == OPERATOR
    first = row.first_operator
    more = {"problem": "", "given": {}} | more
    return render(
        request,
        "case.html",
        status,
        case=case,
        row=row,
        entry=entry,
        compared=_compared(case),
        decidable=may and open_still,
        refusable=may and (open_still or row.state in (APPROVED, DELAYED)),
        delayed=row.state == DELAYED,
        shortenable=may and row.state == DELAYED and not names.same(row.shortened_by, visitor.name),
        by_code=may and row.state == WAITING and entry is not None and bool(entry.mailboxes),
        by_call=may and open_still and entry is not None and bool(entry.telephones()),
        by_proof=may and open_still and not (first and names.same(first, visitor.name)),
        mine=bool(first) and names.same(first, visitor.name),
        note_max=NOTE_CHARACTERS_MAX,
        **more,
        **_words(request),
    )


def _compared(case: Case) -> list[tuple[str, str, str, bool]]:
    """(text's key, as claimed, as registered, whether they are the same) for each part of the claim."""
    row, entry = case.row, case.entry
    if entry is None:
        return []
    practised = entry.activity_as(row.profession)
    known = " / ".join(dict.fromkeys(f"{a.profession_code} {a.profession}" for a in entry.activities))
    claimed = f"{row.profession} {practised.profession}" if practised else row.profession
    return [
        ("case-number", row.rpps, entry.rpps, row.rpps == entry.rpps),
        ("case-family", row.family_name, entry.family_name, names.same(row.family_name, entry.family_name)),
        ("case-given", row.given_name, entry.given_name, names.same(row.given_name, entry.given_name)),
        ("case-profession", claimed, known, practised is not None),
    ]


def _words(request: Request) -> dict[str, Any]:
    return {"state_of": case_words.state(request), "why_of": case_words.why(request)}


def _whole(number: str) -> str:
    """The id of a registration, whole: a page never decides on a beginning that fits.

    Raises:
        DecisionError: it is none.
    """
    if len(number) != _ID_LETTERS:
        raise DecisionError("id-malformed", number=number)
    return number
