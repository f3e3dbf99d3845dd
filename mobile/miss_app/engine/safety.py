"""Safety numbers: whether two people's devices hold each other's true keys, compared once and kept for all devices.

The number is made from the devices that both people see in their direct conversation. The mark "verified" is an entry
of the person's own state and names the keys that were compared, so that it can be judged anew at any time: it holds
while every device of the other is one of these, or is vouched for by one of them, and falls with any that is not.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from miss_app.engine.account import Account
from miss_app.engine.conversations import is_direct
from miss_app.engine.events import SafetyView, Verified
from miss_app.engine.people import certificate_of_leaf
from miss_app.engine.problems import Problem
from miss_protocol.errors import RemoteError
from miss_protocol.identity import DeviceCertificate
from miss_protocol.labels import ED25519_KEY_BYTES
from miss_protocol.mls.codec import Reader, Writer, decode
from miss_protocol.safety_number import SafetyNumber, half_of

PREFIX = "verified/"


@dataclass(frozen=True)
class Compared:
    """The keys of somebody's devices, as they were when the numbers were compared."""

    at_ms: int
    keys: tuple[bytes, ...]

    def encode(self) -> bytes:
        out = Writer().u64(self.at_ms)
        out.vector(self.keys, lambda w, key: w.fixed(key))
        return out.bytes()

    @classmethod
    def read(cls, data: Reader) -> "Compared":
        return cls(data.u64(), tuple(data.vector(lambda one: one.fixed(ED25519_KEY_BYTES))))


class Safety:
    """What a person does to make sure of another one's devices.

    Args:
        account: the open account, or Problem("locked").
    """

    def __init__(self, account: Callable[[], Account]) -> None:
        self._account = account

    async def number(self, person_id: bytes) -> SafetyView:
        """The number shared with somebody; Problem("safety-no-conversation") where no direct conversation is open."""
        account = self._account()
        number = await self._number(account, person_id)
        return SafetyView(number.groups(), number.qr(), self.verified(person_id), self._at_ms(account, person_id))

    async def compare(self, person_id: bytes, shown: str) -> SafetyView:
        """What the other person's QR code says; where it is the same number they are marked as verified.

        Raises:
            Problem: ``safety-code-wrong`` where it is no such code, ``safety-differs`` where it is another number, or
                as ``number``.
        """
        number = await self._number(self._account(), person_id)
        try:
            same = number.fits(shown)
        except RemoteError as error:
            raise Problem("safety-code-wrong") from error
        if not same:
            raise Problem("safety-differs")
        return await self.mark(person_id, True)

    async def mark(self, person_id: bytes, on: bool) -> SafetyView:
        """The numbers were compared and are the same, or that is not to hold any more."""
        account = self._account()
        keys = tuple(sorted(one.signature_key for one in _seen(account, person_id)))
        value = Compared(account.clock.now_ms(), keys).encode() if on and keys else b""
        with account.store.step() as step:
            account.states.set(step, PREFIX + person_id.hex(), value)
            record = account.conversations.direct_with(person_id)
            if record is not None:
                account.messages.tell_conversation(step, record.conversation_id)
        return await self.number(person_id)

    def verified(self, person_id: bytes) -> Verified:
        """What the comparison is worth today."""
        account = self._account()
        with account.store.lock:
            if account.store.closed:
                return Verified.NOT
            compared = self._compared(account, person_id)
            if compared is None:
                return Verified.NOT
            devices = _seen(account, person_id) or account.people.trusted(person_id)
            if account.people.in_doubt(person_id) or not devices:
                return Verified.LAPSED
            if all(one.signature_key in compared.keys for one in devices):
                return Verified.COMPARED
            known = frozenset(compared.keys)
            vouched = all(account.people.leads_back(one, known) for one in devices)
            return Verified.VOUCHED if vouched else Verified.LAPSED

    def _at_ms(self, account: Account, person_id: bytes) -> int:
        compared = self._compared(account, person_id)
        return 0 if compared is None else compared.at_ms

    def _compared(self, account: Account, person_id: bytes) -> Compared | None:
        value = account.states.get(PREFIX + person_id.hex())
        try:
            return decode(value, Compared.read) if value else None
        except RemoteError:
            return None  # written by a later version, which shows it

    async def _number(self, account: Account, person_id: bytes) -> SafetyNumber:
        mine, theirs = _seen(account, account.people.me, of=person_id), _seen(account, person_id)
        if not mine or not theirs:
            raise Problem("safety-no-conversation")
        halves = [
            asyncio.to_thread(half_of, whose, [one.signature_key for one in devices])
            for whose, devices in ((account.people.me, mine), (person_id, theirs))
        ]
        return SafetyNumber(*await asyncio.gather(*halves))


def _seen(account: Account, person_id: bytes, of: bytes = b"") -> list[DeviceCertificate]:
    """A person's devices in the direct conversation with them, or with somebody: both see the same ones there."""
    record = account.conversations.direct_with(of or person_id)
    group = None if record is None else account.conversations.group(record.conversation_id)
    if group is None or not is_direct(group):
        return []
    devices = map(certificate_of_leaf, group.roster().values())
    return [one for one in devices if one.person_id == person_id]
