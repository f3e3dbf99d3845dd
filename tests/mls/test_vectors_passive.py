"""Official vectors of a whole member who only listens: welcomes, commits of every kind, 200 epochs of one group."""

from miss_protocol.mls.group import (
    OPEN_RULES,
    Group,
    Identity,
    KeyPackageSecrets,
    join,
    receive_commit,
    receive_proposal,
)
from miss_protocol.mls.messages import decode_message
from miss_protocol.mls.suite import SUITES
from mls import vectors
from mls.vectors import official, raw

vectors.require()


def listen(case):
    """Join and follow, saved and restored between any two epochs."""
    suite = SUITES[case["cipher_suite"]]
    package = decode_message(raw(case["key_package"]))
    package.verify()
    identity = Identity(raw(case["signature_priv"]), package.leaf.credential, suite)
    reference = package.reference(suite)
    init_private, leaf_private = raw(case["init_priv"]), raw(case["encryption_priv"])
    secrets = KeyPackageSecrets(package.encoded, reference, init_private, leaf_private)
    psks = {raw(one["psk_id"]): raw(one["psk"]) for one in case["external_psks"]}
    welcome, tree = raw(case["welcome"]), raw(case["ratchet_tree"])
    joined = join(welcome, [secrets], identity, rules=OPEN_RULES, tree=tree, psks=psks)
    assert joined.used == reference
    group = joined.group
    assert group.epoch_authenticator == raw(case["initial_epoch_authenticator"])
    for epoch in case["epochs"]:
        name, key = group.resumption_psk
        psks[name] = key
        for proposal in epoch["proposals"]:
            group = receive_proposal(group, raw(proposal), OPEN_RULES).group
        group = Group.from_parts(group.parts())
        group = receive_commit(group, raw(epoch["commit"]), OPEN_RULES, psks=psks).group
        assert group.epoch_authenticator == raw(epoch["epoch_authenticator"])


@official("passive-client-welcome")
def test_passive_client_welcome(case):
    listen(case)


@official("passive-client-handling-commit")
def test_passive_client_handling_commit(case):
    listen(case)


@official("passive-client-random")
def test_passive_client_random(case):
    listen(case)
