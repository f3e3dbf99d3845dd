"""Seeded random damage to everything that travels: always a RemoteError, never another error, never a change."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from miss_protocol.errors import RemoteError
from miss_protocol.identity import DeviceCertificate
from miss_protocol.mls import group as mls
from miss_protocol.mls import public_group
from miss_protocol.mls.codec import decode
from miss_protocol.mls.extensions import ExternalSender, RequiredCapabilities
from miss_protocol.mls.framing import AuthenticatedContent
from miss_protocol.mls.group import OPEN_RULES, Add, Credential, KeyPackage, Remove
from miss_protocol.mls.messages import decode_message, encode_message
from miss_protocol.mls.proposals import Commit, read_proposal
from miss_protocol.mls.schedule import GroupContext
from miss_protocol.mls.suite import PRODUCT_SUITE
from miss_protocol.mls.tree import RatchetTree
from miss_protocol.mls.welcome import GroupSecrets
from miss_protocol.terms import GROUP
from mls import forge
from mls.cast import GROUP_ID, Registrar, Room, terms
from mls.mutations import KINDS, Mutations, Scene, damaged

QUICK = settings(
    max_examples=150,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def scene():
    return Scene()


@st.composite
def damage(draw):
    """What happens to a message: bytes changed, cut out, repeated or put in."""
    return draw(
        st.lists(
            st.tuples(
                st.sampled_from(("flip", "cut", "insert", "repeat", "number")),
                st.floats(0, 1, exclude_max=True),
                st.integers(1, 255),
            ),
            min_size=1,
            max_size=3,
        )
    )


@pytest.mark.parametrize("kind", KINDS)
@seed(20261122)
@QUICK
@given(steps=damage())
def test_damaged_messages_change_nothing(scene, kind, steps):
    message = getattr(scene, kind)
    forged = damaged(message, steps)
    if forged == message:
        return
    for receive in scene.receivers(kind, forged):
        with pytest.raises(RemoteError):
            receive(forged)
    assert scene.bob.group.parts() == scene.parts
    assert scene.room.server.encode() == scene.server


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_field_changes_nothing(scene, kind):
    """Sixty changes of one bit or one field, well-formed as they may be; the proof makes a thousand of each."""
    made = Mutations(scene, kind, 20261122).run(60)
    assert made["bit"] > 20
    assert made["field"] > 20


@seed(20261122)
@QUICK
@given(steps=damage(), with_path=st.booleans())
def test_damage_that_is_well_signed_still_changes_nothing(scene, steps, with_path):
    """A malicious member signs and tags whatever it likes: a well-formed commit that nobody should take."""
    alice = scene.alice
    body = forge.body_of(scene.commit)
    out = forge.encoded(body if with_path else Commit(body.proposals, None))
    try:
        forged = decode(damaged(out, steps), Commit.read)
    except RemoteError:
        return
    if forged == body:
        return
    message = forge.handshake(alice, forged)
    with pytest.raises(RemoteError):
        mls.receive_commit(scene.bob.group, message, OPEN_RULES)
    with suppress(RemoteError):
        public_group.judge(scene.room.server, message, rules=OPEN_RULES)
    assert scene.bob.group.parts() == scene.parts


_DECODERS = {
    "message": decode_message,
    "key package": KeyPackage.decode,
    "tree": lambda data: RatchetTree.decode(PRODUCT_SUITE, data),
    "context": GroupContext.decode,
    "secrets": GroupSecrets.decode,
    "content": lambda data: decode(data, AuthenticatedContent.read),
    "proposal": lambda data: decode(data, read_proposal),
    "commit": lambda data: decode(data, Commit.read),
    "required": lambda data: RequiredCapabilities.of([mls.Extension(3, data)]),
    "senders": lambda data: ExternalSender.of([mls.Extension(5, data)]),
    "state": lambda data: mls.Group.from_parts({"epoch": data, "secrets": data}),
    "public": public_group.PublicGroup.decode,
}


@pytest.mark.parametrize("name", _DECODERS)
@seed(20261122)
@QUICK
@given(
    data=st.one_of(
        st.binary(max_size=200),
        st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 32, 64, 128, 192, 255]), max_size=60).map(bytes),
    )
)
def test_garbage_is_never_more_than_refused(name, data):
    with suppress(RemoteError):
        _DECODERS[name](data)


@pytest.mark.parametrize("kind", KINDS)
def test_what_decodes_has_one_encoding(scene, kind):
    message = getattr(scene, kind)
    assert encode_message(decode_message(message)) == message


@seed(20261122)
@QUICK
@given(steps=damage())
def test_damaged_certificates_are_refused(ward, steps):
    """The product's own rules never let another error out either."""
    room, device, good = ward
    der = good.credential.certificates[0]
    forged = damaged(der, steps)
    if forged == der:
        return
    identity = mls.Identity(good.signature_private, Credential.x509(forged))
    made = mls.make_key_package(identity, not_before=0, not_after=1)
    staged = mls.commit(device.group, device.identity, [Add(KeyPackage.decode(made.key_package))], rules=OPEN_RULES)
    with pytest.raises(RemoteError):
        public_group.judge(room.server, staged.message, rules=room.rules)


def test_a_certificate_of_an_unknown_kind_is_refused(ward):
    _, _, good = ward
    der = good.credential.certificates[0]
    key_kind, any_kind = der.replace(b"\x03+ep\x03!", b"\x03+e\x15\x03!"), der.replace(b"\x03+ep", b"\x03+e\x15")
    assert len({der, key_kind, any_kind}) == 3
    for forged in (key_kind, any_kind, der.replace(b"\x86-urn", b"\x83-urn")):
        with pytest.raises(RemoteError, match="bad-certificate"):
            DeviceCertificate.parse(forged)


@pytest.fixture(scope="module")
def ward():
    registrar = Registrar()
    phone = registrar.device(registrar.person("Admin"), "phone")
    room = Room(phone, extensions=(terms(GROUP, phone),), rules=registrar.rules)
    return room, phone, registrar.device(registrar.person("Other"), "other").identity


def test_the_scene_is_sound(scene):
    """What is damaged above is accepted when it is whole."""
    for kind in KINDS:
        for receive in scene.receivers(kind):
            receive(getattr(scene, kind))
    assert scene.bob.group.group_id == GROUP_ID
    assert mls.propose(scene.bob.group, scene.bob.identity, Remove(0)).changed == {"proposals"}
