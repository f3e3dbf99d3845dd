"""The works: what users do while the server is measured, and the figures of each."""

import asyncio
import gc
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from .meter import GENERATOR_CPU, measured, on_cpu, percentile
from .peers import PEERS, Peer
from .population import Town, User
from .wire import Ledger, Wire

PAIRS = 50
MEMBERS, SENDERS, WINDOW = 50, 5, 4
RATE = 200.0
LOGINS_AT_ONCE = 32
WARM_CONNECTIONS = 5
SETTLE_SECONDS = 3.0
PATIENCE_SECONDS = 120.0
Record = dict[str, object]


@dataclass(frozen=True)
class Options:
    """How long and how much."""

    seconds: float = 5.0
    warm_up: float = 1.5
    connections: int = 2_000
    backlog: int = 10_000


@dataclass(frozen=True)
class Work:
    """One work: how many users it needs, who talks to whom, and what is then done."""

    users: Callable[[Options], int]
    arrange: Callable[[Town], None]
    play: Callable[[Peer, Town, Options], Awaitable[Record]]


def measure(name: str, peer_name: str, options: Options) -> Record:
    """One work, once, on a server that is started for it and ended after it."""
    work = WORKS[name]
    with tempfile.TemporaryDirectory(prefix="miss-bench-") as folder:
        peer = PEERS[peer_name](Path(folder) / peer_name)
        town = peer.populate(work.users(options))
        work.arrange(town)
        try:
            peer.start(town)
            with on_cpu(GENERATOR_CPU):
                figures = uvloop.run(work.play(peer, town, options))
        finally:
            peer.stop()
    return {"work": name, "peer": peer_name, **figures}


# Who talks to whom


def _in_pairs(town: Town) -> None:
    for one, other in zip(town.users[::2], town.users[1::2], strict=True):
        town.stream(one, other)


def _in_one_group(town: Town) -> None:
    town.stream(*town.users)


def _alone(_town: Town) -> None:
    """Each has its own device stream only."""


# What they do


async def _connect(
    peer: Peer, town: Town, users: Sequence[User], ledger: Ledger, *, receipts: bool = False, replay: bool = False
) -> list[Wire]:
    wires = [Wire(one, town.server_id, ledger, receipts=receipts) for one in users]
    turns = asyncio.Semaphore(LOGINS_AT_ONCE)

    async def one(wire: Wire) -> None:
        query = ""
        if not peer.logs_in:
            query = f"?replay={replay}&streams={','.join(stream.hex() for stream in wire.user.streams)}"
        async with turns:
            await wire.connect(peer.port, query, logs_in=peer.logs_in)

    await asyncio.gather(*(one(wire) for wire in wires))
    return wires


async def _converse(peer: Peer, options: Options, ledger: Ledger, lanes: Sequence[tuple[Wire, int]]) -> Record:
    """Closed loop: each lane (sender, events of a message) says the next message when the last one has arrived."""
    stopped = False

    def lane(wire: Wire, events: int) -> Callable[[], None]:
        stream = wire.user.streams[0]

        def say() -> None:
            if not stopped:
                wire.submit(stream, ledger.begin(events, say))

        return say

    for wire, events in lanes:
        lane(wire, events)()
    figures = await _watch(peer, options, ledger)
    stopped = True
    return figures


async def _at_a_rate(peer: Peer, options: Options, ledger: Ledger, senders: Sequence[Wire], rate: float) -> Record:
    """Open loop: messages leave at fixed instants, and their latency counts from these."""

    async def keep_saying() -> None:
        loop = asyncio.get_running_loop()
        said, start = 0, loop.time()
        while True:
            due = start + said / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            wire = senders[said % len(senders)]
            wire.submit(wire.user.streams[0], ledger.begin(2, None, due))
            said += 1

    saying = asyncio.create_task(keep_saying())
    figures = await _watch(peer, options, ledger)
    saying.cancel()
    return figures


async def _watch(peer: Peer, options: Options, ledger: Ledger) -> Record:
    await asyncio.sleep(options.warm_up)
    gc.collect()
    gc.disable()
    try:
        ledger.clear()
        with measured(peer.cpu_seconds) as span:
            await asyncio.sleep(options.seconds)
            completed, delivered, refused, frames = ledger.completed, ledger.delivered, ledger.refused, ledger.frames
    finally:
        gc.enable()
    assert not refused, f"{refused} messages refused"
    latencies, answers = sorted(ledger.delivery_seconds), sorted(ledger.answer_seconds)
    return {
        "messages_s": round(completed / span.seconds, 1),
        "deliveries_s": round(delivered / span.seconds, 1),
        "messages_core_s": round(completed / max(0.001, span.seconds * span.server_cpu), 1),
        "deliveries_core_s": round(delivered / max(0.001, span.seconds * span.server_cpu), 1),
        "frames_a_message": round(frames / max(1, completed), 2),
        "p50_ms": round(percentile(latencies, 0.5) * 1e3, 3),
        "p99_ms": round(percentile(latencies, 0.99) * 1e3, 3),
        "answer_p50_ms": round(percentile(answers, 0.5) * 1e3, 3),
        "answer_p99_ms": round(percentile(answers, 0.99) * 1e3, 3),
        **span.record(),
    }


def _pairs(*, receipts: bool) -> Callable[[Peer, Town, Options], Awaitable[Record]]:
    async def play(peer: Peer, town: Town, options: Options) -> Record:
        ledger = Ledger()
        wires = await _connect(peer, town, town.users, ledger, receipts=receipts)
        return await _converse(peer, options, ledger, [(wire, 2) for wire in wires[::2]])

    return play


def _group(*, receipts: bool) -> Callable[[Peer, Town, Options], Awaitable[Record]]:
    async def play(peer: Peer, town: Town, options: Options) -> Record:
        ledger = Ledger()
        wires = await _connect(peer, town, town.users, ledger, receipts=receipts)
        return await _converse(peer, options, ledger, [(wire, MEMBERS) for wire in wires[:SENDERS] * WINDOW])

    return play


async def _latency(peer: Peer, town: Town, options: Options) -> Record:
    ledger = Ledger()
    wires = await _connect(peer, town, town.users, ledger, receipts=True)
    return await _at_a_rate(peer, options, ledger, wires[::2], RATE)


async def _idle(peer: Peer, town: Town, options: Options) -> Record:
    """Memory of connections that say nothing."""
    ledger = Ledger()
    wires = await _connect(peer, town, town.users[:WARM_CONNECTIONS], ledger)
    await asyncio.sleep(1)
    before = peer.memory_kib()
    with measured(peer.cpu_seconds) as span:
        wires += await _connect(peer, town, town.users[WARM_CONNECTIONS:], ledger)
    await asyncio.sleep(SETTLE_SECONDS)
    after, added = peer.memory_kib(), len(wires) - WARM_CONNECTIONS
    assert not any(wire.closed for wire in wires)
    return {
        "connections": len(wires),
        "kib_a_connection": round((after - before) / added, 2),
        "memory_mib": round(after / 1024, 1),
        "logins_s": round(added / span.seconds, 1),
        **span.record(),
    }


async def _catch_up(peer: Peer, town: Town, options: Options) -> Record:
    """A device that was away takes everything it missed."""
    ledger = Ledger()
    writer, reader = town.users
    (wire,) = await _connect(peer, town, [writer], ledger)
    full, left = asyncio.Event(), options.backlog

    def say() -> None:
        nonlocal left
        if left > 0:
            left -= 1
            wire.submit(writer.streams[0], ledger.begin(1, say))
        elif not ledger.under_way:
            full.set()

    for _ in range(min(64, options.backlog)):
        say()
    await asyncio.wait_for(full.wait(), PATIENCE_SECONDS)
    await asyncio.sleep(0.5)
    with measured(peer.cpu_seconds) as span:
        (late,) = await _connect(peer, town, [reader], ledger, replay=True)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while late.rows < options.backlog:
                await asyncio.sleep(0.001)
    return {"messages": late.rows, "catch_up_s": round(span.seconds, 3), **span.record()}


WORKS: dict[str, Work] = {
    "pairs": Work(lambda _: 2 * PAIRS, _in_pairs, _pairs(receipts=False)),
    "pairs-receipts": Work(lambda _: 2 * PAIRS, _in_pairs, _pairs(receipts=True)),
    "group": Work(lambda _: MEMBERS, _in_one_group, _group(receipts=False)),
    "group-receipts": Work(lambda _: MEMBERS, _in_one_group, _group(receipts=True)),
    "latency": Work(lambda _: 2 * PAIRS, _in_pairs, _latency),
    "idle": Work(lambda options: options.connections, _alone, _idle),
    "catch-up": Work(lambda _: 2, _in_pairs, _catch_up),
}
