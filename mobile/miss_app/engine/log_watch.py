"""Holds the server to its log of certificates: who was certified in one's own name, and that nothing is taken back.

At each login the person's book of the log is read from where it was left (``miss_protocol.certificate_log``). What was
entered before this device's own certificate was there when it joined; a later device must be vouched for by one that
is trusted. All else is an alarm, which stays until the person has said what it is.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from miss_app.engine import records
from miss_app.engine.events import Alarm, Event, IdentityAlarm, UnknownDevice
from miss_app.engine.http import Http
from miss_app.engine.people import People
from miss_app.engine.problems import Problem
from miss_app.engine.store import Step, Store
from miss_protocol.certificate_log import Following, Statement, book_of, certificates_of
from miss_protocol.errors import RemoteError
from miss_protocol.identity import Authority, DeviceCertificate

_NAME = b"certificate log"


@dataclass(frozen=True)
class Watched:
    """What is kept between logins."""

    following: bytes = b""  # empty: the book was never read
    unknown: tuple[bytes, ...] = ()  # certificates nobody trusted vouches for, until the person has judged them
    accepted: tuple[bytes, ...] = ()  # device ids the person said are theirs
    problem: str = ""


class LogWatch:
    """The log as one device follows it.

    Args:
        own: this device's certificate.
        authority: the registrar's certificates.
        tell: tells the screen.
    """

    def __init__(
        self,
        store: Store,
        people: People,
        http: Http,
        own: DeviceCertificate,
        authority: Callable[[], Authority],
        tell: Callable[[Event], None],
    ) -> None:
        self._store = store
        self._people = people
        self._http = http
        self._own = own
        self._authority = authority
        self._tell = tell

    def alarm(self) -> Alarm:
        """What the person must be told; empty where all is well."""
        watched = self._watched()
        devices = (DeviceCertificate.parse(der) for der in watched.unknown)
        unknown = tuple(
            UnknownDevice(one.device_id, one.not_before_ms, one.professional.checked_how) for one in devices
        )
        return Alarm(watched.problem, unknown)

    async def check(self) -> None:
        """Read on in the log, and judge what was entered; a server that is away is asked at the next login."""
        watched = self._watched()
        here = Following.decode(watched.following) if watched.following else self._beginning()
        try:
            answer = await self._http.call("GET", "/v1/log", query={"first": str(here.size)}, ticket=True)
        except Problem:
            return
        try:
            statement = Statement.decode(answer.content)
            after = here.follow(statement, self._authority())
            entered = certificates_of(statement, self._own.person_id)
            if not watched.following and self._number_of_own(entered) is None:
                raise RemoteError("log-withheld", "this device's certificate is not in the log")
        except RemoteError as error:
            reason = error.reason if error.reason.startswith("log-") else "log-forged"
            self._keep(replace(watched, problem=reason))
        else:
            with self._store.step() as step:
                unknown = self._judge(step, entered, watched)
                fresh = replace(watched, following=after.encode(), unknown=watched.unknown + unknown)
                step.put("profile", _NAME, records.encode(fresh))
        self.say()

    def say(self) -> None:
        """Tell the screen, where there is something to tell."""
        alarm = self.alarm()
        if alarm.raised:
            self._tell(IdentityAlarm(alarm))

    def accept(self) -> None:
        """The person has judged the alarm: the devices are theirs, and the log is read anew from its beginning."""
        watched = self._watched()
        theirs = tuple(DeviceCertificate.parse(der).device_id for der in watched.unknown)
        following = b"" if watched.problem else watched.following
        self._keep(Watched(following, (), tuple(dict.fromkeys(watched.accepted + theirs)), ""))
        self._tell(IdentityAlarm(self.alarm()))

    def _judge(self, step: Step, entered: list[tuple[int, DeviceCertificate]], watched: Watched) -> tuple[bytes, ...]:
        """The certificates of one's own person that nobody trusted vouches for; those vouched for are pinned."""
        own = self._number_of_own(entered)
        unknown = []
        for number, one in entered:
            earlier = not watched.following and own is not None and number < own
            if self._people.believes(one):
                if one.device_id != self._own.device_id:
                    self._people.vouch(step, one)
            elif not earlier and one.device_id not in watched.accepted:
                unknown.append(one.der)
        return tuple(unknown)

    def _number_of_own(self, entered: Iterable[tuple[int, DeviceCertificate]]) -> int | None:
        """Where this device's first certificate stands, known by its device and key: it may have been renewed since."""
        own = (self._own.device_id, self._own.signature_key)
        return next((number for number, one in entered if (one.device_id, one.signature_key) == own), None)

    def _beginning(self) -> Following:
        return Following(book_of(self._own.person_id))

    def _watched(self) -> Watched:
        data = self._store.get("profile", _NAME)
        return Watched() if data is None else records.decode(Watched, data)

    def _keep(self, watched: Watched) -> None:
        with self._store.step() as step:
            step.put("profile", _NAME, records.encode(watched))


def _unknown(certificate: DeviceCertificate) -> UnknownDevice:
    how = certificate.professional.checked_how
    return UnknownDevice(certificate.device_id, certificate.not_before_ms, how)
