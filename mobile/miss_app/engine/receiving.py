"""What is handed over to this device: wished for with a key of its own, fetched parcel by parcel, counted at the end.

The wish and its private key are written in the step that takes the offer's row; what each parcel's row says is written
before it is acknowledged. Parcels are then fetched and unpacked, each in one step that also deletes its record, so that
what a kill interrupts is fetched again and unpacked once. A conversation is counted when its last parcel and all its
photos are in, and the count is said; the key is deleted with the handover.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from miss_app.engine import records
from miss_app.engine.conversations import Conversations
from miss_app.engine.events import Event, HistoryProgress, Trouble
from miss_app.engine.messages import Messages
from miss_app.engine.model import Conversation
from miss_app.engine.own_stream import OwnStream
from miss_app.engine.people import People
from miss_app.engine.problems import Problem
from miss_app.engine.pursuit import RETRY_SECONDS_MAX, RETRY_SECONDS_MIN, Pursuit
from miss_app.engine.store import Row, Step, Store, StoreFailure
from miss_app.engine.transfers import Transfers
from miss_app.engine.unpacking import Unpacking
from miss_protocol.errors import RemoteError
from miss_protocol.frames import Gap
from miss_protocol.handover import NOBODY, Offer, Parcel, Received, Wish, key_of
from miss_protocol.identity import DeviceCertificate
from miss_protocol.mls.suite import PRODUCT_SUITE
from miss_protocol.parcel import Contents
from miss_protocol.sealing import open_blob

PHOTO_TRIES_MAX = 3
WISHES_KEPT_MS = 30 * 86_400_000
_WISH, _FETCH, _PHOTO, _TALLY = b"wish", b"fetch", b"photo", b"tally"
_PASSING = ("server-away", "tls-expired", "proxy-refused", "slow-down", "disk-full", "store-failed")


@dataclass(frozen=True)
class Wished:
    """A handover this device has asked for.

    ``giver`` is the person whose device may answer; ``conversation``, ``first`` and ``last`` name missing rows, where
    the wish was for those.
    """

    handover: bytes
    stream: bytes
    giver: bytes
    private: bytes
    conversation: bytes = NOBODY
    first: int = 0
    last: int = 0
    expected: int = 0
    done: int = 0
    conversations: int = 0  # that are to come
    counted: int = 0  # that have come


@dataclass(frozen=True)
class Fetch:
    """A parcel to be fetched."""

    handover: bytes
    number: int
    blob: bytes
    blob_bytes: int
    key: bytes


@dataclass(frozen=True)
class PhotoWanted:
    """A photo to be fetched, of a line that was handed over."""

    handover: bytes
    conversation: bytes
    message_id: bytes
    tries: int = 0


@dataclass(frozen=True)
class Tally:
    """What has come of one conversation; the totals are known with the last parcel."""

    handover: bytes
    conversation: bytes
    messages: int = 0
    photos: int = 0
    last: bool = False
    all_messages: int = 0
    all_photos: int = 0


class Receiving:
    """What one open store is given.

    Args:
        own_certificate: this device's.
        unpacking: writes what a parcel holds.
        now_ms: the server's time.
        new_id: makes an id of 16 random bytes.
        tell: tells the screen.
    """

    def __init__(
        self,
        store: Store,
        people: People,
        conversations: Conversations,
        messages: Messages,
        own: OwnStream,
        transfers: Transfers,
        unpacking: Unpacking,
        own_certificate: DeviceCertificate,
        now_ms: Callable[[], int],
        new_id: Callable[[], bytes],
        tell: Callable[[Event], None],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._people = people
        self._messages = messages
        self._own = own
        self._transfers = transfers
        self._unpacking = unpacking
        self._certificate = own_certificate
        self._now_ms = now_ms
        self._new_id = new_id
        self._tell = tell
        self._pursuit = Pursuit(self._fetch_until_done)

    # What the others say.

    def offered(self, step: Step, record: Conversation, who: DeviceCertificate, offer: Offer) -> None:
        """Somebody has something for us: wish for it, once."""
        me = self._certificate
        if offer.person != me.person_id or offer.device not in (NOBODY, me.device_id):
            return
        if who.device_id != me.device_id:
            self._wish(step, Wished(offer.handover, record.conversation_id, who.person_id, b""))

    def missed(self, step: Step, gap: Gap) -> None:
        """Rows that the server has forgotten: a sibling may have them."""
        own = self._own.record()
        group = None if own is None else self._conversations.group(own.conversation_id)
        if own is None or group is None or len(group.roster()) < 2:
            return
        stream, me = own.conversation_id, self._certificate.person_id
        self._wish(step, Wished(self._new_id(), stream, me, b"", gap.stream, gap.first, gap.last))

    def _wish(self, step: Step, wished: Wished) -> None:
        name = _WISH + wished.handover
        if self._store.get("arrivals", name) is not None:
            return
        private, public = PRODUCT_SUITE.hpke.generate()
        self._save_wish(step, replace(wished, private=private))
        wish = Wish(wished.handover, public, wished.conversation, wished.first, wished.last)
        self._own.say(step, wished.stream, wish)

    def addressed(self, step: Step, record: Conversation, who: DeviceCertificate, parcel: Parcel) -> None:
        """A parcel for this device, from whom it had wished it; what is not is left alone."""
        wished = self._wished(parcel.handover)
        if wished is None or parcel.device != self._certificate.device_id:
            return
        if wished.stream != record.conversation_id or wished.giver != who.person_id:
            return
        try:
            key = key_of(parcel, wished.private)
        except RemoteError:
            step.tell(Trouble("history-unreadable"))
            return
        fetch = Fetch(parcel.handover, parcel.number, parcel.blob, parcel.blob_bytes, key)
        place = self._store.last_place("arrivals", _FETCH) + 1
        step.put("arrivals", _FETCH + parcel.blob, records.encode(fetch), shelf=_FETCH, place=place)
        step.after(self.resume)

    def forget_old(self) -> None:
        """The keys of what never came to an end go after a month."""
        before = self._now_ms() - WISHES_KEPT_MS
        old = [row.name for row in self._store.rows("arrivals", _WISH) if row.place < before]
        with self._store.step() as step:
            for name in old:
                step.delete("arrivals", name)

    # Fetching.

    def resume(self) -> None:
        """Go on with what is under way."""
        self._pursuit.resume()

    async def stop(self) -> None:
        await self._pursuit.stop()

    async def _fetch_until_done(self) -> None:
        wait = RETRY_SECONDS_MIN
        while True:
            self._pursuit.begin()
            try:
                parcels = self._store.rows("arrivals", _FETCH, limit=1)
                photos = [] if parcels else self._store.rows("arrivals", _PHOTO, limit=1)
                if not parcels and not photos:
                    return
                if parcels:
                    await self._take_parcel(parcels[0])
                else:
                    await self._take_photo(photos[0])
                wait = RETRY_SECONDS_MIN
            except Problem as problem:
                if isinstance(problem, StoreFailure):
                    self._tell(Trouble(problem.reason))
                wait = min(wait * 2, RETRY_SECONDS_MAX)
                await self._pursuit.rest(wait)

    async def _take_parcel(self, row: Row) -> None:
        fetch = records.decode(Fetch, row.body)
        wished = self._wished(fetch.handover)
        contents = None
        if wished is not None:
            try:
                ciphertext = await self._transfers.download(fetch.blob, fetch.blob_bytes)
                contents = Contents.decode(open_blob(ciphertext, fetch.blob, fetch.key))
            except RemoteError:
                contents = None  # not what was said: the count at the end will not be right
            except Problem as problem:
                if problem.reason in _PASSING:
                    raise
        with self._store.step() as step:
            step.delete("arrivals", row.name)
            if wished is None or contents is None:
                step.tell(Trouble("history-unreadable"))
            else:
                self._unpack(step, wished, fetch, contents)

    def _unpack(self, step: Step, wished: Wished, fetch: Fetch, contents: Contents) -> None:
        own = wished.giver == self._certificate.person_id
        if not own and contents.conversation != wished.stream:
            return  # of another conversation than the one in which it was offered
        if wished.conversation not in (NOBODY, contents.conversation):
            return
        wanted = self._unpacking.unpack(step, contents, b"" if own else wished.giver)
        place = self._store.last_place("arrivals", _PHOTO)
        for at, message_id in enumerate(wanted, place + 1):
            one = PhotoWanted(fetch.handover, contents.conversation, message_id)
            name = _PHOTO + fetch.handover + message_id
            step.put("arrivals", name, records.encode(one), shelf=_PHOTO, place=at)
        tally = self._tally(fetch.handover, contents.conversation)
        tally = replace(tally, messages=tally.messages + len(contents.lines), photos=tally.photos + len(wanted))
        if contents.last:
            tally = replace(tally, last=True, all_messages=contents.messages, all_photos=contents.photos)
        done = wished.done + len(contents.lines)
        conversations, expected = max(wished.conversations, contents.conversations), contents.expected
        wished = replace(wished, done=done, expected=max(wished.expected, expected), conversations=conversations)
        self._save_wish(step, wished)
        self._save(step, tally)
        step.tell(HistoryProgress(False, self._whom(wished), done, max(done, wished.expected)))
        if contents.last and not self._photos_of(tally, wanted):
            self._count(step, wished, tally)

    async def _take_photo(self, row: Row) -> None:
        wanted = records.decode(PhotoWanted, row.body)
        message = self._messages.find(wanted.conversation, wanted.message_id)
        got = False
        if message is not None:
            try:
                await self._transfers.fetch(message)
                got = True
            except StoreFailure:
                raise
            except Problem as problem:
                if problem.reason in _PASSING:
                    raise
        with self._store.step() as step:
            if not got and wanted.tries + 1 < PHOTO_TRIES_MAX:
                again = replace(wanted, tries=wanted.tries + 1)
                place = self._store.last_place("arrivals", _PHOTO) + 1
                step.put("arrivals", row.name, records.encode(again), shelf=_PHOTO, place=place)
                return
            step.delete("arrivals", row.name)
            tally, wished = self._tally(wanted.handover, wanted.conversation), self._wished(wanted.handover)
            if not got:
                tally = replace(tally, photos=max(0, tally.photos - 1))
                self._save(step, tally)
            if tally.last and wished is not None and not self._photos_of(tally):
                self._count(step, wished, tally)
            if message is not None:
                self._unpacking.tell_changed(step, message)

    def _photos_of(self, tally: Tally, fresh: list[bytes] | None = None) -> bool:
        """Whether photos of this conversation are still to come."""
        if fresh:
            return True
        waiting = (records.decode(PhotoWanted, row.body) for row in self._store.rows("arrivals", _PHOTO))
        return any((one.handover, one.conversation) == (tally.handover, tally.conversation) for one in waiting)

    def _count(self, step: Step, wished: Wished, tally: Tally) -> None:
        """Everything of this conversation has come: say how much, whether or not it is what was announced."""
        step.delete("arrivals", _tally_name(tally.handover, tally.conversation))
        received = Received(tally.handover, tally.conversation, tally.messages, tally.photos)
        self._own.say(step, wished.stream, received)
        whole = (tally.messages, tally.photos) == (tally.all_messages, tally.all_photos)
        record = self._conversations.get(tally.conversation)
        if whole and (record is None or not record.own):
            wished = replace(wished, counted=wished.counted + 1)
        finished = whole and wished.counted >= wished.conversations
        if whole and wished.conversation not in (NOBODY, wished.stream):
            self._unpacking.fill_gap(step, wished.conversation, wished.last)
        from_somebody_else = wished.giver != self._certificate.person_id
        if whole and (from_somebody_else or wished.conversation != NOBODY):
            step.delete("arrivals", _WISH + wished.handover)  # one conversation was all of it
        else:
            self._save_wish(step, wished)
        expected = max(wished.done, wished.expected)
        step.tell(HistoryProgress(False, self._whom(wished), expected if finished else wished.done, expected, finished))

    # Records.

    def _whom(self, wished: Wished) -> str:
        return "" if wished.giver == self._certificate.person_id else self._people.name(wished.giver)

    def _wished(self, handover: bytes) -> Wished | None:
        data = self._store.get("arrivals", _WISH + handover)
        return None if data is None else records.decode(Wished, data)

    def _save_wish(self, step: Step, wished: Wished) -> None:
        name = _WISH + wished.handover
        known = self._store.find("arrivals", name)
        place = self._now_ms() if known is None else known.place
        step.put("arrivals", name, records.encode(wished), shelf=_WISH, place=place)

    def _tally(self, handover: bytes, conversation: bytes) -> Tally:
        data = self._store.get("arrivals", _tally_name(handover, conversation))
        return Tally(handover, conversation) if data is None else records.decode(Tally, data)

    def _save(self, step: Step, tally: Tally) -> None:
        step.put("arrivals", _tally_name(tally.handover, tally.conversation), records.encode(tally), shelf=_TALLY)


def _tally_name(handover: bytes, conversation: bytes) -> bytes:
    return _TALLY + handover + conversation
