"""Hand over what this device has: to another device of the same person, or to somebody who was just added.

A *promise* says who may have what; it becomes *gifts*, one a conversation, when the receiver has wished for it with a
key. A gift goes out in parcels, newest lines first. Each parcel is packed, sealed and written down in one step with how
far the gift has come; then uploaded; then said, in one step with its ciphertext's deletion: whatever is killed in
between goes on from there, and what is done twice is the same blob under the same name. A gift ends when the receiver's
count is ours; where it is not, it is given again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from miss_app.engine import records
from miss_app.engine.conversations import Conversations
from miss_app.engine.events import Event, HistoryProgress, Trouble
from miss_app.engine.model import QUEUED_PLACE, Conversation, Message, place_of
from miss_app.engine.own_stream import OwnStream
from miss_app.engine.packing import Packing, Span
from miss_app.engine.people import People, certificate_of_leaf
from miss_app.engine.problems import Problem
from miss_app.engine.pursuit import RETRY_SECONDS_MAX, RETRY_SECONDS_MIN, Pursuit
from miss_app.engine.state_sync import StateSync
from miss_app.engine.store import Row, Step, Store
from miss_app.engine.transfers import Transfers
from miss_protocol.handover import NOBODY, Offer, Parcel, Received, Wish, address
from miss_protocol.identity import DeviceCertificate
from miss_protocol.parcel import Contents
from miss_protocol.sealing import SealedBlob, seal_blob

DAY_MS = 86_400_000
PROMISES_KEPT_MS = 30 * DAY_MS
SIBLING_WAIT_MS = 60_000  # who is not asked first waits that long for who is
TRIES_MAX = 3
_PROMISE, _GIFT, _JOINED, _PROGRESS = b"promise", b"gift", b"joined", b"progress"


@dataclass(frozen=True)
class Promise:
    """Who may have what: a person's devices from ``number`` of a conversation back, or one device of one's own."""

    handover: bytes
    stream: bytes
    person: bytes
    device: bytes
    since_ms: int
    days: int
    number: int
    at_ms: int
    key: bytes = b""  # of one's own device, once it has wished


@dataclass(frozen=True)
class Gift:
    """One conversation on its way to one device."""

    handover: bytes
    stream: bytes
    person: bytes
    device: bytes
    key: bytes
    conversation: bytes
    since_ms: int
    above: int
    first_below: int
    below: int  # what lies below this place is still to go
    at_ms: int
    not_before_ms: int = 0
    number: int = 0  # of the next parcel
    given: int = 0
    photos: int = 0
    messages: int = 0  # in all; counted before the first parcel
    all_photos: int = 0
    counted: bool = False
    packed: bool = False  # the last parcel is made
    tries: int = 0


@dataclass(frozen=True)
class Progress:
    """How many lines of a handover have gone out, of how many; for the eye."""

    done: int = 0
    expected: int = 0


@dataclass(frozen=True)
class Packed:
    """A parcel that waits to be uploaded and said."""

    gift: bytes
    number: int
    blob: bytes
    key: bytes
    ciphertext: bytes


class Handovers:
    """What one open store gives away.

    Args:
        now_ms: the server's time.
        new_id: makes an id of 16 random bytes.
        tell: tells the screen.
    """

    def __init__(
        self,
        store: Store,
        conversations: Conversations,
        people: People,
        own: OwnStream,
        states: StateSync,
        transfers: Transfers,
        now_ms: Callable[[], int],
        new_id: Callable[[], bytes],
        tell: Callable[[Event], None],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._people = people
        self._own = own
        self._states = states
        self._transfers = transfers
        self._packing = Packing(store, conversations, people)
        self._now_ms = now_ms
        self._new_id = new_id
        self._tell = tell
        self._pursuit = Pursuit(self._give_until_done)

    # Promises.

    def promise_device(self, step: Step, device_id: bytes, days: int | None) -> None:
        """A device of one's own, just vouched for, may have everything of so many days.

        Args:
            days: 0 for all of them; None for no message of before, but the pinned keys and the shared state.
        """
        stream = self._own.record()
        if stream is not None:
            self._promise(step, stream.conversation_id, self._people.me, device_id, days, 0)

    def promise_person(self, step: Step, conversation_id: bytes, person_id: bytes, number: int, days: int) -> None:
        """Who was added by row ``number`` may have what was said in the days before."""
        self._promise(step, conversation_id, person_id, NOBODY, days, number)

    def _promise(
        self, step: Step, stream: bytes, person: bytes, device: bytes, chosen: int | None, number: int
    ) -> None:
        now_ms, handover, days = self._now_ms(), self._new_id(), chosen or 0
        since_ms = 0 if chosen == 0 else max(1, now_ms - days * DAY_MS)
        promise = Promise(handover, stream, person, device, since_ms, days, number, now_ms)
        step.put("handovers", _PROMISE + handover, records.encode(promise), shelf=_PROMISE)
        if device == NOBODY:
            self._own.say(step, stream, Offer(handover, person, device, since_ms, days))

    def joined(self, step: Step, record: Conversation, device_id: bytes, number: int) -> None:
        """A device of one's own has become a member by row ``number``: up to there it has nothing."""
        conversation_id = record.conversation_id
        for promise in self._promises():
            if promise.device != device_id:
                continue
            if record.own:
                offer = Offer(promise.handover, promise.person, device_id, promise.since_ms, promise.days)
                self._own.say(step, conversation_id, offer)
            else:
                name = _JOINED + device_id + conversation_id
                step.put("handovers", name, conversation_id, shelf=_JOINED + device_id, place=number)
                if promise.key:
                    self._give(step, promise, promise.key, conversation_id, place_of(number))

    # What the others say.

    def wished(self, step: Step, record: Conversation, who: DeviceCertificate, wish: Wish) -> None:
        """A device asks: for what it was promised, or, one's own, for rows it missed."""
        if record.own and wish.stream != NOBODY:
            self._fill(step, record, who, wish)
            return
        data = self._store.get("handovers", _PROMISE + wish.handover)
        promise = None if data is None else records.decode(Promise, data)
        if promise is None or promise.stream != record.conversation_id or promise.person != who.person_id:
            return
        if promise.device == NOBODY:
            self._give(step, promise, wish.key, promise.stream, place_of(promise.number), device=who.device_id)
        elif promise.device == who.device_id and not promise.key:
            promise = replace(promise, key=wish.key)
            step.put("handovers", _PROMISE + promise.handover, records.encode(promise), shelf=_PROMISE)
            self._give_all(step, promise)

    def _give_all(self, step: Step, promise: Promise) -> None:
        self._give(step, promise, promise.key, promise.stream, 0)
        for row in self._store.rows("handovers", _JOINED + promise.device):
            self._give(step, promise, promise.key, row.body, place_of(row.place))
        for record in self._conversations.all():
            if not record.active and not record.moved_to and not record.own:
                self._give(step, promise, promise.key, record.conversation_id, QUEUED_PLACE)

    def _fill(self, step: Step, record: Conversation, who: DeviceCertificate, wish: Wish) -> None:
        """Rows that a device of one's own found forgotten: the sibling of the lowest leaf answers, or the next ones."""
        if wish.stream != record.conversation_id and self._conversations.get(wish.stream) is None:
            return
        group = self._conversations.group(record.conversation_id)
        roster = {} if group is None else group.roster()
        before = [index for index in roster if group is not None and index < group.my_leaf]
        rank = sum(certificate_of_leaf(roster[index]).device_id != who.device_id for index in before)
        promise = Promise(wish.handover, record.conversation_id, who.person_id, who.device_id, 0, 0, 0, self._now_ms())
        below = 0 if wish.stream == record.conversation_id else place_of(wish.last + 1)
        above = max(0, place_of(wish.first) - 1)
        wait = self._now_ms() + rank * SIBLING_WAIT_MS
        self._give(step, promise, wish.key, wish.stream, below, above=above, not_before_ms=wait)

    def _give(
        self,
        step: Step,
        promise: Promise,
        key: bytes,
        conversation: bytes,
        below: int,
        *,
        device: bytes = b"",
        above: int = 0,
        not_before_ms: int = 0,
    ) -> None:
        gift = Gift(
            promise.handover,
            promise.stream,
            promise.person,
            device or promise.device,
            key,
            conversation,
            promise.since_ms,
            above,
            below,
            below,
            self._now_ms(),
            not_before_ms,
        )
        if self._store.get("handovers", _gift_name(gift)) is None:
            self._save(step, gift)
            step.after(self.resume)

    def overheard(self, step: Step, parcel: Parcel) -> None:
        """Another device of one's own answers a wish that came to us as well."""
        for gift in self._gifts():
            if gift.handover == parcel.handover and gift.not_before_ms > gift.at_ms:
                step.delete("handovers", _gift_name(gift))

    def counted(self, step: Step, who: DeviceCertificate, received: Received) -> None:
        """The receiver's count: ours, and the gift has arrived; another, and it is given again."""
        for gift in self._gifts():
            if (gift.handover, gift.device, gift.conversation) != (
                received.handover,
                who.device_id,
                received.conversation,
            ):
                continue
            if not gift.packed:
                return  # of an earlier try
            if (received.messages, received.photos) == (gift.given, gift.photos):
                step.delete("handovers", _gift_name(gift))
                step.after(partial(self._tell_progress, gift))
            elif gift.tries + 1 >= TRIES_MAX:
                step.delete("handovers", _gift_name(gift))
                step.tell(Trouble("history-incomplete"))
            else:
                again = replace(gift, below=gift.first_below, given=0, photos=0, packed=False, counted=False)
                self._save(step, replace(again, tries=gift.tries + 1))
                step.after(self.resume)

    # Giving.

    def resume(self) -> None:
        """Go on with what is under way."""
        self._pursuit.resume()

    async def stop(self) -> None:
        await self._pursuit.stop()

    async def _give_until_done(self) -> None:
        wait = RETRY_SECONDS_MIN
        while True:
            self._pursuit.begin()
            try:
                open_gifts = [one for one in self._gifts() if not one.packed or self._waiting(one)]
                if not open_gifts:
                    return
                due = [one for one in open_gifts if one.not_before_ms <= self._now_ms()]
                if due:
                    await self._advance(min(due, key=self._order))
                    wait = RETRY_SECONDS_MIN
                    continue
                wait = RETRY_SECONDS_MAX
            except Problem as problem:
                if problem.reason in ("disk-full", "store-failed"):
                    self._tell(Trouble(problem.reason))
                wait = min(wait * 2, RETRY_SECONDS_MAX)
            await self._pursuit.rest(wait)

    def _order(self, gift: Gift) -> tuple[bool, int]:
        """About the person first, then the conversation of the newest message."""
        record = self._conversations.get(gift.conversation)
        return gift.conversation != gift.stream, -(record.at_ms if record is not None else 0)

    async def _advance(self, gift: Gift) -> None:
        """The next step of a gift: upload and say the parcel that waits, or pack the next one."""
        waiting = self._waiting(gift)
        if waiting:
            await self._deliver(gift, records.decode(Packed, waiting[0].body))
        elif self._is_about_person(gift):
            await self._pack_person(gift)
        else:
            await self._pack_lines(gift)

    def _is_about_person(self, gift: Gift) -> bool:
        record = self._conversations.get(gift.conversation)
        return record is not None and record.own

    async def _pack_person(self, gift: Gift) -> None:
        conversations, expected = await self._count_everything(gift)
        with self._store.step() as step:
            self._save_progress(step, gift, Progress(0, expected))
        contents = Contents(
            gift.conversation,
            True,
            0,
            0,
            conversations,
            expected,
            people=self._packing.everybody(),
            pins=self._packing.pins(),
            entries=self._states.snapshot(),
        )
        self._keep_parcel(replace(gift, counted=True, packed=True), contents)

    async def _count_everything(self, gift: Gift) -> tuple[int, int]:
        """How many conversations, and lines in them, will go to this device."""
        whole = [one for one in self._conversations.all() if not one.own and not one.moved_to]
        count = 0
        for record in whole:
            span = Span(record.conversation_id, 0, QUEUED_PLACE, gift.since_ms, True)
            count += (await self._packing.count(span))[0]
        return len(whole), count

    async def _pack_lines(self, gift: Gift) -> None:
        own = gift.person == self._people.me
        span = Span(gift.conversation, gift.above, gift.first_below, gift.since_ms, own)
        if not gift.counted:
            messages, photos = await self._packing.count(span)
            gift = replace(gift, counted=True, messages=messages, all_photos=photos)
        batch = self._packing.batch(span, gift.below)
        if batch.end and not gift.messages and gift.above:
            with self._store.step() as step:  # a sibling that missed the same rows has nothing to fill them with
                step.delete("handovers", _gift_name(gift))
            return
        gone = await self._bring_photos([message for _, message in batch.messages])
        lines = tuple(self._packing.line(place, message, gone) for place, message in batch.messages)
        photos = sum(one.attached is not None and one.attached.blob not in gone for _, one in batch.messages)
        after = replace(gift, below=batch.below, given=gift.given + len(lines), photos=gift.photos + photos)
        progress = self._progress(gift)
        contents = Contents(
            gift.conversation,
            batch.end,
            after.given if batch.end else gift.messages,
            after.photos if batch.end else gift.all_photos,
            1,
            progress.expected or gift.messages,
            lines,
            self._packing.known(message for _, message in batch.messages),
            sheet=self._packing.sheet(gift.conversation) if own and batch.end else None,
        )
        self._keep_parcel(replace(after, packed=batch.end), contents, progress)

    async def _bring_photos(self, messages: list[Message]) -> frozenset[bytes]:
        """Have the server keep these messages' photos and documents; returns those that nobody has any more."""
        gone = set()
        for message in messages:
            if message.attached is not None and not await self._transfers.bring(message.attached.blob):
                gone.add(message.attached.blob)
        return frozenset(gone)

    def _keep_parcel(self, gift: Gift, contents: Contents, progress: Progress | None = None) -> None:
        sealed = seal_blob(contents.encode())
        packed = Packed(_gift_name(gift), gift.number, sealed.name, sealed.key, sealed.ciphertext)
        with self._store.step() as step:
            step.put("parcels", sealed.name, records.encode(packed), shelf=_gift_name(gift), place=gift.number)
            self._save(step, replace(gift, number=gift.number + 1))
            if progress is not None:
                expected = progress.expected or gift.messages
                self._save_progress(step, gift, Progress(progress.done + len(contents.lines), expected))

    async def _deliver(self, gift: Gift, packed: Packed) -> None:
        await self._transfers.upload(packed.blob, packed.ciphertext)
        wish = Wish(gift.handover, gift.key)
        sealed = SealedBlob(packed.ciphertext, packed.blob, packed.key)
        with self._store.step() as step:
            step.delete("parcels", packed.blob)
            self._own.say(step, gift.stream, address(wish, gift.device, packed.number, sealed))
        self._tell_progress(gift)

    def _tell_progress(self, gift: Gift) -> None:
        left = any((one.handover, one.device) == (gift.handover, gift.device) for one in self._gifts())
        whom = "" if gift.person == self._people.me else self._people.name(gift.person)
        progress = self._progress(gift)
        self._tell(HistoryProgress(True, whom, progress.done, max(progress.done, progress.expected), not left))

    # Records.

    def _waiting(self, gift: Gift) -> list[Row]:
        return self._store.rows("parcels", _gift_name(gift), limit=1)

    def _promises(self) -> list[Promise]:
        return [records.decode(Promise, row.body) for row in self._store.rows("handovers", _PROMISE)]

    def _gifts(self) -> list[Gift]:
        return [records.decode(Gift, row.body) for row in self._store.rows("handovers", _GIFT)]

    def _save(self, step: Step, gift: Gift) -> None:
        step.put("handovers", _gift_name(gift), records.encode(gift), shelf=_GIFT)

    def _progress(self, gift: Gift) -> Progress:
        data = self._store.get("handovers", _PROGRESS + gift.handover + gift.device)
        return Progress() if data is None else records.decode(Progress, data)

    def _save_progress(self, step: Step, gift: Gift, progress: Progress) -> None:
        step.put("handovers", _PROGRESS + gift.handover + gift.device, records.encode(progress), shelf=_PROGRESS)

    def forget_old(self) -> None:
        """What nobody asked for within a month, and what goes to a conversation this device is not in any more."""
        before = self._now_ms() - PROMISES_KEPT_MS
        with self._store.step() as step:
            for promise in self._promises():
                if promise.at_ms < before:
                    step.delete("handovers", _PROMISE + promise.handover)
            for gift in self._gifts():
                record = self._conversations.get(gift.stream)
                if gift.at_ms < before or record is None or not record.active:
                    step.delete("handovers", _gift_name(gift))
                    for row in self._store.rows("parcels", _gift_name(gift)):
                        step.delete("parcels", row.name)


def _gift_name(gift: Gift) -> bytes:
    return _GIFT + gift.handover + gift.device + gift.conversation
