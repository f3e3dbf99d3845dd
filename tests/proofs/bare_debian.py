"""Proof: on a bare Debian 12 (debootstrap, git, make, ca-certificates) ``make demo`` installs what it needs and plays."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STORE = Path("/etc/ssl/certs/ca-certificates.crt")


def _mirror() -> str:
    """The Debian mirror this machine itself uses."""
    policy = subprocess.run(["apt-cache", "policy"], capture_output=True, text=True, check=True).stdout
    for line in policy.splitlines():
        words = line.split()
        if len(words) > 2 and words[1].startswith("http") and words[2].startswith("bookworm/main"):
            return words[1]
    raise RuntimeError("no Debian 12 mirror in apt-cache policy")


class BareDebian:
    """A root folder with Debian in it, entered by chroot; removed at the end."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="miss-bare-"))
        self.folder.chmod(0o755)  # an ordinary user in there must be able to reach its libraries

    def __enter__(self) -> "BareDebian":
        include = "--include=git,make,ca-certificates"
        subprocess.run(
            ["debootstrap", "--variant=minbase", include, "bookworm", str(self.folder), _mirror()],
            check=True,
            capture_output=True,
        )
        # The trust store of this machine, so that the package index is reached as it is here.
        shutil.copy(STORE, self.folder / STORE.relative_to("/"))
        shutil.copy("/etc/resolv.conf", self.folder / "etc/resolv.conf")
        for kind, where in (("proc", "proc"), ("sysfs", "sys")):
            subprocess.run(["mount", "-t", kind, kind, str(self.folder / where)], check=True)
        subprocess.run(["mount", "--bind", "/dev", str(self.folder / "dev")], check=True)
        subprocess.run(["mount", "--bind", "/dev/pts", str(self.folder / "dev/pts")], check=True)
        subprocess.run(["chroot", str(self.folder), "useradd", "-m", "soignant"], check=True)
        for home in ("root", "home/soignant"):
            target = self.folder / home / "miss"
            subprocess.run(["git", "clone", "-q", str(ROOT), str(target)], check=True)
        self.enter("root", "chown -R soignant:soignant /home/soignant/miss")
        return self

    def __exit__(self, *_: object) -> None:
        for where in ("proc", "sys", "dev/pts", "dev"):
            subprocess.run(["umount", "-l", str(self.folder / where)], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def enter(self, user: str, command: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command as this user in there, with nothing of this environment but the trust store."""
        home = "/root" if user == "root" else f"/home/{user}"
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "LANG": "C.UTF-8", "PIP_CERT": str(STORE)}
        words = ["chroot", str(self.folder), "setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        return subprocess.run(
            [*words, "sh", "-c", command], env=environment, capture_output=True, text=True, timeout=2400, check=False
        )


def run(seed: int) -> dict[str, Any]:
    """The verdict; needs root, for debootstrap and chroot."""
    del seed
    if os.geteuid() != 0:
        return {"passed": False, "why": "debootstrap needs root"}
    with BareDebian() as debian:
        without = debian.enter("soignant", "cd ~/miss && make -s demo")
        lines = [
            line for line in (without.stdout + without.stderr).splitlines() if line and not line.startswith("make")
        ]
        named = without.returncode != 0 and len(lines) == 1 and "libegl1" in lines[0]
        as_root = debian.enter("root", "cd ~/miss && make -s demo")
        as_user = debian.enter("soignant", "cd ~/miss && make -s demo")
        verdict = {
            "passed": named and as_root.returncode == 0 and as_user.returncode == 0,
            "user without packages": lines[:3],
            "root": as_root.returncode,
            "user with packages": as_user.returncode,
            "scene": [line for line in as_user.stdout.splitlines() if "played in" in line],
        }
        if not verdict["passed"]:
            verdict["tail"] = (as_root.stdout + as_root.stderr + as_user.stdout + as_user.stderr)[-2000:]
        return verdict
