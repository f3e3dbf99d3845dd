"""An object store that speaks S3, for tests: moto's server, in an environment of its own, for its pins are older."""

import fcntl
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = "5.2.5"
ENVIRONMENT = ROOT / f"out/environments/moto-{VERSION}"
START_SECONDS_MAX = 120


def _program() -> Path:
    """The server's program; its environment is made at the first use, and found complete or made anew."""
    program = ENVIRONMENT / "bin/moto_server"
    ENVIRONMENT.parent.mkdir(parents=True, exist_ok=True)
    with ENVIRONMENT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (ENVIRONMENT / "complete").exists():
            shutil.rmtree(ENVIRONMENT, ignore_errors=True)
            uv = Path(sys.executable).with_name("uv")
            wanted = [f"moto[s3]=={VERSION}", "flask", "flask-cors"]
            for command in (
                [uv, "venv", "-q", "--python", sys.executable, ENVIRONMENT],
                [uv, "pip", "install", "-q", "--python", ENVIRONMENT / "bin/python", *wanted],
            ):
                done = subprocess.run(command, capture_output=True, text=True, timeout=600)
                assert done.returncode == 0, f"moto cannot be had: {done.stderr}"
            (ENVIRONMENT / "complete").touch()
    return program


@contextmanager
def bucket(name: str) -> Iterator[str]:
    """Runs a store with an empty bucket until the block ends; its endpoint."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    endpoint = f"http://127.0.0.1:{port}"
    running = subprocess.Popen(
        [_program(), "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                made = urllib.request.Request(f"{endpoint}/{name}", method="PUT")
                urllib.request.urlopen(made, timeout=30).read()
                break
            except OSError:
                assert running.poll() is None, "moto_server ended"
                assert time.monotonic() < until
                time.sleep(0.1)
        yield endpoint
    finally:
        running.kill()
        running.wait(START_SECONDS_MAX)
