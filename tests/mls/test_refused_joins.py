"""Welcomes and GroupInfos that are not for us, altered or built on a broken tree let nobody in."""

from dataclasses import replace

import pytest

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import group as mls
from miss_protocol.mls import public_group, schedule
from miss_protocol.mls.codec import Writer
from miss_protocol.mls.epoch import PublicEpoch
from miss_protocol.mls.extensions import EXTERNAL_PUB, RATCHET_TREE, Extension
from miss_protocol.mls.group import OPEN_RULES, Add, Identity, Remove
from miss_protocol.mls.joining import sign_leaf
from miss_protocol.mls.messages import decode_message, encode_message
from miss_protocol.mls.nodes import ParentNode
from miss_protocol.mls.suite import PRODUCT_SUITE, SUITES
from miss_protocol.mls.welcome import GroupSecrets, Welcome, open_group_info, seal_group_info
from mls.cast import GROUP_ID, NOT_AFTER, NOT_BEFORE, Device, Room, room_of

SMALL_ORDER = b"\x01" + bytes(31)


class Door:
    """A group of three about to add bob, and a way to build the Welcome anew with other contents."""

    def __init__(self):
        self.alice, self.bob, self.chloe, self.david = (Device(name) for name in ("alice", "bob", "chloe", "david"))
        self.room = room_of(self.alice, self.chloe, self.david)
        staged = mls.commit(self.alice.group, self.alice.identity, [Add(self.bob.package())], rules=OPEN_RULES)
        self.message, self.next = staged.welcome, staged.group
        self.welcome = decode_message(self.message)
        sealed = self.welcome.secrets[0][1]
        init_private = self.bob.packages[0].init_private
        opened = PRODUCT_SUITE.decrypt_with_label(init_private, "Welcome", self.welcome.sealed_group_info, sealed)
        self.secrets = GroupSecrets.decode(opened)
        self.key = schedule.welcome_secret(PRODUCT_SUITE, self.secrets.joiner_secret, bytes(32))
        self.info = open_group_info(PRODUCT_SUITE, self.key, self.welcome.sealed_group_info)

    def rebuilt(self, info=None, secrets=None, sign_by=None):
        """The Welcome with another GroupInfo (signed again where a signer is given) or other secrets."""
        info = info or self.info
        info = info.signed(sign_by.identity.key) if sign_by else info
        sealed_info = seal_group_info(PRODUCT_SUITE, self.key, info)
        package = self.bob.packages[0].decoded
        plain = (secrets or self.secrets).encoded
        sealed = PRODUCT_SUITE.encrypt_with_label(package.init_key, "Welcome", sealed_info, plain)
        return encode_message(Welcome(1, ((package.reference(), sealed),), sealed_info))

    def with_tree(self, nodes, hashed=True):
        """The Welcome with another tree, its hash in the context or not."""
        tree = self.next.public.tree.of(PRODUCT_SUITE, tuple(nodes))
        context = replace(self.info.context, tree_hash=tree.hash()) if hashed else self.info.context
        extensions = (Extension(RATCHET_TREE, tree.encode()),)
        return self.rebuilt(replace(self.info, context=context, extensions=extensions), sign_by=self.alice)

    def join(self, message, **options):
        return mls.join(message, self.bob.packages, self.bob.identity, rules=OPEN_RULES, **options)

    def refuses(self, reason, message, **options):
        with pytest.raises(RemoteError) as caught:
            self.join(message, **options)
        assert caught.value.reason == reason, caught.value


@pytest.fixture
def door():
    return Door()


def test_the_door_opens(door):
    assert door.join(door.message).group.epoch_authenticator == door.next.epoch_authenticator
    again = door.join(door.rebuilt(sign_by=door.alice))
    assert again.group.epoch_authenticator == door.next.epoch_authenticator
    assert again.used == door.bob.packages[0].reference


def test_a_welcome_for_another_is_refused(door):
    other = Device("other")
    other.package()
    with pytest.raises(RemoteError, match="not-for-us"):
        mls.join(door.message, other.packages, other.identity, rules=OPEN_RULES)
    with pytest.raises(RemoteError, match="not-for-us"):
        mls.join(door.message, [], door.bob.identity, rules=OPEN_RULES)
    stolen = Identity(other.identity.signature_private, door.bob.identity.credential)
    with pytest.raises(RemoteError, match="invalid-welcome"):
        mls.join(door.message, door.bob.packages, stolen, rules=OPEN_RULES)
    wrong = [replace(door.bob.packages[0], init_private=other.packages[0].init_private)]
    with pytest.raises(RemoteError, match="undecryptable"):
        mls.join(door.message, wrong, door.bob.identity, rules=OPEN_RULES)


def test_every_altered_or_cut_welcome_is_refused(door):
    for position in range(0, len(door.message), 7):
        altered = door.message[:position] + bytes([door.message[position] ^ 0x40]) + door.message[position + 1 :]
        with pytest.raises(RemoteError):
            door.join(altered)
        with pytest.raises(RemoteError):
            door.join(door.message[:position])
    door.refuses("malformed", door.message + b"\0")
    door.refuses("malformed", mls.group_info(door.next, door.alice.identity))
    door.refuses("invalid-welcome", encode_message(replace(door.welcome, suite_id=3)))


def test_an_unsigned_or_foreign_group_info_is_refused(door):
    door.refuses("bad-signature", door.rebuilt(replace(door.info, signature=bytes(64))))
    door.refuses("bad-signature", door.rebuilt(sign_by=door.chloe))
    door.refuses("bad-tree", door.rebuilt(replace(door.info, signer=9), sign_by=door.alice))
    blank = door.with_tree((None, *door.next.public.tree.nodes[1:]))
    door.refuses("bad-tree", blank)


def test_a_group_of_another_suite_or_kind_is_refused(door):
    other = replace(door.info, context=replace(door.info.context, suite=SUITES[3]))
    door.refuses("invalid-welcome", door.rebuilt(other, sign_by=door.alice))
    for usage in (2, 3):
        psk = schedule.PskId(kind=2, nonce=bytes(32), usage=usage, group_id=GROUP_ID, epoch=0)
        door.refuses("unsupported", door.rebuilt(secrets=replace(door.secrets, psks=(psk,))))
    psk = schedule.PskId(kind=2, nonce=bytes(32), usage=1, group_id=GROUP_ID, epoch=0)
    door.refuses("unknown-psk", door.rebuilt(secrets=replace(door.secrets, psks=(psk,))))


def test_a_context_with_malformed_extensions_is_refused(door):
    for extension in (Extension(5, b"\x07"), Extension(3, b"")):
        context = replace(door.info.context, extensions=(extension,))
        door.refuses("malformed", door.rebuilt(replace(door.info, context=context), sign_by=door.alice))


def test_a_wrong_confirmation_tag_is_refused(door):
    for tag in (b"", bytes(32)):
        door.refuses("bad-tag", door.rebuilt(replace(door.info, confirmation_tag=tag), sign_by=door.alice))
    joiner = replace(door.secrets, joiner_secret=bytes(32))
    door.refuses("undecryptable", door.rebuilt(secrets=joiner))
    later = replace(door.info, context=replace(door.info.context, epoch=7))
    door.refuses("bad-tag", door.rebuilt(later, sign_by=door.alice))


def test_a_path_secret_must_belong_to_the_tree(door):
    for secret in (bytes(32), b"", bytes(33)):
        door.refuses("invalid-welcome", door.rebuilt(secrets=replace(door.secrets, path_secret=secret)))
    without = door.join(door.rebuilt(secrets=replace(door.secrets, path_secret=None))).group
    assert set(without.member.privates) == {2 * without.my_leaf}


def test_a_tree_that_does_not_match_is_refused(door):
    nodes = list(door.next.public.tree.nodes)
    door.refuses("bad-tree", door.with_tree([None, None, None, None, *nodes[4:]], hashed=True))
    fewer = [*nodes[:4], None, *nodes[5:]]
    door.refuses("bad-tree", door.with_tree(fewer, hashed=False))
    door.refuses("invalid-welcome", door.with_tree(_blank_parents([*nodes[:6], None])))
    flat = door.next.public.tree.of(PRODUCT_SUITE, tuple(_blank_parents(nodes)))
    other = replace(door.info, extensions=(Extension(RATCHET_TREE, flat.encode()),))
    no_path = replace(door.secrets, path_secret=None)
    with pytest.raises(RemoteError, match="tree hash"):
        door.join(door.rebuilt(other, no_path, sign_by=door.alice))
    door.refuses("no-tree", door.rebuilt(replace(door.info, extensions=()), sign_by=door.alice))
    beside = door.rebuilt(replace(door.info, extensions=()), sign_by=door.alice)
    assert door.join(beside, tree=door.next.public.tree.encode()).group.epoch == 2


def _blank_parents(nodes):
    return [None if isinstance(node, ParentNode) else node for node in nodes]


def test_every_leaf_of_the_tree_is_checked(door):
    nodes = list(door.next.public.tree.nodes)
    chloe = next(i for i, leaf in door.next.roster().items() if leaf.signature_key == door.chloe.identity.key.public)

    def with_chloe(**changes):
        leaf = sign_leaf(door.chloe.identity, replace(nodes[2 * chloe], **changes), GROUP_ID, chloe)
        changed = _blank_parents(nodes)
        changed[2 * chloe] = leaf
        return door.with_tree(changed)

    unsigned = _blank_parents(nodes)
    unsigned[2 * chloe] = replace(nodes[2 * chloe], signature=bytes(64))
    door.refuses("bad-signature", door.with_tree(unsigned))
    door.refuses("bad-key", with_chloe(encryption_key=SMALL_ORDER))
    door.refuses("duplicate-key", with_chloe(encryption_key=nodes[0].encryption_key))
    door.refuses("duplicate-key", with_chloe(signature_key=nodes[0].signature_key))
    poor = replace(nodes[2 * chloe].capabilities, credentials=())
    door.refuses("unsupported", with_chloe(capabilities=poor))

    def never_david(credential, _key):
        if credential == door.david.identity.credential:
            raise RemoteError("forbidden", "by this test")

    rules = replace(OPEN_RULES, check_credential=never_david)
    with pytest.raises(RemoteError, match="forbidden"):
        mls.join(door.message, door.bob.packages, door.bob.identity, rules=rules)


def test_every_parent_of_the_tree_is_checked(door):
    tree = door.next.public.tree
    parents = dict(tree.parents())
    assert parents
    for position, node in parents.items():
        for changed, reason in (
            (replace(node, encryption_key=PRODUCT_SUITE.hpke.generate()[1]), "bad-tree"),
            (replace(node, parent_hash=bytes(32)), "bad-tree"),
            (replace(node, unmerged_leaves=(7,)), "bad-tree"),
            (replace(node, unmerged_leaves=(0,)), "bad-tree"),
            (replace(node, encryption_key=SMALL_ORDER), "bad-key"),
            (replace(node, encryption_key=tree.nodes[0].encryption_key), "duplicate-key"),
        ):
            nodes = list(tree.nodes)
            nodes[position] = changed
            door.refuses(reason, door.with_tree(nodes))


def test_a_tree_has_one_form():
    alice = Device("alice")
    tree = Room(alice).server.tree
    leaf = b"\x01\x01" + tree.nodes[0].encoded
    parent = b"\x01\x02" + Writer().opaque(bytes(32)).opaque(b"").opaque(b"").bytes()
    unsorted = b"\x01\x02" + Writer().opaque(bytes(32)).opaque(b"").opaque(bytes((0, 0, 0, 1) * 2)).bytes()
    for content in (b"", leaf + b"\0", parent, leaf + leaf, leaf + unsorted + leaf, leaf + b"\x01\x03", b"\x02" + leaf):
        with pytest.raises(RemoteError, match="malformed"):
            tree.decode(PRODUCT_SUITE, Writer().opaque(content).bytes())
    huge = Writer().opaque(bytes(140_000) + leaf).bytes()
    with pytest.raises(RemoteError, match="too many leaves"):
        tree.decode(PRODUCT_SUITE, huge)


def test_the_server_follows_a_new_group_only_whole():
    alice = Device("alice")
    room = Room(alice)
    info = mls.group_info(alice.group, alice.identity)
    assert public_group.follow(info, rules=OPEN_RULES, single=True).epoch == 0
    with pytest.raises(RemoteError, match="no-tree"):
        public_group.follow(mls.group_info(alice.group, alice.identity, with_tree=False), rules=OPEN_RULES)
    with pytest.raises(RemoteError, match="bad-signature"):
        public_group.follow(info[:-1] + bytes([info[-1] ^ 1]), rules=OPEN_RULES)
    with pytest.raises(RemoteError, match="malformed"):
        public_group.follow(mls.seal(alice.group, alice.identity, b"x").message, rules=OPEN_RULES)
    for length in range(0, len(info), 5):
        with pytest.raises(RemoteError):
            public_group.follow(info[:length], rules=OPEN_RULES)
    room.add(alice, Device("bob"))
    two = mls.group_info(alice.group, alice.identity)
    assert public_group.follow(two, rules=OPEN_RULES).epoch == 1
    with pytest.raises(RemoteError, match="invalid-commit"):
        public_group.follow(two, rules=OPEN_RULES, single=True)


def test_nobody_returns_by_a_broken_group_info():
    alice, bob = Device("alice"), Device("bob")
    room = room_of(alice, bob)
    info = decode_message(mls.group_info(alice.group, alice.identity))
    with pytest.raises(RemoteError, match="malformed"):
        mls.rejoin(mls.seal(alice.group, alice.identity, b"x").message, bob.identity, rules=OPEN_RULES)
    closed = replace(info, extensions=tuple(one for one in info.extensions if one.type != EXTERNAL_PUB))
    with pytest.raises(RemoteError, match="no-external-pub"):
        mls.rejoin(encode_message(closed.signed(alice.identity.key)), bob.identity, rules=OPEN_RULES)
    small = Extension(EXTERNAL_PUB, b"\x20" + SMALL_ORDER)
    weak = replace(info, extensions=(*closed.extensions, small)).signed(alice.identity.key)
    with pytest.raises(RemoteError, match="bad-key"):
        mls.rejoin(encode_message(weak), bob.identity, rules=OPEN_RULES)
    with pytest.raises(RemoteError, match="bad-signature"):
        mls.rejoin(encode_message(replace(info, signature=bytes(64))), bob.identity, rules=OPEN_RULES)
    assert len(room.members) == 2


def test_a_founder_can_do_what_its_group_asks():
    alice = Device("alice")
    options = {"not_before": NOT_BEFORE, "not_after": NOT_AFTER}
    with pytest.raises(LocalError, match="unsupported"):
        mls.create(alice.identity, GROUP_ID, extensions=[Extension(0xF0AB, b"")], **options)
    with pytest.raises(LocalError, match="malformed"):
        mls.create(alice.identity, GROUP_ID, extensions=[Extension(3, b"")], **options)
    with pytest.raises(LocalError, match="malformed"):
        mls.create(alice.identity, GROUP_ID, extensions=[Extension(5, b"\x07")], **options)


def test_a_state_is_made_whole_or_not_at_all():
    alice = Device("alice")
    Room(alice)
    parts = alice.group.parts()
    with pytest.raises(LocalError, match="no-part"):
        mls.Group.from_parts({"epoch": parts["epoch"]})
    with pytest.raises(LocalError, match="no-part"):
        alice.group.part("ratchet/7")
    with pytest.raises(RemoteError, match="malformed"):
        mls.Group.from_parts({**parts, "epoch": parts["epoch"] + b"\0"})
    assert isinstance(alice.group.member.public, PublicEpoch)
    with pytest.raises(LocalError):
        mls.commit(alice.group, alice.identity, [Remove(0)], rules=OPEN_RULES)


def test_a_welcome_that_names_a_key_package_twice_is_refused():
    alice, bob = Device("alice"), Device("bob")
    room = Room(alice)
    staged = mls.commit(alice.group, alice.identity, [mls.Add(bob.package())], rules=room.rules)
    welcome = decode_message(staged.welcome)
    twice = encode_message(replace(welcome, secrets=welcome.secrets * 2))
    with pytest.raises(RemoteError, match="key package twice"):
        mls.join(twice, bob.packages, bob.identity, rules=room.rules)
