"""A folder with nothing but a small Debian in it, entered by chroot: what runs in there sees nothing of this machine."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

STORE = Path("/etc/ssl/certs/ca-certificates.crt")
USER = "soignant"


def mirror() -> str:
    """The Debian mirror this machine itself uses."""
    policy = subprocess.run(["apt-cache", "policy"], capture_output=True, text=True, check=True).stdout
    for line in policy.splitlines():
        words = line.split()
        if len(words) > 2 and words[1].startswith("http") and words[2].startswith("bookworm/main"):
            return words[1]
    raise RuntimeError("no Debian 12 mirror in apt-cache policy")


class CleanRoot:
    """Debian in a folder, with an ordinary user; removed at the end. Needs root, for debootstrap and chroot.

    Args:
        packages: besides the smallest Debian there is, which has no Python.
        suite: which Debian.
        binds: folders of this machine that are to be seen in there, under the same name.
    """

    def __init__(self, packages: Sequence[str], *, suite: str = "bookworm", binds: Sequence[str] = ()) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="miss-bare-"))
        self.folder.chmod(0o755)  # an ordinary user in there must be able to reach its libraries
        self._packages, self._suite, self._binds = packages, suite, ["/dev", "/dev/pts", *binds]

    def __enter__(self) -> "CleanRoot":
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _make(self) -> None:
        include = [f"--include={','.join(self._packages)}"] if self._packages else []
        words = ["debootstrap", "--variant=minbase", *include, self._suite, str(self.folder), mirror()]
        subprocess.run(words, check=True, capture_output=True)
        if (self.folder / STORE.relative_to("/")).exists():
            # The trust store of this machine, so that the package index is reached as it is here.
            shutil.copy(STORE, self.folder / STORE.relative_to("/"))
        shutil.copy("/etc/resolv.conf", self.folder / "etc/resolv.conf")
        for kind, where in (("proc", "proc"), ("sysfs", "sys")):
            subprocess.run(["mount", "-t", kind, kind, str(self.folder / where)], check=True)
        for one in self._binds:
            place = self.folder / one.lstrip("/")
            place.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "--bind", one, str(place)], check=True)
        subprocess.run(["chroot", str(self.folder), "useradd", "-m", USER], check=True)

    def __exit__(self, *_: object) -> None:
        for one in ("proc", "sys", *reversed(self._binds)):
            words = ["umount", "-l", str(self.folder / one.lstrip("/"))]
            subprocess.run(words, check=False, stderr=subprocess.DEVNULL)  # some may not have been mounted
        if any(str(self.folder) in line for line in Path("/proc/mounts").read_text().splitlines()):
            raise RuntimeError(f"still mounted, not removed: {self.folder}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def words(self, user: str) -> list[str]:
        """What to put before a command so that this user runs it in there, with an empty environment."""
        return [
            *("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", f"HOME={self.home(user)}", "LANG=C.UTF-8"),
            *("chroot", str(self.folder), "setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"),
        ]

    def enter(self, user: str, command: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command as this user in there, with nothing of this environment but the trust store."""
        words = [*self.words(user), "env", f"PIP_CERT={STORE}", "sh", "-c", command]
        return subprocess.run(words, capture_output=True, text=True, timeout=2400, check=False)

    @staticmethod
    def home(user: str) -> str:
        """The user's folder, as it is called in there."""
        return "/root" if user == "root" else f"/home/{user}"


def may_enter() -> bool:
    """Whether this account may make and enter such a folder."""
    return os.geteuid() == 0
