"""Another device of this person is locked and asks to be opened from this one: shown, checked, answered."""

import base64
import binascii
from collections.abc import Callable

from miss_app.engine.events import Event
from miss_app.engine.http import Http
from miss_app.engine.lock_events import UnlockAsked, UnlockQuestion
from miss_app.engine.membership import Clock
from miss_app.engine.people import People
from miss_app.engine.problems import Problem
from miss_app.engine.profile import DeviceKeys
from miss_app.engine.state_sync import StateSync
from miss_app.engine.vault_secrets import APPROVALS
from miss_protocol.errors import RemoteError
from miss_protocol.identity import DeviceCertificate
from miss_protocol.unlocking import UnlockApproval, UnlockRequest

CODE_TRIES = 3


class Approvals:
    """The questions put to one open store.

    Args:
        server_id: so that an answer fits no other server.
        keys: gives this device's keys.
        tell: tells the screen.
    """

    def __init__(
        self,
        people: People,
        states: StateSync,
        http: Http,
        clock: Clock,
        server_id: bytes,
        keys: Callable[[], DeviceKeys],
        tell: Callable[[Event], None],
    ) -> None:
        self._people = people
        self._states = states
        self._http = http
        self._clock = clock
        self._server_id = server_id
        self._keys = keys
        self._tell = tell
        self._asked: dict[bytes, UnlockRequest] = {}
        self._wrong: dict[bytes, int] = {}
        self._names: dict[bytes, str] = {}  # as the server lists them: for the eye, nothing rests on them

    async def look(self) -> None:
        """Ask the server who asks, and show it; a question that cannot be trusted is stepped over."""
        try:
            answer = await self._http.json("GET", "/v1/vault/requests", ticket=True)
            found = [UnlockRequest.decode(base64.b64decode(one)) for one in answer["requests"]]
            listed = (await self._http.json("GET", "/v1/devices", ticket=True))["devices"] if found else []
            self._names |= {bytes.fromhex(one["device"]): str(one["name"]) for one in listed}
        except (Problem, RemoteError, KeyError, TypeError, ValueError, binascii.Error):
            return  # asked again when the server next says so
        for request in found:
            asker = self.believed(request.device_id)
            if asker is None or self._asked.get(request.device_id) == request:
                continue
            try:
                request.verify(self._server_id, asker.login_key, self._clock.now_ms())
            except RemoteError:
                continue
            self._asked[request.device_id] = request
            self._wrong.pop(request.device_id, None)
            self._tell(UnlockAsked(self._view(request.device_id)))

    def questions(self) -> list[UnlockQuestion]:
        """What waits for an answer here."""
        now_ms, found = self._clock.now_ms(), []
        for device_id, request in list(self._asked.items()):
            if self.believed(device_id) is None or request.late(now_ms):
                del self._asked[device_id]
            else:
                found.append(self._view(device_id))
        return found

    async def approve(self, device_id: bytes, code: str) -> None:
        """Open the device that shows this code.

        Raises:
            Problem: ``unlock-code-wrong``, ``unlock-expired``, ``unlock-not-possible`` where this device holds no key
                to that one, or why the server cannot be reached.
        """
        request = self._request(device_id)
        if code.strip() != request.code(self._server_id):
            self._wrong[device_id] = self._wrong.get(device_id, 0) + 1
            if self._wrong[device_id] >= CODE_TRIES:
                await self.refuse(device_id)
                raise Problem("unlock-expired")
            raise Problem("unlock-code-wrong")
        share = self._states.get(APPROVALS + device_id.hex())
        if not share:
            raise Problem("unlock-not-possible")
        keys = self._keys()
        approval = UnlockApproval.make(request, self._server_id, share, keys.device_id, keys.signature_key)
        await self._answer(device_id, approval.encode())

    async def refuse(self, device_id: bytes) -> None:
        """It is not this person who asks, or not now."""
        self._request(device_id)
        await self._answer(device_id, b"")

    async def _answer(self, device_id: bytes, approval: bytes) -> None:
        body = {"approval": base64.b64encode(approval).decode()}
        try:
            await self._http.json("POST", f"/v1/vault/requests/{device_id.hex()}/answer", json=body, ticket=True)
        except Problem as problem:
            if problem.reason != "not-found":
                raise
            self._asked.pop(device_id, None)
            raise Problem("unlock-expired") from problem
        self._asked.pop(device_id, None)

    def _request(self, device_id: bytes) -> UnlockRequest:
        request = self._asked.get(device_id)
        if request is None or request.late(self._clock.now_ms()):
            raise Problem("unlock-expired")
        return request

    def believed(self, device_id: bytes) -> DeviceCertificate | None:
        """The certificate of another device of this person, where it is believed."""
        for pin in self._people.pins():
            if pin.device_id == device_id and device_id in self._people.own_devices():
                return DeviceCertificate.parse(pin.certificate)
        return None

    def _view(self, device_id: bytes) -> UnlockQuestion:
        return UnlockQuestion(device_id, self._names.get(device_id, ""))
