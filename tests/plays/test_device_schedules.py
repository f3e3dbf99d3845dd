"""Twenty random schedules of the proof; ``make prove`` plays a thousand."""

from pathlib import Path

from proofs.device_schedules import part


def test_random_lives_end_the_same_on_all_devices(tmp_path: Path) -> None:
    verdict = part(seed=5, schedules=20, acts=3, folder=tmp_path)
    print(verdict)
    assert verdict["passed"], verdict
