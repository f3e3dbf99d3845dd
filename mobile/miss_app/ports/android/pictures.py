"""Photos on Android: chosen by the system's picker, which needs no permission, or taken into private storage."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from miss_app.engine.files import erase_file

PICK, TAKE = 7_101, 7_102
RESULT_OK = -1  # Activity.RESULT_OK
NOBODY = 0  # as Activity.RESULT_CANCELED
GRANT_WRITE = 2  # Intent.FLAG_GRANT_WRITE_URI_PERMISSION
BYTES_MAX = 64_000_000
CAMERA_FOLDER, CAMERA_FILE = "camera", "photo.jpg"

Got = Callable[[bytes], None]
GivenUp = Callable[[], None]


class _Asking:
    """One question to another program at a time, and its answer."""

    def __init__(self, code: int) -> None:
        self._code = code
        self._answered: Callable[[int, Any], None] | None = None

    def start(self, intent: Any, answered: Callable[[int, Any], None]) -> None:
        """Ask; where no program answers such questions, that is an answer too."""
        from android import activity
        from jnius import autoclass

        self._answered = answered
        activity.bind(on_activity_result=self._result)
        try:
            autoclass("org.kivy.android.PythonActivity").mActivity.startActivityForResult(intent, self._code)
        except Exception:  # Java's own, ActivityNotFoundException before all
            self._result(self._code, NOBODY, None)

    def _result(self, code: int, result: int, data: Any) -> None:
        from android import activity

        if code != self._code:
            return
        activity.unbind(on_activity_result=self._result)
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(result, data)


class AndroidPhotoPicker:
    """A ``PhotoPicker`` (MediaStore.ACTION_PICK_IMAGES, from Android 13 on; before by Google's back-port)."""

    def __init__(self) -> None:
        self._asking = _Asking(PICK)

    def pick(self, chosen: Got, given_up: GivenUp) -> None:
        """Ask for one picture; it is read at once, and no right to it is kept."""
        from jnius import autoclass

        intent = autoclass("android.content.Intent")("android.provider.action.PICK_IMAGES")
        intent.setType("image/*")

        def answered(result: int, data: Any) -> None:
            address = data.getData() if result == RESULT_OK and data is not None else None
            found = b"" if address is None else _read(address)
            if found:
                chosen(found)
            else:
                given_up()

        self._asking.start(intent, answered)


class AndroidCamera:
    """A ``Camera``: the system's camera program writes into a file of this app's cache, which nobody else can list.

    Args:
        cache: the app's private cache folder (``Context.getCacheDir``); a FileProvider, ``<package>.camera``, which
            the build has to declare, gives its folder ``camera`` out to the camera alone.
    """

    def __init__(self, cache: Path) -> None:
        self._file = cache / CAMERA_FOLDER / CAMERA_FILE
        self._asking = _Asking(TAKE)

    def take(self, taken: Got, given_up: GivenUp) -> None:
        """Ask for a photo; the file is erased once it was read, and where none was taken."""
        from jnius import autoclass, cast

        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        erase_file(self._file)
        context = autoclass("org.kivy.android.PythonActivity").mActivity
        provider, file = autoclass("androidx.core.content.FileProvider"), autoclass("java.io.File")(str(self._file))
        address = provider.getUriForFile(context, f"{context.getPackageName()}.camera", file)
        intent = autoclass("android.content.Intent")("android.media.action.IMAGE_CAPTURE")
        intent.putExtra("output", cast("android.os.Parcelable", address))  # MediaStore.EXTRA_OUTPUT
        intent.addFlags(GRANT_WRITE)

        def answered(result: int, _data: Any) -> None:
            there = self._file.exists() and self._file.stat().st_size <= BYTES_MAX
            found = self._file.read_bytes() if result == RESULT_OK and there else b""
            erase_file(self._file)
            if found:
                taken(found)
            else:
                given_up()

        self._asking.start(intent, answered)


def _read(address: Any) -> bytes:
    """What another program offers at an address; nothing where it is too large or cannot be read."""
    from jnius import autoclass

    resolver = autoclass("org.kivy.android.PythonActivity").mActivity.getContentResolver()
    try:
        handle = resolver.openFileDescriptor(address, "r").detachFd()
    except Exception:  # Java's own, of any kind: it is gone, or was never this app's to read
        return b""
    with os.fdopen(handle, "rb") as source:
        found = source.read(BYTES_MAX + 1)
    return found if len(found) <= BYTES_MAX else b""
