"""The charter and privacy notice in force on the server, and this person's acceptance of it."""

from miss_app.engine.events import CharterView
from miss_app.engine.http import Http
from miss_app.engine.problems import Problem


async def read(http: Http) -> CharterView:
    """What anybody may read before registering; Problem where the server cannot be reached."""
    return _view(await http.json("GET", "/v1/charter"))


async def standing(http: Http) -> CharterView:
    """The same for who is registered: with when this person accepted that version."""
    return _view(await http.json("GET", "/v1/charter/acceptance", ticket=True))


async def accept(http: Http, version: str) -> None:
    """Accept a version; Problem("charter-changed") where another is in force by now."""
    await http.json("POST", "/v1/charter/acceptance", json={"version": version}, ticket=True)


def _view(answer: dict[str, object]) -> CharterView:
    version, text, at_ms = answer.get("version"), answer.get("text"), answer.get("accepted_at_ms")
    if not isinstance(version, str) or not isinstance(text, str):
        raise Problem("server-not-understood")
    return CharterView(version, text, at_ms if isinstance(at_ms, int) else 0)
