"""What devices say to each other beside the messages, and who hears which of it."""

import re
from collections.abc import Callable, Sequence

from miss_app.engine.handover import Handovers
from miss_app.engine.messages import Messages
from miss_app.engine.model import Conversation, Item
from miss_app.engine.people import People
from miss_app.engine.receiving import Receiving
from miss_app.engine.state_sync import StateSync
from miss_app.engine.store import Step
from miss_app.engine.vault_secrets import APPROVALS
from miss_protocol import content as contents
from miss_protocol import notices
from miss_protocol.frames import Deliver, Gap
from miss_protocol.handover import Offer, Parcel, Received, Wish
from miss_protocol.identity import DeviceCertificate
from miss_protocol.own_state import Entries

_OF_CONVERSATIONS = re.compile("(?:draft|pin|archive|mute)/([0-9a-f]{32})")


class Affairs:
    """The ear of handovers and shared state, in one open store.

    Args:
        device_ready: told that another device of this person can be added to conversations.
        unlock_asked: told that another device of this person asks to be opened.
    """

    def __init__(
        self,
        people: People,
        messages: Messages,
        handovers: Handovers,
        receiving: Receiving,
        states: StateSync,
        device_ready: Callable[[], None],
        unlock_asked: Callable[[], None],
    ) -> None:
        self._people = people
        self._messages = messages
        self._handovers = handovers
        self._receiving = receiving
        self._states = states
        self._device_ready = device_ready
        self._unlock_asked = unlock_asked

    def heard(
        self, step: Step, record: Conversation, row: Deliver, who: DeviceCertificate, body: contents.Affair
    ) -> None:
        """What another device said in a conversation, or in one's own stream."""
        if record.own and who.person_id != self._people.me:
            return
        match body:
            case Offer():
                self._receiving.offered(step, record, who, body)
                self._tell_offer(step, record, row, who.person_id, body)
            case Wish():
                self._handovers.wished(step, record, who, body)
            case Parcel():
                self._receiving.addressed(step, record, who, body)
                if record.own:
                    self._handovers.overheard(step, body)
            case Received():
                self._handovers.counted(step, who, body)
            case Entries() if record.own:
                self._states.heard(step, body.entries)
                for entry in body.entries:
                    found = _OF_CONVERSATIONS.fullmatch(entry.name)
                    if found is not None:
                        self._messages.tell_conversation(step, bytes.fromhex(found[1]))
            case _:
                pass

    def said(self, step: Step, record: Conversation, row: Deliver, body: contents.Affair) -> None:
        """What this device said, and everybody has now."""
        if isinstance(body, Offer):
            self._tell_offer(step, record, row, self._people.me, body)

    def _tell_offer(self, step: Step, record: Conversation, row: Deliver, giver: bytes, offer: Offer) -> None:
        """Everybody reads who handed what over to whom."""
        if record.own:
            return
        names = (self._people.name(giver), self._people.name(offer.person))
        notice = "history-days" if offer.days else "history-all"
        more = (str(offer.days),) if offer.days else ()
        self._messages.notice(step, record.conversation_id, row.number, 0, row.at_ms, notice, *names, *more)

    def joined(
        self, step: Step, record: Conversation, came: Sequence[DeviceCertificate], number: int, item: Item | None
    ) -> None:
        """Devices became members by row ``number``; ``item`` is what this device wanted, where it was its commit."""
        me = self._people.me
        if record.own:
            self._states.repeat(step, APPROVALS)  # the newcomer too may open this device
        for one in came:
            if one.person_id == me:
                self._handovers.joined(step, record, one.device_id, number)
        if item is not None and item.hand_over:
            for person_id in dict.fromkeys(one.person_id for one in came if one.person_id != me):
                self._handovers.promise_person(step, record.conversation_id, person_id, number, item.days)

    def noticed(self, step: Step, notice: bytes) -> None:
        """A notice of the server in this device's own stream."""
        if notices.read_ready(notice) is not None:
            step.after(self._device_ready)
        if notices.read_unlock(notice) is not None:
            step.after(self._unlock_asked)

    def missed(self, step: Step, gap: Gap) -> None:
        """Rows were forgotten before this device had them."""
        self._receiving.missed(step, gap)

    def resume(self) -> None:
        """The backlog is in: go on with what is under way."""
        self._handovers.forget_old()
        self._receiving.forget_old()
        self._handovers.resume()
        self._receiving.resume()
        self._states.say_soon()

    async def stop(self) -> None:
        self._states.stop()
        await self._handovers.stop()
        await self._receiving.stop()
