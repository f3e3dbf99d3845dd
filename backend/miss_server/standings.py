"""Where devices say they stand in their conversations' epochs, and who of them is told that it stands apart.

The server cannot see the secrets of an epoch; members who agree on them share a digest. The digest that most devices
have said is believed, the committer's where as many said another one: a single device, be it the committer, makes
nobody doubt but itself. Reports are gathered in memory and written together; one that is lost is made again at the
device's next login.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, text

from miss_protocol.frames import Diverged, Report, encode
from miss_server import journal
from miss_server.database import Database
from miss_server.tables import public_groups, standings, streams

FLUSH_SECONDS = 0.2
EPOCH_MAX, GENERATION_MAX = 2**63 - 1, 2**31 - 1

Note = Callable[[int, bytes], None]  # (device, frame): tells a device that is connected here


@dataclass(frozen=True, slots=True)
class _Epoch:
    """The epoch that a stream is in, and the device that began it."""

    generation: int
    epoch: int
    committer: int


class Standings:
    """The reports that came since they were last written.

    Args:
        note: tells a device, where it is connected here; may be lost.
    """

    def __init__(self, database: Database, note: Note) -> None:
        self._database = database
        self._note = note
        self._reported: dict[tuple[int, int], Report] = {}
        self.beyond: Callable[[Sequence[int]], None] = lambda _: None  # tells other nodes which streams to look at
        self.rounds = 0  # of looking at what was said

    def report(self, device: int, stream: int, report: Report) -> None:
        """A device says where it stands; its later word holds."""
        # Nobody is in an epoch that no database holds, and it would keep everybody else's words from being written.
        if report.epoch > EPOCH_MAX or report.generation > GENERATION_MAX:
            return
        self._reported[stream, device] = report

    async def flush(self) -> None:
        """Writes what was said, then tells those who stand apart."""
        if not self._reported:
            return
        reported, self._reported = self._reported, {}
        try:
            news = await self._database.read(_news, reported)
            if news:
                await self._database.run(_write, news)
            reported_in = {stream for stream, _ in reported}
            await self.tell(reported_in)
        except Exception as error:  # a full disk, say: it is said again at the next login
            journal.failure("standings-unwritten", error)
            return
        self.beyond(list(reported_in))

    async def tell(self, reported_in: set[int]) -> None:
        """Tells those who stand apart in these streams, where they are connected here."""
        apart = await self._database.read(_apart, reported_in)
        for (_, device), report in apart.items():
            self._note(device, encode(Diverged(report.stream, report.generation, report.epoch)))

    async def keep_flushing(self) -> None:
        """Runs until it is cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()
            self.rounds += 1


Said = dict[tuple[int, int], Report]


def _news(connection: Connection, reported: Said) -> list[dict[str, object]]:
    """What is not known yet; at a login most of it is."""
    known = {}
    for stream in {stream for stream, _ in reported}:
        for device, generation, epoch, digest in connection.execute(_OF_STREAM, {"stream": stream}):
            known[stream, device] = (generation, epoch, bytes(digest))
    return [
        {"stream": stream, "device": device, "generation": one.generation, "epoch": one.epoch, "digest": one.digest}
        for (stream, device), one in reported.items()
        if known.get((stream, device)) != (one.generation, one.epoch, one.digest)
    ]


_s = standings.c
_OF_STREAM = select(_s.device, _s.generation, _s.epoch, _s.digest).where(_s.stream == bindparam("stream"))
_CURRENT = (
    select(streams.c.stream_id, streams.c.generation, streams.c.epoch, public_groups.c.committer)
    .join(public_groups, public_groups.c.stream == streams.c.stream)
    .where(streams.c.stream == bindparam("stream"))
)
_SAY = text(
    "INSERT INTO standings (stream, device, generation, epoch, digest) "
    "VALUES (:stream, :device, :generation, :epoch, :digest) ON CONFLICT (stream, device) DO UPDATE "
    "SET generation = excluded.generation, epoch = excluded.epoch, digest = excluded.digest"
)


def _write(connection: Connection, news: list[dict[str, object]]) -> None:
    connection.execute(_SAY, news)


def _apart(connection: Connection, reported_in: set[int]) -> Said:
    """Those in these streams whose digest of the current epoch is not the believed one."""
    found: Said = {}
    for stream in reported_in:
        row = connection.execute(_CURRENT, {"stream": stream}).first()
        if row is None:
            continue
        current = _Epoch(row.generation, row.epoch, row.committer or 0)
        said = _said(connection, stream, current)
        believed = believe(said.values(), said.get(current.committer, b""))
        for device, digest in said.items():
            if believed and digest != believed:
                found[stream, device] = Report(bytes(row.stream_id), current.generation, current.epoch, digest)
    return found


def _said(connection: Connection, stream: int, current: _Epoch) -> dict[int, bytes]:
    """The digests of the current epoch, by device; who cannot follow has none."""
    rows = connection.execute(_OF_STREAM, {"stream": stream})
    return {
        device: bytes(digest)
        for device, generation, epoch, digest in rows
        if (generation, epoch) == (current.generation, current.epoch) and digest
    }


def believe(digests: Iterable[bytes], committers: bytes) -> bytes:
    """The digest to go by: the one most devices said; among several such the committer's; empty: nobody can tell."""
    counted = Counter(digests)
    most = max(counted.values(), default=0)
    leading = [digest for digest, count in counted.items() if count == most]
    if len(leading) == 1:
        return leading[0]
    return committers if committers in leading else b""
