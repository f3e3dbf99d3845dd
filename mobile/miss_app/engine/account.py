"""An unlocked profile: the rooms that need the store, wired together, and the session's listener."""

import asyncio
import secrets
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from miss_app.engine import charter, records
from miss_app.engine.affairs import Affairs
from miss_app.engine.agreements import Agreements
from miss_app.engine.approvals import Approvals
from miss_app.engine.arrivals import Arrivals
from miss_app.engine.backlog import Backlog
from miss_app.engine.certificate import OWN, RENEWAL_DUE
from miss_app.engine.certificate import renew as renew_certificate
from miss_app.engine.conversations import Conversations
from miss_app.engine.doubts import Doubts
from miss_app.engine.events import (
    CharterAsked,
    Event,
    Link,
    LinkChanged,
    SomeoneTyping,
    Stage,
    StageChanged,
    Trouble,
)
from miss_app.engine.favourites import Favourites
from miss_app.engine.handover import Handovers
from miss_app.engine.http import Http
from miss_app.engine.inbox import Inbox
from miss_app.engine.keeping import Keeping
from miss_app.engine.key_packages import KEY_PACKAGES_LOW, KeyPackages
from miss_app.engine.ladder import Ladder
from miss_app.engine.latecomers import Latecomers
from miss_app.engine.locker import Locker
from miss_app.engine.log_watch import LogWatch
from miss_app.engine.lost import Lost
from miss_app.engine.membership import Clock, Membership
from miss_app.engine.messages import Messages
from miss_app.engine.news import News
from miss_app.engine.outbox import Outbox
from miss_app.engine.outdated import Outdated
from miss_app.engine.own_stream import OwnStream
from miss_app.engine.people import People, certificate_of_leaf
from miss_app.engine.problems import Problem
from miss_app.engine.profile import DeviceKeys, Server
from miss_app.engine.receipts import Receipts
from miss_app.engine.receiving import Receiving
from miss_app.engine.renewal import Renewal
from miss_app.engine.search import Search
from miss_app.engine.server_sheet import ServerSheet
from miss_app.engine.session import Credentials, Session
from miss_app.engine.standings import Standings
from miss_app.engine.state_sync import StateSync
from miss_app.engine.store import Step, Store, StoreFailure
from miss_app.engine.traces import Traces
from miss_app.engine.transfers import Transfers
from miss_app.engine.unpacking import Unpacking
from miss_protocol import limits
from miss_protocol.frames import (
    ID_BYTES,
    Accepted,
    Deliver,
    Diverged,
    Drained,
    Frame,
    Gap,
    Progress,
    Ready,
    Refused,
    Submit,
    Typist,
)
from miss_protocol.identity import DeviceCertificate

_AUTHORITY_SECONDS_MAX = 5.0


@dataclass(frozen=True)
class OwnDevice:
    """This device's keys and certificate, as the store keeps them."""

    keys: DeviceKeys
    certificate: bytes


def keep_own_device(store: Store, own: OwnDevice) -> None:
    """Move the keys that waited for a PIN into the store."""
    with store.step() as step:
        step.put("profile", OWN, records.encode(own))


def new_id() -> bytes:
    return secrets.token_bytes(ID_BYTES)


class Account:
    """Everything an unlocked profile has.

    Args:
        store: open.
        server: which server, with its registrar's certificates.
        credentials: what logs in.
        tls: whom TLS trusts.
        locker: what arrived while the profile was locked.
        language: of the server's sentences.
        tell: tells the screen.

    Raises:
        Problem: ``store-damaged`` where the store holds no device.
    """

    drained = False  # of this connection: everything that waited has come

    def __init__(
        self,
        store: Store,
        server: Server,
        credentials: Credentials,
        tls: ssl.SSLContext,
        locker: Locker,
        language: str,
        tell: Callable[[Event], None],
    ) -> None:
        data = store.get("profile", OWN)
        if data is None:
            raise Problem("store-damaged")
        self.own = records.decode(OwnDevice, data)
        self.certificate = DeviceCertificate.parse(self.own.certificate)
        self.store = store
        self.server = server
        self.server_id = server.invitation.server_id
        self.keep_server: Callable[[Server], None] = lambda _: None
        self.link_problem = ""
        self._tell = tell
        self.clock = Clock()
        self.session = Session(server.invitation, credentials, tls, self)
        self.http = Http(server.invitation, language, tls, self.session.ticket)
        self.people = People(store, self.certificate)
        self.conversations = Conversations(store)
        self.messages = Messages(store, self.conversations, self.people)
        seed = self.own.keys.signature_seed
        self.membership = Membership(self.certificate, seed, server.authority, self.people, self.clock)
        self.lost = Lost(store, self.conversations, self.messages)
        self.outbox = Outbox(
            store,
            self.conversations,
            self.messages,
            self.membership,
            self.http,
            self._submit,
            new_id,
            self._late,
            tell,
            self.lost,
        )
        self.traces = Traces(store, self.conversations, self.messages, self.people, self.outbox)
        self.own_stream = OwnStream(
            self.conversations, self.membership, self.outbox, self.people, self.clock.now_ms, new_id
        )
        self.states = StateSync(store, self.own_stream, self.certificate.device_id)
        self.messages.shared = self.states.get
        self.doubts = self._doubts()
        self.news = News(store, self.people, self.conversations, self.messages, self.doubts, lambda: self.greet())
        self.inbox = self._inbox()
        self.standings = Standings(self.conversations, self.lost, self.session.report)
        self.ladder = self._ladder()
        self.backlog = Backlog(self.inbox.receive, self.inbox.receive_run)
        self.receipts = Receipts(store, self.conversations, self.messages, self.outbox, self.clock.now_ms, new_id)
        self.renewal = Renewal(store, self.conversations, self.outbox, self.clock.now_ms, new_id)
        self.outdated = Outdated(store, self.conversations, self.outbox, self.people.me, self.clock.now_ms, new_id)
        self.latecomers = Latecomers(
            store, self.conversations, self.people, self.membership, self.outbox, self.http, new_id
        )
        self.transfers = Transfers(store, self.messages, self.http, self.clock.now_ms, tell)
        self.log_watch = LogWatch(store, self.people, self.http, self.certificate, lambda: self.server.authority, tell)
        self.search = Search(store, self.people, self.messages)
        self.server_sheet = ServerSheet(store, self.http)
        self.keeping = Keeping(
            store, self.conversations, self.messages, self.clock.now_ms, self.server_sheet.keeps_days
        )
        self._make_affairs(store, tell)
        self.key_packages = KeyPackages(store, self.membership, self.http, self.clock)
        self.locker = locker
        self.greet: Callable[[], None] = lambda: None  # somebody invited is here, or may be
        self._chores: set[asyncio.Task[None]] = set()
        with store.step() as step:
            self.people.meet(step, [self.certificate])

    def _doubts(self) -> Doubts:
        """Who may not be who they say, as all of this person's devices judge it."""
        return Doubts(
            self.store,
            self.people,
            self.conversations,
            self.messages,
            self.outbox,
            self.states,
            lambda: self.server.authority,
            self.clock.now_ms,
            self._certificate_due,
            new_id,
            self._tell,
        )

    def _inbox(self) -> Inbox:
        """What takes the rows that arrive, and this device's own arrivals among them."""
        arrivals = Arrivals(
            self.store,
            self.conversations,
            self.messages,
            self.people,
            self.membership,
            self.outbox,
            self.lost,
            new_id,
            self._joined,
        )
        return Inbox(
            self.store,
            self.conversations,
            self.messages,
            self.people,
            self.membership,
            self.outbox,
            self.session.acknowledge,
            new_id,
            self.traces,
            Agreements(self.conversations, self.messages, self.people, self.outbox, self.clock.now_ms, new_id),
            self.news,
            self.lost,
            arrivals,
            self._lost_thread,
        )

    def _ladder(self) -> Ladder:
        """The way back into lost conversations, wired to those who lose one or wait for it."""
        ladder = Ladder(
            self.store,
            self.conversations,
            self.messages,
            self.membership,
            self.outbox,
            self.http,
            self.lost,
            self.inbox.read_again,
            new_id,
            self.standings.turned,
            self._tell,
        )
        self.outbox.returns = ladder
        self.conversations.turned, self.conversations.damaged = self.standings.turned, ladder.damaged
        return ladder

    def _make_affairs(self, store: Store, tell: Callable[[Event], None]) -> None:
        """What this person's devices, and those who add people, tell and give each other."""
        me, now_ms = self.certificate, self.clock.now_ms
        self.favourites = Favourites(self.states, self.people)
        self.handovers = Handovers(
            store,
            self.conversations,
            self.people,
            self.own_stream,
            self.states,
            self.transfers,
            now_ms,
            new_id,
            tell,
        )
        unpacking = Unpacking(self.conversations, self.messages, self.people, self.states, self.traces)
        self.receiving = Receiving(
            store,
            self.people,
            self.conversations,
            self.messages,
            self.own_stream,
            self.transfers,
            unpacking,
            me,
            now_ms,
            new_id,
            tell,
        )
        self.approvals = Approvals(
            self.people, self.states, self.http, self.clock, self.server_id, lambda: self.own.keys, tell
        )
        self.affairs = Affairs(
            self.people,
            self.messages,
            self.handovers,
            self.receiving,
            self.states,
            self._late,
            lambda: self.chore(self.approvals.look()),
        )
        self.inbox.affairs = self.affairs
        self.lost.missed = self.affairs.missed

    async def start(self) -> None:
        """Take what arrived while locked, then connect and go on with everything that was under way."""
        for frame in self.locker.frames(self.store):
            await self.take(frame)
        self.locker.empty()
        self.locker.make(self.store)
        self.search.start(self.conversations.all())
        self.log_watch.say()
        self.session.start()

    async def stop(self) -> None:
        """Stop everything, then close the store: what is on disk is all there is."""
        self.inbox.turns.stop()
        self.receipts.stop()
        self.renewal.stop()
        self.outdated.stop()
        self.keeping.stop()
        self.ladder.pause()
        await self.standings.stop()
        await self.search.stop()
        await self.outbox.stop()
        await self.latecomers.stop()
        await self.affairs.stop()
        await self.transfers.stop()
        for chore in list(self._chores):
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        await self.session.stop()
        await self.http.close()
        # The last rows may have set these two going again: after this nothing may ask the store.
        self.inbox.turns.stop()
        self.states.stop()
        self.store.close()

    def _lost_thread(self, conversation_id: bytes) -> None:
        self.ladder.begin(conversation_id)

    def use(self, own: OwnDevice, certificate: DeviceCertificate) -> None:
        """From now on this device shows its renewed certificate; key packages made with the old one are made anew."""
        self.own, self.certificate = own, certificate
        self.people.renew_own(certificate)
        self.membership.use(certificate)
        self.chore(self.key_packages.leave(limits.KEY_PACKAGES_TARGET))

    def _certificate_due(self, step: Step) -> None:
        step.put("profile", RENEWAL_DUE, b"1")
        step.after(lambda: self.chore(renew_certificate(self)))

    def _late(self) -> None:
        self.latecomers.resume()

    def _joined(self, step: Step, conversation_id: bytes) -> None:
        self.latecomers.expect(step, conversation_id)
        step.after(self.states.say_soon)  # there may be an own stream now

    async def _submit(self, frame: Submit) -> None:
        await self.session.submit(frame)

    # The session's listener.

    async def take(self, frame: Frame) -> None:
        """One frame of the server, in order."""
        match frame:
            case Deliver():
                self.backlog.add(frame)
                await asyncio.sleep(0)  # a long backlog must not hold up everything else
            case Accepted():
                self.outbox.accepted(frame)
            case Refused():
                self.outbox.refused(frame)
            case Progress():
                self.inbox.progress(frame)
            case Gap():
                self.backlog.flush()
                self.inbox.skip(frame)
            case Typist():
                self._typist(frame)
            case Diverged():
                self.ladder.diverged(frame)
            case Ready():
                await self._follow_authority()
                self._ready(frame)
            case Drained():
                self._drained()
            case _:
                pass

    def link_changed(self, link: Link, problem: str) -> None:
        """The connection came or went."""
        self.link_problem = problem
        if link is not Link.ONLINE:
            self.drained = False
            self.outbox.close()
            self.ladder.pause()
            self.standings.pause()
            self.backlog.drop()
        self._tell(LinkChanged(link, problem))
        if problem == "revoked":
            self._tell(StageChanged(Stage.REVOKED))

    def _typist(self, frame: Typist) -> None:
        group = self.conversations.group(frame.stream)
        leaves = {} if group is None else group.roster()
        for one in map(certificate_of_leaf, leaves.values()):
            if one.device_id == frame.device and one.person_id != self.people.me:
                self._tell(SomeoneTyping(frame.stream, self.people.view(one.person_id)))

    async def _follow_authority(self) -> None:
        """Learn, before any row is read, what the registrar signs with today: a new root, or a new issuing key.

        What does not go on from what is known here is not believed, and what was known stays.
        """
        try:
            async with asyncio.timeout(_AUTHORITY_SECONDS_MAX):
                fresh, _ = await self.http.authority(self.server_id)
        except (Problem, TimeoutError):
            return
        if self.server.followed_by(fresh):
            self.server = replace(self.server, authority_bytes=fresh)
            self.membership.authority = self.server.authority
            self.keep_server(self.server)

    def _ready(self, frame: Ready) -> None:
        self.clock.set(frame.now_ms)
        self.session.online()
        self.inbox.begin(frame.streams)
        self.backlog.begin()
        if frame.key_packages < KEY_PACKAGES_LOW:
            self.chore(self.key_packages.leave(limits.KEY_PACKAGES_TARGET - frame.key_packages))

    def _drained(self) -> None:
        """The backlog is in: now, and not before, rows of one's own may be offered again."""
        self.chore(renew_certificate(self))
        self.doubts.show_claims()
        self.backlog.end()
        self.drained = True
        self.outbox.open()
        self.standings.resume()
        self.ladder.resume()
        self.inbox.turns.resume()
        self.receipts.resume()
        self.renewal.resume()
        self.outdated.resume()
        self.keeping.resume()
        with self.store.step() as step:
            self.latecomers.expect_everywhere(step)
        self.transfers.resume()
        self.chore(self.log_watch.check())
        self.chore(self._ask_charter())
        self.chore(self.server_sheet.refresh())
        self.greet()
        self.affairs.resume()

    def chore(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside everything else, until the account is stopped; a disk that fails meanwhile is told."""
        task = asyncio.create_task(self._try(work))
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    async def _try(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except StoreFailure as failure:  # nothing was changed: the next login does it
            self._tell(Trouble(failure.reason))

    async def _ask_charter(self) -> None:
        """A charter this person has not accepted is put before them; the server being away puts it off."""
        try:
            found = await charter.standing(self.http)
        except Problem:
            return  # asked again at the next connection
        if not found.accepted_at_ms:
            self._tell(CharterAsked(found))
