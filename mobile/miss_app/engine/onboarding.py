"""Become a device: choose a server, prove who one is and be certified, or be linked by a device that already is."""

import asyncio
import base64
import binascii
import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from miss_app.engine import charter
from miss_app.engine.events import CharterView, Event, LinkRequested, RegistrationChanged, Stage, StageChanged
from miss_app.engine.http import Http
from miss_app.engine.problems import Problem
from miss_app.engine.profile import DeviceKeys, Pending, Profile, Server
from miss_app.engine.reachability import tls_context
from miss_protocol import linking
from miss_protocol.errors import RemoteError
from miss_protocol.identity import DeviceCertificate
from miss_protocol.invitation import LOOPBACK, Invitation

POLL_SECONDS_MIN, POLL_SECONDS_MAX = 2.0, 30.0
LINK_WAIT_SECONDS = 12  # the server answers a link as soon as it is endorsed, or after that long
_WAITING_STAGES = (Stage.BROWSER, Stage.CODE, Stage.WAITING, Stage.LINKING)
_STAGES = {
    "browser": Stage.BROWSER,
    "code": Stage.CODE,
    "waiting": Stage.WAITING,
    "delayed": Stage.WAITING,
    "refused": Stage.REFUSED,
}
WAYS = ("mailbox", "psc", "voucher")


class Onboarding:
    """The way from an invitation to a certificate, resumable at each step.

    Args:
        profile: the person's folder.
        device_name: what the person's other devices will call this one.
        language: gives the language of the server's sentences and mails, ``fr`` or ``en``.
        tell: tells the screen.
    """

    def __init__(
        self, profile: Profile, device_name: str, language: Callable[[], str], tell: Callable[[Event], None]
    ) -> None:
        self._profile = profile
        self._device_name = device_name
        self._language = language
        self._tell = tell
        self._http: Http | None = None
        self._polling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Go on where the program ended: an open registration or link is asked about again."""
        pending = self._profile.pending()
        if pending is not None and pending.stage in _WAITING_STAGES:
            self._poll()

    async def stop(self) -> None:
        polling, self._polling = self._polling, None
        if polling is not None:
            polling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await polling
        if self._http is not None:
            await self._http.close()
            self._http = None

    # The server.

    async def use_invitation(self, link: str, check: Callable[[Invitation], None] = lambda _any: None) -> None:
        """Go to the server an invitation names, and check its registrar against the link.

        Args:
            check: refuses, with a Problem of its own, servers that this machine is not meant for.

        Raises:
            Problem: ``invitation-malformed``, ``fingerprint-mismatch``, or why the server cannot be reached.
        """
        try:
            invitation = Invitation.parse(link)
        except RemoteError as error:
            raise Problem("invitation-malformed") from error
        check(invitation)
        http = Http(invitation, self._language(), await asyncio.to_thread(tls_context))
        try:
            authority, name = await http.authority(invitation.server_id)
        except BaseException:
            await http.close()
            raise
        if self._http is not None:
            await self._http.close()
        self._http = http
        self._profile.set_server(Server(invitation.link(), authority, name or invitation.host))
        self._tell(StageChanged(Stage.IDENTITY))

    async def _connected(self) -> Http:
        if self._http is None:
            server = self._server()
            self._http = Http(server.invitation, self._language(), await asyncio.to_thread(tls_context))
        return self._http

    def _server(self) -> Server:
        server = self._profile.server()
        if server is None:
            raise Problem("invitation-malformed")
        return server

    # Registration.

    async def charter(self) -> CharterView:
        """What the server asks to be accepted by who registers."""
        return await charter.read(await self._connected())

    async def claim(
        self, rpps: str, family_name: str, given_name: str, profession: str, *, charter_version: str = ""
    ) -> None:
        """Say who one is; the server says how it will be proven.

        Args:
            charter_version: the version of the charter that this person has accepted.

        Raises:
            Problem: the server's reason: ``unknown-number``, ``name-differs``…
        """
        http = await self._connected()
        keys = DeviceKeys.make(self._device_name)
        request = keys.request()
        body = {
            "rpps": rpps,
            "family_name": family_name,
            "given_name": given_name,
            "profession": profession,
            "language": self._language(),
            "request": base64.b64encode(request).decode(),
            "charter": charter_version,
        }
        answer = await http.json("POST", "/v1/registrations", json=body)
        registration, secret = str(answer.get("registration", "")), str(answer.get("secret", ""))
        pending = Pending(keys, Stage.IDENTITY, request, registration, secret)
        self._take(pending, answer)
        self._poll()

    async def ways(self) -> tuple[str, ...]:
        """How one may prove here who one is: "mailbox", "psc" for Pro Santé Connect, "voucher" by an establishment."""
        answer = await (await self._connected()).json("GET", "/v1/registrations")
        offered = answer.get("ways")
        return tuple(way for way in WAYS if isinstance(offered, list) and way in offered)

    async def claim_in_browser(self, *, charter_version: str = "") -> str:
        """Register by signing in with Pro Santé Connect; returns the address to open in the system's browser.

        Raises:
            Problem: ``psc-off``, ``psc-unreachable``, or ``browser-unsafe`` where the address may not be opened.
        """
        http = await self._connected()
        keys = DeviceKeys.make(self._device_name)
        request = keys.request()
        body = {
            "language": self._language(),
            "request": base64.b64encode(request).decode(),
            "charter": charter_version,
        }
        answer = await http.json("POST", "/v1/registrations/psc", json=body)
        address = str(answer.get("authorize", ""))
        if not may_open(address):
            raise Problem("browser-unsafe")
        registration, secret = str(answer.get("registration", "")), str(answer.get("secret", ""))
        pending = Pending(keys, Stage.IDENTITY, request, registration, secret, authorize=address)
        self._take(pending, answer)
        self._poll()
        return address

    async def claim_vouched(
        self, voucher: str, family_name: str, given_name: str, *, charter_version: str = ""
    ) -> None:
        """Register by the code that one's establishment gave, under the name it knows; certified at once, as a rule.

        Raises:
            Problem: ``voucher-malformed``, ``voucher-unknown``, ``voucher-used``, ``voucher-of-another``…
        """
        http = await self._connected()
        keys = DeviceKeys.make(self._device_name)
        request = keys.request()
        body = {
            "voucher": voucher,
            "family_name": family_name,
            "given_name": given_name,
            "language": self._language(),
            "request": base64.b64encode(request).decode(),
            "charter": charter_version,
        }
        answer = await http.json("POST", "/v1/registrations/voucher", json=body)
        registration, secret = str(answer.get("registration", "")), str(answer.get("secret", ""))
        self._take(Pending(keys, Stage.IDENTITY, request, registration, secret), answer)
        self._poll()  # goes on where the next answer is lost
        await self._look(http)

    async def enter_code(self, code: str) -> None:
        """The code from the mail, from the telephone, or from the browser.

        Raises:
            Problem: ``code-wrong``, ``code-expired``, ``code-used``, ``code-exhausted``…
        """
        http, pending = await self._connected(), self._registration()
        try:
            answer = await http.json(
                "POST", f"/v1/registrations/{pending.registration}/code", json={"code": code}, bearer=pending.secret
            )
        except Problem:
            await self._look(http)  # how many tries are left
            raise
        self._take(self._registration(), answer)

    async def send_code_again(self) -> None:
        """Another code to the same mailbox; Problem("resend-exhausted") after a few."""
        http, pending = await self._connected(), self._registration()
        answer = await http.json("POST", f"/v1/registrations/{pending.registration}/resend", bearer=pending.secret)
        self._take(pending, answer)

    async def start_over(self) -> None:
        """Back to the question who one is; the keys of the attempt are erased."""
        await self._stop_polling()
        self._profile.erase_pending()
        self._tell(StageChanged(Stage.INVITATION if self._profile.server() is None else Stage.IDENTITY))

    def _registration(self) -> Pending:
        pending = self._profile.pending()
        if pending is None or not pending.registration:
            raise Problem("registration-unknown")
        return pending

    async def _look(self, http: Http) -> None:
        pending = self._registration()
        with contextlib.suppress(Problem):
            answer = await http.json("GET", f"/v1/registrations/{pending.registration}", bearer=pending.secret)
            self._take(pending, answer)

    def _take(self, pending: Pending, answer: dict[str, Any]) -> None:
        """What the server says of a registration, kept and told where it is news."""
        state = str(answer.get("state", ""))
        note = str(answer.get("note") or "") or str(answer.get("usual_wait") or "")
        # Who waits for an operator is told why: the server says it apart from what went wrong.
        why = str(answer.get("why") or "") if state == "waiting" else ""
        left, until_ms = answer.get("attempts_left"), answer.get("until_ms")
        after = replace(
            pending,
            via=str(answer.get("via") or ""),
            mailbox=str(answer.get("mailbox") or ""),
            problem=str(answer.get("problem") or "") or why,
            note=note,
            attempts_left=left if isinstance(left, int) and left >= 0 else 0,
            until_ms=until_ms if isinstance(until_ms, int) and until_ms >= 0 else 0,
        )
        if state == "certified":
            self._certified(after, answer)
            return
        after = replace(after, stage=_STAGES.get(state, after.stage))
        self._keep(after)

    def _keep(self, after: Pending) -> None:
        before = self._profile.pending()
        if after == before:
            return
        self._profile.set_pending(after)
        if before is None or before.stage is not after.stage:
            self._tell(StageChanged(after.stage))
        self._tell(RegistrationChanged(after.view()))

    def _certified(self, pending: Pending, answer: dict[str, Any]) -> None:
        """A certificate: it must be the registrar's, for this very device and keys."""
        try:
            der = base64.b64decode(str(answer["certificate"]), validate=True)
            certificate = DeviceCertificate.parse(der)
            certificate.verify(self._server().authority)
        except (KeyError, ValueError, binascii.Error, RemoteError) as error:
            raise Problem("certificate-unfit") from error
        keys = pending.keys
        own_key = keys.signature_key.public_key().public_bytes_raw()
        if certificate.device_id != keys.device_id or certificate.signature_key != own_key:
            raise Problem("certificate-unfit")
        self._keep(replace(pending, stage=Stage.PIN, certificate=der, secret="", code=""))

    # Linking.

    async def start_linking(self) -> str:
        """Ask to be linked by another device of the same person; returns the code to type there."""
        await self._stop_polling()
        http, server = await self._connected(), self._server()
        keys = DeviceKeys.make(self._device_name)
        request = keys.request()
        code = await asyncio.to_thread(linking.code_of, request, server.invitation.server_id)
        body = {"lookup": linking.lookup_of(code).hex(), "request": base64.b64encode(request).decode()}
        answer = await http.json("POST", "/v1/links", json=body)
        self._keep(Pending(keys, Stage.LINKING, request, secret=str(answer.get("secret", "")), code=code))
        self._tell(LinkRequested(code=code))
        self._poll()
        return code

    def link_codes(self) -> tuple[str, str]:
        """The typed code and what the QR code says, while this device waits to be linked."""
        pending, server = self._profile.pending(), self._profile.server()
        if pending is None or server is None or not pending.code:
            return "", ""
        return pending.code, linking.qr_of(pending.request, server.invitation.server_id, pending.code)

    async def _look_at_link(self, http: Http, pending: Pending) -> None:
        lookup = linking.lookup_of(pending.code).hex()
        wait = {"wait": str(LINK_WAIT_SECONDS)}
        answer = await http.json("GET", f"/v1/links/{lookup}/certificate", query=wait, bearer=pending.secret)
        if answer.get("state") == "expired":
            self._keep(replace(pending, code="", problem="link-expired"))
        elif answer.get("state") == "certified":
            self._certified(pending, answer)

    # Waiting.

    def _poll(self) -> None:
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll_until_certified())

    async def _stop_polling(self) -> None:
        polling, self._polling = self._polling, None
        if polling is not None and polling is not asyncio.current_task():
            polling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await polling

    async def _poll_until_certified(self) -> None:
        wait = 0.0
        while True:
            pending = self._profile.pending()
            if pending is None or pending.stage is not Stage.LINKING:
                wait = max(wait, POLL_SECONDS_MIN)
            await asyncio.sleep(wait)
            pending = self._profile.pending()
            if pending is None or pending.stage not in _WAITING_STAGES or pending.problem == "link-expired":
                return
            try:
                http = await self._connected()
                if pending.stage is Stage.LINKING:
                    await self._look_at_link(http, pending)
                else:
                    answer = await http.json("GET", f"/v1/registrations/{pending.registration}", bearer=pending.secret)
                    self._take(self._registration(), answer)
                wait = 0.0
            except Problem:
                wait = min(max(wait, POLL_SECONDS_MIN) * 1.5, POLL_SECONDS_MAX)


def may_open(address: str) -> bool:
    """Whether the system's browser may be sent there: on https, or to this very machine."""
    parsed = urlsplit(address)
    return parsed.scheme == "https" or (parsed.scheme == "http" and parsed.hostname in LOOPBACK)
