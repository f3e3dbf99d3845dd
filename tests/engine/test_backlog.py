"""What waited is stored in few steps: all of it, in order, for few bytes, whatever a row or the disk does."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.backlog import Team, written_bytes
from miss_app.engine.backlog import GATHERED_ROWS_MAX
from miss_app.engine.store import Step, StoreFailure
from miss_protocol import limits

BYTES_A_ROW_MAX = 2_000  # 20 MB for 10,000, as the proof ``catch_up`` measures it


def play(folder: Path, leaves: int, acts: Callable[[Team], Awaitable[None]]) -> None:
    async def run() -> None:
        team = Team(folder, leaves)
        try:
            await team.account.take(team.welcome)
            await acts(team)
        finally:
            await team.account.stop()

    asyncio.run(run())


def test_catching_up_writes_little(tmp_path: Path) -> None:
    async def acts(team: Team) -> None:
        rows = list(team.rows(900))
        before = written_bytes()
        await team.take(rows)
        written = written_bytes() - before
        assert [text.split(" :")[0] for text in team.said()] == [str(number) for number in range(900)]
        assert written < BYTES_A_ROW_MAX * len(rows)

    play(tmp_path, 40, acts)


def test_the_state_saved_for_a_message_does_not_grow_with_the_team(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []
    put = Step.put

    def watched(self: Step, table: str, name: bytes, body: bytes, **more: int) -> None:
        if table == "groups":
            saved.append(len(body))
        put(self, table, name, body, **more)

    monkeypatch.setattr(Step, "put", watched)
    sizes: dict[int, int] = {}
    for leaves in (4, 48):

        async def acts(team: Team, leaves: int = leaves) -> None:
            first, *rows = team.rows(11)
            await team.account.take(first)  # takes the sender's ratchets out of the secret tree, once an epoch
            saved.clear()
            for row in rows:
                await team.account.take(row)
            sizes[leaves] = sum(saved) // len(rows)

        play(tmp_path / str(leaves), leaves, acts)
    assert 0 < sizes[48] == sizes[4] < 500


def test_a_row_that_does_not_open_holds_up_nothing(tmp_path: Path) -> None:
    async def acts(team: Team) -> None:
        rows = list(team.rows(9))
        rows[4] = replace(rows[4], body=rows[4].body[:-1] + bytes([rows[4].body[-1] ^ 1]))
        await team.take(rows)
        lines = team.account.messages.page(team.chat, None, 100)
        assert [line.kind for line in lines][-9:] == [*["text"] * 4, "unreadable", *["text"] * 4]
        assert team.account.session._reached == {team.chat: rows[-1].number}

    play(tmp_path, 4, acts)


def test_rows_that_came_before_are_not_taken_twice(tmp_path: Path) -> None:
    async def acts(team: Team) -> None:
        rows = list(team.rows(6))
        await team.take(rows[:4])
        await team.take(rows)
        assert len(team.said()) == 6

    play(tmp_path, 4, acts)


def test_a_disk_that_is_full_takes_the_whole_run_back(tmp_path: Path) -> None:
    async def acts(team: Team) -> None:
        rows, account = list(team.rows(200)), team.account
        await team.take(rows[:2])
        group, record = account.conversations.group(team.chat), account.conversations.get(team.chat)
        assert group is not None
        pages = account.store._database.execute("PRAGMA page_count").fetchone()[0]
        account.store._database.execute(f"PRAGMA max_page_count = {pages + 4}")
        with pytest.raises(StoreFailure, match="disk-full"):
            await team.take(rows[2:])
        assert len(team.said()) == 2
        assert account.conversations.group(team.chat) is group
        assert account.conversations.get(team.chat) == record
        assert account.session._reached == {team.chat: rows[1].number}, "nothing is acknowledged that is not stored"
        account.store._database.execute(f"PRAGMA max_page_count = {pages + 10_000}")
        await team.take(rows[2:])
        assert len(team.said()) == 200

    play(tmp_path, 4, acts)


def test_the_server_always_hears_an_answer_before_its_window_is_full() -> None:
    assert GATHERED_ROWS_MAX < limits.DELIVER_WINDOW_FRAMES
