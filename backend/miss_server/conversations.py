"""``accept``: which rows a conversation takes, in which order, and who may read them.

Order of checks, for each submission: a message id this device has claimed already gets the first answer again; else it
must be a member; its epoch the current one; what it says sound and allowed. Only then claim, number and row are
written, together. A refusal is a value and claims nothing. Commits and their like were judged outside, against the
public group they named (``handshakes``); here only its version is compared.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from miss_protocol import limits
from miss_protocol.frames import Accepted, Kind, Refusal, Refused, Submit
from miss_protocol.terms import OWN
from miss_server import turns
from miss_server.handshakes import Judgement
from miss_server.quotas import Quotas
from miss_server.streams import DEVICE_STREAM

PRIVATE_MESSAGE = b"\x00\x01\x00\x02"  # RFC 9420 section 6: version mls10, wire format mls_private_message
APPLICATION_DATA = b"\x01"  # section 6: content type application
KEPT_BYTES_MAX = Quotas().conversation_bytes


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was stored, for those who are connected."""

    stream: int
    number: int
    sender: int
    at_ms: int
    frame: Submit
    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to a submission that is on disk; ``row`` is None where it was stored before and is answered again."""

    answer: Accepted
    row: Row | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """The public group has moved on since it was judged, in the same epoch: judge again."""


Verdict = Taken | Refused | Again


@dataclass(slots=True, eq=False)
class Submission:
    """What a device asks to be stored.

    Args:
        device: row number of the sender.
        answer: told the verdict after COMMIT, on the event loop.
        judgement: of handshakes only.
    """

    device: int
    device_id: bytes
    person_id: bytes
    frame: Submit
    answer: Callable[[Verdict], None]
    judgement: Judgement | None = None


@dataclass(slots=True)
class _Stream:
    """A stream under the lock of this transaction."""

    stream: int
    kind: str
    head: int
    generation: int
    epoch: int
    version: int
    leaving: bool
    kept_bytes: int


@dataclass(slots=True)
class _Ledger:
    """What a batch reads at once and writes at once."""

    connection: Connection
    now_ms: int
    kept_bytes_max: int
    streams: dict[bytes, _Stream] = field(default_factory=dict)
    claims: dict[tuple[int, bytes], Accepted] = field(default_factory=dict)
    members: set[tuple[int, int]] = field(default_factory=set)
    moved: dict[int, _Stream] = field(default_factory=dict)
    new_rows: list[tuple[object, ...]] = field(default_factory=list)
    new_claims: list[tuple[object, ...]] = field(default_factory=list)


def accept(connection: Connection, batch: Sequence[Submission], kept_bytes_max: int = KEPT_BYTES_MAX) -> list[Verdict]:
    """Judge and store a batch; the caller commits, then tells the verdicts.

    Args:
        connection: inside a transaction of its own, which has read nothing yet.
        kept_bytes_max: what a conversation may hold of messages that somebody has not got; handshakes always pass.
    """
    alone = any(one.frame.kind is not Kind.APPLICATION for one in batch)
    ledger = _Ledger(connection, turns.take(connection, alone=alone), kept_bytes_max)
    _read(ledger, batch)
    verdicts = [_take(ledger, one) for one in batch]
    _write(ledger)
    return verdicts


def failed(submission: Submission, error: Exception) -> Verdict:
    """The verdict on what the database could not store: nothing is claimed, the device tries again later."""
    return _refused(submission.frame, Refusal.SLOW_DOWN, detail=f"storage: {type(error).__name__}")


def _read(ledger: _Ledger, batch: Sequence[Submission]) -> None:
    """Everything the checks need, in three questions."""
    run = ledger.connection.exec_driver_sql
    ids = tuple({one.frame.stream for one in batch})
    # Read under their lock, which comes first: what follows is as the batch before this one left it.
    lock = turns.LOCK_ROWS if turns.shared(ledger.connection) else ""
    for stream_id, *rest in run(_STREAMS + _marks(len(ids)) + lock, ids):
        ledger.streams[bytes(stream_id)] = _Stream(*rest)
    ours = tuple(value for one in batch for value in (one.device, one.frame.message_id))
    for device, message_id, stream_id, number, at_ms in run(_pairs("device, message_id", len(batch)) + _CLAIMS, ours):
        known = Accepted(bytes(message_id), bytes(stream_id), number, at_ms)
        ledger.claims[device, known.message_id] = known
    pairs = {(s.stream, one.device) for one in batch if (s := ledger.streams.get(one.frame.stream)) is not None}
    if pairs:
        flat = tuple(value for pair in pairs for value in pair)
        for stream, device in run(_pairs("stream, device", len(pairs)) + _MEMBERS, flat):
            ledger.members.add((stream, device))


_STREAMS = (
    "SELECT stream_id, stream, kind, head, generation, epoch, version, leaving, kept_bytes "
    "FROM streams WHERE stream_id IN "
)
# A list of pairs is joined, not looked up by IN: SQLite would read the whole table for that.
_CLAIMS = (
    "SELECT c.device, c.message_id, s.stream_id, c.number, c.at_ms FROM wanted w "
    "JOIN claims c ON c.device = w.device AND c.message_id = w.message_id JOIN streams s ON s.stream = c.stream"
)
_MEMBERS = (
    "SELECT m.stream, m.device FROM wanted w "
    "JOIN memberships m ON m.stream = w.stream AND m.device = w.device WHERE m.removed IS NULL"
)


def _pairs(columns: str, count: int) -> str:
    return f"WITH wanted ({columns}) AS (VALUES {','.join(['(?,?)'] * count)}) "


def _marks(count: int) -> str:
    return f"({','.join('?' * count)})"


def _take(ledger: _Ledger, one: Submission) -> Verdict:
    frame = one.frame
    known = ledger.claims.get((one.device, frame.message_id))
    if known is not None:
        return Taken(known)
    if frame.kind is Kind.CREATE:
        return _create(ledger, one)
    stream = ledger.streams.get(frame.stream)
    if stream is None or stream.kind == DEVICE_STREAM or (stream.stream, one.device) not in ledger.members:
        return _refused(frame, Refusal.NOT_MEMBER)
    if frame.epoch != stream.epoch:
        return _refused(frame, Refusal.STALE, epoch=stream.epoch)
    if frame.kind is not Kind.APPLICATION:
        return _handshake(ledger, one, stream)
    if stream.leaving:
        return _refused(frame, Refusal.COMMIT_FIRST)
    if stream.generation and _is_of_before(frame, stream.generation):
        return _refused(frame, Refusal.STALE, epoch=stream.epoch)
    if not frame.body.startswith(_application_head(frame, stream.generation)):
        return _refused(frame, Refusal.INVALID, detail="not an application message of this group and epoch")
    if stream.kept_bytes + len(frame.body) > ledger.kept_bytes_max:
        return _refused(frame, Refusal.FULL, detail="messages of a conversation")
    return Taken(_append(ledger, one, stream), Row(stream.stream, stream.head, one.device, ledger.now_ms, frame))


def _application_head(frame: Submit, generation: int) -> bytes:
    """How a PrivateMessage with application data of this group and epoch begins, RFC 9420 section 6.3."""
    group_id = b"\x14" + frame.stream + generation.to_bytes(4, "big")
    return PRIVATE_MESSAGE + group_id + frame.epoch.to_bytes(8, "big") + APPLICATION_DATA


def _is_of_before(frame: Submit, generation: int) -> bool:
    """Whether a PrivateMessage was sealed for a group that a reset has replaced since."""
    head = PRIVATE_MESSAGE + b"\x14" + frame.stream
    sealed_for = frame.body[len(head) : len(head) + 4]
    return frame.body.startswith(head) and int.from_bytes(sealed_for, "big") < generation


def _append(ledger: _Ledger, one: Submission, stream: _Stream) -> Accepted:
    """Takes the next number, and notes the claim and the row for the writing."""
    frame, at_ms = one.frame, ledger.now_ms
    stream.head += 1
    stream.kept_bytes += len(frame.body)
    number = stream.head
    ledger.moved[stream.stream] = stream
    answer = Accepted(frame.message_id, frame.stream, number, at_ms)
    ledger.claims[one.device, frame.message_id] = answer
    ledger.new_claims.append((one.device, frame.message_id, stream.stream, number, at_ms))
    kind, priority = int(frame.kind), int(frame.priority)
    ledger.new_rows.append(
        (stream.stream, number, kind, priority, at_ms, frame.epoch, one.device, frame.message_id, frame.body)
    )
    return answer


def _write(ledger: _Ledger) -> None:
    run = ledger.connection.exec_driver_sql
    if not ledger.new_rows:
        return
    run("INSERT INTO claims (device, message_id, stream, number, at_ms) VALUES (?,?,?,?,?)", ledger.new_claims)
    run(
        "INSERT INTO rows (stream, number, kind, priority, at_ms, epoch, sender, message_id, body) "
        "VALUES (?,?,?,?,?,?,?,?,?)",
        ledger.new_rows,
    )
    run(
        "UPDATE streams SET head = ?, generation = ?, epoch = ?, version = ?, leaving = ?, kept_bytes = ? "
        "WHERE stream = ?",
        [(s.head, s.generation, s.epoch, s.version, s.leaving, s.kept_bytes, s.stream) for s in ledger.moved.values()],
    )


def _create(ledger: _Ledger, one: Submission) -> Verdict:
    frame, judgement = one.frame, one.judgement
    if frame.stream in ledger.streams:
        return _refused(frame, Refusal.INVALID, detail="stream-exists")
    if judgement is None or judgement.refusal is not None:
        return _unsound(frame, judgement)
    if judgement.pair is not None and (other := _pair_taken(ledger, one, judgement.pair, 0)) is not None:
        return _refused(frame, Refusal.EXISTS, other=other)
    if _streams_of(ledger, one.device) >= limits.STREAMS_PER_DEVICE_MAX:
        return _refused(frame, Refusal.FULL, detail="conversations of a device")
    run = ledger.connection.exec_driver_sql
    created = run(
        "INSERT INTO streams (stream_id, kind, head, generation, epoch, version, leaving, created_at_ms) "
        "VALUES (?,?,0,?,0,1,FALSE,?) RETURNING stream",
        (frame.stream, judgement.kind, judgement.generation, ledger.now_ms),
    ).one()
    stream = _Stream(created[0], judgement.kind, 0, judgement.generation, 0, 1, False, 0)
    ledger.streams[frame.stream] = stream
    run(
        "INSERT INTO public_groups (stream, version, state, committer, group_info) VALUES (?,1,?,?,?)",
        (stream.stream, judgement.state, one.device, frame.body),
    )
    if judgement.kind == OWN and judgement.pair is not None:
        _keep_pair(ledger, judgement.pair, stream.stream)
    _join(ledger, stream, (one.device,), 1)
    answer = _append(ledger, one, stream)
    return Taken(answer, Row(stream.stream, 1, one.device, ledger.now_ms, frame, added=(one.device,)))


def _handshake(ledger: _Ledger, one: Submission, stream: _Stream) -> Verdict:
    """A commit or a proposal, judged outside against version ``judgement.version`` of the public group."""
    frame, judgement = one.frame, one.judgement
    if judgement is None or judgement.version != stream.version:
        return Again()
    if judgement.refusal is not None:
        return _unsound(frame, judgement)
    if judgement.pair is not None and (other := _pair_taken(ledger, one, judgement.pair, stream.stream)) is not None:
        return _refused(frame, Refusal.EXISTS, other=other)
    for device in judgement.added:
        if _streams_of(ledger, device) >= limits.STREAMS_PER_DEVICE_MAX:
            return _refused(frame, Refusal.FULL, detail="conversations of a device")
    answer = _append(ledger, one, stream)
    number = answer.number
    stream.version += 1
    stream.leaving = judgement.leaving
    run = ledger.connection.exec_driver_sql
    run(
        "UPDATE public_groups SET version = ?, state = ? WHERE stream = ?",
        (stream.version, judgement.state, stream.stream),
    )
    if frame.kind is not Kind.PROPOSAL:
        stream.generation, stream.epoch = judgement.generation, judgement.epoch
        _leave(ledger, stream, judgement.removed, number)
        _join(ledger, stream, judgement.added, number)
        run(
            "UPDATE public_groups SET committer = ?, group_info = ? WHERE stream = ?",
            (one.device, frame.group_info, stream.stream),
        )
    if frame.welcome:
        run("INSERT INTO welcomes (stream, number, body) VALUES (?,?,?)", (stream.stream, number, frame.welcome))
    if judgement.pair is not None:
        _keep_pair(ledger, judgement.pair, stream.stream)
    row = Row(stream.stream, number, one.device, ledger.now_ms, frame, judgement.added, judgement.removed)
    return Taken(answer, row)


def _join(ledger: _Ledger, stream: _Stream, devices: Sequence[int], number: int) -> None:
    for device in devices:
        ledger.members.add((stream.stream, device))
        ledger.connection.exec_driver_sql(
            "INSERT INTO memberships (stream, device, added, removed) VALUES (?,?,?,NULL)",
            (stream.stream, device, number),
        )


def _leave(ledger: _Ledger, stream: _Stream, devices: Sequence[int], number: int) -> None:
    for device in devices:
        ledger.members.discard((stream.stream, device))
        ledger.connection.exec_driver_sql(
            "UPDATE memberships SET removed = ? WHERE stream = ? AND device = ? AND removed IS NULL",
            (number, stream.stream, device),
        )


def _keep_pair(ledger: _Ledger, pair: tuple[bytes, bytes], stream: int) -> None:
    ledger.connection.exec_driver_sql(
        "INSERT INTO direct_pairs (low_person, high_person, stream) VALUES (?,?,?) "
        "ON CONFLICT (low_person, high_person) DO UPDATE SET stream = excluded.stream",
        (*pair, stream),
    )


def _pair_taken(ledger: _Ledger, one: Submission, pair: tuple[bytes, bytes], here: int) -> bytes | None:
    """The direct conversation these two have elsewhere, where the submitting device is a member of it."""
    found = ledger.connection.exec_driver_sql(
        "SELECT s.stream_id FROM direct_pairs p JOIN streams s ON s.stream = p.stream "
        "JOIN memberships m ON m.stream = p.stream AND m.device = ? AND m.removed IS NULL "
        "WHERE p.low_person = ? AND p.high_person = ? AND p.stream <> ?",
        (one.device, *pair, here),
    ).first()
    return None if found is None else bytes(found[0])


def _streams_of(ledger: _Ledger, device: int) -> int:
    counted = ledger.connection.exec_driver_sql(
        "SELECT count(*) FROM memberships WHERE device = ? AND removed IS NULL", (device,)
    )
    return int(counted.scalar_one())


def _unsound(frame: Submit, judgement: Judgement | None) -> Refused:
    if judgement is None or judgement.refusal is None:
        return _refused(frame, Refusal.INVALID, detail="not judged")
    return _refused(frame, judgement.refusal, detail=judgement.detail)


def _refused(frame: Submit, reason: Refusal, *, epoch: int = 0, other: bytes = bytes(16), detail: str = "") -> Refused:
    return Refused(frame.message_id, frame.stream, reason, epoch, other, detail)
