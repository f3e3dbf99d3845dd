"""A window that nobody touches locks; one that is touched does not, and time asleep counts."""

import pytest

from miss_app.ui.idle import Idle


class Locking:
    """Counts its locks."""

    locks = 0
    seconds = 120

    def idle_seconds(self) -> int:
        return self.seconds

    def lock(self) -> None:
        self.locks += 1


@pytest.mark.parametrize("asleep", [False, True])
def test_it_locks_after_its_time_once(monkeypatch: pytest.MonkeyPatch, asleep: bool) -> None:
    now = [1000.0, 5_000_000.0]
    monkeypatch.setattr(Idle, "_now", staticmethod(lambda: tuple(now)))
    app = Locking()
    idle = Idle(app)

    def pass_by(seconds: float) -> None:
        now[0] += 0 if asleep else seconds  # the first clock stands still while the machine sleeps
        now[1] += seconds
        idle.look()

    pass_by(119)
    assert app.locks == 0
    idle._touch()
    pass_by(119)
    assert app.locks == 0
    pass_by(1)
    assert app.locks == 1
    pass_by(119)
    assert app.locks == 1, "asked once"
    app.seconds = 0
    pass_by(10_000)
    assert app.locks == 1, "never, where nothing is open"
