"""The log of acts: only ever added to, and an altered, deleted or inserted one is found."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from miss_server import acts, data_folder, migrations
from miss_server.__main__ import main
from miss_server.config import load
from miss_server.database import Database

ACTS = 25


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder whose log has some acts, two of them the same."""
    settings = load(tmp_path / "data")
    data_folder.make(settings, 1_700_000_000_000)
    database = Database(settings.database)
    migrations.apply(database)
    for at in range(ACTS):
        with database.transaction() as connection:
            acts.record(connection, who="Hélène", what="approved", about=f"n° {at // 2}", now_ms=at // 2)
    database.close()
    return settings.data


def altered(folder: Path, *statements: str) -> None:
    """Changes the file as somebody would who owns it, past the triggers."""
    with sqlite3.connect(folder / "miss.db") as connection:
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS registrar_acts_stay_{verb}")
        for statement in statements:
            assert connection.execute(statement).rowcount > 0
    connection.close()


def verified(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    status = main(["acts", "--data", str(folder), "--language", "en", *more])
    return status, capsys.readouterr().out.strip()


def test_an_unaltered_log_is_good(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = verified(folder, capsys)
    assert status == 0
    assert said.startswith(f"{ACTS} acts, none altered.")
    head = said.split()[-1]
    assert len(head) == 64
    assert verified(folder, capsys, "--head", head) == (0, said)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE registrar_acts SET who = 'Helene' WHERE act_id = 7", 7),
        ("UPDATE registrar_acts SET what = 'refused' WHERE act_id = 1", 1),
        ("UPDATE registrar_acts SET about = about || ' ' WHERE act_id = 25", 25),
        ("UPDATE registrar_acts SET at_ms = at_ms + 1 WHERE act_id = 12", 12),
        ("UPDATE registrar_acts SET chain = zeroblob(32) WHERE act_id = 12", 12),
        ("UPDATE registrar_acts SET chain = NULL WHERE act_id = 12", 12),
        ("DELETE FROM registrar_acts WHERE act_id = 7", 8),
        ("DELETE FROM registrar_acts WHERE act_id = 1", 2),
        ("UPDATE registrar_acts SET act_id = 100 WHERE act_id = 7", 8),
        ("INSERT INTO registrar_acts (at_ms, who, what, about) VALUES (1, 'x', 'y', '')", ACTS + 1),
    ],
)
def test_one_altered_row_is_found(folder: Path, capsys: pytest.CaptureFixture[str], statement: str, found: int) -> None:
    altered(folder, statement)
    assert verified(folder, capsys) == (1, f"Act {found} was altered, or an act just before it was deleted.")


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM registrar_acts WHERE act_id > 20", "DELETE FROM registrar_acts"],
)
def test_a_shortened_log_is_found_by_the_noted_head(
    folder: Path, capsys: pytest.CaptureFixture[str], statement: str
) -> None:
    head = verified(folder, capsys)[1].split()[-1]
    altered(folder, statement)
    assert verified(folder, capsys)[0] == 0  # by itself it cannot know
    status, said = verified(folder, capsys, "--head", head)
    assert (status, said) == (1, "The noted hash is that of no act: the end of the log was deleted or rewritten.")
    assert verified(folder, capsys, "--head", "not hexadecimal")[0] == 1


def test_a_log_that_grew_still_has_the_noted_head(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = verified(folder, capsys)[1].split()[-1]
    database = Database(folder / "miss.db")
    with database.transaction() as connection:
        acts.record(connection, who="x", what="y", about="z", now_ms=1)
    database.close()
    status, said = verified(folder, capsys, "--head", head)
    assert status == 0
    assert said.split()[-1] != head


@pytest.mark.parametrize("statement", ["UPDATE registrar_acts SET who = 'x'", "DELETE FROM registrar_acts"])
def test_the_database_refuses_to_alter_or_delete(folder: Path, statement: str) -> None:
    database = Database(folder / "miss.db")

    def alter() -> None:
        with database.transaction() as connection:
            connection.execute(text(statement))

    with pytest.raises(DatabaseError, match="acts are only added"):
        alter()
    database.close()


def test_where_one_text_ends_and_the_next_begins_is_hashed() -> None:
    alike: list[Callable[[], bytes]] = [
        lambda: acts.link(bytes(32), 1, "ab", "c", "d"),
        lambda: acts.link(bytes(32), 1, "a", "bc", "d"),
        lambda: acts.link(bytes(32), 1, "a", "b", "cd"),
    ]
    assert len({one() for one in alike}) == 3
