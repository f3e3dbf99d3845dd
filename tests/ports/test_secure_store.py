"""Secrets in the system's keystore: a real Secret Service keeps them, and nothing pretends where there is none."""

import pytest

from miss_app.engine.problems import Problem
from miss_app.ports.keyring_store import KeyringStore
from ports.desktop import session

SECRET = bytes(range(32))


def test_the_desktops_keystore_keeps_secrets(tmp_path, monkeypatch):
    store = KeyringStore()
    with session(tmp_path) as desktop:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.bus)
        assert not store.usable(), "a bus without a keystore on it"
        daemon = desktop.keyring()
        assert store.usable()

        assert store.get("lea/share") is None
        store.put("lea/share", SECRET)
        store.put("karim/share", b"\0\xff")
        assert KeyringStore().get("lea/share") == SECRET
        store.put("lea/share", SECRET[::-1])
        assert store.get("lea/share") == SECRET[::-1]
        assert store.get("karim/share") == b"\0\xff"

        # Whoever copies the disk finds neither the secret nor anything it could be read from.
        files = [one.read_bytes() for one in desktop.folder.rglob("*") if one.is_file()]
        assert files
        assert not any(SECRET[::-1] in data or b"/v79" in data for data in files)

        store.erase("lea/share")
        store.erase("lea/share")
        assert store.get("lea/share") is None
        assert store.get("karim/share") == b"\0\xff"

        # The session ends under it: a refusal, and it says so from then on.
        daemon.terminate()
        daemon.wait(20)
        for verb in (lambda: store.get("karim/share"), lambda: store.put("x", b"y"), lambda: store.erase("x")):
            with pytest.raises(Problem, match="keystore-refused"):
                verb()


def test_what_somebody_else_wrote_there_is_refused(tmp_path, monkeypatch):
    from keyring.backends import SecretService

    with session(tmp_path) as desktop:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.bus)
        desktop.keyring()
        SecretService.Keyring().set_password("MiSS", "share", "not base 64!")
        with pytest.raises(Problem, match="keystore-refused"):
            KeyringStore().get("share")


def test_a_keyring_in_a_plain_file_is_no_keystore(tmp_path, monkeypatch):
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    import keyring
    from keyring.backend import KeyringBackend

    class InTheClear(KeyringBackend):
        priority = 99
        kept = {}

        def get_password(self, service, username):
            return self.kept.get(username)

        def set_password(self, service, username, password):
            self.kept[username] = password

        def delete_password(self, service, username):
            del self.kept[username]

    before = keyring.get_keyring()
    keyring.set_keyring(InTheClear())
    try:
        assert not KeyringStore().usable()
        with pytest.raises(Problem, match="keystore-refused"):
            KeyringStore().put("share", SECRET)
    finally:
        keyring.set_keyring(before)
        KeyringBackend._classes.discard(InTheClear)
    assert not InTheClear.kept
