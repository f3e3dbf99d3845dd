"""A haproxy of its own for a test: one address before several servers, told by their readiness where to send clients."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

START_SECONDS_MAX = 60
_TEMPLATE = """\
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  timeout tunnel 1h
  timeout check 10s
  retries 3
  option redispatch 1
frontend miss
  bind 127.0.0.1:{port}
  default_backend nodes
backend nodes
  balance roundrobin
  option httpchk GET /health/ready
  default-server check inter 250ms fall 2 rise 1
{servers}
"""


@contextmanager
def balanced(ports: Sequence[int]) -> Iterator[int]:
    """Sends clients to the servers at these ports; the port to connect to."""
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    assert program, "haproxy is missing: apt-get install haproxy"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="miss-haproxy") as folder:
        file = Path(folder) / "haproxy.cfg"
        servers = "\n".join(f"  server node{at} 127.0.0.1:{one}" for at, one in enumerate(ports))
        file.write_text(_TEMPLATE.format(port=port, servers=servers))
        running = subprocess.Popen([program, "-db", "-f", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + START_SECONDS_MAX
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert running.poll() is None, "haproxy ended"
                    assert time.monotonic() < until
                    time.sleep(0.05)
            yield port
        finally:
            running.kill()
            running.wait(START_SECONDS_MAX)
