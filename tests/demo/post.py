"""The server, its operator and the mail server of the scene, each a process or a command of its own."""

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.demo.window import Stuck, python

MISS_SERVER = [sys.executable, "-m", "miss_server"]


class Mail:
    """The SMTP server of the scene."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.demo.mailbox", str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


class Server:
    """``miss-server serve`` on a data folder, and the operator's commands on the same folder."""

    def __init__(self, folder: Path, smtp_port: int, recording: Sequence[str] = ()) -> None:
        self.folder = folder
        self.recording = recording
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        folder.chmod(0o700)
        (folder / "miss.toml").write_text(
            f'[smtp]\nhost = "127.0.0.1"\nport = {smtp_port}\nsecurity = "none"\nsender = "miss@service.example"\n'
        )

    def start(self) -> None:
        """Start, and wait until it says where it listens."""
        (self.folder / "listening").unlink(missing_ok=True)
        with (self.folder.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *python("miss_server", self.folder.parent / "calls.log", self.recording),
                    "serve",
                    "--data",
                    str(self.folder),
                    "--listen",
                    "127.0.0.1:0",
                    "--public-name",
                    "miss.example",
                ],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while not (self.folder / "listening").exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Stuck(f"the server does not start\n{self.log_tail()}")
            time.sleep(0.05)

    def log_tail(self) -> str:
        return "\n".join((self.folder.parent / "server.log").read_text(errors="replace").splitlines()[-25:])

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = (self.folder / "listening").read_text().strip().rpartition(":")
        return host, int(port)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def command(self, *words: str) -> str:
        """One of the operator's commands on this server; what it prints."""
        verb = words[:2] if words[0] in ("register", "registrations") and len(words) > 1 else words[:1]
        rest = words[len(verb) :]
        done = subprocess.run(
            [*MISS_SERVER, *verb, "--data", str(self.folder), *rest], capture_output=True, text=True, timeout=120
        )
        if done.returncode != 0:
            raise Stuck(f"miss-server {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def fingerprint(self) -> str:
        """The server id that the invitation carries."""
        found = re.search(r"miss://\S+#([0-9a-f]{64})", self.command("invitation"))
        if not found:
            raise Stuck("miss-server invitation prints no invitation")
        return found.group(1)
