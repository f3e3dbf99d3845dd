"""The locker keeps what arrives while locked, unreadable without the store, whole after any crash."""

from pathlib import Path

import pytest

from miss_app.engine.locker import Locker
from miss_app.engine.problems import Problem
from miss_app.engine.store import Hold, Store
from miss_protocol.frames import Class, Deliver, Gap, Kind


def row(number: int, body: bytes = b"CANARI") -> Deliver:
    return Deliver(bytes(16), number, Kind.APPLICATION, Class.NORMAL, 1, 2, body)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    one = Store(tmp_path / "store.db", bytes(32))
    Locker(tmp_path).make(one)
    return one


def test_what_was_kept_comes_back_in_order(tmp_path: Path, store: Store) -> None:
    kept = [row(1), row(2), Gap(bytes(16), 3, 9), row(10)]
    for frame in kept:
        Locker(tmp_path).put(frame)  # each time as after a restart
    assert Locker(tmp_path).frames(store) == kept
    assert b"CANARI" not in (tmp_path / "locker").read_bytes()
    Locker(tmp_path).empty()
    assert Locker(tmp_path).frames(store) == []


def test_a_record_cut_off_by_a_crash_at_any_byte_harms_no_other(tmp_path: Path, store: Store) -> None:
    locker = Locker(tmp_path)
    locker.put(row(1))
    whole = (tmp_path / "locker").stat().st_size
    locker.put(row(2))
    data = (tmp_path / "locker").read_bytes()
    for cut in range(whole, len(data), 7):
        (tmp_path / "locker").write_bytes(data[:cut])
        again = Locker(tmp_path)
        assert again.frames(store) == [row(1)]
        again.put(row(3))
        assert Locker(tmp_path).frames(store) == [row(1), row(3)]


def test_an_altered_record_is_left_out(tmp_path: Path, store: Store) -> None:
    locker = Locker(tmp_path)
    for number in (1, 2):
        locker.put(row(number))
    data = bytearray((tmp_path / "locker").read_bytes())
    data[60] ^= 1
    (tmp_path / "locker").write_bytes(bytes(data))
    assert Locker(tmp_path).frames(store) == [row(2)]


def test_the_key_is_made_once(tmp_path: Path, store: Store) -> None:
    Locker(tmp_path).put(row(1))
    Locker(tmp_path).make(store)
    assert Locker(tmp_path).frames(store) == [row(1)]


def test_a_locked_profile_is_held_too(tmp_path: Path, store: Store) -> None:
    with pytest.raises(Problem, match="profile-in-use"):
        Hold(tmp_path / "store.db")
    store.close()
    hold = Hold(tmp_path / "store.db")
    with pytest.raises(Problem, match="profile-in-use"):
        Store(tmp_path / "store.db", bytes(32))
    hold.release()
    Store(tmp_path / "store.db", bytes(32)).close()
