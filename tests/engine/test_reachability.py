"""Why a server cannot be reached: a reason each, over real TLS, for HTTP and for the websocket alike."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from engine.authority import Registrar
from miss_app.engine.events import Link
from miss_app.engine.http import Http
from miss_app.engine.problems import Problem
from miss_app.engine.profile import login_key
from miss_app.engine.reachability import tls_context
from miss_app.engine.session import Credentials, Session
from miss_protocol.frames import Frame
from miss_protocol.invitation import Invitation

HERE = "127.0.0.2"  # this machine, but not by one of the names that mean plain HTTP
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def certificate(
    folder: Path, *, name: str = HERE, expired: bool = False, by: str = "Authority of a test"
) -> tuple[Path, ssl.SSLContext]:
    """(the authority's file, a server's context with a certificate by it)."""
    now = datetime.now(UTC)
    start = now - timedelta(days=30)
    end = now - timedelta(days=1) if expired else now + timedelta(days=30)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, by)])
    ski = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())

    def begin(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().issuer_name(issuer).subject_name(subject).public_key(public)
        return builder.serial_number(x509.random_serial_number()).not_valid_before(start)

    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    ca = begin(issuer, ca_key.public_key()).not_valid_after(now + timedelta(days=30))
    ca = ca.add_extension(x509.BasicConstraints(True, 0), True).add_extension(usage, True).add_extension(ski, False)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))])
    leaf = begin(x509.Name([]), key.public_key()).not_valid_after(end).add_extension(names, True)
    leaf = leaf.add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski), False)
    authority, chain, private = (folder / one for one in ("ca.pem", "chain.pem", "key.pem"))
    authority.write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    chain.write_bytes(leaf.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    return authority, context


@contextlib.asynccontextmanager
async def serving(tls: ssl.SSLContext | None, answer: bytes) -> AsyncIterator[int]:
    """A server that answers everything with the same bytes; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, HERE, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def http_reason(port: int) -> str:
    http = Http(Invitation(HERE, port, bytes(32)), "fr", tls_context())
    try:
        await http.call("GET", "/health")
    except Problem as problem:
        return problem.reason
    finally:
        await http.close()
    return ""


class Ear:
    """Hears why a session is not online."""

    def __init__(self) -> None:
        self.problem: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def take(self, frame: Frame) -> None:
        raise AssertionError(frame)

    def link_changed(self, link: Link, problem: str) -> None:
        if problem and not self.problem.done():
            self.problem.set_result(problem)


async def session_reason(port: int) -> str:
    device = Registrar().device(Registrar().person("Camille"))
    ear = Ear()
    credentials = Credentials(device.keys.device_id, login_key(device.keys.login_der))
    session = Session(Invitation(HERE, port, bytes(32)), credentials, tls_context(), ear)
    session.start()
    try:
        return await asyncio.wait_for(ear.problem, 30)
    finally:
        await session.stop()


async def both(port: int) -> set[str]:
    return {await http_reason(port), await session_reason(port)}


def test_unknown_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    _, tls = certificate(tmp_path)

    async def run() -> None:
        async with serving(tls, PAGE) as port:
            assert await both(port) == {"tls-unknown-authority"}

    asyncio.run(run())


def test_the_authority_named_by_ssl_cert_file_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, tls = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))

    async def run() -> None:
        async with serving(tls, PAGE) as port:
            assert await http_reason(port) == ""

    asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "expired", "reason"), [(HERE, True, "tls-expired"), ("127.0.0.9", False, "tls-wrong-name")]
)
def test_unfit_certificates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, expired: bool, reason: str
) -> None:
    authority, tls = certificate(tmp_path, name=name, expired=expired)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))

    async def run() -> None:
        async with serving(tls, PAGE) as port:
            assert await both(port) == {reason}

    asyncio.run(run())


def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with serving(None, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as port:
            monkeypatch.setenv("https_proxy", f"http://{HERE}:{port}")
            assert await both(9) == {"proxy-refused"}

    asyncio.run(run())


def test_nobody_there() -> None:
    async def run() -> None:
        async with serving(None, b"") as port:
            pass
        assert await both(port) == {"server-away"}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "server-away"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", "server-not-understood"),
        (
            b'HTTP/1.1 422 X\r\nContent-Length: 38\r\n\r\n{"reason": "code-wrong","sentence":"x"}'[:-1],
            "server-not-understood",
        ),
        (b'HTTP/1.1 422 X\r\nContent-Length: 39\r\n\r\n{"reason": "code-wrong","sentence":"x"}', "code-wrong"),
    ],
)
def test_answers_that_are_not_what_was_hoped_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, reason: str
) -> None:
    authority, tls = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))

    async def run() -> None:
        async with serving(tls, answer) as port:
            assert await http_reason(port) == reason

    asyncio.run(run())
