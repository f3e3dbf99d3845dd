"""The store: all or nothing, nothing in clear, one process, and only with its key."""

import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from miss_app.engine import records
from miss_app.engine.events import Trouble
from miss_app.engine.problems import Problem
from miss_app.engine.store import Store, StoreFailure

CANARY = "Patiente fictive MARTINEAU lésion nævoïde"


class Crash(BaseException):
    """The process ends here."""


def contents(store: Store) -> list[tuple[bytes, bytes]]:
    return [(row.name, row.body) for row in store.rows("messages", b"chat")]


def test_a_step_is_all_or_nothing_wherever_it_crashes(tmp_path: Path) -> None:
    key = secrets.token_bytes(32)
    store = Store(tmp_path / "store.db", key)
    with store.step() as step:
        for n in range(3):
            step.put("messages", b"old%d" % n, b"before", shelf=b"chat", place=n)
    before = contents(store)
    acts = [lambda s, n=n: s.put("messages", b"old%d" % n, b"after", shelf=b"chat", place=n) for n in range(3)]
    acts += [lambda s: s.delete("messages", b"old1"), lambda s: s.put("outbox", b"o", b"x")]
    for crash_at in range(len(acts) + 1):
        told: list[str] = []

        def crash_in_a_step(crash_at: int = crash_at, told: list[str] = told) -> None:
            with store.step() as step:
                step.after(lambda: told.append("after"))
                for act in acts[:crash_at]:
                    act(step)
                raise Crash

        with pytest.raises(Crash):
            crash_in_a_step()
        assert contents(store) == before
        assert store.get("outbox", b"o") is None
        assert told == []
    store.close()
    assert contents(Store(tmp_path / "store.db", key)) == before


def test_events_are_told_once_the_step_is_on_disk(tmp_path: Path) -> None:
    seen: list[object] = []
    store = Store(tmp_path / "store.db", bytes(32), seen.append)
    with store.step() as step:
        step.tell(Trouble("x"))
        assert seen == []
    assert seen == [Trouble("x")]


def test_what_is_saved_has_not_failed_although_it_could_not_be_told(tmp_path: Path) -> None:
    """A disk that fails between the change and the telling: who made the change goes on, and does not do it again."""
    told: list[object] = []

    def tell(event: object) -> None:
        told.append(event)
        raise StoreFailure("store-failed")

    store = Store(tmp_path / "store.db", secrets.token_bytes(32), tell)

    def look() -> None:
        raise StoreFailure("store-failed")

    with store.step() as step:
        step.put("messages", b"one", b"two")
        step.after(look)
        step.after(lambda: told.append("after"))
        step.tell(Trouble("one"))
        step.tell(Trouble("two"))
    assert store.get("messages", b"one") == b"two"
    assert told == ["after", Trouble("one"), Trouble("two")]


def test_what_is_written_last_is_written_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db", secrets.token_bytes(32))
    written: list[int] = []
    with store.step() as step:
        for number in range(3):
            step.at_end(b"record", lambda number=number: written.append(number))
    assert written == [2]

    def fail() -> None:
        raise StoreFailure("disk-full")

    def end_badly() -> None:
        with store.step() as step:
            step.put("messages", b"one", b"two")
            step.at_end(b"record", fail)

    with pytest.raises(StoreFailure, match="disk-full"):
        end_badly()
    assert store.get("messages", b"one") is None


def test_nothing_is_readable_in_the_files_even_after_deletion(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db", secrets.token_bytes(32))
    texts = [CANARY.encode(), CANARY.encode("utf-16-le"), CANARY.encode().hex().encode()]
    with store.step() as step:
        for number, text in enumerate(texts):
            step.put("messages", text, text, shelf=text, place=number)
    assert [row.body for row in store.all_rows("messages")] == texts
    with store.step() as step:
        step.delete("messages", texts[0])
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    assert len(files) >= 2, "database and write-ahead log"
    for text in texts:
        assert not any(text in data for data in files)
    planted = tmp_path / "planted"
    planted.write_bytes(b"xx" + texts[0])
    assert any(texts[0] in path.read_bytes() for path in tmp_path.iterdir()), "the search itself finds"


def test_bodies_of_near_sizes_look_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db", bytes(32))
    with store.step() as step:
        for n in (1, 50, 200):
            step.put("messages", b"%d" % n, b"x" * n, shelf=b"chat")
    sizes = {len(one[0]) for one in store._database.execute("SELECT sealed FROM messages").fetchall()}
    assert len(sizes) == 1


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db", bytes(32))
    with pytest.raises(Problem, match="profile-in-use"):
        Store(tmp_path / "store.db", bytes(32))
    program = (
        "import sys; from pathlib import Path\n"
        "from miss_app.engine.store import Store\nfrom miss_app.engine.problems import Problem\n"
        "try: Store(Path(sys.argv[1]), bytes(32))\n"
        "except Problem as problem: print(problem.reason)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "store.db")], capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.strip() == "profile-in-use", ran.stderr
    store.close()
    Store(tmp_path / "store.db", bytes(32)).close()


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    key = secrets.token_bytes(32)
    store = Store(tmp_path / "store.db", key)
    with store.step() as step:
        step.put("messages", b"m", b"hello", shelf=b"chat")
    store.close()
    shutil.copy(tmp_path / "store.db", tmp_path / "copy.db")
    other = Store(tmp_path / "copy.db", secrets.token_bytes(32))
    assert other.get("messages", b"m") is None
    with pytest.raises(Problem, match="store-damaged"):
        other.all_rows("messages")
    other.close()
    assert Store(tmp_path / "copy.db", key).get("messages", b"m") == b"hello"


@pytest.mark.parametrize("column", ["shelf", "place", "sealed"])
def test_records_cannot_be_swapped_or_moved_on_disk(tmp_path: Path, column: str) -> None:
    store = Store(tmp_path / "store.db", bytes(32))
    with store.step() as step:
        step.put("messages", b"a", b"first", shelf=b"chat", place=1)
        step.put("messages", b"b", b"second", shelf=b"other", place=2)
    store._database.execute(f"UPDATE messages SET {column} = (SELECT {column} FROM messages WHERE id = 2) WHERE id = 1")
    with pytest.raises(Problem, match="store-damaged"):
        store.get("messages", b"a")


def test_pages_from_the_end(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db", bytes(32))
    with store.step() as step:
        for n in range(10):
            step.put("messages", b"%d" % n, b"", shelf=b"chat", place=n * 7)
    last = store.last_rows("messages", b"chat", below=None, limit=3)
    assert [row.name for row in last] == [b"7", b"8", b"9"]
    assert [row.name for row in store.last_rows("messages", b"chat", below=last[0].place, limit=2)] == [b"5", b"6"]
    assert store.last_place("messages", b"chat") == 63


def test_a_garbage_file_is_a_problem_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(secrets.token_bytes(8192))
    with pytest.raises(Problem, match="store-damaged"):
        Store(tmp_path / "store.db", bytes(32))


@dataclass(frozen=True)
class Inner:
    a: int
    b: bytes = b""


@dataclass(frozen=True)
class Outer:
    text: str
    flag: bool
    inner: Inner
    many: tuple[Inner, ...] = ()
    maybe: bytes | None = None
    later: str = "default"


def test_records_round_trip_and_older_ones_take_defaults() -> None:
    full = Outer("é", True, Inner(2**60, b"\0"), (Inner(1), Inner(2, b"x")), b"", "new")
    assert records.decode(Outer, records.encode(full)) == full
    old = records.encode(Outer("é", False, Inner(1)))
    assert records.decode(Outer, old[: -len(b"\x07default")]) == Outer("é", False, Inner(1))


def test_a_full_disk_changes_nothing_and_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db", bytes(32))
    with store.step() as step:
        step.put("messages", b"before", b"x", shelf=b"chat")
    pages = store._database.execute("PRAGMA page_count").fetchone()[0]
    store._database.execute(f"PRAGMA max_page_count = {pages}")
    undone: list[int] = []

    def fill() -> None:
        with store.step() as step:
            step.undo(lambda: undone.append(1))
            for n in range(200):
                step.put("messages", b"%d" % n, bytes(4000), shelf=b"chat")

    with pytest.raises(StoreFailure, match="disk-full"):
        fill()
    assert undone == [1]
    assert [row.name for row in store.rows("messages", b"chat")] == [b"before"]
    store._database.execute(f"PRAGMA max_page_count = {pages + 1000}")
    fill()
    assert len(store.rows("messages", b"chat")) == 201
