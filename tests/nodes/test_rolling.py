"""Nodes behind a balancer are restarted one by one, killed, and brought to a newer database, while devices write."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

import haproxy
from engines import copied
from miss_protocol.frames import Close
from nodes.house import House, opened
from nodes.steady import Steady, check, go_on, settled
from server.office import make_circle, play, until


@pytest.fixture
def house(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("rolling") / "data"
    folder.mkdir()
    (folder / "miss.toml").write_text("drain_seconds = 1\n")
    with opened(folder, copied(postgresql_server)) as one:
        yield one


def test_nodes_are_restarted_one_by_one_and_nothing_is_lost_or_doubled(house: House) -> None:
    async def scene() -> None:
        one, two = house.nodes
        who = [one.device() for _ in range(4)]
        async with one.wire(who[0]) as wire:
            circle = await make_circle(one, wire, *who[1:])
        with haproxy.balanced([one.port, two.port]) as port:
            server_id = one.keyring.authority.server_id
            steady = [Steady(device, circle.stream, port, server_id) for device in who]
            running = [asyncio.create_task(each.run()) for each in steady]
            await go_on(steady)
            for node in house.nodes:
                await asyncio.to_thread(node.stop)
                await asyncio.to_thread(node.start)
                await ready(node.url)
                await go_on(steady)
            # A later version's first node has added to the database meanwhile: those of before go on serving.
            add_to(one.database_url)
            two.kill()
            await go_on(steady)
            with pytest.raises(AssertionError, match="version plus récente"):
                await asyncio.to_thread(two.start)
            await settled(steady, running)
            rows = check(steady, 3)
            closes = sum((each.closes for each in steady), start=type(steady[0].closes)())
            assert closes[Close.RESTART] >= 2, "a node that stops says so"
            print(f"{rows} rows, {sum(each.logins for each in steady)} logins, closed by {dict(closes)}")

    play(scene)


def add_to(database_url: str) -> None:
    """As a migration of a later version would."""
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE rows ADD COLUMN later TEXT NOT NULL DEFAULT ''")
        connection.execute("CREATE TABLE later (id INTEGER PRIMARY KEY)")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


async def ready(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:

        async def answers() -> bool:
            try:
                return (await http.get("/health/ready")).status_code == 200
            except httpx.HTTPError:
                return False

        await until("it is ready", answers)


def test_readiness_is_red_while_the_database_takes_no_writes_and_while_it_drains(house: House) -> None:
    async def scene() -> None:
        one, two = house.nodes
        async with httpx.AsyncClient(base_url=one.url) as http:
            assert (await http.get("/health/ready")).status_code == 200
            set_read_only(one.database_url, "on")

            async def red() -> bool:
                answer = await http.get("/health/ready")
                return answer.status_code == 503 and answer.json()["reason"] != "draining"

            await until("it says that it cannot write", red)
            assert (await http.get("/health/live")).status_code == 200
            set_read_only(one.database_url, "off")
            await ready(one.url)
            stopping = asyncio.create_task(asyncio.to_thread(one.stop))
            said: list[str] = []

            async def draining() -> bool:
                try:
                    answer = await http.get("/health/ready")
                except httpx.HTTPError:
                    return True
                said.append(answer.json().get("reason", ""))
                return said[-1] == "draining"

            began = time.monotonic()
            await until("it says that it is about to stop", draining)
            assert said[-1] == "draining"
            assert (await http.get("/health/live")).status_code == 200, "it still serves"
            await stopping
            assert time.monotonic() - began >= 0.5
            await ready(two.url)

    play(scene)


def set_read_only(database_url: str, how: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        name = connection.execute("SELECT quote_ident(current_database())").fetchone()
        assert name is not None
        connection.execute(f"ALTER DATABASE {name[0]} SET default_transaction_read_only = {how}")
        # As a failover does: the connections of before end.
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
