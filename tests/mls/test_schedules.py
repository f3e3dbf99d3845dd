"""Twenty random lives of a group; the proof ``mls_schedules`` runs a thousand."""

from collections import Counter

import pytest

from mls.schedules import Schedule

_lived: Counter = Counter()


@pytest.mark.parametrize("seed", range(20))
def test_members_agree_the_entitled_read_and_the_removed_do_not(seed):
    _lived.update(Schedule(seed).run())


def test_much_happened_in_these_lives():
    """The lives above are eventful, else they prove nothing."""
    if not _lived:
        _lived.update(Schedule(0, steps=150).run())
    for event in ("accepted commits", "lost races", "comes_by_itself", "restarts", "refusals", "texts read", "removed"):
        assert _lived[event], event
