"""Devices out of service leave every conversation: the registrar proposes it, in each epoch, until it is committed.

Out of service is a device that was revoked, or that has been silent for SILENT_DAYS: its keys were not made anew since.

While such a proposal waits, the server takes neither messages nor commits that omit it: nobody writes to who is gone.
The work to do is read from the database each time, so that neither a restart nor a lost race forgets any of it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, insert, text, update

from miss_protocol import limits
from miss_protocol.frames import ID_BYTES, Class, Kind
from miss_server import journal
from miss_server.database import Database, Duty
from miss_server.doorbell import Doorbell
from miss_server.handshakes import Handshakes, Removals
from miss_server.tables import public_groups, rows, streams

LOOK_SECONDS = 1.0
_DAY_MS = 86_400_000
AT_ONCE_MAX = 50  # streams a look, so that other work goes on between

# A conversation in which nobody is left who could commit stays as it is.
_DUE = text(
    "SELECT s.stream, s.stream_id, s.version, d.device_id FROM devices d "
    "JOIN memberships m ON m.device = d.device AND m.removed IS NULL "
    "JOIN streams s ON s.stream = m.stream AND s.kind <> 'device' "
    "WHERE (d.revoked_at_ms IS NOT NULL OR coalesce(d.last_seen_ms, d.added_at_ms) < :silent) "
    "AND EXISTS (SELECT 1 FROM memberships o JOIN devices l ON l.device = o.device WHERE o.stream = m.stream "
    "AND o.removed IS NULL AND l.revoked_at_ms IS NULL AND coalesce(l.last_seen_ms, l.added_at_ms) >= :silent) "
    "ORDER BY s.stream"
)


class Removing:
    """What the registrar asks members to do about devices out of service.

    Args:
        key: the external sender's, which every group names in its context.
        now_ms: the clock.
        duty: whether this node, of several, is the one that looks.
    """

    def __init__(
        self,
        database: Database,
        handshakes: Handshakes,
        doorbell: Doorbell,
        key: Ed25519PrivateKey,
        now_ms: Callable[[], int],
        duty: Duty | None = None,
    ) -> None:
        self._database = database
        self._handshakes = handshakes
        self._doorbell = doorbell
        self._seed = key.private_bytes_raw()
        self._now_ms = now_ms
        self._duty = duty or Duty()
        self._proposed: dict[int, int] = {}  # stream → version in which all that is to go is proposed

    async def keep_proposing(self) -> None:
        """Look every second, for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                if await asyncio.to_thread(self._duty.held):
                    await self.propose()
            except Exception as error:  # the next look finds the same work
                journal.failure("removals-failed", error)

    async def propose(self) -> int:
        """Propose what is due; how many streams got a proposal."""
        due = await self._database.read(_due, self._now_ms() - limits.SILENT_DAYS * _DAY_MS)
        self._proposed = {stream: version for stream, version in self._proposed.items() if (stream, version) in due}
        fresh = [one for one in due if self._proposed.get(one[0]) != one[1]][:AT_ONCE_MAX]
        count = 0
        for stream, version in fresh:
            stream_id, device_ids = due[stream, version]
            made = await self._database.read(self._handshakes.propose_removals, stream_id, device_ids, self._seed)
            if not made.bodies:
                self._proposed[stream] = made.version
            elif await self._database.run(_write, stream, made, self._now_ms()):
                if made.group is not None:
                    self._handshakes.publish(stream_id, made.version + 1, made.group)
                self._proposed[stream] = made.version + 1
                self._doorbell.ring_log(stream)
                count += 1
        return count


def _due(connection: Connection, silent_ms: int) -> dict[tuple[int, int], tuple[bytes, set[bytes]]]:
    """(stream, version) → its id, and the devices out of service, silent since before ``silent_ms``, still members."""
    found: dict[tuple[int, int], tuple[bytes, set[bytes]]] = defaultdict(lambda: (b"", set()))
    for stream, stream_id, version, device_id in connection.execute(_DUE, {"silent": silent_ms}):
        ids = found[stream, version][1]
        ids.add(bytes(device_id))
        found[stream, version] = (bytes(stream_id), ids)
    return dict(found)


def _write(connection: Connection, stream: int, made: Removals, now_ms: int) -> bool:
    """Append the proposals, unless the public group has moved on; whether they were."""
    s = streams.c
    head = connection.execute(
        update(streams)
        .where(s.stream == stream, s.version == made.version)
        .values(head=s.head + len(made.bodies), version=s.version + 1, leaving=True)
        .returning(s.head)
    ).scalar()
    if head is None or made.group is None:
        return False
    for number, body in enumerate(made.bodies, head - len(made.bodies) + 1):
        connection.execute(
            insert(rows).values(
                stream=stream,
                number=number,
                kind=int(Kind.PROPOSAL),
                priority=int(Class.SILENT),
                at_ms=now_ms,
                epoch=made.epoch,
                sender=0,
                message_id=bytes(ID_BYTES),
                body=body,
            )
        )
    connection.execute(
        update(public_groups)
        .where(public_groups.c.stream == stream)
        .values(version=made.version + 1, state=made.group.encode())
    )
    return True
