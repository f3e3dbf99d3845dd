"""A hospital's network: the server behind TLS under an address of its own, tinyproxy with a password, an inspecting proxy."""

import asyncio
import base64
import contextlib
import hashlib
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine.test_reachability import HERE, certificate

USER, PASSWORD = "hopital", "mot-de-passe"
_PIECE = 1 << 16
_SECONDS_MAX = 30.0


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()


async def _join(one: tuple, other: tuple) -> None:
    await asyncio.gather(_pour(one[0], other[1]), _pour(other[0], one[1]))


@dataclass
class Front:
    """What stands before the server and brings the TLS: its port, and how many connections came."""

    port: int = 0
    connections: int = 0


@asynccontextmanager
async def front(target: tuple[str, int], tls: ssl.SSLContext) -> AsyncIterator[Front]:
    """TLS before a server that speaks plainly on this machine."""
    found = Front()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.connections += 1
        with contextlib.suppress(asyncio.CancelledError):  # at the end of a test
            await _join((reader, writer), await asyncio.open_connection(*target))

    server = await asyncio.start_server(serve, HERE, 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()


@dataclass
class Proxy:
    """A proxy that runs: its address with name and password, and what it was asked to connect to."""

    url: str
    log: Path
    asked: list[str] = field(default_factory=list)

    def connects(self) -> list[str]:
        """Where it was asked to connect to, each time."""
        if self.asked:
            return self.asked
        return re.findall(r"Request \(file descriptor \d+\): CONNECT (\S+)", self.log.read_text())


@contextmanager
def tinyproxy(folder: Path) -> Iterator[Proxy]:
    """Debian's tinyproxy, which lets nobody through without name and password."""
    program = shutil.which("tinyproxy")
    assert program, "tinyproxy is missing: apt-get install tinyproxy"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "tinyproxy.log"
    lines = [f"Port {port}", "Listen 127.0.0.1", "Timeout 600", f'LogFile "{log}"', "LogLevel Info", "MaxClients 50"]
    lines += [f'PidFile "{folder}/tinyproxy.pid"', f"BasicAuth {USER} {PASSWORD}"]
    (folder / "tinyproxy.conf").write_text("\n".join(lines) + "\n")
    with subprocess.Popen([program, "-d", "-c", str(folder / "tinyproxy.conf")]) as running:
        try:
            deadline = time.monotonic() + _SECONDS_MAX
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                assert running.poll() is None, "tinyproxy ended"
                assert time.monotonic() < deadline, "tinyproxy does not start"
                time.sleep(0.02)
            yield Proxy(f"http://{USER}:{PASSWORD}@127.0.0.1:{port}", log)
        finally:
            running.terminate()


@asynccontextmanager
async def inspecting(folder: Path, beyond: Path) -> AsyncIterator[tuple[Proxy, Path]]:
    """A proxy that opens TLS and closes it again under an authority of its own; that authority's file.

    Args:
        beyond: the authority of the servers that it connects to.
    """
    (folder / "inspector").mkdir()
    authority, own = certificate(folder / "inspector", by="Inspection of a hospital")
    outside = ssl.create_default_context(cafile=str(beyond))
    expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    proxy = Proxy("", folder / "inspector.log")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        if f"Proxy-Authorization: Basic {expected}".lower() not in head.lower():
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        host, _, port = head.split()[1].rpartition(":")
        proxy.asked.append(f"{host}:{port}")
        there = await asyncio.open_connection(host, int(port), ssl=outside)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        try:
            await writer.start_tls(own)
        except (ssl.SSLError, OSError):  # whoever called does not know the authority
            there[1].close()
            return
        await _join((reader, writer), there)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.url = f"http://{USER}:{PASSWORD}@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy, authority
    finally:
        server.close()


def system_store(folder: Path, *authorities: Path) -> Path:
    """A folder as OpenSSL wants the system's store: each authority under the hash of its name, as c_rehash leaves them."""
    folder.mkdir()
    for number, one in enumerate(authorities):
        name = hashlib.sha256(one.read_bytes()).hexdigest()[:12] + ".pem"
        shutil.copy(one, folder / name)
        words = ["openssl", "x509", "-noout", "-subject_hash", "-in", str(one)]
        short = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
        (folder / f"{short}.{number}").symlink_to(name)
    return folder
