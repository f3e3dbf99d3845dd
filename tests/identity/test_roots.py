"""The root kept on another machine, followed by another root and another issuing key; keys that must not be used."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from miss_protocol import identity
from miss_protocol.enrolment import CertificateRequest
from miss_protocol.errors import RemoteError
from miss_protocol.identity import Authority, DeviceCertificate
from miss_protocol.labels import LABEL_REQUEST, labelled, p256_public, sign_p256
from miss_server import authority, data_folder
from miss_server.__main__ import main
from miss_server.authority import KeyFileError, Keyring
from miss_server.clock import now_ms
from miss_server.config import load

SMALL_ORDER = tuple(
    bytes.fromhex(one)
    for one in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A server's data folder after its first start."""
    settings = load(tmp_path / "data")
    data_folder.make(settings, now_ms())
    return settings.data


def run(data: Path, *words: object) -> int:
    return main(["root", *map(str, words), "--data", str(data), "--language", "en"])


def keyring(data: Path) -> Keyring:
    return authority.load(data / "keys")


def certificate(keys: Keyring) -> DeviceCertificate:
    """A device certified with what a server signs with now."""
    signing, login = ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
    request = CertificateRequest.sign(os.urandom(16), "téléphone", signing, login)
    who = identity.Professional(os.urandom(16), "Dr X", "X", "Y", "", "10", "Médecin", "Cabinet", "mailbox", now_ms())
    return identity.certify(keys.authority, keys.keys.issuing, who, request, now_ms())


def renewed(data: Path, root: Path, folder: Path) -> int:
    """A new issuing key, asked for here and certified there."""
    request, out = folder / f"{os.urandom(4).hex()}.request", folder / f"{os.urandom(4).hex()}.signed"
    assert run(data, "request", request) == 0
    return run(data, "certify", root, request, out) or run(data, "install", out)


def test_a_root_kept_elsewhere_signs_a_new_key_and_a_next_root(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, safe, later = keyring(data), tmp_path / "safe", tmp_path / "later"
    old = certificate(first)
    assert run(data, "take-out", safe) == 0
    assert not (data / "keys/root.key").exists()
    assert (safe / "root.key").stat().st_mode & 0o777 == 0o600
    assert keyring(data).keys.root is None
    assert run(data, "show") == 0
    assert "not on this server" in capsys.readouterr().out
    assert renewed(data, safe, tmp_path) == 0
    second = keyring(data)
    assert run(data, "make", later, "--after", safe) == 0
    assert renewed(data, later, tmp_path) == 0
    third = keyring(data)
    assert len(third.authority.roots) == 2
    assert len({first.authority.server_id, second.authority.server_id, third.authority.server_id}) == 1
    assert third.pepper == first.pepper
    assert third.authority.external_sender == first.authority.external_sender
    for one in (old, certificate(second), certificate(third)):
        one.verify(third.authority, now_ms())
    with pytest.raises(RemoteError):
        certificate(third).verify(first.authority, now_ms())
    # A client that knows any of them takes what followed, and nothing that went before.
    known = [one.authority for one in (first, second, third)]
    for at, earlier in enumerate(known):
        for after, fresh in enumerate(known):
            again = Authority.decode(fresh.encode(), server_id=first.authority.server_id)
            assert again.follows(earlier) == (after >= at)


def test_what_another_root_signed_is_not_installed(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load(tmp_path / "elsewhere")
    data_folder.make(settings, now_ms())
    foreign, own = tmp_path / "foreign", tmp_path / "own"
    assert run(settings.data, "take-out", foreign) == 0
    assert run(data, "take-out", own) == 0
    before = keyring(data)
    assert renewed(data, foreign, tmp_path) == 1
    assert "of another root" in capsys.readouterr().err
    request, out = tmp_path / "request", tmp_path / "out"
    assert run(data, "request", request) == 0
    assert run(data, "certify", own, request, out) == 0
    good = out.read_bytes()
    signed = Authority.decode(good)
    theirs = keyring(settings.data).authority
    forgeries = {
        "damaged": good[:-1],
        "another server's": theirs.encode(),
        "another issuing key": replace(signed, issuing=theirs.issuing).encode(),
        "another external sender": replace(signed, external_sender=theirs.external_sender).encode(),
        "a root nobody signed": replace(signed, later_roots=(theirs.root,)).encode(),
        "without the key that was in use": replace(signed, past_issuing=()).encode(),
        "a device as issuing key": replace(signed, issuing=signed.external_sender).encode(),
    }
    for name, forged in forgeries.items():
        out.write_bytes(forged)
        assert run(data, "install", out) == 1, name
        assert capsys.readouterr().err.strip(), name
        assert keyring(data).authority.encode() == before.authority.encode(), name
    out.write_bytes(good)
    assert run(data, "request", tmp_path / "another") == 0  # the key that was asked for is another one now
    assert run(data, "install", out) == 1
    assert keyring(data).authority.encode() == before.authority.encode()


def test_a_running_servers_keys_are_left_alone(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, "take-out", tmp_path / "safe") == 0
    with data_folder.held(data):
        assert renewed(data, tmp_path / "safe", tmp_path) == 1
    assert "Stop the server first." in capsys.readouterr().err


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
@pytest.mark.parametrize("name", ["issuing.key", "external-sender.key", "root.key", "pepper"])
def test_a_key_that_others_can_read_is_not_used(
    data: Path, name: str, mode: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "keys" / name).chmod(mode)
    with pytest.raises(KeyFileError) as refused:
        keyring(data)
    assert refused.value.reason == "keys-open"
    assert main(["serve", "--data", str(data), "--language", "en"]) == 1
    assert "Other accounts can read" in capsys.readouterr().err


def test_a_key_of_another_certificate_is_not_used(data: Path) -> None:
    (data / "keys/issuing.key").write_bytes((data / "keys/external-sender.key").read_bytes())
    with pytest.raises(KeyFileError) as refused:
        keyring(data)
    assert refused.value.reason == "keys-mismatch"


def test_no_new_keys_are_made_where_new_ones_were_being_put(data: Path) -> None:
    (data / "keys").rename(data / "keys.before-00000000")
    with pytest.raises(FileNotFoundError):
        data_folder.make(load(data), now_ms())
    assert not (data / "keys").exists()


@pytest.mark.parametrize("key", SMALL_ORDER, ids=bytes.hex)
def test_keys_of_small_order_are_refused_wherever_they_come_in(key: bytes) -> None:
    """With such a key one signature is good for every message."""
    login = ec.generate_private_key(ec.SECP256R1())
    request = CertificateRequest(os.urandom(16), key, p256_public(login), "x")
    forged = replace(
        request,
        signature=key + bytes(32),
        login_signature=sign_p256(login, LABEL_REQUEST, request.content()),
    )
    assert labelled(LABEL_REQUEST, request.content())
    with pytest.raises(RemoteError) as refused:
        CertificateRequest.decode(forged.encode())
    assert refused.value.reason == "bad-key"
    made, keys = identity.make_authority("miss.example", now_ms())
    assert keys.root is not None
    try:
        public = ed25519.Ed25519PublicKey.from_public_bytes(key)
    except ValueError:
        return  # the library refuses it by itself
    issuing = identity.authority_certificate("miss.example", identity.ROLE_ISSUING, public, keys.root, now_ms())
    with pytest.raises(RemoteError):
        Authority.decode(replace(made, issuing=issuing).encode())
    who = identity.Professional(os.urandom(16), "Dr X", "X", "Y", "", "10", "Médecin", "", "mailbox", now_ms())
    with pytest.raises(RemoteError) as refused:
        identity.certify(made, keys.issuing, who, request, now_ms())
    assert refused.value.reason == "bad-key"
