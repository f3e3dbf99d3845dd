"""How this person is reached while the app is closed: by a push to this device, by a mail, not in their quiet hours."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from miss_app.engine.account import Account
from miss_app.engine.events import Link
from miss_app.engine.preferences import Preferences
from miss_app.engine.problems import Problem
from miss_app.engine.profile import Profile

ATTEND_SECONDS = 20.0
DAY_MINUTES = 1_440
QUIET, MAILS, SOUND = "quiet", "mails", "sound"


@dataclass(frozen=True)
class QuietHours:
    """Minutes after midnight, by this machine's clock; equal, there are none."""

    start: int = 0
    end: int = 0

    def hold(self, minute: int) -> bool:
        """Whether what is not urgent waits at this minute of the day."""
        return (minute - self.start) % DAY_MINUTES < (self.end - self.start) % DAY_MINUTES

    @classmethod
    def read(cls, text: str) -> "QuietHours":
        """As a setting holds them: "1320-420"; none where it says something else."""
        start, _, end = text.partition("-")
        if not (start.isdecimal() and end.isdecimal() and int(start) < DAY_MINUTES > int(end)):
            return cls()
        return cls(int(start), int(end))

    def text(self) -> str:
        return f"{self.start}-{self.end}"


@dataclass(frozen=True)
class ReachView:
    """How this device and its person are reached, as the server has it.

    ``key`` is what endpoints are bound to; ``outcome`` of the last push is "sent", "failed", "refused" or "" without
    one; ``mailbox`` is masked, "" where the register lists none. Times are 0 where it never was.
    """

    key: str
    registered_at_ms: int
    pushed_at_ms: int
    outcome: str
    mailbox: str
    mailed_at_ms: int
    mails: bool
    quiet: QuietHours
    offset_minutes: int


class Reach:
    """What one device and its person decide about being reached.

    Args:
        open_account: the unlocked profile; Problem("locked") where it is not.
    """

    def __init__(self, profile: Profile, open_account: Callable[[], Account], preferences: Preferences) -> None:
        self._profile = profile
        self._open_account = open_account
        self._preferences = preferences
        self._said = 0.0
        self._waiting = False

    # Being in front of it.

    def begin(self) -> None:
        """The PIN was typed: somebody is here."""
        self._said, self._waiting = 0.0, True

    def resume(self) -> None:
        """Connected, and everything that waited has come: say what could not be said before."""
        account = self._open_account()
        if self._waiting:
            account.chore(self._attend(account))
        account.chore(self._agree(account))

    async def attend(self) -> None:
        """Somebody has touched this device, or read something on it; said to the server every 20 seconds at most."""
        await self._attend(self._open_account())

    async def _attend(self, account: Account) -> None:
        now = time.monotonic()
        if not account.drained or account.session.link is not Link.ONLINE:
            self._waiting = True
        elif not self._said or now - self._said >= ATTEND_SECONDS:
            self._said, self._waiting = now, False
            await account.session.attended()

    # What is wished.

    def quiet(self) -> QuietHours:
        """The quiet hours, the same on all devices of this person; known while locked too. From any thread."""
        return QuietHours.read(self._profile.settings().get(QUIET, ""))

    def quiet_now(self) -> bool:
        """Whether it is quiet now, by this machine's clock."""
        here = datetime.now().astimezone()
        return self.quiet().hold(here.hour * 60 + here.minute)

    def mails(self) -> bool:
        """Whether a mail may tell of what nobody has seen."""
        return self._profile.settings().get(MAILS, "1") != "0"

    def sound(self) -> bool:
        """Whether this device may sound, for what is urgent."""
        return self._profile.settings().get(SOUND, "1") != "0"

    async def set_quiet(self, quiet: QuietHours) -> ReachView:
        """From now on, on all devices and at the server."""
        self._keep(QUIET, quiet.text())
        return await self._put(self._open_account())

    async def set_mails(self, wanted: bool) -> ReachView:
        """Whether a mail may tell, from now on."""
        self._keep(MAILS, "1" if wanted else "0")
        return await self._put(self._open_account())

    def set_sound(self, wanted: bool) -> None:
        """Of this device alone."""
        self._profile.set_setting(SOUND, "1" if wanted else "0")

    def _keep(self, name: str, value: str) -> None:
        self._profile.set_setting(name, value)
        self._preferences.share_setting(name, value)

    # The server.

    async def standing(self) -> ReachView:
        """How this device and person are reached now; Problem where the server cannot be asked."""
        return _view(await self._open_account().http.json("GET", "/v1/reach", ticket=True))

    async def use_endpoint(self, endpoint: str) -> None:
        """Be woken there from now on, "" nowhere; Problem("endpoint-refused") where the server will not ask that."""
        account = self._open_account()
        if endpoint:
            await account.http.json("PUT", "/v1/push", json={"endpoint": endpoint}, ticket=True)
        else:
            await account.http.json("DELETE", "/v1/push", ticket=True)
        await asyncio.to_thread(self._profile.set_endpoint, endpoint)

    async def _put(self, account: Account) -> ReachView:
        quiet = self.quiet()
        body = {
            "quiet_from": quiet.start,
            "quiet_until": quiet.end,
            "offset_minutes": _offset_minutes(),
            "mails": self.mails(),
        }
        return _view(await account.http.json("PUT", "/v1/reach", json=body, ticket=True))

    async def _agree(self, account: Account) -> None:
        """What this person decided holds: the server is told where it has something else, or has lost the endpoint."""
        try:
            found = await self.standing()
            mine = replace(found, quiet=self.quiet(), mails=self.mails(), offset_minutes=_offset_minutes())
            if found != mine:
                await self._put(account)
            endpoint = self._profile.endpoint()
            if endpoint and not found.registered_at_ms:
                await self.use_endpoint(endpoint)
        except Problem as problem:
            if problem.reason == "endpoint-refused":
                self._profile.set_endpoint("")
            # else asked again at the next connection


def _offset_minutes() -> int:
    offset = datetime.now().astimezone().utcoffset()
    return 0 if offset is None else int(offset.total_seconds()) // 60


def _view(answer: dict[str, object]) -> ReachView:
    kinds = {str: ("key", "outcome", "mailbox"), bool: ("mails",)}
    numbers = ("registered_at_ms", "pushed_at_ms", "mailed_at_ms", "quiet_from", "quiet_until", "offset_minutes")
    for kind, names in (*kinds.items(), (int, numbers)):
        if any(type(answer.get(name)) is not kind for name in names):
            raise Problem("server-not-understood")
    found = dict(answer)
    quiet = QuietHours(int(str(found["quiet_from"])), int(str(found["quiet_until"])))
    return ReachView(
        str(found["key"]),
        int(str(found["registered_at_ms"])),
        int(str(found["pushed_at_ms"])),
        str(found["outcome"]),
        str(found["mailbox"]),
        int(str(found["mailed_at_ms"])),
        bool(found["mails"]),
        quiet,
        int(str(found["offset_minutes"])),
    )
