"""Ten thousand devices are connected when their server is killed: all are back, and have read everything, within a minute.

Each logs in with its own certified key, waits as the client does between its attempts, and reads on from its cursor. Three
real engines are among them: their screens say nothing but that they connect.
"""

import asyncio
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from bench.population import Town, User, build, settle
from bench.wire import Ledger, Wire
from cast import Post, Scene, until
from miss_app.engine.events import Link, LinkChanged, Trouble
from miss_app.engine.session import BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_MIN, OPEN_SECONDS_MAX

SOCKETS, GROUP = 10_000, 10
AT_ONCE = 400
BACK_SECONDS_MAX = 60.0
QUIET_SECONDS_MAX = 300.0
FIRST_ROW = 1


class Phone:
    """A device that stays connected, as the client does."""

    def __init__(self, user: User, town: Town, port: int, ledger: Ledger, chance: random.Random) -> None:
        self.user = user
        self.wire: Wire | None = None
        self.attempts = 0
        self._server_id = town.server_id
        self._port = port
        self._ledger = ledger
        self._chance = chance
        self.drained = asyncio.Event()

    async def connect(self) -> None:
        """Until it is in and has read what waited; OSError or TimeoutError where it is not."""
        self.attempts += 1
        self.wire = wire = Wire(self.user, self._server_id, self._ledger)
        try:
            async with asyncio.timeout(OPEN_SECONDS_MAX):  # as the client's own
                await wire.connect(self._port)
            async with asyncio.timeout(QUIET_SECONDS_MAX):
                await wire.drained.wait()
        except BaseException:
            with suppress(AttributeError):  # it never came as far as a transport
                wire.close()
            raise
        self.drained.set()

    async def come_back(self) -> None:
        """After its server has gone: attempt after attempt, each a little later."""
        failures = 0
        while True:
            wait = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_MIN * 2.0**failures)
            await asyncio.sleep(wait * self._chance.uniform(0.5, 1.0))
            try:
                await self.connect()
                return
            except (OSError, TimeoutError):
                failures = min(failures + 1, 12)


def run(seed: int, sockets: int = SOCKETS) -> dict[str, object]:
    """The proof; its verdict."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    assert hard > sockets * 1.05, f"this account may open {hard} files only"
    with tempfile.TemporaryDirectory(prefix="miss-storm-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        post = Post(folder / "server", people=6)
        post.start()
        post.stop()
        town = build(post.folder, sockets)
        for first in range(0, sockets, GROUP):
            town.stream(*town.users[first : first + GROUP])
        settle(post.folder, town)
        post.start()
        try:
            return asyncio.run(_storm(post, folder, town, random.Random(seed)))
        finally:
            post.stop()


async def _storm(post: Post, folder: Path, town: Town, chance: random.Random) -> dict[str, object]:
    scene = Scene(post, folder)
    engines = await scene.enter("camille", "hugo", "nadia")
    camille, hugo, nadia = engines
    chat = await camille.client.create_group("Équipe", "", [await camille.find(hugo), await camille.find(nadia)])
    for one in engines:
        await until(lambda one=one: any(len(v.members) == 3 for v in one.client.conversations()), "the team", 120)
    ledger = Ledger()
    phones = [Phone(user, town, post.address[1], ledger, chance) for user in town.users]
    begun = time.monotonic()
    await _all(phones)
    connecting = time.monotonic() - begun
    for first in range(0, len(phones), GROUP):  # a row in each conversation, which nobody acknowledges
        wire = phones[first].wire
        assert wire is not None
        wire.submit(town.users[first].streams[0], ledger.begin(GROUP, None))
    await until(lambda: not ledger.under_way, "everybody has got it", QUIET_SECONDS_MAX)
    heard = {one.name: len(one.events) for one in engines}
    for phone in phones:
        phone.drained.clear()
    killed = time.monotonic()
    await asyncio.to_thread(post.kill)
    returning = [asyncio.create_task(phone.come_back()) for phone in phones]
    await asyncio.to_thread(post.start)
    listening = time.monotonic() - killed
    done: list[float] = []
    for task in asyncio.as_completed(returning, timeout=QUIET_SECONDS_MAX):
        await task
        done.append(time.monotonic() - killed)
    for one in engines:
        await until(lambda one=one: one.client.link() is Link.ONLINE, f"{one.name} is back", QUIET_SECONDS_MAX)
    engines_back = time.monotonic() - killed
    await camille.client.send_text(chat, "nous revoilà")
    for one in engines:
        await until(lambda one=one: "nous revoilà" in one.said(chat), f"{one.name} reads", 120)
    rows = Counter(phone.wire.rows for phone in phones if phone.wire is not None)
    shown = [event for one in engines for event in one.events[heard[one.name] :]]
    troubles = [event for event in shown if isinstance(event, Trouble)]
    links = Counter(str(event.link) for event in shown if isinstance(event, LinkChanged))
    for phone in phones:
        if phone.wire is not None:
            phone.wire.close()
    await scene.close()
    complete = all(count >= FIRST_ROW for count in rows)
    return {
        "passed": len(done) == len(phones) and max(done) <= BACK_SECONDS_MAX and complete and not troubles,
        "sockets": len(phones),
        "connected_in_seconds": round(connecting, 1),
        "server_listens_after": round(listening, 1),
        "half_back_after": round(sorted(done)[len(done) // 2], 1),
        "all_back_after": round(max(done), 1),
        "engines_back_after": round(engines_back, 1),
        "attempts": sum(phone.attempts for phone in phones) - len(phones),
        "rows_read_again": {str(count): devices for count, devices in sorted(rows.items())},
        "engines_showed": dict(links),
        "troubles_shown": len(troubles),
    }


async def _all(phones: list[Phone]) -> None:
    """Everybody connects, some at once."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(phone: Phone) -> None:
        async with room:
            await phone.connect()

    await asyncio.gather(*map(one, phones))
