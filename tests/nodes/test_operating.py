"""What the operator is given starts: each service of docker-compose.yml and the unit file, read from the files."""

import asyncio
import configparser
import os
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml

from cast import Device, Post, Scene
from identity.extract import mailbox_lines, people_lines, write
from miss_app.engine.events import Tick
from miss_protocol.identity import Authority
from miss_protocol.invitation import Invitation
from nodes.plain import ROOT, Compose
from plays.half_deaf import HalfDeafCable
from test_starting import certificate


class Composed(Post):
    """The post of a play, behind Caddy."""

    def __init__(self, compose: Compose, name: str) -> None:
        super().__init__(compose.folder / "data", people=4)
        self.compose = compose
        self.name = name

    def load(self) -> None:
        files = [
            write(self.compose.folder / "personne-activite.txt", people_lines(self.people)),
            write(self.compose.folder / "correspondance-mssante.txt", mailbox_lines(self.people)),
        ]
        command = [sys.executable, "-m", "miss_server", "register", "load", "--data", self.folder, *files]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        self.server_id = Authority.decode(
            httpx.get(f"http://127.0.0.1:{self.compose.ports['one']}/v1/authority").content
        ).server_id


class Outside(Device):
    """A device that reaches the service as everybody does."""

    @property
    def invitation(self) -> str:
        assert isinstance(self.post, Composed)
        return Invitation(self.post.name, self.post.compose.ports["https"], self.post.server_id).link()


@pytest.fixture
def composed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    name = socket.gethostname()
    tls = certificate(tmp_path, name)
    (tmp_path / "password").write_text("tout à fait secret\n")
    variables = {
        "MISS_NAME": name,
        "MISS_TLS_CERT": tls["CERT"],
        "MISS_TLS_KEY": tls["KEY"],
        "MISS_DATABASE_PASSWORD": str(tmp_path / "password"),
    }
    monkeypatch.setenv("SSL_CERT_FILE", tls["SSL_CERT_FILE"])
    (tmp_path / "compose").mkdir()
    compose = Compose(tmp_path / "compose", variables)
    try:
        yield Composed(compose, name)
    finally:
        compose.end()


def test_people_register_and_write_through_everything_that_compose_starts(composed: Composed, tmp_path: Path) -> None:
    compose = composed.compose
    compose.start_all()
    composed.load()
    scene = Scene(composed, tmp_path / "people")

    async def play() -> None:
        people = [
            Outside(composed, tmp_path / "people" / one, one, composed.someone(), HalfDeafCable(("127.0.0.1", 9)))
            for one in ("camille", "hugo")
        ]
        camille, hugo = people
        scene.devices += people
        for one in people:
            await one.register()
            await one.enter()
        chat = await camille.client.open_direct(await camille.find(hugo))
        first = await camille.client.send_text(chat, "Par tout ce que compose démarre.")
        await hugo.reads(chat, "Par tout ce que compose démarre.")
        await camille.ticks(chat, first, Tick.DELIVERED)
        # One node is stopped: its people go on at the other, by the same name.
        assert await asyncio.to_thread(compose.stop, "one") == 0
        await camille.client.send_text(chat, "Et par un seul nœud.")
        await hugo.reads(chat, "Par tout ce que compose démarre.", "Et par un seul nœud.")
        await scene.close()

    asyncio.run(play())
    compose.ask("SELECT pg_switch_wal()")  # else the log is archived within the minute that the file says
    archive = compose.folder / "database/archive"
    until = time.monotonic() + 60
    while not (archive.is_dir() and any(archive.iterdir())):
        assert time.monotonic() < until, "the log of the database is archived"
        time.sleep(0.1)


def test_every_service_is_confined() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert set(services) == {"one", "two", "postgres", "nats", "caddy"}
    for name, service in services.items():
        user = service["user"].partition(":")[0]
        assert user.isdecimal(), name
        assert int(user) > 0, name
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["healthcheck"]["test"][0] == "CMD"
    assert [name for name, service in services.items() if service.get("ports")] == ["caddy"]
    image = (ROOT / "backend/Dockerfile").read_text()
    assert f"--uid {services['one']['user'].partition(':')[0]} " in image
    for line in image.splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not words[1].startswith("--from"):
            assert (ROOT / words[1]).exists(), line


def test_the_unit_file_starts_a_server(tmp_path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    unit.optionxform = str  # type: ignore[assignment]  # names of units have capitals
    unit.read(ROOT / "backend/miss-server.service")
    service = unit["Service"]
    environment = dict(one.split("=", 1) for one in shlex.split(service["Environment"]))
    place = f"/var/lib/{service['StateDirectory']}"
    environment = {name: value.replace(place, str(tmp_path / "data")) for name, value in environment.items()}
    program, *rest = shlex.split(service["ExecStart"])
    assert program == "/opt/miss/bin/miss-server"
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data/miss.toml").write_text('listen = "127.0.0.1:0"\n')
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "miss_server", *rest],
            env={"PATH": os.environ["PATH"]} | environment, stdout=log, stderr=log, cwd=tmp_path,
        )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while not (tmp_path / "data/listening").exists():
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.05)
        address = (tmp_path / "data/listening").read_text().strip()
        assert httpx.get(f"http://{address}/health/ready").json() == {"status": "ok"}
        assert service["KillSignal"] == "SIGTERM"
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
    for switch in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "MemoryDenyWriteExecute"):
        assert service[switch] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
