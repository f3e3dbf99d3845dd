"""Official vectors of what lies under the group: primitives, key schedule, pre-shared keys, transcript, ratchets."""

from miss_protocol.mls import framing, schedule
from miss_protocol.mls.codec import Writer, decode
from miss_protocol.mls.ratchets import SecretTree
from miss_protocol.mls.schedule import GroupContext, PskId
from miss_protocol.mls.suite import SUITES, HpkeCiphertext
from mls import vectors
from mls.vectors import official, raw

vectors.require()


@official("crypto-basics")
def test_crypto_basics(case):
    suite = SUITES[case["cipher_suite"]]
    one = case["ref_hash"]
    assert suite.reference(one["label"], raw(one["value"])) == raw(one["out"])
    one = case["expand_with_label"]
    out = suite.expand_with_label(raw(one["secret"]), one["label"], raw(one["context"]), one["length"])
    assert out == raw(one["out"])
    one = case["derive_secret"]
    assert suite.derive_secret(raw(one["secret"]), one["label"]) == raw(one["out"])
    one = case["derive_tree_secret"]
    out = suite.derive_tree_secret(raw(one["secret"]), one["label"], one["generation"], one["length"])
    assert out == raw(one["out"])
    one = case["sign_with_label"]
    key = suite.scheme.load(raw(one["priv"]))
    assert key.public == raw(one["pub"])
    suite.verify_with_label(key.public, one["label"], raw(one["content"]), raw(one["signature"]))
    ours = suite.sign_with_label(key, one["label"], raw(one["content"]))
    suite.verify_with_label(key.public, one["label"], raw(one["content"]), ours)
    one = case["encrypt_with_label"]
    private, context, plaintext = raw(one["priv"]), raw(one["context"]), raw(one["plaintext"])
    theirs = HpkeCiphertext(raw(one["kem_output"]), raw(one["ciphertext"]))
    assert suite.decrypt_with_label(private, one["label"], context, theirs) == plaintext
    sealed = suite.encrypt_with_label(raw(one["pub"]), one["label"], context, plaintext)
    assert suite.decrypt_with_label(private, one["label"], context, sealed) == plaintext


@official("key-schedule")
def test_key_schedule(case):
    suite = SUITES[case["cipher_suite"]]
    init = raw(case["initial_init_secret"])
    for number, one in enumerate(case["epochs"]):
        transcript = raw(one["confirmed_transcript_hash"])
        context = GroupContext(suite, raw(case["group_id"]), number, raw(one["tree_hash"]), transcript, ())
        assert context.encoded == raw(one["group_context"])
        assert GroupContext.decode(context.encoded) == context
        joiner = schedule.joiner_secret(suite, init, raw(one["commit_secret"]), context.encoded)
        assert joiner == raw(one["joiner_secret"])
        psk = raw(one["psk_secret"])
        assert schedule.welcome_secret(suite, joiner, psk) == raw(one["welcome_secret"])
        secrets = schedule.epoch_secrets(suite, joiner, psk, context.encoded)
        assert secrets.sender_data == raw(one["sender_data_secret"])
        assert secrets.encryption == raw(one["encryption_secret"])
        assert secrets.exporter == raw(one["exporter_secret"])
        assert secrets.external == raw(one["external_secret"])
        assert secrets.confirmation == raw(one["confirmation_key"])
        assert secrets.membership == raw(one["membership_key"])
        assert secrets.resumption == raw(one["resumption_psk"])
        assert secrets.authenticator == raw(one["epoch_authenticator"])
        assert secrets.init == raw(one["init_secret"])
        assert suite.hpke.derive_key_pair(secrets.external)[1] == raw(one["external_pub"])
        exported = one["exporter"]
        context_bytes, length = raw(exported["context"]), exported["length"]
        secret = schedule.export(suite, secrets.exporter, exported["label"], context_bytes, length)
        assert secret == raw(exported["secret"])
        init = secrets.init


@official("psk_secret")
def test_psk_secret(case):
    psks = [
        (PskId(kind=1, nonce=raw(one["psk_nonce"]), psk_id=raw(one["psk_id"])), raw(one["psk"])) for one in case["psks"]
    ]
    assert schedule.psk_secret(SUITES[case["cipher_suite"]], psks) == raw(case["psk_secret"])


@official("transcript-hashes")
def test_transcript_hashes(case):
    suite = SUITES[case["cipher_suite"]]
    content = decode(raw(case["authenticated_content"]), framing.AuthenticatedContent.read)
    assert content.encoded == raw(case["authenticated_content"])
    before = raw(case["interim_transcript_hash_before"])
    confirmed = schedule.confirmed_hash(suite, before, content.confirmed_input)
    assert confirmed == raw(case["confirmed_transcript_hash_after"])
    assert suite.verify_mac(raw(case["confirmation_key"]), confirmed, content.confirmation_tag)
    after = schedule.interim_hash(suite, confirmed, content.confirmation_tag)
    assert after == raw(case["interim_transcript_hash_after"])


@official("secret-tree")
def test_secret_tree(case):
    suite = SUITES[case["cipher_suite"]]
    one = case["sender_data"]
    key, nonce = framing.sender_key(suite, raw(one["sender_data_secret"]), raw(one["ciphertext"]))
    assert (key, nonce) == (raw(one["key"]), raw(one["nonce"]))
    tree = SecretTree.of(raw(case["encryption_secret"]), len(case["leaves"]))
    for index, generations in enumerate(case["leaves"]):
        tree, ratchets = tree.take(suite, index)
        application, handshake = ratchets.application, ratchets.handshake
        for one in generations:
            application, key, nonce = application.take(suite, one["generation"])
            assert (key, nonce) == (raw(one["application_key"]), raw(one["application_nonce"]))
            handshake, key, nonce = handshake.take(suite, one["generation"])
            assert (key, nonce) == (raw(one["handshake_key"]), raw(one["handshake_nonce"]))
    assert not tree.secrets, "every secret was handed out, none is kept"


@official("deserialization")
def test_deserialization(case):
    header = raw(case["vlbytes_header"])
    assert decode(header, lambda reader: reader.varint()) == case["length"]
    assert Writer().varint(case["length"]).bytes() == header
