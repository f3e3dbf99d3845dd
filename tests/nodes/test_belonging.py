"""Keys and database of one service stay together; hints are believed from nodes of the service only."""

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from engines import copied
from miss_server import authority, config, data_folder
from miss_server.__main__ import main
from miss_server.config import ConfigError
from miss_server.door import Door
from miss_server.hints import SIZES, Hint, Outward, Seal
from miss_server.meters import Meters
from server.office import Office

ARGUMENTS = ["--listen", "127.0.0.1:0", "--language", "en"]


def test_a_database_is_not_served_with_other_keys(
    postgresql_server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = copied(postgresql_server)
    first = Office(tmp_path / "first", url)
    first.start()
    first.stop()
    other = tmp_path / "other"
    serve = ["serve", "--data", str(other), "--database", url, *ARGUMENTS]
    assert main(serve) == 1
    assert "belongs to a server with other keys" in capsys.readouterr().err
    assert not (other / "keys").exists(), "no keys are made that nobody would believe"
    other.mkdir()
    authority.load_or_make(other / "keys", "other", 1)
    assert main(serve) == 1
    assert "belongs to a server with other keys" in capsys.readouterr().err


def test_a_database_that_does_not_answer_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"postgresql://miss@/miss?host={tmp_path}"
    for _ in range(2):  # without keys, and with some
        assert main(["serve", "--data", str(tmp_path / "data"), "--database", url, *ARGUMENTS]) == 1
        assert "The database does not answer" in capsys.readouterr().err
        (tmp_path / "data").mkdir(exist_ok=True)
        authority.load_or_make(tmp_path / "data/keys", "one", 1)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"node": "one"}, "nodes-need-postgresql"),
        ({"hints": "nats://localhost"}, "nodes-need-postgresql"),
        ({"hints": "http://localhost", "database": "postgresql:///miss"}, "setting-malformed"),
        ({"hints": "nats://", "database": "postgresql:///miss"}, "setting-malformed"),
        ({"node": "../one", "database": "postgresql:///miss"}, "setting-malformed"),
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, given: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config.load(tmp_path, **given)
    assert refused.value.reason == reason


def test_nodes_share_a_folder_and_say_each_where_they_run(tmp_path: Path) -> None:
    settings = [config.load(tmp_path, database="postgresql:///miss", node=name) for name in ("one", "two")]
    assert data_folder.running(tmp_path) == []
    for one in settings:
        one.run.mkdir(parents=True)
    with data_folder.held(settings[0].run), data_folder.held(settings[1].run):
        settings[1].listening.write_text("127.0.0.1:8\n")
        assert data_folder.running(tmp_path) == [one.run for one in settings]
        assert data_folder.address(tmp_path) == "127.0.0.1:8"
        with pytest.raises(data_folder.FolderInUseError), data_folder.held(settings[0].run):
            pass


def test_hints_are_read_by_nodes_that_hold_the_key_alone() -> None:
    key = os.urandom(32)
    one, two, stranger = Seal(key), Seal(key), Seal(os.urandom(32))
    said: dict[Hint, dict[bytes, None]] = {}

    class Bus:
        def say(self, hint: Hint, item: bytes = b"") -> None:
            assert len(item) == SIZES[hint]
            said.setdefault(hint, {})[item] = None

    outward = Outward(Bus())
    outward.row(7, adds=False)
    outward.row(2**40, adds=True)
    outward.reached(7, b"s" * 16, [(b"d" * 16, 3), (b"e" * 16, 4)])
    outward.typing(7, b"s" * 16, b"d" * 16)
    outward.arrived(5, 99)
    outward.apart([7])
    outward.look()
    messages = list(one.sealed(said))
    assert {hint: list(items) for message in messages for hint, items in two.opened(message)} == {
        hint: list(items) for hint, items in said.items()
    }
    for message in messages:
        assert list(one.opened(message)) == [], "one's own"
        assert list(stranger.opened(message)) == []
        for at in range(len(message)):
            altered = message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :]
            assert list(two.opened(altered)) == []
        assert list(two.opened(message[:-1])) == []
    # A kind of a later version is stepped over.
    content = os.urandom(8) + b"\xf0\0\0\0\x02xx" + bytes([Hint.LOOK]) + bytes(4)
    assert list(two.opened(two._mac(content) + content)) == [(Hint.LOOK, [b""])]


@pytest.mark.parametrize(
    ("peer", "status"), [("127.0.0.1", 200), ("::1", 200), ("10.0.0.7", 200), ("10.0.1.7", 403), ("", 403)]
)
def test_a_server_without_tls_speaks_to_its_balancer_alone(tmp_path: Path, peer: str, status: int) -> None:
    with pytest.raises(ConfigError, match="plain-http-outside"):
        config.load(tmp_path, listen="0.0.0.0:8470")
    (tmp_path / "miss.toml").write_text('trusted_proxies = ["10.0.0.0/24"]\n')
    settings = config.load(tmp_path, listen="0.0.0.0:8470")
    assert config.load(tmp_path).plain_proxies == ()

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask() -> httpx.Response:
        door = Door(inside, Meters(tmp_path), tls=True, proxies=settings.plain_proxies)
        transport = httpx.ASGITransport(door, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://miss") as http:
            return await http.get("/", headers={"Accept-Language": "en"})

    answer = asyncio.run(ask())
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["sentence"].startswith("This server speaks to its balancer only.")
