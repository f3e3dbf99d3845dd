"""What this service says of itself over HTTP, and the problems that people report to it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from miss_server import problem_reports
from miss_server.answers import Denied, language_of
from miss_server.buckets import RETRY_SECONDS, granted
from miss_server.clock import now_ms
from miss_server.devices import Device
from miss_server.problem_reports import REPORT_CHARACTERS_MAX
from miss_server.registration_routes import PlainRoute, body_of
from miss_server.tickets import require_device

router = APIRouter(prefix="/v1", route_class=PlainRoute)
Caller = Annotated[Device, Depends(require_device)]


def _lines(text: str) -> str:
    if not all(line.isprintable() for line in text.split("\n")):
        raise ValueError("control characters")
    return text


class ReportBody(BaseModel):
    """POST /v1/reports."""

    model_config = ConfigDict(extra="forbid", strict=True)
    report: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=REPORT_CHARACTERS_MAX),
        AfterValidator(_lines),
    ]


@router.get("/service")
async def service(request: Request) -> Response:
    """When and how help is to be had, and how long devices may keep messages at most; for anybody."""
    settings = request.app.state.settings
    given, language = settings.assistance, language_of(request)
    return JSONResponse(
        {
            "hours": given.get(f"hours_{language}", ""),
            "telephone": given.get("telephone", ""),
            "mail": given.get("mail", ""),
            "devices_days": settings.devices_days,
        }
    )


@router.post("/reports")
async def report(request: Request, device: Caller) -> Response:
    """A problem, as a device tells of it; who sent it is looked at, and not kept."""
    body = ReportBody.model_validate_json(await body_of(request))
    state = request.app.state
    if not await granted(request, state.report_buckets, device.person_id.hex()):
        raise Denied(429, "slow-down", {"Retry-After": str(RETRY_SECONDS)})
    number = await state.database.run(problem_reports.keep, body.report, now_ms())
    return JSONResponse({"number": number}, 201)
