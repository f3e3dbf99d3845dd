"""Help: when people answer, and a report of a problem that names nobody and quotes nothing."""

import platform
import re
import shutil
from collections import Counter, deque
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from miss_app.engine import records
from miss_app.engine.account import Account
from miss_app.engine.events import Event, Link, LinkChanged, MessageChanged, ServiceView, Tick, Trouble
from miss_app.engine.model import Item, Loss
from miss_app.engine.problems import Problem

PROBLEMS_KEPT = 12
KINDS = ("connection", "message", "photo", "notification", "slow", "other")
_CODE = re.compile("[a-z][a-z0-9-]{0,39}")
_MEGABYTE = 1_000_000


class Assistance:
    """What one device can tell those who help, and what they say of themselves.

    Args:
        open_account: the unlocked profile; Problem("locked") where it is not.
        link: the state of the connection.
        folder: the profile's own.
    """

    def __init__(self, open_account: Callable[[], Account], link: Callable[[], Link], folder: Path) -> None:
        self._open = open_account
        self._link = link
        self._folder = folder
        self._problems: deque[str] = deque(maxlen=PROBLEMS_KEPT)

    def hear(self, event: Event) -> None:
        """Remember what went wrong, by its machine-readable reason alone."""
        if isinstance(event, Trouble | LinkChanged):
            self._note(event.problem)
        elif isinstance(event, MessageChanged) and event.message.tick is Tick.FAILED:
            self._note(event.message.problem)

    def _note(self, reason: str) -> None:
        """A reason is a code; what is none could hold somebody's words."""
        code = reason if _CODE.fullmatch(reason) else "unnamed" if reason else ""
        if code and (not self._problems or self._problems[-1] != code):
            self._problems.append(code)

    def service(self) -> ServiceView:
        """When and how help is to be had, as the server last said; nothing said while the profile is locked."""
        try:
            return self._open().server_sheet.view()
        except Problem:
            return ServiceView()

    def facts(self) -> list[tuple[str, str]]:
        """What a report says, as (name, value): versions, counts and reasons; no name, no content, no address."""
        account = self._open()
        with account.store.lock:
            waiting = Counter(
                f"{one.act}-{one.stage}"
                for one in (records.decode(Item, row.body) for row in account.store.all_rows("outbox"))
            )
            lost = Counter(
                one.reason if _CODE.fullmatch(one.reason) else "unnamed"
                for one in (records.decode(Loss, row.body) for row in account.store.all_rows("lost"))
                if one.open
            )
            uploads = len(account.store.all_rows("uploads"))
        shown = [one for one in account.conversations.all() if not one.own]
        return [
            ("version", metadata.version("miss")),
            ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
            ("python", platform.python_version()),
            ("link", str(self._link())),
            ("conversations", f"{sum(one.active for one in shown)} / {len(shown)}"),
            ("waiting", _counts(waiting)),
            ("uploads", str(uploads)),
            ("lost", _counts(lost)),
            (
                "space",
                f"{_size(self._folder) // _MEGABYTE} MB / {shutil.disk_usage(self._folder).free // _MEGABYTE} MB",
            ),
            ("problems", ", ".join(self._problems) or "0"),
        ]

    async def report(self, text: str) -> str:
        """Send what the person has read; the number by which those who help find it.

        Raises:
            Problem: ``slow-down``, or why the server cannot be reached.
        """
        answer = await self._open().http.json("POST", "/v1/reports", json={"report": text}, ticket=True)
        number = str(answer.get("number", ""))
        if not re.fullmatch("[0-9A-Z]{4,16}", number):
            raise Problem("server-not-understood")
        return f"{number[:4]}-{number[4:]}"


def _counts(found: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items())) or "0"


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
