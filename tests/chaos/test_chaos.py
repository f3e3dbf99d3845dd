"""A short siege, and the oracle itself: each planted fault is found."""

import asyncio

import pytest

from chaos.fort import Fort
from chaos.oracle import Oracle
from chaos.siege import Siege, besiege

SHORT = Siege(devices=8, streams=4, members=5, kills=2, spells=3, jumps=1, messages=12, faults=60)
PLANTED = Siege(devices=6, streams=3, members=4, kills=2, spells=0, jumps=0, messages=20, faults=40)


def test_a_short_siege_loses_nothing(tmp_path):
    verdict = asyncio.run(besiege(Fort(tmp_path / "data"), SHORT, seed=11))
    print(verdict)
    assert verdict["passed"], verdict
    assert verdict["faults_in_flight"] >= 60
    assert verdict["acknowledged"] == verdict["messages"]
    assert verdict["deliveries"] == verdict["messages"] * 5
    for kind in ("node-kill", "fsync-fails", "disk-full", "disk-slow", "cut", "double", "delay"):
        assert verdict["faults"].get(kind, 0) > 0, kind


@pytest.mark.parametrize(
    ("fault", "counted"),
    [
        ("answer-before-commit", ("lost", "altered")),
        ("cursor-too-early", ("gaps",)),
        ("second-delivery", ("doubled",)),
    ],
)
def test_a_planted_fault_is_found(tmp_path, fault, counted):
    verdict = asyncio.run(besiege(Fort(tmp_path / "data", planted=fault, clock=False), PLANTED, seed=3))
    print(verdict)
    assert not verdict["passed"]
    assert any(verdict[one] for one in counted), verdict


def test_the_oracle_counts_each_wrong():
    stream, tags = b"s" * 16, [b"\0\0\0\1" + bytes([n]) for n in range(5)]

    def told(*heard: tuple[int, int, int]) -> dict[str, int]:
        oracle = Oracle()
        for number, tag in enumerate(tags[:3], 1):
            oracle.begins(tag, stream)
            oracle.ends(tag, number)
        for device, number, tag in heard:
            oracle.hears(device, stream, number, tags[tag])
        return {name: count for name, count in oracle.verdict({stream: [1, 2]}).items() if count}

    whole = [(device, number, number - 1) for device in (1, 2) for number in (1, 2, 3)]
    assert told(*whole) == {"messages": 3, "acknowledged": 3, "deliveries": 6}
    assert told(*whole, (1, 2, 1))["redelivered"] == 1
    assert told(*whole, (1, 2, 2))["altered"] == 1
    assert told(*whole[:5])["unequal"] == 1
    assert told(*whole[:2], *whole[3:5])["lost"] == 1
    assert told(*whole, (1, 4, 4), (2, 4, 4))["ghosts"] == 1
    assert told(*whole, (1, 4, 2), (2, 4, 2))["doubled"] == 1
    assert told(*((d, n, (1, 0, 2)[n - 1]) for d, n, _ in whole))["order"] == 1
