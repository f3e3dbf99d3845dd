"""The way back into a conversation whose thread this device lost: read again, re-join, reset, and at last say so.

Each rung is tried a bounded number of times a day, later each time, and only once the backlog is in: what looks lost
is often only not yet read. The tries are written down before they are made, so that a crash neither forgets nor
multiplies them; a re-join or a reset goes out as an item of the outbox, whose bytes survive a crash like any others.
"""

import asyncio
import base64
import binascii
import random
from collections.abc import Callable
from dataclasses import replace

from miss_app.engine.conversations import Conversations
from miss_app.engine.events import Event, Trouble
from miss_app.engine.http import Http
from miss_app.engine.lost import DAY_MS, Lost
from miss_app.engine.membership import Membership
from miss_app.engine.messages import Messages
from miss_app.engine.model import RETURNS, Act, Item, Loss, Stage
from miss_app.engine.outbox import Outbox
from miss_app.engine.people import certificate_of_leaf
from miss_app.engine.problems import Problem
from miss_app.engine.store import Step, Store, StoreFailure
from miss_protocol import limits
from miss_protocol.errors import MissError, RemoteError
from miss_protocol.frames import Class, Diverged, Kind
from miss_protocol.mls import group as mls
from miss_protocol.mls import policy
from miss_protocol.mls.epoch import PublicGroup
from miss_protocol.standing import digest_of
from miss_protocol.succession import Reset, generation_of, next_group_id

REJOINS_MAX, RESETS_MAX = 3, 2  # a day
WAIT_SECONDS, WAIT_FACTOR, WAIT_SECONDS_MAX = 2.0, 4.0, 600.0
_FINAL = (
    "not-member",
    "cannot-follow",
    "too-large",
    "key-package-unfit",
    "device-key-changed",
    "server-not-understood",
)
JITTER_SECONDS_A_LEAF = 0.02  # a commit that nobody can follow makes everybody come back


class Ladder:
    """The lost conversations of one open store, and what is tried for each.

    Args:
        lost: what is known of them.
        read_again: takes the waiting rows once more; True where that found the thread.
        new_id: makes a message id of 16 random bytes.
        said: told of a conversation whose thread was lost or found, for the report of it.
        tell: tells the screen.
    """

    def __init__(
        self,
        store: Store,
        conversations: Conversations,
        messages: Messages,
        membership: Membership,
        outbox: Outbox,
        http: Http,
        lost: Lost,
        read_again: Callable[[bytes], bool],
        new_id: Callable[[], bytes],
        said: Callable[[bytes], None],
        tell: Callable[[Event], None],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._messages = messages
        self._membership = membership
        self._outbox = outbox
        self._http = http
        self._lost = lost
        self._read_again = read_again
        self._new_id = new_id
        self._said = said
        self._tell = tell
        self._online = False
        self._timers: dict[bytes, asyncio.TimerHandle] = {}

    # When.

    def resume(self) -> None:
        """The backlog is in: go on with every lost thread; who gave up a day ago tries again."""
        self._online = True
        now_ms = self._membership.clock.now_ms()
        for loss in self._lost.all():
            if loss.given_up and now_ms - loss.since_ms >= DAY_MS:
                with self._store.step() as step:
                    self._lost.save(step, Loss(loss.conversation_id, loss.reason, now_ms, digest=loss.digest))
                    self._set_active(step, loss.conversation_id, active=True)
            self.begin(loss.conversation_id)

    def pause(self) -> None:
        """The connection is gone."""
        self._online = False
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def begin(self, conversation_id: bytes, seconds: float = 0.0) -> None:
        """A thread is lost: see what can be done about it, once the backlog is in."""
        self._said(conversation_id)
        if self._online and conversation_id not in self._timers:
            loop = asyncio.get_running_loop()
            self._timers[conversation_id] = loop.call_later(seconds, self._climb_safely, conversation_id)

    def damaged(self, conversation_id: bytes) -> None:
        """The state of a conversation could not be read from the store; told in the midst of whatever needed it."""
        self._lost.damaged(conversation_id)
        asyncio.get_running_loop().call_soon(self._write_damage, conversation_id)

    def _write_damage(self, conversation_id: bytes) -> None:
        if conversation_id not in self._lost or self._store.closed:
            return
        try:
            with self._store.step() as step:
                self._lost.lose(step, conversation_id, "damaged-state", self._membership.clock.now_ms())
        except StoreFailure as failure:  # nothing is said in it meanwhile; when the disk has room again
            self._tell(Trouble(failure.reason))
            asyncio.get_running_loop().call_later(WAIT_SECONDS, self._write_damage, conversation_id)
            return
        self.begin(conversation_id)

    def diverged(self, frame: Diverged) -> None:
        """The server says that the others share another digest of this epoch."""
        group = self._conversations.group(frame.stream)
        if group is None or frame.stream in self._lost:
            return
        if (generation_of(group.group_id), group.epoch) != (frame.generation, frame.epoch):
            return  # of an epoch that is over
        with self._store.step() as step:
            now_ms = self._membership.clock.now_ms()
            self._lost.lose(step, frame.stream, "diverged", now_ms, digest_of(group))
        self.begin(frame.stream)

    # Which rung.

    def _climb_safely(self, conversation_id: bytes) -> None:
        self._timers.pop(conversation_id, None)
        try:
            self._climb(conversation_id)
        except StoreFailure as failure:
            self._tell(Trouble(failure.reason))
            self.begin(conversation_id, WAIT_SECONDS)

    def _climb(self, conversation_id: bytes) -> None:
        loss = self._lost.get(conversation_id)
        if loss is None or not self._online:
            return
        if any(item.act in RETURNS for item in self._outbox.items(conversation_id)):
            self._outbox.kick(conversation_id)
            return
        if self._read_again(conversation_id):
            self._said(conversation_id)
            self._outbox.kick(conversation_id)
            return
        if loss.given_up:
            return
        with self._store.step() as step:
            if loss.rejoins < REJOINS_MAX:
                self._lost.save(step, replace(loss, rejoins=loss.rejoins + 1))
                self._enqueue(step, conversation_id, Act.REJOIN)
            elif loss.resets < RESETS_MAX and self._may_reset(conversation_id):
                self._lost.save(step, replace(loss, resets=loss.resets + 1))
                self._enqueue(step, conversation_id, Act.RESET)
            else:
                self._give_up(step, loss)

    def _enqueue(self, step: Step, conversation_id: bytes, act: Act) -> None:
        item = Item(self._new_id(), conversation_id, act, priority=Class.SILENT)
        self._outbox.enqueue(step, item, first=True)

    def _give_up(self, step: Step, loss: Loss) -> None:
        """The last rung: the person is told, and what to do; whoever adds them again ends it."""
        self._lost.save(step, replace(loss, given_up=True))
        step.tell(Trouble("cannot-follow"))
        self._set_active(step, loss.conversation_id, active=False)
        record = self._conversations.get(loss.conversation_id)
        if record is not None:
            now_ms = self._membership.clock.now_ms()
            self._messages.notice(step, loss.conversation_id, record.position, 99, now_ms, "cannot-follow", loss.reason)
        step.after(lambda: self._outbox.kick(loss.conversation_id))

    def _set_active(self, step: Step, conversation_id: bytes, *, active: bool) -> None:
        record = self._conversations.get(conversation_id)
        if record is not None:
            reason = "" if active else "cannot-follow"
            self._conversations.save(step, replace(record, active=active, reason=reason))
            self._messages.tell_conversation(step, conversation_id)

    def failed(self, item: Item, reason: str) -> None:
        """The server refused a return, or it could not be made: the next try, later."""
        loss = self._lost.get(item.conversation_id)
        if loss is None:
            return
        if reason == "not-member":
            with self._store.step() as step:
                self._leave_be(step, loss)
            return
        tries = loss.rejoins + loss.resets
        self.begin(item.conversation_id, min(WAIT_SECONDS_MAX, WAIT_SECONDS * WAIT_FACTOR ** max(tries - 1, 0)))

    def _leave_be(self, step: Step, loss: Loss) -> None:
        """This device was taken out meanwhile."""
        conversation_id = loss.conversation_id
        self._lost.found(step, conversation_id)
        self._conversations.forget_group(step, conversation_id)
        record = self._conversations.get(conversation_id)
        if record is not None and record.active:
            reason, now_ms = "left" if record.leaving else "removed", self._membership.clock.now_ms()
            self._conversations.save(step, replace(record, active=False, leaving=False, reason=reason))
            self._messages.notice(step, conversation_id, record.position, 0, now_ms, "no-longer-in")
        step.after(lambda: self._outbox.kick(conversation_id))

    # Re-join and reset, made ready.

    async def prepare(self, item: Item) -> bool:
        """For the outbox: the bytes of a return, saved with the group they lead to; False where it must wait.

        Raises:
            Problem: it cannot be made now.
        """
        if item.conversation_id not in self._lost:
            with self._store.step() as step:
                step.delete("outbox", item.message_id)  # the thread was found by other means
            return True
        try:
            ready, after = await (self._rejoin(item) if item.act is Act.REJOIN else self._reset(item))
        except MissError as error:
            raise Problem(error.reason) from error
        except Problem as problem:
            if problem.reason in _FINAL:
                raise
            # The network's fault, or the server's: no try is used up by it.
            self._outbox.kick_later(item.conversation_id, max(WAIT_SECONDS, 0.2))
            return False
        with self._store.step() as step:
            self._conversations.stage(step, item.conversation_id, item.message_id, after)
            self._outbox.save(step, replace(ready, group_info=self._membership.group_info(after)))
        return True

    async def _rejoin(self, item: Item) -> tuple[Item, mls.Group]:
        """An external commit, from what the server serves of the current epoch."""
        roster = self._conversations.group(item.conversation_id)
        leaves = 0 if roster is None else len(roster.roster())
        await asyncio.sleep(random.uniform(0, JITTER_SECONDS_A_LEAF * leaves))  # noqa: S311
        try:
            found = await self._http.json(
                "GET", f"/v1/conversations/{item.conversation_id.hex()}/way-back", ticket=True
            )
            info, tree = _bytes(found["group_info"]), _bytes(found["tree"])
            waiting = [_bytes(one) for one in found["leaves"]]
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise Problem("server-not-understood") from error
        except Problem as problem:
            raise Problem("not-member") if problem.reason == "not-found" else problem from problem
        rules = self._membership.rules(None)
        staged = mls.rejoin(info, self._membership.identity, rules=rules, tree=tree, leaves=waiting)
        self._check_group(item.conversation_id, staged.group)
        ready = replace(item, stage=Stage.READY, kind=Kind.COMMIT, epoch=staged.group.epoch - 1, body=staged.message)
        return ready, staged.group

    def _check_group(self, conversation_id: bytes, found: mls.Group) -> None:
        """One returns to the group one was in: a later one is entered by its Welcome only."""
        known = self._conversations.group(conversation_id)
        if found.group_id[: len(conversation_id)] != conversation_id:
            raise RemoteError("wrong-group", "of another conversation")
        if known is not None and found.group_id != known.group_id:
            raise RemoteError("wrong-group", "not the group this device was in")
        me = self._membership.certificate.device_id
        own = [one for one in found.roster().values() if certificate_of_leaf(one).device_id == me]
        if len(own) != 1:
            raise RemoteError("wrong-group", "this device would be in it twice")

    def _view(self, conversation_id: bytes) -> PublicGroup | None:
        return self._lost.last_view(conversation_id, self._membership.rules, self._outbox.handshake)[0]

    def _may_reset(self, conversation_id: bytes) -> bool:
        """Whether a reset of ours would be allowed, as far as can be seen from here."""
        view = self._view(conversation_id)
        return view is not None and self._membership.certificate.person_id in policy.admins_of(view)

    async def _reset(self, item: Item) -> tuple[Item, mls.Group]:
        """A group of the same devices, with the next generation in its id."""
        view = self._view(item.conversation_id)
        if view is None:
            raise Problem("cannot-follow")
        keys = {certificate_of_leaf(leaf).device_id: leaf.signature_key for leaf in view.roster().values()}
        adds: list[mls.Proposal] = []
        for person_id in sorted({certificate_of_leaf(leaf).person_id for leaf in view.roster().values()}):
            for device_id, data in await self._membership.key_packages(self._http, person_id):
                package = mls.KeyPackage.decode(data)
                if keys.get(device_id) == package.leaf.signature_key:
                    adds.append(mls.Add(package))
        founded = self._membership.found(next_group_id(view.group_id), view.extensions)
        staged = self._membership.commit_adds(founded, adds) if adds else None
        after = founded if staged is None else staged.group
        policy.check_reset(view, after.public, after.my_leaf)
        creation = mls.group_info(founded, self._membership.identity)
        body = Reset(creation, b"" if staged is None else staged.message).encode()
        welcome = b"" if staged is None else staged.welcome or b""
        if len(body) > limits.RESET_BODY_BYTES_MAX or len(welcome) > limits.WELCOME_BYTES_MAX:
            raise Problem("too-large")
        # The epoch it ends: the server's word where the rows that wait did not lead to it.
        epoch = max(view.epoch, item.after_epoch)
        return replace(item, stage=Stage.READY, kind=Kind.RESET, epoch=epoch, body=body, welcome=welcome), after


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
