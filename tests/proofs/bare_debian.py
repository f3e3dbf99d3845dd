"""Proof: on a bare Debian 12 (debootstrap, git, make, ca-certificates) ``make demo`` installs what it needs and plays."""

import subprocess
from pathlib import Path
from typing import Any

from tests.proofs.clean_root import USER, CleanRoot, may_enter

ROOT = Path(__file__).resolve().parents[2]


class BareDebian(CleanRoot):
    """With the project cloned for root and for an ordinary user."""

    def __enter__(self) -> "BareDebian":
        super().__enter__()
        for user in ("root", USER):
            target = self.folder / self.home(user).lstrip("/") / "miss"
            subprocess.run(["git", "clone", "-q", str(ROOT), str(target)], check=True)
        self.enter("root", f"chown -R {USER}:{USER} /home/{USER}/miss")
        return self


def run(seed: int) -> dict[str, Any]:
    """The verdict; needs root, for debootstrap and chroot."""
    del seed
    if not may_enter():
        return {"passed": False, "why": "debootstrap needs root"}
    with BareDebian(["git", "make", "ca-certificates"]) as debian:
        without = debian.enter(USER, "cd ~/miss && make -s demo")
        lines = [
            line for line in (without.stdout + without.stderr).splitlines() if line and not line.startswith("make")
        ]
        named = without.returncode != 0 and len(lines) == 1 and "libegl1" in lines[0]
        as_root = debian.enter("root", "cd ~/miss && make -s demo")
        as_user = debian.enter(USER, "cd ~/miss && make -s demo")
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
