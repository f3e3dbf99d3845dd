"""A database restored from its base backup and archived log: every message up to the last archived log is there."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import select

import postgres
from miss_protocol.frames import Accepted, Gap
from miss_server.__main__ import main
from miss_server.restoring import LEFT_OUT
from miss_server.tables import rows
from server.office import Office, Wire, make_circle, opaque, play

BEFORE, DURING, ARCHIVED, AFTER = 100, 100, 100, 30


def test_every_message_up_to_the_last_archived_log_is_restored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with postgres.archiving() as server:
        office = Office(tmp_path / "data", postgres.new_database(server.url))
        name = office.database_url.partition("?")[0].rpartition("/")[2]
        office.start()
        accepted: list[int] = []

        async def write(wire: Wire, stream: bytes, count: int) -> None:
            for n in range(count):
                answer = await wire.submit(opaque(stream, 1, n.to_bytes(4, "big") * 50))
                assert isinstance(answer, Accepted)
                accepted.append(answer.number)
            await wire.rows(count, stream)

        async def life() -> bytes:
            async with office.wire(device) as wire:
                circle = await make_circle(office, wire, other)
                await write(wire, circle.stream, BEFORE)
                backing = threading.Thread(target=server.back_up)
                backing.start()
                await write(wire, circle.stream, DURING)
                backing.join()
                await write(wire, circle.stream, ARCHIVED)
                server.archive()
                await write(wire, circle.stream, AFTER)
            return circle.stream

        device, other = office.device(), office.device()
        stream = play(life)
        office.stop()
        with server.restored() as restored:
            settings = tmp_path / "data/miss.toml"  # as an operator, told where the restored database is
            settings.write_text(settings.read_text().replace(office.settings.database_url, restored.format(name=name)))
            again = Office(tmp_path / "data", restored.format(name=name))
            assert_restored(again, accepted, capsys)
            go_on(again, device, stream, accepted, capsys)


def assert_restored(office: Office, accepted: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    found = office.in_database(
        lambda c: list(c.scalars(select(rows.c.number).where(rows.c.kind == 1).order_by(rows.c.number)))
    )
    archived = accepted[: BEFORE + DURING + ARCHIVED]
    with capsys.disabled():
        print(f"{len(found)} of {len(accepted)} messages restored; {AFTER} were accepted after the last archived log")
    assert found[: len(archived)] == archived
    assert len(found) < len(accepted), "what was not archived cannot be there: the count sees a loss"


def go_on(office: Office, device, stream: bytes, accepted: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    """A device that has had rows which the database no longer knows is not given their numbers again."""
    command = ["restored", "--data", str(office.folder), "--language", "en"]
    assert main(command) == 0
    assert "conversations" in capsys.readouterr().out
    office.start()

    async def scene() -> None:
        assert main(command) == 1, "not while a server runs"
        async with office.wire(device, drained=False) as wire:
            answer = await wire.submit(opaque(stream, 1, b"after the restore"))
            assert isinstance(answer, Accepted)
            assert answer.number > LEFT_OUT > max(accepted)
            gap = await wire.next(Gap)
            assert gap.last >= LEFT_OUT

    play(scene)
    office.stop()
