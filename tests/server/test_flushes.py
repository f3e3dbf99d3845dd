"""All that sockets have to say in one turn of the loop leaves at its end, and one that fails keeps nobody else back."""

import asyncio

import pytest

from miss_server import flushes
from miss_server.flushes import Flushes


def test_everybody_has_a_turn_once_though_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(flushes.journal, "failure", lambda event, error: told.append(f"{event} {error}"))
    said: list[str] = []

    async def scene() -> None:
        turn = Flushes()

        def fail() -> None:
            raise ValueError("gone")

        turn.add(lambda: said.append("a"))
        turn.add(fail)
        turn.add(lambda: (said.append("b"), turn.add(lambda: said.append("c"))))
        assert not said, "not before the turn ends"
        await asyncio.sleep(0)
        assert said == ["a", "b"]
        await asyncio.sleep(0)
        assert said == ["a", "b", "c"], "what comes meanwhile waits for the next turn, and is not lost"

    asyncio.run(scene())
    assert told == ["flush-failed gone"]
