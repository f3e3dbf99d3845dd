"""The page of the library tells the truth: its code runs as it stands, and shows every verb."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import miss_protocol.mls
from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import group as mls
from miss_protocol.mls import public_group
from miss_protocol.mls.messages import decode_message
from miss_protocol.mls.suite import SUITES
from mls.cast import Device, room_of

PAGE = Path(miss_protocol.mls.__file__).with_name("README.md")
VERBS = ("make_key_package", "create", "commit", "join", "rejoin", "group_info", "seal", "open_message", "propose")
VERBS += ("receive_proposal", "receive_commit", "export", "from_parts", "parts", "Credential.basic", "Add", "Remove")


def code():
    return "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))


def test_the_code_of_the_page_runs():
    source = code()
    assert source.count("\n") > 30
    for verb in VERBS:
        assert re.search(rf"\b{verb}\(", source), verb
    exec(compile(source, str(PAGE), "exec"), {})


@pytest.mark.parametrize("suite_id", [2, 3, 5, 7])
def test_the_code_of_the_page_runs_with_other_suites(suite_id):
    source = code().replace("SUITES[1]", f"SUITES[{suite_id}]")
    able = replace(mls.PRODUCT_CAPABILITIES, suites=(suite_id,))
    source = source.replace("**LIFE)", "**LIFE, capabilities=ABLE)").replace(
        "david, rules=RULES)", "david, rules=RULES, capabilities=ABLE)"
    )
    names = {"ABLE": able}
    exec(compile(source, str(PAGE), "exec"), names)
    assert names["at_bob"].suite is SUITES[suite_id]


def test_a_sealed_commit_that_is_refused_has_spent_its_key():
    """Whoever seals a commit, loses the race and seals again never uses one key for two messages."""
    alice, bob = Device("alice"), Device("bob")
    room = room_of(alice, bob)
    first = mls.commit(alice.group, alice.identity, rules=room.rules, private=True)
    alice.keep(first.before, first.spent)
    second = mls.commit(alice.group, alice.identity, rules=room.rules, private=True)
    assert second.before.ratchets[0].handshake.generation == 2
    received = mls.receive_commit(bob.group, second.message, room.rules)
    assert received.group.epoch_authenticator == second.group.epoch_authenticator
    with pytest.raises(RemoteError, match="malformed"):
        public_group.judge(room.server, second.message, rules=room.rules)
    with pytest.raises(LocalError, match="in the clear"):
        mls.propose(bob.group, bob.identity, mls.SelfRemove(), private=True)


def test_a_sealed_proposal_is_saved_by_its_parts():
    alice, bob = Device("alice"), Device("bob")
    room = room_of(alice, bob)
    proposed = mls.propose(bob.group, bob.identity, mls.Remove(alice.leaf), private=True)
    bob.keep(proposed.group, proposed.changed)
    noted = mls.receive_proposal(alice.group, proposed.message, room.rules)
    alice.keep(noted.group, noted.changed)
    assert decode_message(proposed.message).type == 2
    assert [one.reference for one in alice.group.pending] == [one.reference for one in bob.group.pending]
