"""What this person wishes, as the server keeps it: whether to be found, and who may write to them."""

from miss_app.engine.events import WishesView
from miss_app.engine.http import Http
from miss_app.engine.problems import Problem


async def read(http: Http) -> WishesView:
    """What is wished now; Problem where the server cannot be reached."""
    return _view(await http.json("GET", "/v1/wishes", ticket=True))


async def keep(http: Http, wanted: WishesView) -> WishesView:
    """Wish this from now on."""
    body = {"unlisted": wanted.unlisted, "contact": wanted.contact}
    return _view(await http.json("PUT", "/v1/wishes", json=body, ticket=True))


def _view(answer: dict[str, object]) -> WishesView:
    unlisted, contact = answer.get("unlisted"), answer.get("contact")
    if not isinstance(unlisted, bool) or not isinstance(contact, str):
        raise Problem("server-not-understood")
    return WishesView(unlisted, contact)
