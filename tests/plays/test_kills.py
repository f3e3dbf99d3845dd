"""Six of the proof's kills; ``make prove`` does fifty."""

from pathlib import Path

from proofs.kills import run


def test_six_kills_lose_nothing_and_reuse_no_key(tmp_path: Path) -> None:
    verdict = run(seed=6, kills=6, messages=90, folder=tmp_path)
    print(verdict)
    assert verdict["passed"], verdict
    assert verdict["kills_of_clients"] == verdict["kills_of_the_server"] == 3
