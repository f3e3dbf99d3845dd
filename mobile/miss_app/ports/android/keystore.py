"""Secrets on Android: sealed by an AES key that never leaves AndroidKeyStore, kept in the app's no-backup folder."""

import hashlib
from pathlib import Path
from typing import Any

from miss_app.engine.files import erase_file, read_file, write_file
from miss_app.engine.problems import Problem

ALIAS = "miss.secrets"
PROVIDER = "AndroidKeyStore"
TRANSFORMATION = "AES/GCM/NoPadding"
TAG_BITS = 128
NONCE_BYTES = 12


class AndroidKeystore:
    """A ``SecureStore``.

    Args:
        folder: of the app's own, which no backup takes (``Context.getNoBackupFilesDir``).
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def usable(self) -> bool:
        """Whether the key is there, or could be made."""
        try:
            self._key()
        except Exception:  # Java's own, of any kind: without a key there is no store
            return False
        return True

    def put(self, name: str, secret: bytes) -> None:
        """Seal under the key, bound to the name."""
        from jnius import autoclass

        try:
            cipher = autoclass("javax.crypto.Cipher").getInstance(TRANSFORMATION)
            # The keystore chooses the nonce itself, and refuses one from outside.
            cipher.init(1, self._key())  # Cipher.ENCRYPT_MODE
            cipher.updateAAD(name.encode())
            sealed = _bytes(cipher.getIV()) + _bytes(cipher.doFinal(secret))
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_file(self._file(name), sealed)
        except Exception as error:  # Java's own, of any kind
            raise Problem("keystore-refused") from error

    def get(self, name: str) -> bytes | None:
        """Open what was sealed for this name."""
        from jnius import autoclass

        sealed = read_file(self._file(name))
        if sealed is None:
            return None
        try:
            cipher = autoclass("javax.crypto.Cipher").getInstance(TRANSFORMATION)
            nonce = autoclass("javax.crypto.spec.GCMParameterSpec")(TAG_BITS, sealed[:NONCE_BYTES])
            cipher.init(2, self._key(), nonce)  # Cipher.DECRYPT_MODE
            cipher.updateAAD(name.encode())
            return _bytes(cipher.doFinal(sealed[NONCE_BYTES:]))
        except Exception as error:  # Java's own, of any kind: the key is another one, or the file was altered
            raise Problem("keystore-refused") from error

    def erase(self, name: str) -> None:
        """Forget the sealed secret; the key stays for the others."""
        erase_file(self._file(name))

    def _file(self, name: str) -> Path:
        return self._folder / hashlib.sha256(name.encode()).hexdigest()[:32]

    @staticmethod
    def _key() -> Any:
        """The key, made once: 256 bits, for AES-GCM alone."""
        from jnius import autoclass

        store = autoclass("java.security.KeyStore").getInstance(PROVIDER)
        store.load(None)
        if not store.containsAlias(ALIAS):
            properties = autoclass("android.security.keystore.KeyProperties")
            purposes = properties.PURPOSE_ENCRYPT | properties.PURPOSE_DECRYPT
            wanted = autoclass("android.security.keystore.KeyGenParameterSpec$Builder")(ALIAS, purposes)
            wanted.setBlockModes(properties.BLOCK_MODE_GCM)
            wanted.setEncryptionPaddings(properties.ENCRYPTION_PADDING_NONE)
            wanted.setKeySize(256)
            generator = autoclass("javax.crypto.KeyGenerator").getInstance(properties.KEY_ALGORITHM_AES, PROVIDER)
            generator.init(wanted.build())
            generator.generateKey()
        return store.getKey(ALIAS, None)


def _bytes(found: Any) -> bytes:
    """A Java byte[], whose bytes have a sign."""
    return bytes(one & 0xFF for one in found)
