"""People and devices that are added once they have left key packages: a phone just linked, a new colleague."""

from collections.abc import Callable

from miss_app.engine import records
from miss_app.engine.conversations import Conversations
from miss_app.engine.gathering import NOT_CONTACTABLE
from miss_app.engine.http import Http
from miss_app.engine.membership import Membership
from miss_app.engine.model import Act, Item, Latecomer
from miss_app.engine.outbox import Outbox
from miss_app.engine.people import People, certificate_of_leaf
from miss_app.engine.problems import Problem
from miss_app.engine.pursuit import Pursuit
from miss_app.engine.store import Step, Store

LOOK_SECONDS_MIN, LOOK_SECONDS_MAX = 1.0, 60.0


class Latecomers:
    """Who is still to be added where; each is one record, so that a crash loses nobody.

    Args:
        new_id: makes a message id of 16 random bytes.
    """

    def __init__(
        self,
        store: Store,
        conversations: Conversations,
        people: People,
        membership: Membership,
        outbox: Outbox,
        http: Http,
        new_id: Callable[[], bytes],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._people = people
        self._membership = membership
        self._outbox = outbox
        self._http = http
        self._new_id = new_id
        self._pursuit = Pursuit(self._look)

    def expect_everywhere(self, step: Step) -> None:
        """This person's other devices are to be in every conversation."""
        for record in self._conversations.all():
            if record.active and not record.leaving:
                self.expect(step, record.conversation_id)

    def expect(self, step: Step, conversation_id: bytes) -> None:
        """This person's other devices are to be in this conversation."""
        own, record = self._people.own_devices(), self._conversations.get(conversation_id)
        inside = {one.person_id: one.devices for one in record.members} if record is not None else {}
        if inside.get(self._people.me, 0) > len(own) and not self._people.has_disowned():
            return  # all of them are in, without a look at the tree
        for device_id in own:
            late = Latecomer(conversation_id, self._people.me, device_id)
            if not self._settled(late):
                step.put("tasks", _name(late), records.encode(late))
        step.after(self.resume)

    def resume(self) -> None:
        """Look for key packages from now on, as long as somebody is awaited."""
        self._pursuit.resume()

    async def stop(self) -> None:
        await self._pursuit.stop()

    async def _look(self) -> None:
        wait = LOOK_SECONDS_MIN
        while True:
            self._pursuit.begin()
            try:
                waiting = [records.decode(Latecomer, row.body) for row in self._store.all_rows("tasks")]
                if not waiting:
                    return
                live = await self._live() if any(late.device_id for late in waiting) else set()
                moved = [await self._try(late, live) for late in sorted(waiting, key=self._order)]
                wait = LOOK_SECONDS_MIN if any(moved) else min(wait * 2, LOOK_SECONDS_MAX)
            except Problem:
                wait = min(wait * 2, LOOK_SECONDS_MAX)
            if await self._pursuit.rest(wait):
                wait = LOOK_SECONDS_MIN

    def _order(self, late: Latecomer) -> tuple[bool, int]:
        """One's own stream first, then the conversations of the newest messages."""
        record = self._conversations.get(late.conversation_id)
        return (True, 0) if record is None else (not record.own, -record.at_ms)

    async def _try(self, late: Latecomer, live: set[bytes]) -> bool:
        """Queue the add where its key package is there; True when this one is settled."""
        if self._settled(late) or (late.device_id and late.device_id not in live):
            return self._forget(late)  # in, or removed since
        try:
            found = await self._membership.key_packages(self._http, late.person_id, late.device_id)
        except Problem as problem:
            if problem.reason != NOT_CONTACTABLE:
                raise
            return self._forget(late)  # they do not wish it any more, and nobody else is to wait for that
        packages = tuple(data for device, data in found if late.device_id in (b"", device))
        if not packages:
            return False
        devices = (late.device_id,) if late.device_id else ()
        with self._store.step() as step:
            item = Item(
                self._new_id(),
                late.conversation_id,
                Act.ADD,
                persons=(late.person_id,),
                devices=devices,
                packages=packages,
                hand_over=late.hand_over,
                days=late.days,
            )
            self._outbox.enqueue(step, item)
            step.delete("tasks", _name(late))
        return True

    def _settled(self, late: Latecomer) -> bool:
        record, group = self._conversations.get(late.conversation_id), self._conversations.group(late.conversation_id)
        if record is None or not record.active or group is None:
            return True
        inside = [certificate_of_leaf(leaf) for leaf in group.roster().values()]
        if late.device_id:
            return any(one.device_id == late.device_id for one in inside)
        return any(one.person_id == late.person_id for one in inside)

    def _forget(self, late: Latecomer) -> bool:
        with self._store.step() as step:
            step.delete("tasks", _name(late))
        return True

    async def _live(self) -> set[bytes]:
        """This person's devices, as the server knows them."""
        answer = await self._http.json("GET", "/v1/devices", ticket=True)
        try:
            return {bytes.fromhex(one["device"]) for one in answer["devices"]}
        except (KeyError, TypeError, ValueError) as error:
            raise Problem("server-not-understood") from error


def _name(late: Latecomer) -> bytes:
    return late.conversation_id + late.person_id + late.device_id
