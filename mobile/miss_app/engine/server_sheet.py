"""What the server says of itself: when help is to be had, and how long devices may keep messages at most."""

from dataclasses import dataclass

from miss_app.engine import records
from miss_app.engine.events import ServiceView
from miss_app.engine.http import Http
from miss_app.engine.problems import Problem
from miss_app.engine.store import Store
from miss_protocol import limits
from miss_protocol.errors import RemoteError

SERVICE = b"service"  # in the profile
_WORDS_CHARACTERS_MAX = 200


@dataclass(frozen=True)
class _Said:
    hours: str = ""
    telephone: str = ""
    mail: str = ""
    devices_days: int = limits.RETENTION_DAYS_MAX


class ServerSheet:
    """What was last said, in one open store: it holds while the server is away."""

    def __init__(self, store: Store, http: Http) -> None:
        self._store = store
        self._http = http
        self._said = self._kept()
        self.days_max = limits.RETENTION_DAYS_MAX  # what this machine's policy says besides

    def _kept(self) -> _Said:
        data = self._store.get("profile", SERVICE)
        try:
            return _Said() if data is None else records.decode(_Said, data)
        except RemoteError:
            return _Said()

    def view(self) -> ServiceView:
        """What the screens show."""
        said = self._said
        return ServiceView(said.hours, said.telephone, said.mail, self.keeps_days())

    def keeps_days(self) -> int:
        """How long this device may keep messages at most, whatever a conversation says."""
        return min(self._said.devices_days, self.days_max)

    async def refresh(self) -> None:
        """Ask again; a server that is away, or is not understood, changes nothing."""
        try:
            answer = await self._http.json("GET", "/v1/service")
        except Problem:
            return
        hours, telephone, mail = (answer.get(name) for name in ("hours", "telephone", "mail"))
        days = answer.get("devices_days")
        if type(days) is not int or not 1 <= days <= limits.RETENTION_DAYS_MAX:
            return
        if not all(isinstance(one, str) and len(one) <= _WORDS_CHARACTERS_MAX for one in (hours, telephone, mail)):
            return
        said = _Said(str(hours), str(telephone), str(mail), days)
        if said != self._said:
            with self._store.step() as step:
                step.put("profile", SERVICE, records.encode(said))
            self._said = said
