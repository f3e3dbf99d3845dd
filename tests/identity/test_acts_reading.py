"""The log of acts is read by who, what, about and when; its export is complete and no spreadsheet computes it."""

import csv
import io
from collections.abc import Iterator

import pytest

from miss_server import acts, migrations
from miss_server.acts_reading import PAGE_ACTS, Wanted, as_csv, find, kinds
from miss_server.database import Database

PAGES = 2 * PAGE_ACTS + 7


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(tmp_path_factory.mktemp("acts") / "miss.db")
    migrations.apply(database)
    with database.transaction() as connection:
        for at in range(PAGES):
            acts.record(connection, who="server", what="opened", about=f"{at:032x}", now_ms=1000 * at)
        for who, what, about in (
            ("Hélène", "approved", "100% sûr_e"),
            ("=cmd()", "refused", '+33 1\r\n=HYPERLINK("x")'),
            ("Zoé", "refused", 'un "homonyme", dit-on'),
        ):
            acts.record(connection, who=who, what=what, about=about, now_ms=10**9)
    yield database
    database.close()


def test_pages_go_from_the_newest_to_the_oldest_without_a_gap(database: Database) -> None:
    with database.snapshot() as connection:
        seen, before = [], None
        while True:
            page = find(connection, Wanted(), before)
            seen += [act.act_id for act in page.acts]
            before = page.before
            if before is None:
                break
            assert len(page.acts) == PAGE_ACTS
    assert seen == list(range(PAGES + 3, 0, -1))


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Wanted(who="hélè"), 1),
        (Wanted(what="refused"), 2),
        (Wanted(what="refuse"), 0),
        (Wanted(about="100%"), 1),
        (Wanted(about="%"), 1),
        (Wanted(about="_"), 1),
        (Wanted(about="' OR 1=1 --"), 0),
        (Wanted(about=f"{5:032X}"), 1),
        (Wanted(since_ms=10**9), 3),
        (Wanted(until_ms=3000), 3),
        (Wanted(since_ms=1000, until_ms=3000), 2),
        (Wanted(who="zoé", what="refused"), 1),
        (Wanted(who="zoé", what="approved"), 0),
    ],
)
def test_acts_are_found_by_each_part(database: Database, wanted: Wanted, count: int) -> None:
    with database.snapshot() as connection:
        assert len(find(connection, wanted).acts) == count
        assert len(list(as_csv(connection, wanted))) == count + 1
        assert kinds(connection) == ["approved", "opened", "refused"]


def test_the_export_is_whole_and_computes_nothing(database: Database) -> None:
    with database.snapshot() as connection:
        text = "".join(as_csv(connection, Wanted()))
        rows = list(csv.reader(io.StringIO(text, newline="")))
        head = acts.verify(connection).head
    assert rows[0] == ["number", "at", "who", "what", "about", "chain"]
    assert [int(row[0]) for row in rows[1:]] == list(range(1, PAGES + 4))
    assert rows[-1][-1] == head.hex()
    assert rows[-1][4] == 'un "homonyme", dit-on'
    assert rows[-2][2] == "'=cmd()"
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row)
    assert rows[1][1] == "1970-01-01T00:00:00.000+00:00"
