"""Who may come in where: each route of the console names the roles it is for, and everybody else is refused."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from fastapi import Request

from miss_server.clock import now_ms
from miss_server.console import sessions
from miss_server.console.operators import AUDITOR, MANAGER, OPERATOR
from miss_server.console.passkeys import PASSKEYS_NEEDED
from miss_server.console.sessions import Visitor

EVERYBODY = (OPERATOR, MANAGER, AUDITOR)
FORM_BYTES_MAX = 64 * 1024
_FIELDS_MAX = 100


class Refused(Exception):
    """A request is refused: an HTTP status, and a text of ``texts`` with what fills it."""

    def __init__(self, status: int, key: str, **fields: object) -> None:
        super().__init__(key)
        self.status = status
        self.key = key
        self.fields = fields


class Elsewhere(Exception):
    """The visitor must first go to another page."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True)
class Guard:
    """Lets people of some roles in, and says who they are; to be given to ``Depends``.

    Args:
        roles: whom the route is for.
        enrolled: whether both passkeys must be enrolled before.
    """

    roles: tuple[str, ...]
    enrolled: bool = True

    async def __call__(self, request: Request) -> Visitor:
        """The visitor.

        Raises:
            Elsewhere: who is not logged in, or has one passkey only.
            Refused: who has another role.
        """
        state, token = request.app.state, session_token(request)
        now = now_ms()
        visitor: Visitor | None = await state.database.read(sessions.look, token, now) if token else None
        if visitor is None:
            raise Elsewhere("/login")
        if visitor.due:
            await state.database.run(sessions.touch, token, now)
        request.state.visitor = visitor
        if self.enrolled and visitor.passkeys < PASSKEYS_NEEDED:
            raise Elsewhere("/passkeys")
        if visitor.role not in self.roles:
            raise Refused(403, "not-your-role")
        return visitor


def allow(*roles: str, enrolled: bool = True) -> Guard:
    """The guard of a route for these roles."""
    return Guard(roles, enrolled)


def session_token(request: Request) -> str:
    """The token that the browser shows; empty where it shows none."""
    return str(request.cookies.get(request.app.state.cookie, ""))


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form, each once.

    Raises:
        Refused: it is too long, no form, or names a field twice.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_BYTES_MAX:
            raise Refused(413, "form-too-long")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict",
            max_num_fields=_FIELDS_MAX,
        )  # fmt: skip
    except (UnicodeDecodeError, ValueError) as error:
        raise Refused(400, "form-malformed") from error
    found = dict(pairs)
    if len(found) != len(pairs) or any("\0" in value for value in found.values()):
        raise Refused(400, "form-malformed")
    return found
