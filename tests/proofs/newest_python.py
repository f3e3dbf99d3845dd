"""Proof: engine and protocol hold on this Python and on the newest there is, with every deprecation an error.

The newest one is Debian's own, of its unstable suite, in a clean root that sees this checkout and cannot write it. Kivy has
no wheel for it and stays out: engine and protocol never import it.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.mls import vectors
from tests.proofs.clean_root import CleanRoot, may_enter

ROOT = Path(__file__).resolve().parents[2]
SUITE = "sid"
TESTS = "tests/protocol tests/engine tests/mls tests/plays/test_direct.py"
STRICT = "-W error::DeprecationWarning -W error::PendingDeprecationWarning"
NOT_THERE = {"kivy"}
TOOLS = "libimage-exiftool-perl libheif-examples libheif-plugin-x265 openssl"


def lock_without(names: set[str]) -> str:
    """The lock of everything, without these distributions."""
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements/dev.lock").read_text())
    return "\n".join(one for one in blocks if re.split(r"[=\[ ]", one)[0] not in names)


def counted(said: str) -> dict[str, Any]:
    """What pytest prints at its end: how many dots and how many letters of trouble."""
    marks = "".join(re.findall(r"^([.FEsx]+) *\[ *\d+%\]", said, re.MULTILINE))
    return {"passed": marks.count("."), "failed": marks.count("F") + marks.count("E")}


def here() -> dict[str, Any]:
    """On the Python that runs this."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *STRICT.split(), *TESTS.split()]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return {"python": sys.version.split()[0], **counted(done.stdout), "status": done.returncode}


def newest(debian: CleanRoot) -> dict[str, Any]:
    """On the newest Python of the suite."""

    def run(command: str) -> str:
        done = debian.enter("root", command)
        if done.returncode != 0:
            raise RuntimeError(f"{command}\n{(done.stdout + done.stderr)[-1500:]}")
        return done.stdout

    seen = debian.folder / str(ROOT).lstrip("/")
    subprocess.run(["mount", "-o", "remount,ro,bind", str(seen)], check=True)
    # A mirror may hold the unstable suite for longer than its lists are meant to last.
    run("apt-get update -qq -o Acquire::Check-Valid-Until=false")
    names = re.findall(r"^python3\.(\d+)$", run("apt-cache pkgnames python3."), re.MULTILINE)
    python = f"python3.{max(map(int, names))}"
    run(f"DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends {python} {python}-venv {TOOLS}")
    (debian.folder / "root/lock.txt").write_text(lock_without(NOT_THERE))
    run(f"{python} -m venv /root/venv")
    pip = "/root/venv/bin/pip install -q --disable-pip-version-check"
    run(f"{pip} --only-binary :all: --require-hashes --no-deps -r /root/lock.txt")
    run(f"{pip} --no-build-isolation --no-deps {ROOT}")  # for what asks for its own version
    paths = ":".join(str(ROOT / one) for one in ("shared", "mobile", "backend"))
    settings = f"PYTHONPATH={paths} PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_STORAGE_DIRECTORY=/tmp/h"
    tests = f"{settings} MLS_VECTORS={vectors.FOLDER.resolve()} /root/venv/bin/python -m pytest -q -p no:cacheprovider"
    done = debian.enter("root", f"cd {ROOT} && {tests} {STRICT} {TESTS}")
    found = {"python": run("/root/venv/bin/python -V").split()[1], **counted(done.stdout), "status": done.returncode}
    if done.returncode != 0:
        found["tail"] = (done.stdout + done.stderr)[-1500:]
    return found


def run(seed: int) -> dict[str, Any]:
    """The verdict; needs root, for debootstrap and chroot."""
    del seed
    if not may_enter():
        return {"passed": False, "why": "debootstrap needs root"}
    first = here()
    data = [str(vectors.FOLDER.resolve())] if vectors.PRESENT else []
    with CleanRoot(["ca-certificates"], suite=SUITE, binds=[str(ROOT), *data]) as debian:
        second = newest(debian)
    passed = first["status"] == second["status"] == 0 and second["passed"] == first["passed"] > 0
    return {"passed": passed, "this": first, "newest": second}
