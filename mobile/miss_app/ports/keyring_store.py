"""Secrets in the desktop's own keystore: Secret Service or KWallet, Keychain, Windows' Credential Locker.

A keyring that somebody configured to write plain files is not taken for one: only stores of the system are used.
"""

import base64
import binascii
from functools import cache
from typing import Any

from miss_app.engine.problems import Problem

SERVICE = "MiSS"


class KeyringStore:
    """A ``SecureStore`` over the keystore this desktop has."""

    def usable(self) -> bool:
        """Whether a keystore of the system answers; asked anew each time, since sessions come and go."""
        return _system_store() is not None

    def put(self, name: str, secret: bytes) -> None:
        """Keep a secret under the name of this program."""
        self._ask("set_password", name, base64.b64encode(secret).decode("ascii"))

    def get(self, name: str) -> bytes | None:
        """The secret; None where none is kept."""
        found = self._ask("get_password", name)
        if found is None:
            return None
        try:
            return base64.b64decode(found, validate=True)
        except (binascii.Error, ValueError) as error:  # somebody wrote another thing in its place
            raise Problem("keystore-refused") from error

    def erase(self, name: str) -> None:
        """Forget a secret."""
        if self._ask("get_password", name) is not None:
            self._ask("delete_password", name)

    @staticmethod
    def _ask(verb: str, *words: str) -> str | None:
        store = _system_store()
        if store is None:
            raise Problem("keystore-refused")
        try:
            answer: str | None = getattr(store, verb)(SERVICE, *words)
        except Exception as error:  # each system's store has failures of its own: locked, dismissed, gone
            raise Problem("keystore-refused") from error
        return answer


@cache
def _stores() -> tuple[Any, ...]:
    """What may be such a keystore; looked for when it is first asked for, since the first frame does not need it."""
    try:
        from keyring.backends import SecretService, Windows, kwallet, macOS
    except ImportError:  # phones have keystores of their own
        return ()
    return SecretService.Keyring, kwallet.DBusKeyring, macOS.Keyring, Windows.WinVaultKeyring


def _system_store() -> Any:
    """The keystore of the system that answers now; None where there is none."""
    for store in _stores():
        if store.viable:
            return store()
    return None
