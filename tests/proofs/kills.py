"""``kill -9`` of clients and of the server while a team writes: nothing lost, doubled or unreadable, no key used twice."""

import asyncio
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from cast import Post, Scene, store_key, until
from miss_app.engine import records
from miss_app.engine.model import Message
from miss_app.engine.store import Store

NAMES = ("camille", "hugo", "nadia")
QUIET_SECONDS_MAX = 180.0


@dataclass
class Sender:
    """A person's engine in a process that is killed and started again."""

    name: str
    folder: Path
    chat: bytes
    stranger: bytes
    quota: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None
    _seen: int = 0  # of the log, in bytes
    _count: Counter[str] = field(default_factory=Counter)
    _waiting: set[str] = field(default_factory=set)
    _said: int = 0

    def start(self) -> None:
        program = Path(__file__).with_name("sender.py")
        stranger = self.stranger.hex() or "-"
        command = [sys.executable, program, self.folder, self.chat.hex(), self.name, stranger, self.quota, self.log]
        awake = self.lines("awake")
        with self.log.with_suffix(".out").open("ab") as out:
            self.process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=out)
        wait_for(lambda: self.lines("awake") > awake, f"{self.name} starts", self.process)

    def kill(self, how: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def words(self) -> list[list[str]]:
        """The log, without a last line that a kill cut off."""
        text = self.log.read_text() if self.log.exists() else ""
        return [line.split() for line in text[: text.rfind("\n") + 1].splitlines()]

    def _look(self) -> None:
        """What the log says since the last look."""
        if not self.log.exists():
            return
        with self.log.open() as log:
            log.seek(self._seen)
            text = log.read()
        text = text[: text.rfind("\n") + 1]
        self._seen += len(text)  # the log is ASCII
        for kind, *names in map(str.split, text.splitlines()):
            self._count[kind] += 1
            if kind == "awake":
                self._waiting = set(names)
            elif kind == "queued":
                self._waiting.add(names[0])
            elif kind == "landed":
                self._waiting.discard(names[0])
            elif kind == "said":
                self._said = max(self._said, int(names[0]))

    def lines(self, kind: str) -> int:
        self._look()
        return self._count[kind]

    def under_way(self) -> int:
        """How many of its items had not landed yet."""
        self._look()
        return len(self._waiting)

    def said(self) -> int:
        """How many texts it has written so far."""
        self._look()
        return self._said


def wait_for(condition: object, what: str, process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + QUIET_SECONDS_MAX
    while not condition():  # a function without arguments
        assert process is None or process.poll() is None, f"{what}: the process ended"
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.02)


async def gather_team(
    post: Post, folder: Path, names: Sequence[str] = NAMES, port: int = 0
) -> tuple[bytes, bytes, dict[str, Path]]:
    """People in a group, and one more who is certified but stays away: (chat, the other's id, folders).

    Args:
        port: where they will find the server from now on, where that is not where it is.
    """
    scene = Scene(post, folder)
    *team, zoe = await scene.enter(*names, "zoe")
    camille = team[0]
    people = [await camille.find(one) for one in team[1:]]
    chat = await camille.client.create_group("Équipe des épreuves", "", people)
    for one in team:
        await until(lambda one=one: any(v.members for v in one.client.conversations()), "the team")
        await until(lambda one=one: len(one.client.conversations()[0].members) == len(team), "all members")
    stranger = zoe.view.person_id
    folders = {one.name: one.folder for one in team}
    for one in team:  # straight to the server: a killed process takes no cable along
        server = one.client._profile.server()
        assert server is not None
        one.client._profile.set_server(server.at(port or post.address[1]))
    await scene.close()
    return chat, stranger, folders


THREAD_LOST = ("cannot-follow", "rejoined", "device-returned", "conversation-reset", "store-from-the-past")


def texts(folder: Path, chat: bytes) -> tuple[list[str], int]:
    """(texts in the order of the screen, unreadable lines) of a store."""
    store = Store(folder / "store.db", store_key(folder))
    found = [records.decode(Message, row.body) for row in store.rows("messages", chat)]
    store.close()
    said = [one.text for one in found if one.kind == "text" and one.number]
    return said, sum(one.kind == "unreadable" or one.notice in THREAD_LOST for one in found)


def keys_used_twice(senders: list[Sender]) -> int:
    """How many (epoch, leaf, generation) stand behind two different submitted ciphertexts."""
    used: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for sender in senders:
        submitted = {words[1] for words in sender.words() if words[0] == "submitted"}
        sealed = {words[1] for words in sender.words() if words[0] == "sealed"}
        assert submitted
        assert submitted <= sealed, "every ciphertext that left is known by its key"
        for words in sender.words():
            if words[0] == "sealed" and words[1] in submitted:
                used[tuple(words[2:])].add(words[1])
    return sum(len(ciphertexts) > 1 for ciphertexts in used.values())


def run(seed: int, kills: int = 50, messages: int = 1000, folder: Path | None = None) -> dict[str, object]:
    """The proof; its verdict.

    Args:
        kills: half of them of clients, half of the server.
        messages: texts in all.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="miss-kills-") as made:
            return run(seed, kills, messages, Path(made))
    post = Post(folder / "server", people=8)
    post.start()
    try:
        chat, stranger, folders = asyncio.run(gather_team(post, folder))
        senders = [
            Sender(
                name,
                folders[name],
                chat,
                stranger if name == NAMES[0] else b"",
                folder / "quota",
                folder / f"{name}.log",
            )
            for name in NAMES
        ]
        return _kill_and_compare(random.Random(seed), post, senders, kills, messages)
    finally:
        post.stop()


def _kill_and_compare(
    chance: random.Random, post: Post, senders: list[Sender], kills: int, messages: int
) -> dict[str, object]:
    each = -(-messages // len(senders))
    hits = {"client": 0, "server": 0}
    killed = {"client": 0, "server": 0}
    quota = senders[0].quota
    quota.write_text("0")
    for sender in senders:
        sender.start()
    try:
        for number in range(kills):
            landed = sum(sender.lines("landed") for sender in senders)
            _set(quota, each * (number + 1) // kills)
            wait_for(lambda: sum(one.lines("landed") for one in senders) > landed, "the team goes on")  # noqa: B023
            time.sleep(chance.random() * 0.12)
            if number % 2:
                post.kill()
                killed["server"] += 1
                hits["server"] += any(one.under_way() for one in senders)
                post.start()
            else:
                victim = chance.choice(senders)
                victim.kill()
                killed["client"] += 1
                hits["client"] += victim.under_way() > 0
                victim.start()
        _set(quota, each)
        wait_for(lambda: all(_settled(one, each) for one in senders), "everything landed")
        wait_for(lambda: _all_read(senders, each), "everybody has read everything")
    finally:
        for sender in senders:
            sender.kill()
    return _verdict(senders, each, killed, hits)


def _set(quota: Path, number: int) -> None:
    beside = quota.with_suffix(".new")
    beside.write_text(str(number))
    beside.replace(quota)


def _settled(sender: Sender, each: int) -> bool:
    return sender.said() >= each and sender.under_way() == 0


def _all_read(senders: list[Sender], each: int) -> bool:
    """Stop everybody for a look at the stores; start them again where somebody is still behind."""
    for sender in senders:
        sender.kill()
    if all(len(texts(one.folder, one.chat)[0]) >= each * len(senders) for one in senders):
        return True
    for sender in senders:
        sender.start()
    time.sleep(2)
    return False


def _verdict(senders: list[Sender], each: int, killed: dict[str, int], hits: dict[str, int]) -> dict[str, object]:
    wanted = {f"{one.name} {number}" for one in senders for number in range(each)}
    said = {one.name: texts(one.folder, one.chat) for one in senders}
    lost = sum(len(wanted - set(found)) for found, _ in said.values())
    doubled = sum(len(found) - len(set(found)) for found, _ in said.values())
    unreadable = sum(count for _, count in said.values())
    orders = {tuple(found) for found, _ in said.values()}
    own_order = all(
        [text for text in found if text.startswith(f"{one.name} ")] == [f"{one.name} {n}" for n in range(each)]
        for found, _ in said.values()
        for one in senders
    )
    twice = keys_used_twice(senders)
    in_flight = sum(hits.values())
    sealed = sum(sender.lines("sealed") for sender in senders)
    passed = not (lost or doubled or unreadable or twice) and len(orders) == 1 and own_order
    passed = passed and in_flight >= sum(killed.values()) * 3 // 5
    return {
        "passed": passed,
        "messages": each * len(senders),
        "kills_of_clients": killed["client"],
        "kills_of_the_server": killed["server"],
        "kills_in_flight": in_flight,
        "sealed": sealed,
        "lost": lost,
        "doubled": doubled,
        "unreadable": unreadable,
        "one_order": len(orders) == 1 and own_order,
        "keys_used_twice": twice,
    }
