"""The same plays as on a file, on a PostgreSQL server; and the command that is told to use one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

import postgres
from miss_server import acts, config, migrations
from miss_server.__main__ import main
from miss_server.config import ConfigError
from miss_server.metadata import metadata
from miss_server.postgresql import PostgresqlDatabase
from server.office import Office, Process
from server.test_conversations import (  # noqa: F401 - run here once more
    test_a_revoked_device_is_shown_the_door,
    test_membership_is_looked_at_before_the_epoch,
    test_who_is_no_member_is_told_so_whatever_the_stream,
)
from server.test_delivery import (  # noqa: F401
    test_a_device_that_was_away_reads_from_its_cursor,
    test_a_retry_gets_the_first_answer_even_after_the_epoch_moved,
    test_a_row_forgotten_before_it_was_read_shows_as_a_gap,
    test_a_text_reaches_the_other_device_and_comes_back_as_own,
    test_fifty_parallel_uses_of_one_id_make_one_row,
    test_many_at_once_are_numbered_without_a_gap,
    test_progress_tells_the_sender_how_far_the_others_are,
)
from server.test_suspension import test_a_suspended_person_is_shown_the_door_and_may_come_back  # noqa: F401


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with postgres.cluster() as url:
        yield url


@pytest.fixture(scope="module")
def shared_office(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server on PostgreSQL for this module."""
    one = Office(tmp_path_factory.mktemp("postgresql") / "data", postgres.new_database(cluster))
    one.start()
    yield one
    one.stop()
    assert not (one.folder / "miss.db").exists()


def test_the_migrations_make_the_tables_this_program_knows(cluster: str) -> None:
    database = PostgresqlDatabase(postgres.new_database(cluster))
    try:
        for _ in range(2):  # the second time there is nothing to do
            migrations.apply(database)
        with database.transaction() as connection:
            assert migrations.revision(connection) == migrations.head()
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    finally:
        database.close()


def test_a_failed_transaction_leaves_nothing_and_writers_take_turns(cluster: str) -> None:
    database = PostgresqlDatabase(postgres.new_database(cluster))
    other = PostgresqlDatabase(database._writing.url.render_as_string(hide_password=False))
    try:
        migrations.apply(database)
        table = metadata.tables["registrar_acts"]
        row = {"at_ms": 1, "who": "x", "what": "y", "about": ""}

        def fail() -> None:
            with database.transaction() as connection:
                connection.execute(table.insert().values(row))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        with database.snapshot() as connection:
            assert connection.execute(table.select()).all() == []
        with database.transaction() as connection:
            connection.execute(table.insert().values(row))
            with other.snapshot() as reading:  # readers do not wait
                assert reading.execute(table.select()).all() == []
                taken = reading.exec_driver_sql(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
                    "(SELECT oid FROM pg_database WHERE datname = current_database())"
                )
                assert taken.scalar() == 1
    finally:
        database.close()
        other.close()


def test_the_command_serves_and_checks_on_postgresql(
    cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, url = tmp_path / "data", postgres.new_database(cluster)
    process = Process(data, "--database", url)
    process.start()
    assert f'database = "{url}"' in (data / "miss.toml").read_text(encoding="utf-8")
    assert main(["register", "sample", str(tmp_path), "--data", str(data)]) == 0
    files = [str(file) for file in tmp_path.glob("*.txt")]
    assert main(["register", "load", *files, "--data", str(data), "--language", "en"]) == 0
    assert "14 people" in capsys.readouterr().out
    main(["check", "--data", str(data), "--language", "en"])
    assert migrations.head() in capsys.readouterr().out
    assert not (data / "miss.db").exists()
    process.kill()


@pytest.mark.parametrize(
    "statement", ["UPDATE registrar_acts SET who = 'x'", "DELETE FROM registrar_acts", "TRUNCATE registrar_acts"]
)
def test_acts_are_only_added(cluster: str, statement: str) -> None:
    database = PostgresqlDatabase(postgres.new_database(cluster))
    migrations.apply(database)
    with database.transaction() as connection:
        for _ in range(3):
            acts.record(connection, who="x", what="y", about="z", now_ms=1)
        assert acts.verify(connection).broken_at is None

    def alter() -> None:
        with database.transaction() as connection:
            connection.execute(text(statement))

    with pytest.raises(DatabaseError, match="acts are only added"):
        alter()
    database.close()


@pytest.mark.parametrize("url", ["mysql://root@localhost/miss", "postgresql://", "postgresql://host/", "miss.db"])
def test_another_address_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config.load(tmp_path, database=url)
    assert (refused.value.reason, refused.value.setting) == ("setting-malformed", "database")


def test_a_password_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        config.load(tmp_path, database="postgres://miss:secret@host/miss")
    assert "secret" not in str(refused.value)
