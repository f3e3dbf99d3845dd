"""A NATS server of its own for a test, ended by its pid."""

import shutil
import socket
import subprocess
import time

START_SECONDS_MAX = 60


class Nats:
    """``nats-server`` on a port that stays the same when it is killed and started again."""

    def __init__(self) -> None:
        program = shutil.which("nats-server")
        assert program, "NATS is missing: apt-get install nats-server"
        self._program = program
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "-a", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self._process.poll() is None, "nats-server ended"
                assert time.monotonic() < until
                time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(START_SECONDS_MAX)
            self._process = None
