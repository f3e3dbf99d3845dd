"""A machine of several people: what it shows of them, who opens first, how long it may wait untouched."""

import stat
from pathlib import Path

import pytest

from miss_app.__main__ import first_profile
from miss_app.starter import Turn
from miss_app.workstation import OWN_IDLE_SECONDS, SHARED_IDLE_SECONDS, Workstation, is_profile


def with_people(folder: Path, count: int) -> Workstation:
    """A machine on which so many people have found their server."""
    machine = Workstation(folder / "data")
    for _ in range(count):
        profile = machine.new_profile()
        machine.folder(profile).mkdir()
        (machine.folder(profile) / "server").write_bytes(b"x")
    return machine


def test_people_are_numbers_until_they_choose_a_name(tmp_path: Path) -> None:
    machine = with_people(tmp_path, 3)
    assert [(one.shown, one.number) for one in machine.vaults()] == [("", 1), ("", 2), ("", 3)]
    second = machine.vaults()[1].profile
    machine.set_shown(second, "  Camille \n E. ")
    assert [one.shown for one in Workstation(machine.data).vaults()] == ["", "Camille E.", ""]
    machine.set_shown(second, "")
    assert machine.shown(second) == ""
    assert b"Camille" not in (machine.data / "workstation.json").read_bytes()
    assert stat.S_IMODE((machine.data / "workstation.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"shown": 3, "order": "x", "last": {}, "shared": 1}'])
def test_a_damaged_file_shows_numbers(tmp_path: Path, damage: bytes) -> None:
    machine = with_people(tmp_path, 2)
    (machine.data / "workstation.json").write_bytes(damage)
    assert [one.number for one in machine.vaults()] == [1, 2]
    assert machine.rule().shared


def test_who_opens_first(tmp_path: Path) -> None:
    alone = with_people(tmp_path / "alone", 1)
    assert first_profile("", alone, Turn()) == "default"
    assert first_profile("", Workstation(tmp_path / "new"), Turn()) == "default"
    machine = with_people(tmp_path, 2)
    second = machine.vaults()[1].profile
    assert first_profile("", machine, Turn()) == "", "they choose"
    machine.set_last(second)
    assert first_profile("", machine, Turn(locked=True)) == second, "the lock is that of who locked"
    assert first_profile("", machine, Turn(locked=True, choose=True)) == ""
    assert first_profile("default", machine, Turn(locked=True)) == "default"
    machine.set_last("gone")
    assert first_profile("", machine, Turn(locked=True)) == ""


def test_a_shared_machine_waits_two_minutes_at_most(tmp_path: Path) -> None:
    alone = with_people(tmp_path / "alone", 1)
    assert [alone.idle_seconds(one) for one in ("", "0", "60", "1800")] == [OWN_IDLE_SECONDS, 0, 60, 1800]
    alone.set_shared(True)
    shared = [alone.idle_seconds(one) for one in ("", "0", "60", "1800", "x")]
    assert shared == [SHARED_IDLE_SECONDS, SHARED_IDLE_SECONDS, 60, SHARED_IDLE_SECONDS, SHARED_IDLE_SECONDS]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a:b", "a\0b"])
def test_what_is_no_profile(name: str) -> None:
    assert not is_profile(name)


def test_a_turn_is_read_again() -> None:
    for turn in (Turn(), Turn(True), Turn(True, True)):
        assert Turn.read(turn.line()) == turn
