"""Doubts about who people are: somebody registered anew, nobody vouches for a device, the register knows one no more.

A person is in doubt while one of their devices is neither vouched for nor accepted here. What is said to them waits
until this person has made sure that it is them (``accept``); meanwhile the conversations say so in red. Who made sure
on one device has on all: each accepted device is an entry of the person's own state, with its key.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from miss_app.engine import records
from miss_app.engine.conversations import Conversations
from miss_app.engine.events import ClaimView, Event, IdentityClaimed
from miss_app.engine.messages import Messages
from miss_app.engine.model import Act, Conversation, Item
from miss_app.engine.outbox import Outbox
from miss_app.engine.people import People
from miss_app.engine.problems import Problem
from miss_app.engine.state_sync import StateSync
from miss_app.engine.store import Step, Store
from miss_protocol import notices
from miss_protocol.errors import RemoteError
from miss_protocol.frames import Deliver
from miss_protocol.identity import Authority, DeviceCertificate

_CLAIM = b"claim "
BELIEVED = "believed/"
_LINE = 500  # where in its row's place such a line of a chat stands


@dataclass(frozen=True)
class Claim:
    """Somebody proves to be this person, on a new device."""

    registration_id: bytes
    until_ms: int
    device_name: str


class Doubts:
    """The doubts of one open store.

    Args:
        authority: gives the registrar's certificates.
        now_ms: the server's clock, as far as it is known.
        due: told that this device's certificate is to be renewed.
        new_id: makes a message id of 16 random bytes.
        tell: tells the screen.
    """

    def __init__(
        self,
        store: Store,
        people: People,
        conversations: Conversations,
        messages: Messages,
        outbox: Outbox,
        states: StateSync,
        authority: Callable[[], Authority],
        now_ms: Callable[[], int],
        due: Callable[[Step], None],
        new_id: Callable[[], bytes],
        tell: Callable[[Event], None],
    ) -> None:
        self._store = store
        self._people = people
        self._conversations = conversations
        self._messages = messages
        self._outbox = outbox
        self._states = states
        self._authority = authority
        self._now_ms = now_ms
        self._due = due
        self._new_id = new_id
        self._tell = tell
        states.told, people.believed = self._heard, self._is_believed

    def take(self, step: Step, row: Deliver) -> None:
        """One notice of the device's own stream; those that raise no doubt are stepped over."""
        standing = notices.read_standing(row.body)
        if standing is not None:
            self._stand(step, standing, row.at_ms)
            return
        match notices.read_proof(row.body):
            case notices.RegistrationWaits(registration_id, until_ms, device_name):
                claim = Claim(registration_id, until_ms, device_name)
                step.put("profile", _CLAIM + registration_id, records.encode(claim))
                step.after(self.show_claims)
            case notices.RegisteredAgain(certificate):
                self._again(step, certificate, row.at_ms)
            case notices.CertificateDue():
                self._due(step)

    # Somebody else registers as this person.

    def claims(self) -> list[ClaimView]:
        """Who is about to take this device's place, the first first."""
        rows = (row for row in self._store.all_rows("profile") if row.name.startswith(_CLAIM))
        found = [records.decode(Claim, row.body) for row in rows]
        waiting = [one for one in found if one.until_ms > self._now_ms()]
        waiting.sort(key=lambda one: one.until_ms)
        return [ClaimView(one.registration_id, one.until_ms, one.device_name) for one in waiting]

    def show_claims(self) -> None:
        """Tell the screen who claims to be this person."""
        self._tell(IdentityClaimed(tuple(self.claims())))

    def end_claim(self, registration_id: bytes) -> None:
        """It waits no more."""
        with self._store.step() as step:
            step.delete("profile", _CLAIM + registration_id)
            step.after(self.show_claims)

    # Others.

    def about(self, record: Conversation | None) -> list[bytes]:
        """The people of a conversation who are in doubt."""
        if record is None:
            return []
        persons = {one.person_id for one in record.members} | ({record.peer} if record.direct else set())
        return sorted(one for one in persons if self._people.in_doubt(one))

    def check(self, record: Conversation | None) -> None:
        """Raises Problem("person-unconfirmed") where something is to be said to somebody who is in doubt."""
        if self.about(record):
            raise Problem("person-unconfirmed")

    def accept(self, persons: list[bytes]) -> None:
        """This person has made sure that it is them: what waits goes, and they are let in again where they were."""
        with self._store.step() as step:
            for pin in self._people.pins():
                if pin.person_id in persons and not pin.trusted:
                    self._states.set(step, BELIEVED + pin.device_id.hex(), pin.signature_key)
            for person_id in persons:
                self._people.accept(step, person_id)
            for record in self._conversations.all():
                self._add(step, record, set(persons) & set(record.taken_out))
            self._go_on(step)

    def let_in(self, step: Step, record: Conversation, persons: set[bytes]) -> None:
        """People whom the registrar has just taken out: those of whom this person has made sure come back."""
        sure = {
            pin.person_id
            for pin in self._people.pins()
            if pin.person_id in persons and self._is_believed(DeviceCertificate.parse(pin.certificate))
        }
        self._add(step, record, {one for one in sure if not self._people.in_doubt(one)})

    def _add(self, step: Step, record: Conversation, persons: set[bytes]) -> None:
        if record.active and self._may_add(record):
            for person_id in sorted(persons):
                item = Item(self._new_id(), record.conversation_id, Act.ADD, persons=(person_id,))
                self._outbox.enqueue(step, item)

    def _heard(self, step: Step) -> None:
        """Another device of this person may have said whom it has made sure of."""
        doubted = [DeviceCertificate.parse(pin.certificate) for pin in self._people.pins() if not pin.trusted]
        believed = [one for one in doubted if self._is_believed(one)]
        for one in believed:
            self._people.adopt_pin(step, one, True)
        if believed:
            self._go_on(step)

    def _is_believed(self, certificate: DeviceCertificate) -> bool:
        """Whether this person has made sure of that device, on any of theirs."""
        return self._states.get(BELIEVED + certificate.device_id.hex()) == certificate.signature_key

    def _go_on(self, step: Step) -> None:
        for record in self._conversations.all():
            self._messages.tell_conversation(step, record.conversation_id)
            step.after(partial(self._outbox.kick, record.conversation_id))

    def _may_add(self, record: Conversation) -> bool:
        return record.direct or any(one.admin and one.person_id == self._people.me for one in record.members)

    def _again(self, step: Step, der: bytes, at_ms: int) -> None:
        """Somebody known registered anew: their new device is remembered, not believed."""
        try:
            certificate = DeviceCertificate.parse(der)
            certificate.verify(self._authority())
        except RemoteError:
            return  # a certificate of nobody's accuses nobody
        if self._people.suspect(step, certificate):
            self._line(step, certificate.person_id, "person-registered-again", at_ms)

    def _stand(self, step: Step, standing: notices.ContactStanding, at_ms: int) -> None:
        if self._people.mark_suspended(step, standing.person_id, not standing.practises):
            notice = "person-restored" if standing.practises else "person-suspended"
            self._line(step, standing.person_id, notice, at_ms)

    def _line(self, step: Step, person_id: bytes, notice: str, at_ms: int) -> None:
        """A line in each conversation with somebody."""
        name = self._people.name(person_id)
        for record in self._conversations.all():
            persons = {record.peer, *record.taken_out, *(one.person_id for one in record.members)}
            if person_id not in persons or record.moved_to or not record.active or record.own:
                continue
            line = _LINE + person_id[0] % 8
            self._messages.notice(step, record.conversation_id, record.position, line, at_ms, notice, name)
            self._messages.tell_conversation(step, record.conversation_id)


def taken_out(record: Conversation, withdrawn: set[bytes], inside: set[bytes]) -> Conversation:
    """A conversation after a change: whom the registrar took out, and who is not back yet."""
    out = (set(record.taken_out) | withdrawn) - inside
    return replace(record, taken_out=tuple(sorted(out)))
