"""The first page after login: what waits, and for whom."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from miss_server.console.guard import EVERYBODY, allow
from miss_server.console.pages import render
from miss_server.console.sessions import Visitor

router = APIRouter()


@router.get("/")
async def home_page(request: Request, _: Annotated[Visitor, Depends(allow(*EVERYBODY))]) -> Response:
    return render(request, "home.html")
