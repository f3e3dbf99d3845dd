"""The vault opens with its PIN only, and wrong PINs cost time."""

from pathlib import Path

import pytest

from miss_app.engine import vault as vault_module
from miss_app.engine.problems import Problem
from miss_app.engine.vault import Vault, wait_after


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "ARGON2_MEMORY_KIB", 1024)


@pytest.mark.usefixtures("quick")
def test_the_pin_opens_and_nothing_else_does(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    key = vault.make("271828")
    assert Vault(tmp_path / "vault").open("271828") == key
    with pytest.raises(Problem, match="pin-wrong"):
        vault.open("271829")
    assert vault.open("271828") == key
    assert key not in (tmp_path / "vault").read_bytes()
    assert (tmp_path / "vault").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("quick")
def test_wrong_pins_make_one_wait_longer_and_longer_even_across_restarts(tmp_path: Path) -> None:
    clock = Clock()
    key = Vault(tmp_path / "vault", clock).make("271828")
    for wrong in range(1, 8):
        with pytest.raises(Problem, match="pin-wrong") as refused:
            Vault(tmp_path / "vault", clock).open("000000")
        assert refused.value.seconds == wait_after(wrong)
        if wait_after(wrong):
            with pytest.raises(Problem, match="pin-too-soon"):
                Vault(tmp_path / "vault", clock).open("271828")
        clock.now += int(wait_after(wrong) * 1000) + 1
    assert [wait_after(n) for n in (1, 3, 4, 5, 6)] == [0, 0, 5, 10, 20]
    assert Vault(tmp_path / "vault", clock).open("271828") == key
    with pytest.raises(Problem, match="pin-wrong"):
        Vault(tmp_path / "vault", clock).open("000000")


@pytest.mark.parametrize("pin", ["12345", "", "abcdef", "١٢٣٤٥٦"])
def test_short_pins_are_refused(tmp_path: Path, pin: str) -> None:
    with pytest.raises(Problem, match="pin-too-short"):
        Vault(tmp_path / "vault").make(pin)
    assert not (tmp_path / "vault").exists()


@pytest.mark.usefixtures("quick")
def test_scrypt_stands_in_where_argon2_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm

    def missing(**_: object) -> object:
        raise UnsupportedAlgorithm("no argon2 here")

    monkeypatch.setattr(vault_module, "SCRYPT_COST", 1 << 10)
    monkeypatch.setattr(vault_module, "Argon2id", missing)
    key = Vault(tmp_path / "vault").make("271828")
    assert Vault(tmp_path / "vault").open("271828") == key
    with pytest.raises(Problem, match="pin-wrong"):
        Vault(tmp_path / "vault").open("271827")
