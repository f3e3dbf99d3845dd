"""A crowd with opaque messages under siege: the network meddles while the server is killed, frozen, moved in time, broken."""

import asyncio
import itertools
import os
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from random import Random

from bench.population import Town

from .crowd import Member, readers
from .fort import Fort
from .meddler import CALM, Meddler, Weather
from .oracle import WRONGS, Oracle
from .town import build_town

ROUGH = Weather(delay=0.03, double=0.03, swap=0.01, stall=0.001, cut=0.01, halve=0.002)
REST_SECONDS_MAX = 240.0  # without a single answer
STILL_SECONDS_MAX = 15.0
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


async def besiege(fort: Fort, siege: Siege, seed: int) -> dict[str, object]:
    """Runs it to its end; the verdict. The fort falls with it."""
    chance = Random(seed)
    town = build_town(fort.folder, siege.devices, siege.streams, siege.members, chance, fort.database_url)
    await asyncio.to_thread(fort.raise_up)
    oracle, quota = Oracle(), [0]
    turns = itertools.count()
    meddler = Meddler(lambda: fort.address(next(turns)), chance, ROUGH)
    await meddler.open()
    members = [Member(user, town.server_id, oracle, chance, lambda: meddler.port, quota) for user in town.users]
    tasks = [asyncio.create_task(member.live()) for member in members]
    for task in tasks:
        task.add_done_callback(_must_not_end)
    begun = time.monotonic()
    try:
        hits = await _assault(fort, siege, members, chance, quota)
        quota[0] = max(quota[0], siege.messages)
        while meddler.hits.total() < siege.faults:  # the network is not done yet
            quota[0] += 5
            await _rest(members, fort, oracle)
        await _rest(members, fort, oracle)
        meddler.weather = CALM
        await _all_read(oracle, town)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await meddler.close()
        await asyncio.to_thread(fort.fall)
    counts = oracle.verdict(readers(town))
    hit = meddler.hits + hits
    return {
        "passed": not any(counts[one] for one in WRONGS),
        "devices": siege.devices,
        **counts,
        "connections": meddler.connections,
        "kills": sum(count for kind, count in hit.items() if kind.endswith("-kill")),
        "faults_in_flight": hit.total(),
        "faults": dict(sorted(hit.items())),
        "seconds_of_writing": round(time.monotonic() - begun, 1),
    }


async def _assault(fort: Fort, siege: Siege, members: list[Member], chance: Random, quota: list[int]) -> Counter[str]:
    """Kills, spells and jumps in random order while the crowd writes on; what hit an operation in flight."""
    blows = [kind for _, kind in zip(range(siege.kills), itertools.cycle(fort.blows()), strict=False)]
    blows += ["clock-jump"] * siege.jumps
    blows += [kind for _, kind in zip(range(siege.spells), itertools.cycle(DISKS), strict=False)]
    chance.shuffle(blows)
    hits: Counter[str] = Counter()
    for done, blow in enumerate(blows, 1):
        quota[0] = max(quota[0] + 1, siege.messages * done // len(blows))
        await _busy(members)
        await asyncio.sleep(chance.random() * 0.2)
        under_way = any(member.under_way for member in members)
        which = chance.randrange(len(fort.nodes))
        if blow == "clock-jump":
            fort.nodes[which].move_clock(chance.choice((-86_400, 86_400, 0)))
            hits[blow] += under_way
        elif blow in DISKS:
            await asyncio.to_thread(fort.nodes[which].break_disk, DISKS[blow])
            for _ in range(4):
                _write_on(members, quota)
                await asyncio.sleep(0.5)
            hits[blow] += await asyncio.to_thread(fort.nodes[which].mend_disk)
        else:
            striking = asyncio.create_task(asyncio.to_thread(fort.strike, blow, chance.random() * 0.5, which))
            hits[blow] += under_way
            while not striking.done():  # the crowd writes on meanwhile
                _write_on(members, quota)
                await asyncio.wait([striking], timeout=1)
            await striking
    return hits


def _write_on(members: list[Member], quota: list[int]) -> None:
    """Another message each, once half of the crowd has nothing left to say."""
    if 2 * sum(member.at_rest for member in members) >= len(members):
        quota[0] += 1


async def _busy(members: list[Member]) -> None:
    """Waits until somebody has something under way."""
    for _ in range(500):
        if any(member.under_way and member.online for member in members):
            return
        await asyncio.sleep(0.01)


async def _rest(members: list[Member], fort: Fort, oracle: Oracle) -> None:
    """Waits until everything is answered; a busy machine may take its time as long as something is."""
    answered, since = -1, time.monotonic()
    while not all(member.at_rest for member in members):
        if len(oracle.answered) != answered:
            answered, since = len(oracle.answered), time.monotonic()
        assert time.monotonic() - since < REST_SECONDS_MAX, f"something is never answered\n{fort.log()}"
        assert all(node.runs for node in fort.nodes), fort.log()
        await asyncio.sleep(0.02)


async def _all_read(oracle: Oracle, town: Town) -> None:
    """Waits until every reader has come as far as the furthest; a stream that stands still for long is judged as it is."""
    streams, since, before = readers(town), time.monotonic(), -1
    while time.monotonic() - since < STILL_SECONDS_MAX:
        cursors = {stream: [oracle.logs[one, stream].cursor for one in devices] for stream, devices in streams.items()}
        if all(len(set(found)) == 1 for found in cursors.values()):
            return
        total = sum(map(sum, cursors.values()))
        if total != before:
            before, since = total, time.monotonic()
        await asyncio.sleep(0.05)


def _must_not_end(task: asyncio.Task[None]) -> None:
    """A member of the crowd that dies of a fault of its own ends the siege."""
    if not task.cancelled() and task.exception() is not None:
        traceback.print_exception(task.exception())
        os._exit(3)
