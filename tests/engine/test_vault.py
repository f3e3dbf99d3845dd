"""The vault opens with its PIN and its share only, and wrong PINs cost time."""

import errno
import os
from pathlib import Path

import pytest

from miss_app.engine import files, passphrase
from miss_app.engine import vault as vault_module
from miss_app.engine.problems import Problem
from miss_app.engine.vault import Guard, Vault, wait_after

PIN, SHARE = "271828", b"s" * 32


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "ARGON2_MEMORY_KIB", 1024)


def made(vault: Vault, typed: str = PIN, guard: Guard = Guard.SERVER, share: bytes = SHARE) -> bytes:
    return vault.make(vault.begin(typed, guard), share)


def opened(vault: Vault, typed: str = PIN, share: bytes = SHARE) -> bytes:
    return vault.open(vault.attempt(typed), share)


def test_pin_and_share_open_and_neither_alone(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    key = made(vault)
    assert opened(Vault(tmp_path / "vault")) == key
    for typed, share in (("271829", SHARE), (PIN, b""), (PIN, bytes(32)), (PIN, SHARE[:-1])):
        with pytest.raises(Problem, match="pin-wrong"):
            opened(vault, typed, share)
        assert opened(vault) == key
    data = (tmp_path / "vault").read_bytes()
    assert key not in data
    assert SHARE not in data
    assert (tmp_path / "vault").stat().st_mode & 0o777 == 0o600


def test_what_the_server_is_shown_says_nothing_of_the_key(tmp_path: Path) -> None:
    """The proof is a value of its own: with it and the share, and without the PIN, the vault stays shut."""
    vault = Vault(tmp_path / "vault")
    chosen = vault.begin(PIN, Guard.SERVER)
    key = vault.make(chosen, SHARE)
    tried = vault.attempt(PIN)
    assert tried.proof == chosen.proof
    assert len({tried.proof, tried.confirmation, key, SHARE}) == 4
    assert tried.proof not in (tmp_path / "vault").read_bytes()
    assert vault.attempt("271829").proof != tried.proof
    again = vault.begin(PIN, Guard.SERVER)
    assert again.proof != chosen.proof, "a salt of its own each time, which stays on the device"


def test_wrong_pins_make_one_wait_longer_and_longer_even_across_restarts(tmp_path: Path) -> None:
    clock = Clock()
    key = made(Vault(tmp_path / "vault", clock))
    for wrong in range(1, 8):
        with pytest.raises(Problem, match="pin-wrong") as refused:
            opened(Vault(tmp_path / "vault", clock), "000000")
        assert refused.value.seconds == wait_after(wrong)
        if wait_after(wrong):
            assert Vault(tmp_path / "vault", clock).wait_seconds() == wait_after(wrong)
            with pytest.raises(Problem, match="pin-too-soon"):
                opened(Vault(tmp_path / "vault", clock))
        clock.now += int(wait_after(wrong) * 1000) + 1
    assert [wait_after(n) for n in (1, 3, 4, 5, 6)] == [0, 0, 5, 10, 20]
    assert opened(Vault(tmp_path / "vault", clock)) == key
    assert Vault(tmp_path / "vault", clock).wait_seconds() == 0
    with pytest.raises(Problem, match="pin-wrong"):
        opened(Vault(tmp_path / "vault", clock), "000000")


def test_a_try_that_nobody_could_judge_does_not_count(tmp_path: Path) -> None:
    clock = Clock()
    vault = Vault(tmp_path / "vault", clock)
    made(vault)
    for _ in range(10):
        vault.untried(vault.attempt("000000"))
    assert vault.wait_seconds() == 0
    vault.attempt("000000")  # killed before it was judged: counted all the same
    with pytest.raises(Problem) as refused:
        opened(Vault(tmp_path / "vault", clock), "000000")
    assert refused.value.seconds == wait_after(2)


def test_a_try_that_cannot_be_counted_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault(tmp_path / "vault")
    key = made(vault)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(files.os, "write", full)
        with pytest.raises(Problem, match="disk-full"):
            vault.attempt(PIN)
    assert opened(vault) == key


@pytest.mark.parametrize("pin", ["12345", "", "abcdef", "١٢٣٤٥٦"])
def test_short_pins_are_refused(tmp_path: Path, pin: str) -> None:
    with pytest.raises(Problem, match="pin-too-short"):
        made(Vault(tmp_path / "vault"), pin)
    assert not (tmp_path / "vault").exists()


def test_a_phrase_of_six_words_needs_no_share(tmp_path: Path) -> None:
    assert passphrase.entropy_bits() >= 64
    listed = passphrase.listed()
    assert len(set(listed)) == 2048
    assert len({passphrase.canonical(" ".join([one] * 6))[:4] for one in listed}) == 2048, "no two begin alike"
    phrase = passphrase.new_phrase()
    assert phrase != passphrase.new_phrase()
    vault = Vault(tmp_path / "vault")
    key = made(vault, phrase, Guard.PHRASE, b"")
    assert vault.guard() is Guard.PHRASE
    assert opened(vault, phrase, b"") == key
    assert opened(vault, f"  {phrase.upper()}\n", b"") == key
    assert opened(vault, " ".join(word[:4] for word in phrase.split()), b"") == key
    for typed, reason in (("a b c", "phrase-length"), (PIN, "phrase-length"), ("zzzz " * 6, "phrase-unknown")):
        with pytest.raises(Problem, match=reason):
            vault.attempt(typed)
    with pytest.raises(Problem, match="pin-wrong"):
        opened(vault, " ".join(reversed(phrase.split())), b"")


def test_accents_of_a_phrase_are_forgiven() -> None:
    accented = [one for one in passphrase.listed() if not one.isascii()][:6]
    assert passphrase.canonical(" ".join(accented)).isascii()


def test_another_device_opens_it_with_the_last_key_it_was_given(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    key = made(vault)
    assert not vault.approvable()
    with pytest.raises(Problem, match="approval-unfit"):
        vault.open_approved(bytes(32))
    vault.let_approve(key, b"a" * 32)
    assert vault.approvable()
    assert vault.open_approved(b"a" * 32) == key
    vault.let_approve(key, b"b" * 32)
    with pytest.raises(Problem, match="approval-unfit"):
        vault.open_approved(b"a" * 32)
    assert vault.open_approved(b"b" * 32) == key
    assert opened(vault) == key


def test_the_pin_asked_again_is_recognised(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    chosen = vault.begin(PIN, Guard.SERVER)
    vault.make(chosen, SHARE)
    vault.confirm(vault.attempt(PIN), chosen.confirmation)
    with pytest.raises(Problem, match="pin-wrong"):
        vault.confirm(vault.attempt("000000"), chosen.confirmation)


def test_scrypt_stands_in_where_argon2_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm

    def missing(**_: object) -> object:
        raise UnsupportedAlgorithm("no argon2 here")

    monkeypatch.setattr(vault_module, "SCRYPT_COST", 1 << 10)
    monkeypatch.setattr(vault_module, "Argon2id", missing)
    key = made(Vault(tmp_path / "vault"))
    assert opened(Vault(tmp_path / "vault")) == key
    with pytest.raises(Problem, match="pin-wrong"):
        opened(Vault(tmp_path / "vault"), "271827")
