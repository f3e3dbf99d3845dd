"""A handover whose two ends are killed; ``make prove`` does it with fifty thousand messages."""

from pathlib import Path

from proofs.devices import run


def test_a_handover_survives_three_kills_and_then_five_weeks_without_the_phone(tmp_path: Path) -> None:
    verdict = run(seed=3, messages=2_000, photos=20, kills=3, folder=tmp_path)
    print(verdict)
    assert verdict["passed"], verdict
    assert verdict["kills_under_way"], "a kill that comes too late shows nothing"
