"""What the server's own TLS offers: versions and suites, asked one by one; ``make prove``'s ``tls`` asks testssl as well."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.office import Office
from server.test_command import certificate


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """A server with TLS: its port and its certificate."""
    folder = tmp_path_factory.mktemp("tls")
    cert_file, key_file = certificate(folder, 90)
    (folder / "data").mkdir()
    settings = f"tls_cert = '{cert_file}'\ntls_key = '{key_file}'\npublic_name = 'localhost'\n"
    (folder / "data/miss.toml").write_text(settings)
    office = Office(folder / "data")
    office.start()
    yield office.port, cert_file
    office.stop()


def greeted(served: tuple[int, Path], version: ssl.TLSVersion, suites: str = "") -> tuple[str, str] | None:
    """(version, suite) of a handshake with these alone; None where the server will not."""
    port, trusted = served
    context = ssl.create_default_context(cafile=str(trusted))
    context.minimum_version = context.maximum_version = version
    if suites:
        context.set_ciphers(suites)
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as one,
        ):
            suite = one.cipher()
            assert suite is not None
            assert one.compression() is None
            return str(one.version()), suite[0]
    except (ssl.SSLError, ConnectionError):
        return None


def test_the_newest_version_is_taken(served: tuple[int, Path]) -> None:
    found = greeted(served, ssl.TLSVersion.TLSv1_3)
    assert found is not None
    assert found[0] == "TLSv1.3"


@pytest.mark.parametrize("suites", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_the_version_before_it_keeps_what_was_said_secret(served: tuple[int, Path], suites: str) -> None:
    assert greeted(served, ssl.TLSVersion.TLSv1_2, suites) == ("TLSv1.2", suites)


@pytest.mark.parametrize(
    "suites",
    ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-CCM8"],
)
def test_nothing_weaker_is(served: tuple[int, Path], suites: str) -> None:
    assert greeted(served, ssl.TLSVersion.TLSv1_2, f"{suites}:@SECLEVEL=0") is None


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_no_older_version_is(served: tuple[int, Path], version: str) -> None:
    """Asked by OpenSSL's own program, for Python may not be able to."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{served[0]}", version, "-cipher", "ALL:@SECLEVEL=0"]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=60)
    assert "Cipher is (NONE)" in done.stdout
    assert "no protocols available" not in done.stderr, "the server refuses, not the program"
