"""What this person's devices share: each entry here, told to the others, the last writer by logical clock holding.

An entry that changes is written first and said a moment later, so that a draft typed letter by letter is said once.
Whatever was written while there was no own stream goes along when the next device gets its snapshot.
"""

import asyncio
from collections.abc import Callable

from miss_app.engine import records
from miss_app.engine.events import StateChanged
from miss_app.engine.own_stream import OwnStream
from miss_app.engine.store import Step, Store
from miss_protocol.own_state import ENTRIES_MAX, Entries, Entry

SAY_SECONDS = 1.0
SAY_BYTES_MAX = 60 * 1024
_UNSAID = b"unsaid"


class StateSync:
    """The shared entries of one open store.

    Args:
        device_id: this device's.
    """

    def __init__(self, store: Store, own: OwnStream, device_id: bytes) -> None:
        self._store = store
        self._own = own
        self._device_id = device_id
        self._entries = {
            entry.name: entry for entry in (records.decode(Entry, row.body) for row in store.all_rows("states"))
        }
        self._unsaid = {row.name.decode() for row in store.rows("states", _UNSAID)}
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False
        self.told: Callable[[Step], None] = lambda _: None  # something came from another device

    # Reading.

    def get(self, name: str) -> bytes:
        """A value; empty where it is unset."""
        entry = self._entries.get(name)
        return b"" if entry is None else entry.value

    def names(self, prefix: str) -> list[str]:
        """What follows the prefix in the names of the entries that are set."""
        return sorted(
            one[len(prefix) :] for one, entry in self._entries.items() if one.startswith(prefix) and entry.value
        )

    def snapshot(self) -> tuple[Entry, ...]:
        """Everything, the unset ones too: they must win against older values."""
        return tuple(entry for _, entry in sorted(self._entries.items()))

    # Writing.

    def set(self, step: Step, name: str, value: bytes) -> None:
        """A value of this device; the others hear of it within a moment."""
        if self.get(name) == value:
            return
        clock = max((one.clock for one in self._entries.values()), default=0) + 1
        self._keep(step, Entry(name, value, clock, self._device_id), unsaid=True)
        step.after(self.say_soon)

    def repeat(self, step: Step, prefix: str) -> None:
        """Say again what this device said under names that begin so: somebody came who was not there to hear it."""
        for name, entry in list(self._entries.items()):
            if name.startswith(prefix) and entry.device == self._device_id:
                self._keep(step, entry, unsaid=True)
        step.after(self.say_soon)

    def heard(self, step: Step, entries: tuple[Entry, ...]) -> None:
        """What another device of this person says."""
        for entry in entries:
            if entry.holds_against(self._entries.get(entry.name)):
                self._keep(step, entry, unsaid=False)
                step.tell(StateChanged(entry.name))
        self.told(step)

    def _keep(self, step: Step, entry: Entry, *, unsaid: bool) -> None:
        before, was_unsaid = self._entries.get(entry.name), entry.name in self._unsaid
        step.put("states", entry.name.encode(), records.encode(entry), shelf=_UNSAID if unsaid else b"")
        self._entries[entry.name] = entry
        (self._unsaid.add if unsaid else self._unsaid.discard)(entry.name)

        def undo() -> None:
            if before is None:
                self._entries.pop(entry.name, None)
            else:
                self._entries[entry.name] = before
            (self._unsaid.add if was_unsaid else self._unsaid.discard)(entry.name)

        step.undo(undo)

    # Saying.

    def say_soon(self) -> None:
        """Say what is unsaid in a moment."""
        if self._timer is None and self._unsaid and not self._stopped:
            self._timer = asyncio.get_running_loop().call_later(SAY_SECONDS, self._say)

    def stop(self) -> None:
        """The store is closed next: what a step under way wants said is said after the next unlock."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _say(self) -> None:
        self._timer = None
        record = self._own.record()
        if record is None or not self._unsaid:
            return
        chosen: list[Entry] = []
        size = 0
        for name in sorted(self._unsaid):
            entry = self._entries[name]
            size += len(entry.value) + len(name) + 40
            if chosen and (len(chosen) >= ENTRIES_MAX or size > SAY_BYTES_MAX):
                break
            chosen.append(entry)
        with self._store.step() as step:
            for entry in chosen:
                self._keep(step, entry, unsaid=False)
            self._own.say(step, record.conversation_id, Entries(tuple(chosen)))
        self.say_soon()
