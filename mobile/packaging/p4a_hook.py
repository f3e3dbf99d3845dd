"""Adds to Android's manifest what buildozer has no option for: the provider that the camera writes a photo through."""

from pathlib import Path
from typing import Any

MANIFEST = Path("src/main/AndroidManifest.xml")
PROVIDER = """\
    <provider android:name="androidx.core.content.FileProvider"
              android:authorities="${applicationId}.camera"
              android:exported="false"
              android:grantUriPermissions="true">
        <meta-data android:name="android.support.FILE_PROVIDER_PATHS" android:resource="@xml/camera_paths" />
    </provider>
"""


def with_provider(manifest: str) -> str:
    """The manifest with the provider in it, once. Raises ValueError where there is no application in it."""
    if "${applicationId}.camera" in manifest:
        return manifest
    before, end, after = manifest.rpartition("</application>")
    if not end:
        raise ValueError("no application in the manifest")
    return before + PROVIDER + "    " + end + after


def after_apk_build(_toolchain: Any) -> None:
    """python-for-android calls this in the folder of the Android project, once the manifest was written."""
    MANIFEST.write_text(with_provider(MANIFEST.read_text("utf-8")), "utf-8")
