"""A crowd with opaque messages under siege: the network meddles while the server is killed, frozen, moved in time, broken."""

import asyncio
import os
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench.population import Town
from cast import free_port

from .crowd import Member, readers
from .meddler import CALM, Meddler, Weather
from .node import Node
from .oracle import Oracle
from .town import build_town

ROUGH = Weather(delay=0.03, double=0.03, swap=0.01, stall=0.001, cut=0.01, halve=0.002)
REST_SECONDS_MAX = 180.0
# Of strace: what fails, and how. Each third or fifth call only, so that some go through in between.
DISKS = {
    "fsync-fails": "fdatasync,fsync:error=EIO:when=2+3",
    "disk-full": "pwrite64:error=ENOSPC:when=3+5",
    "disk-slow": "fdatasync,fsync:delay_enter=60000",
}


@dataclass(frozen=True)
class Siege:
    """How long, how many, how hard.

    Args:
        kills: of the server.
        spells: of a broken disk, each kind in turn; each two seconds.
        jumps: of the server's clock, by a day either way.
        messages: at least so many of each device in each conversation.
        faults: of the network, at least so many that hit an operation in flight.
    """

    devices: int = 12
    streams: int = 6
    members: int = 6
    kills: int = 4
    spells: int = 3
    jumps: int = 2
    messages: int = 40
    faults: int = 200
    planted: str = ""


async def besiege(folder: Path, siege: Siege, seed: int) -> dict[str, object]:
    """Runs it to its end; the verdict."""
    chance = Random(seed)
    town = build_town(folder, siege.devices, siege.streams, siege.members, chance)
    node = Node(folder, free_port(), siege.planted, clock=bool(siege.jumps))
    await asyncio.to_thread(node.start)
    oracle, quota = Oracle(), [0]
    meddler = Meddler(lambda: node.address, chance, ROUGH)
    await meddler.open()
    members = [Member(user, town.server_id, oracle, chance, lambda: meddler.port, quota) for user in town.users]
    tasks = [asyncio.create_task(member.live()) for member in members]
    for task in tasks:
        task.add_done_callback(_must_not_end)
    begun = time.monotonic()
    try:
        hits = await _assault(node, siege, members, chance, quota)
        quota[0] = max(quota[0], siege.messages)
        while meddler.hits.total() < siege.faults:  # the network is not done yet
            quota[0] += 1
            await _rest(members, node)
        await _rest(members, node)
        meddler.weather = CALM
        await _all_read(oracle, town, node)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await meddler.close()
        await asyncio.to_thread(node.kill)
    counts = oracle.verdict(readers(town))
    hit = meddler.hits + hits
    return {
        "passed": not any(counts[one] for one in ("lost", "doubled", "altered", "ghosts", "order", "unequal", "gaps")),
        "devices": siege.devices,
        **counts,
        "connections": meddler.connections,
        "faults_in_flight": hit.total(),
        "faults": dict(sorted(hit.items())),
        "seconds_of_writing": round(time.monotonic() - begun, 1),
    }


async def _assault(node: Node, siege: Siege, members: list[Member], chance: Random, quota: list[int]) -> Counter[str]:
    """Kills, spells and jumps in random order while the crowd writes on; what hit an operation in flight."""
    blows = ["node-kill"] * siege.kills + ["clock-jump"] * siege.jumps
    blows += [kind for _, kind in zip(range(siege.spells), _repeated(list(DISKS)), strict=False)]
    chance.shuffle(blows)
    hits: Counter[str] = Counter()
    for done, blow in enumerate(blows, 1):
        quota[0] = max(quota[0] + 1, siege.messages * done // max(1, len(blows)))
        await _busy(members)
        await asyncio.sleep(chance.random() * 0.2)
        under_way = sum(member.under_way for member in members) > 0
        if blow == "node-kill":
            await asyncio.to_thread(node.kill)
            hits[blow] += under_way
            await asyncio.sleep(chance.random() * 0.3)
            await asyncio.to_thread(node.start)
        elif blow == "clock-jump":
            node.move_clock(chance.choice((-86_400, 86_400, 0)))
            hits[blow] += under_way
        else:
            await asyncio.to_thread(node.break_disk, DISKS[blow])
            for _ in range(4):
                quota[0] += 1
                await asyncio.sleep(0.5)
            hits[blow] += await asyncio.to_thread(node.mend_disk)
    return hits


def _must_not_end(task: asyncio.Task[None]) -> None:
    """A member of the crowd that dies of a fault of its own ends the siege."""
    if not task.cancelled() and task.exception() is not None:
        traceback.print_exception(task.exception())
        os._exit(3)


def _repeated(kinds: list[str]) -> list[str]:
    return kinds * 1_000


async def _busy(members: list[Member]) -> None:
    """Waits until somebody has something under way; a quota that is used up is nobody's."""
    for _ in range(200):
        if any(member.under_way and member.online for member in members):
            return
        await asyncio.sleep(0.01)


async def _rest(members: list[Member], node: Node) -> None:
    deadline = time.monotonic() + REST_SECONDS_MAX
    while not all(member.at_rest for member in members):
        assert time.monotonic() < deadline, f"something is never answered\n{node.log()}"
        assert node.runs, node.log()
        await asyncio.sleep(0.02)


async def _all_read(oracle: Oracle, town: Town, node: Node) -> None:
    """Waits until every reader has come as far as the furthest; a stream that stands still for long is judged as it is."""
    streams, since, before = readers(town), time.monotonic(), -1
    while time.monotonic() - since < 15:
        cursors = {stream: [oracle.logs[one, stream].cursor for one in devices] for stream, devices in streams.items()}
        if all(len(set(found)) == 1 for found in cursors.values()):
            return
        total = sum(map(sum, cursors.values()))
        if total != before:
            before, since = total, time.monotonic()
        await asyncio.sleep(0.05)
