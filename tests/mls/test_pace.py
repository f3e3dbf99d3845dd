"""The pace of the hot paths, in CPU time, with room for slow machines: a slip by a factor is a mistake in the code."""

import time

import pytest

from miss_protocol.mls import group as mls
from miss_protocol.mls import public_group
from miss_protocol.mls.group import OPEN_RULES, Add
from mls.cast import NOT_AFTER, NOT_BEFORE, Device

SIZE = 200
SLACK = 4


class Pace:
    """A group of 200, of which two members are followed."""

    def __init__(self):
        self.alice, self.bob = Device("alice"), Device("bob")
        options = {"not_before": NOT_BEFORE, "not_after": NOT_AFTER}
        group = mls.create(self.alice.identity, b"large", **options)
        others = [Device(f"m{number}") for number in range(SIZE - 2)]
        adds = [Add(one.package()) for one in (self.bob, *others)]
        self.server = public_group.follow(mls.group_info(group, self.alice.identity), rules=OPEN_RULES)
        self.staged = mls.commit(group, self.alice.identity, adds, rules=OPEN_RULES)
        self.server = public_group.judge(self.server, self.staged.message, rules=OPEN_RULES).public
        self.joined = self.join()

    def join(self):
        return mls.join(self.staged.welcome, self.bob.packages, self.bob.identity, rules=OPEN_RULES).group


@pytest.fixture(scope="module")
def pace():
    return Pace()


def best_ms(act, repeats=3):
    """The least CPU time of a few runs, in milliseconds."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        act()
        times.append(time.process_time() - start)
    return min(times) * 1000


def test_a_large_group_is_joined_and_changed_quickly(pace):
    alice, bob = pace.staged.group, pace.joined
    made = mls.commit(alice, pace.alice.identity, rules=OPEN_RULES)
    assert best_ms(pace.join) < 40 * SLACK
    assert best_ms(lambda: mls.commit(alice, pace.alice.identity, rules=OPEN_RULES)) < 40 * SLACK, "a blank tree"
    assert best_ms(lambda: public_group.judge(pace.server, made.message, rules=OPEN_RULES)) < 7 * SLACK
    assert best_ms(lambda: mls.receive_commit(bob, made.message, OPEN_RULES)) < 7 * SLACK
    bob = mls.receive_commit(bob, made.message, OPEN_RULES).group
    both = mls.commit(bob, pace.bob.identity, rules=OPEN_RULES)
    once = best_ms(lambda: mls.receive_commit(made.group, both.message, OPEN_RULES))
    assert once + best_ms(lambda: mls.commit(bob, pace.bob.identity, rules=OPEN_RULES)) < 15 * SLACK


def test_messages_are_sealed_and_opened_quickly(pace):
    count, text = 200, b"x" * 200
    group, messages = pace.staged.group, []
    start = time.process_time()
    for _ in range(count):
        sealed = mls.seal(group, pace.alice.identity, text)
        group = sealed.group
        messages.append(sealed.message)
    sealed_at = time.process_time()
    reader = pace.joined
    for message in messages:
        reader = mls.open_message(reader, message).group
    opened_at = time.process_time()
    assert (sealed_at - start) / count < 50e-6 * SLACK
    assert (opened_at - sealed_at) / count < 100e-6 * SLACK


def test_a_step_saves_little(pace):
    sealed = mls.seal(pace.staged.group, pace.alice.identity, b"text")
    again = mls.seal(sealed.group, pace.alice.identity, b"text")
    assert again.changed == {"ratchet/0"}
    assert len(again.group.part("ratchet/0")) < 200
    assert best_ms(again.group.parts) < 5 * SLACK
