"""Two nodes of the scene: on one PostgreSQL database, told of each other by NATS, behind one balancer."""

import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests import haproxy, postgres
from tests.demo.post import Server
from tests.demo.window import Stuck, python
from tests.nats_server import Nats

NAMES = ("one", "two")


class Nodes(Server):
    """Nodes that share a data folder, each a process of its own."""

    def __init__(self, folder: Path, smtp_port: int, recording: Sequence[str] = ()) -> None:
        super().__init__(folder, smtp_port, recording)
        self.engines = ExitStack()
        self.nats = Nats()
        self.nodes: dict[str, subprocess.Popen[bytes]] = {}
        self.ports: dict[str, int] = {}
        self.balancer = 0

    def start(self) -> None:
        """PostgreSQL, NATS, both nodes, and the balancer."""
        database = postgres.new_database(self.engines.enter_context(postgres.cluster()))
        self.nats.start()
        self.engines.callback(self.nats.kill)
        settings = self.folder / "miss.toml"
        settings.write_text(f'database = "{database}"\nhints = "{self.nats.url}"\n' + settings.read_text())
        for name in NAMES:
            self.start_node(name)
        self.balancer = self.engines.enter_context(haproxy.balanced(list(self.ports.values())))

    def start_node(self, name: str) -> None:
        """Start a node, at the port it had before."""
        listening = self.folder / "nodes" / name / "listening"
        listening.unlink(missing_ok=True)
        command = [*python("miss_server", self.folder.parent / "calls.log", self.recording), "serve"]
        command += ["--data", str(self.folder), "--node", name, "--public-name", "miss.example"]
        with (self.folder.parent / "server.log").open("ab") as log:
            self.nodes[name] = subprocess.Popen(
                [*command, "--listen", f"127.0.0.1:{self.ports.get(name, 0)}"], stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while not listening.exists():
            if self.nodes[name].poll() is not None or time.monotonic() > deadline:
                raise Stuck(f"node {name} does not start\n{self.log_tail()}")
            time.sleep(0.05)
        self.ports[name] = int(listening.read_text().strip().rpartition(":")[2])

    def lose_a_node(self) -> None:
        """As when its machine is gone."""
        self.nodes["one"].kill()
        self.nodes["one"].wait(20)

    def bring_back(self) -> None:
        self.start_node("one")

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.balancer

    def stop(self) -> None:
        for process in self.nodes.values():
            process.kill()
            process.wait(20)
        self.nodes.clear()
        self.engines.close()
