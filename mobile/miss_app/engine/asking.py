"""This locked device asks another one of its person to open it: one question, its digits on the screen, one answer."""

import asyncio
import base64
import secrets
from dataclasses import dataclass

from miss_app.engine.http import Http
from miss_app.engine.problems import Problem
from miss_app.engine.session import Credentials
from miss_protocol import limits
from miss_protocol.errors import RemoteError
from miss_protocol.identity import DeviceCertificate
from miss_protocol.mls.suite import PRODUCT_SUITE
from miss_protocol.unlocking import NONCE_BYTES, UnlockApproval, UnlockRequest

WAIT_SECONDS = 10
_AGAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Approved:
    """An answer that opens this vault: the key another device held for it, and what that device signed."""

    share: bytes
    request: UnlockRequest
    approval: UnlockApproval
    server_id: bytes

    def check(self, approver: DeviceCertificate | None) -> None:
        """Raises Problem("approval-unfit") unless a believed device of this person signed it."""
        if approver is None:
            raise Problem("approval-unfit")
        try:
            self.approval.verify(self.request, self.server_id, approver.signature_key)
        except RemoteError as error:
            raise Problem("approval-unfit") from error


class Question:
    """One question of a locked device; the private half of its key is in this object alone.

    Args:
        now_ms: the server's time.
    """

    def __init__(self, server_id: bytes, credentials: Credentials, now_ms: int) -> None:
        self._server_id = server_id
        self._private, public = PRODUCT_SUITE.hpke.generate()
        bare = UnlockRequest(credentials.device_id, secrets.token_bytes(NONCE_BYTES), public, now_ms)
        self._request = bare.sign(server_id, credentials.login_key)

    @property
    def code(self) -> str:
        """The digits to show."""
        return self._request.code(self._server_id)

    async def ask(self, http: Http) -> None:
        """Put it; Problem("no-other-device"), or why the server cannot be reached."""
        body = {"request": base64.b64encode(self._request.encode()).decode()}
        await http.json("POST", "/v1/vault/requests", json=body, ticket=True)

    async def answer(self, http: Http) -> Approved:
        """Wait for the answer.

        Raises:
            Problem: ``unlock-refused``, ``unlock-expired``, or ``approval-unfit`` where the answer is none.
        """
        deadline = asyncio.get_running_loop().time() + limits.UNLOCK_REQUEST_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            try:
                query = {"wait": str(WAIT_SECONDS)}
                found = await http.json("GET", "/v1/vault/requests/mine", query=query, ticket=True)
            except Problem:
                await asyncio.sleep(_AGAIN_SECONDS)  # the network may come back in time
                continue
            state = str(found.get("state"))
            if state == "approved":
                return self._open(str(found.get("approval")))
            if state != "open":
                raise Problem("unlock-refused" if state == "refused" else "unlock-expired")
        raise Problem("unlock-expired")

    def _open(self, text: str) -> Approved:
        try:
            approval = UnlockApproval.decode(base64.b64decode(text))
            share = approval.open(self._request, self._server_id, self._private)
        except (RemoteError, ValueError) as error:
            raise Problem("approval-unfit") from error
        return Approved(share, self._request, approval, self._server_id)
