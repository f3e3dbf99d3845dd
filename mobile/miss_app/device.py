"""What this machine can do: where files go, which theme it prefers, whether it has a screen. The only platform test."""

import importlib
import os
import platform
import shutil
import subprocess
import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from miss_app.ports.interfaces import Camera, Notifier, PhotoPicker, QrReader, ScreenGuard, SecureStore

ASK_SECONDS_MAX = 2


@dataclass(frozen=True)
class Insets:
    """What the machine itself covers of the window at each side, in pixels: a notch, rounded corners, its own bars."""

    left: float = 0
    top: float = 0
    right: float = 0
    bottom: float = 0


@dataclass(frozen=True)
class Device:
    """This machine. ``system`` is "linux", "macos", "windows", "android" or "ios"."""

    system: str

    @classmethod
    def here(cls) -> "Device":
        """The machine this program runs on."""
        if "ANDROID_ARGUMENT" in os.environ or "ANDROID_ROOT" in os.environ:
            return cls("android")
        names = {"linux": "linux", "darwin": "macos", "win32": "windows", "cygwin": "windows", "ios": "ios"}
        return cls(names.get(sys.platform, "linux"))

    @property
    def desktop(self) -> bool:
        """Whether people type on a keyboard and drop files on windows here."""
        return self.system in ("linux", "macos", "windows")

    def data_folder(self) -> Path:
        """Where profiles are kept unless ``--data`` says otherwise."""
        home = Path.home()
        if self.system == "windows":
            return Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local") / "MiSS"
        if self.system == "macos":
            return home / "Library/Application Support/MiSS"
        if self.system == "android":
            return Path(os.environ.get("ANDROID_PRIVATE") or home) / "miss"
        if self.system == "ios":
            return home / "Documents/miss"
        return Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share") / "miss"

    def policy_file(self) -> Path | None:
        """The establishment's rules for the whole machine, where only its administrators write; None on phones."""
        if self.system == "linux":
            return Path("/etc/miss/policy.toml")
        if self.system == "macos":
            return Path("/Library/Application Support/MiSS/policy.toml")
        return self._program_data() / "MiSS/policy.toml" if self.system == "windows" else None

    @staticmethod
    def _program_data() -> Path:
        """Windows' folder for all users, as the registry has it: the environment is each user's own to change."""
        usual = r"C:\ProgramData"
        try:
            registry = importlib.import_module("winreg")
            place = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
            with registry.OpenKey(registry.HKEY_LOCAL_MACHINE, place) as key:
                named = str(registry.QueryValueEx(key, "ProgramData")[0])
        except (ImportError, OSError):
            return Path(usual)
        return Path(named.replace("%SystemDrive%", usual[:2]))

    def safe_area(self) -> Insets:
        """What nothing may be drawn under that is read or touched."""
        return Insets()

    def pictures_folder(self) -> Path:
        """Where choosing a photo begins."""
        folders = (Path.home() / "Images", Path.home() / "Pictures", Path.home())
        return next((folder for folder in folders if folder.is_dir()), Path.home())

    def documents_folder(self) -> Path:
        """Where choosing a document, or where a copy of one goes, begins."""
        folders = (Path.home() / "Documents", Path.home())
        return next((folder for folder in folders if folder.is_dir()), Path.home())

    def notifier(self) -> Notifier | None:
        """The system's notifications; None where nobody looks at a screen."""
        if not self.desktop or self.headless():
            return None
        from miss_app.ports.desktop_notices import DesktopNotices  # the first frame does not wait for it

        return DesktopNotices(self.system)

    def reads_qr(self) -> bool:
        """Whether QR codes can be read from a picture here."""
        return self._qr_reader().READABLE

    @staticmethod
    def _qr_reader() -> QrReader:
        from miss_app import qr_reader  # here: the starter asks for the platform, and stays small

        return qr_reader

    @staticmethod
    def read_qr(data: bytes, file_name: str = "") -> str:
        """What the QR code in a picture says; Problem where there is none."""
        from miss_app import qr_reader

        return qr_reader.read(data, file_name)

    def secure_store(self) -> SecureStore:
        """Where the system keeps secrets for this account; it says itself whether there is such a place."""
        if self.system == "android":
            from miss_app.ports.android.keystore import AndroidKeystore

            return AndroidKeystore(Path(os.environ.get("ANDROID_PRIVATE") or Path.home()).parent / "no_backup/miss")
        from miss_app.ports.keyring_store import KeyringStore

        return KeyringStore()

    def screen_guard(self) -> ScreenGuard | None:
        """What keeps this window out of screenshots; None where nothing does."""
        if self.system != "android":
            return None
        from miss_app.ports.android.screen_guard import AndroidScreenGuard

        return AndroidScreenGuard()

    def photo_picker(self) -> PhotoPicker | None:
        """The system's own way to choose a photo; None where one chooses from the folders of the machine."""
        if self.system != "android":
            return None
        from miss_app.ports.android.pictures import AndroidPhotoPicker

        return AndroidPhotoPicker()

    def camera(self) -> Camera | None:
        """What takes a photo into this program's private storage; None where there is no such thing."""
        if self.system != "android":
            return None
        from miss_app.ports.android.pictures import AndroidCamera

        return AndroidCamera(Path(os.environ.get("ANDROID_PRIVATE") or Path.home()).parent / "cache")

    def invitation_file(self) -> Path:
        """The invitation an establishment may put beside the program."""
        # A bundle found through PATH is called by its bare name: that would be a file of the folder one stands in.
        program = sys.executable if getattr(sys, "frozen", False) else sys.argv[0]
        return Path(program).resolve().parent / "invitation.miss"

    def name(self) -> str:
        """What this device is called in its owner's list."""
        return platform.node().split(".")[0][:40] or self.system

    def headless(self) -> bool:
        """Whether the window is drawn without any screen to show it."""
        if self.system == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            return True
        return os.environ.get("SDL_VIDEODRIVER") == "offscreen"

    def open_browser(self, address: str) -> bool:
        """Show an address in the system's browser; False where there is none."""
        if self.headless():
            return False
        try:
            return webbrowser.open(address)
        except webbrowser.Error:
            return False

    def prefers_dark(self) -> bool:
        """Whether this machine's owner chose dark windows; False where it cannot be asked."""
        if self.headless():
            return False
        if self.system == "macos":
            return self._ask("defaults", "read", "-g", "AppleInterfaceStyle") == "Dark"
        if self.system == "windows":
            key = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
            return self._ask("reg", "query", key, "/v", "AppsUseLightTheme").endswith("0x0")
        if self.system == "linux":
            return "dark" in self._ask("gsettings", "get", "org.gnome.desktop.interface", "color-scheme")
        return False

    @staticmethod
    def _ask(program: str, *words: str) -> str:
        """What a small program of the system prints, "" when it is not there or does not answer."""
        found = shutil.which(program)
        if found is None:
            return ""
        try:
            answer = subprocess.run(  # noqa: S603  # fixed words, a program of the system
                [found, *words], capture_output=True, text=True, timeout=ASK_SECONDS_MAX, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return answer.stdout.strip()
