"""What the adapters use of Android's Java, as its reference documents it: names, arguments and types, kept strictly.

It proves nothing about a telephone: that the adapters speak to the documented classes in the documented order, and
what they do with each answer.
"""

import os
import sys
import types

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class JavaException(Exception):
    """As pyjnius raises it."""


def signed(data):
    return [one - 256 if one > 127 else one for one in data]


class Telephone:
    """The Java classes by name; ``said`` records the calls that leave something behind."""

    def __init__(self, folder):
        self.folder, self.said, self.keys, self.listeners, self.flags = folder, [], {}, [], 0
        self.offered, self.on_ui, self.nobody = {}, False, False
        phone = self

        class KeyStore:
            @staticmethod
            def getInstance(kind):
                assert kind == "AndroidKeyStore"
                return KeyStore()

            def load(self, parameter):
                assert parameter is None
                self.loaded = True

            def containsAlias(self, alias):
                assert self.loaded
                return alias in phone.keys

            def getKey(self, alias, password):
                assert self.loaded
                assert password is None, "the keystore takes none"
                return phone.keys.get(alias)

        class KeyProperties:
            PURPOSE_ENCRYPT, PURPOSE_DECRYPT = 1, 2
            BLOCK_MODE_GCM, ENCRYPTION_PADDING_NONE, KEY_ALGORITHM_AES = "GCM", "NoPadding", "AES"

        class Builder:
            def __init__(self, alias, purposes):
                self.spec = {"alias": alias, "purposes": purposes}

            def setBlockModes(self, *modes):
                self.spec["modes"] = modes
                return self

            def setEncryptionPaddings(self, *paddings):
                self.spec["paddings"] = paddings
                return self

            def setKeySize(self, bits):
                self.spec["bits"] = bits
                return self

            def build(self):
                return self.spec

        class KeyGenerator:
            @staticmethod
            def getInstance(algorithm, provider):
                assert (algorithm, provider) == ("AES", "AndroidKeyStore")
                return KeyGenerator()

            def init(self, spec):
                self.spec = spec

            def generateKey(self):
                phone.said.append(("key", self.spec))
                phone.keys[self.spec["alias"]] = AESGCM(AESGCM.generate_key(self.spec["bits"]))

        class GCMParameterSpec:
            def __init__(self, bits, nonce):
                assert bits == 128
                assert isinstance(nonce, bytes)
                self.nonce = nonce

        class Cipher:
            @staticmethod
            def getInstance(transformation):
                assert transformation == "AES/GCM/NoPadding"
                return Cipher()

            def init(self, mode, key, spec=None):
                if key is None:
                    raise JavaException("InvalidKeyException")
                assert (mode == 1) == (spec is None), "the keystore makes the nonce itself"
                self.mode, self.key, self.added = mode, key, b""
                self.nonce = os.urandom(12) if spec is None else spec.nonce

            def getIV(self):
                return signed(self.nonce)

            def updateAAD(self, data):
                self.added += data

            def doFinal(self, data):
                try:
                    deed = self.key.encrypt if self.mode == 1 else self.key.decrypt
                    return signed(deed(self.nonce, data, self.added))
                except Exception as error:
                    raise JavaException("AEADBadTagException") from error

        class Window:
            def addFlags(self, flags):
                assert phone.on_ui, "CalledFromWrongThreadException"
                phone.flags |= flags

            def clearFlags(self, flags):
                assert phone.on_ui, "CalledFromWrongThreadException"
                phone.flags &= ~flags

        class Descriptor:
            def __init__(self, path):
                self.path = path

            def detachFd(self):
                return os.open(self.path, os.O_RDONLY)

        class ContentResolver:
            def openFileDescriptor(self, uri, mode):
                assert mode == "r"
                if uri not in phone.offered:
                    raise JavaException("FileNotFoundException")
                return Descriptor(phone.offered[uri])

        class Activity:
            def getWindow(self):
                return Window()

            def getPackageName(self):
                return "org.miss.miss"

            def getContentResolver(self):
                return ContentResolver()

            def startActivityForResult(self, intent, code):
                if phone.nobody:
                    raise JavaException("ActivityNotFoundException")
                phone.said.append(("asked", intent.action, code))
                phone.intent, phone.code = intent, code

        class PythonActivity:
            mActivity = Activity()

        class Intent:
            def __init__(self, action):
                self.action, self.extras, self.type, self.flags = action, {}, None, 0

            def setType(self, kind):
                self.type = kind
                return self

            def putExtra(self, name, value):
                assert isinstance(value, tuple), "a Parcelable, cast to it: putExtra has many forms"
                self.extras[name] = value
                return self

            def addFlags(self, flags):
                self.flags |= flags
                return self

            def getData(self):
                return self.extras.get("data")

        class File:
            def __init__(self, path):
                self.path = path

        class FileProvider:
            @staticmethod
            def getUriForFile(context, authority, file):
                assert context is PythonActivity.mActivity
                return f"content://{authority}/camera/{os.path.basename(file.path)}"

        self.Intent = Intent
        self.classes = {
            "java.security.KeyStore": KeyStore,
            "android.security.keystore.KeyProperties": KeyProperties,
            "android.security.keystore.KeyGenParameterSpec$Builder": Builder,
            "javax.crypto.KeyGenerator": KeyGenerator,
            "javax.crypto.spec.GCMParameterSpec": GCMParameterSpec,
            "javax.crypto.Cipher": Cipher,
            "org.kivy.android.PythonActivity": PythonActivity,
            "android.content.Intent": Intent,
            "java.io.File": File,
            "androidx.core.content.FileProvider": FileProvider,
        }

    def plug_in(self, monkeypatch):
        """From now on ``jnius`` and ``android`` are this telephone's."""
        phone = self

        class Runnable:
            def __init__(self, deed):
                self.deed = deed

            def __call__(self):
                phone.on_ui = True
                self.deed()
                phone.on_ui = False

        jnius, android = types.ModuleType("jnius"), types.ModuleType("android")
        jnius.autoclass = lambda name: phone.classes[name]
        jnius.cast = lambda name, value: (name, value)
        activity, runnable = types.ModuleType("android.activity"), types.ModuleType("android.runnable")
        activity.bind = lambda on_activity_result: phone.listeners.append(on_activity_result)
        activity.unbind = lambda on_activity_result: phone.listeners.remove(on_activity_result)
        runnable.Runnable = Runnable
        android.activity, android.runnable = activity, runnable
        for module in (jnius, android, activity, runnable):
            monkeypatch.setitem(sys.modules, module.__name__, module)

    def answer(self, code, result, uri=None):
        """Another program has done what it was asked, or not."""
        data = None
        if uri is not None:
            data = self.Intent("")
            data.extras["data"] = uri
        for listener in list(self.listeners):
            listener(code, result, data)
