"""A team of real engines, each a process of its own, writes through a hostile network while everything is killed in turn."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from cast import Post
from proofs.kills import Sender, gather_team, keys_used_twice, texts

from .fort import Castle, Fort
from .meddler import CALM, Meddler, Weather

# Nothing is swapped: engines take the order of a connection at its word, and read again from the log where it breaks.
ROUGH = Weather(delay=0.03, double=0.03, stall=0.001, cut=0.01, halve=0.002)
NAMES = ("camille", "hugo", "nadia", "ines", "marc", "paul", "lea")
WRONGS = ("lost", "doubled", "unreadable", "unordered", "keys_used_twice")
QUIET_SECONDS_MAX = 400.0


async def campaign(fort: Fort, folder: Path, seed: int, *, people: int, kills: int, messages: int) -> dict[str, object]:
    """Runs it to its end; the verdict. The fort falls with it.

    Args:
        people: in the team, at most seven.
        kills: of clients, nodes and what else the fort has, in turn.
        messages: of all together, at least.
    """
    chance, turns = Random(seed), itertools.count()
    options = ("--database", fort.database_url) if isinstance(fort, Castle) else ()
    post = Post(fort.folder, people + 2, *options)
    await asyncio.to_thread(post.start)
    meddler = Meddler(lambda: fort.address(next(turns)), chance)
    try:
        port = await meddler.open()
        chat, stranger, folders = await gather_team(post, folder, NAMES[:people], port)
    finally:
        await asyncio.to_thread(post.stop)
    await asyncio.to_thread(fort.raise_up)
    meddler.weather = ROUGH
    quota = folder / "quota"
    quota.write_text("0")
    senders = [
        Sender(name, folders[name], chat, b"" if at else stranger, quota, folder / f"{name}.log")
        for at, name in enumerate(folders)
    ]
    each = -(-messages // people)
    begun = time.monotonic()
    try:
        for sender in senders:
            await asyncio.to_thread(sender.start)
        hits = await _assault(fort, senders, chance, kills, each)
        _allow(quota, each)
        await _come_true(lambda: all(one.said() >= each and one.under_way() == 0 for one in senders), fort)
        meddler.weather = CALM
        await _all_read(senders, each)
    finally:
        for sender in senders:
            await asyncio.to_thread(sender.kill)
        await meddler.close()
        await asyncio.to_thread(fort.fall)
    return _verdict(senders, each, meddler.hits + hits, time.monotonic() - begun)


async def _assault(fort: Fort, senders: list[Sender], chance: Random, kills: int, each: int) -> Counter[str]:
    hits: Counter[str] = Counter()
    blows = itertools.cycle(("client-kill", *fort.blows()))
    for number, blow in zip(range(kills), blows, strict=False):
        landed = sum(one.lines("landed") for one in senders)
        _allow(senders[0].quota, each * (number + 1) // kills)
        await _come_true(lambda: sum(one.lines("landed") for one in senders) > landed, fort)  # noqa: B023
        await asyncio.sleep(chance.random() * 0.2)
        if blow == "client-kill":
            victim = chance.choice(senders)
            hits[blow] += victim.under_way() > 0
            await asyncio.to_thread(victim.kill)
            await asyncio.to_thread(victim.start)
        else:
            hits[blow] += any(one.under_way() for one in senders)
            await asyncio.to_thread(fort.strike, blow, chance.random() * 0.5, chance.randrange(len(fort.nodes)))
    return hits


async def _come_true(condition: Callable[[], bool], fort: Fort) -> None:
    deadline = time.monotonic() + QUIET_SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, f"the team does not go on\n{fort.log()}"
        await asyncio.sleep(0.1)


async def _all_read(senders: list[Sender], each: int) -> None:
    """Everybody goes home, and comes back where somebody has not read everything yet."""
    for _ in range(20):
        for sender in senders:
            await asyncio.to_thread(sender.kill)
        read = [len(texts(one.folder, one.chat)[0]) for one in senders]
        if min(read) >= each * len(senders):
            return
        for sender in senders:
            await asyncio.to_thread(sender.start)
        await asyncio.sleep(3)


def _allow(quota: Path, number: int) -> None:
    beside = quota.with_suffix(".new")
    beside.write_text(str(number))
    beside.replace(quota)


def _verdict(senders: list[Sender], each: int, hits: Counter[str], seconds: float) -> dict[str, object]:
    wanted = {f"{one.name} {number}" for one in senders for number in range(each)}
    stores = {one.name: texts(one.folder, one.chat) for one in senders}
    found: Counter[str] = Counter()
    opened = 0
    for name, (said, unreadable) in stores.items():
        found["lost"] += len(wanted - set(said))
        found["doubled"] += len(said) - len(set(said))
        found["ghosts"] += len(set(said) - wanted)
        found["unreadable"] += unreadable
        opened += sum(not text.startswith(f"{name} ") for text in said)
        for one in senders:
            own = [text for text in said if text.startswith(f"{one.name} ")]
            found["unordered"] += own != [f"{one.name} {number}" for number in range(each)]
    found["unordered"] += len({tuple(said) for said, _ in stores.values()}) - 1
    found["keys_used_twice"] = keys_used_twice(senders)
    return {
        "passed": not any(found[one] for one in (*WRONGS, "ghosts")),
        "engines": len(senders),
        "messages": each * len(senders),
        "opened_by_mls": opened,
        **{one: found[one] for one in (*WRONGS, "ghosts")},
        "kills": sum(count for kind, count in hits.items() if kind.endswith("-kill")),
        "faults_in_flight": hits.total(),
        "faults": dict(sorted(hits.items())),
        "seconds_of_writing": round(seconds, 1),
    }
