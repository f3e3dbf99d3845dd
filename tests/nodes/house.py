"""Two real nodes on one PostgreSQL database and one folder, told of each other by a real NATS server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from miss_server import authority
from nats_server import Nats
from server.office import Office, Process


class Node(Office):
    """One node as a process of its own; devices are enrolled and connected as at an office."""

    def __init__(self, folder: Path, database_url: str, hints: str, node: str, *options: str) -> None:
        super().__init__(folder, database_url, hints=hints, node=node)
        given = ["--database", database_url, *options]
        if hints:
            given += ["--hints", hints]
        self.process = Process(folder, *given, node=node)

    def start(self) -> None:
        self.port = self.process.start(self.port)
        self.keyring = authority.load(self.settings.keys)

    def stop(self) -> None:
        """As an operator stops it."""
        self.process.stop()

    def kill(self) -> None:
        self.process.kill()

    def log(self) -> str:
        return self.process.log.read_text()


class House:
    """The nodes, and the NATS server between them."""

    def __init__(self, folder: Path, database_url: str, *options: str) -> None:
        self.nats = Nats()
        self.nats.start()
        folder.mkdir(parents=True, exist_ok=True)
        self.nodes = [Node(folder, database_url, self.nats.url, name, *options) for name in ("one", "two")]

    def start(self) -> None:
        """Both at once, as on their first start: only one makes the keys and the tables."""
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(Node.start, self.nodes))

    def end(self) -> None:
        Process.end_all()
        self.nats.kill()


@contextmanager
def opened(folder: Path, database_url: str, *options: str) -> Iterator[House]:
    """A house that runs until the block ends."""
    house = House(folder, database_url, *options)
    try:
        house.start()
        yield house
    finally:
        house.end()
