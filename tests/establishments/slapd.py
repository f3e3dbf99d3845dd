"""A real slapd on a free port of this machine, over TLS, in a folder of its own, ended by its pid."""

import base64
import datetime
import ipaddress
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

START_SECONDS_MAX = 60
BASE = "dc=ch,dc=example"
USER, PASSWORD = f"cn=miss,{BASE}", "un mot de passe"


@dataclass(frozen=True)
class Directory:
    """Where it listens, and who certified it."""

    port: int
    ca_file: Path
    folder: Path


def entry(key: str, family: str, given: str, **attributes: str) -> str:
    """A person, as LDIF."""
    said = {"cn": f"{given} {family}", "employeeNumber": key, "sn": family, "givenName": given, **attributes}
    lines = [f"{name}:: {base64.b64encode(value.encode()).decode()}" for name, value in said.items()]
    return "\n".join([f"dn: employeeNumber={key},ou=people,{BASE}", "objectClass: inetOrgPerson", *lines]) + "\n"


def certificates(folder: Path, name: str = "ca") -> Path:
    """An authority, and a certificate of 127.0.0.1 by it with its key; the authority's file."""
    now = datetime.datetime.now(datetime.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, "localhost")]
    for at, (key, subject) in enumerate(zip(keys, names, strict=True)):
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(names[0]).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(1))
        builder = builder.not_valid_after(now + datetime.timedelta(2))
        builder = builder.add_extension(x509.BasicConstraints(at == 0, None), critical=True)
        if at == 1:
            here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([here]), critical=False)
        signed = builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        (folder / f"{name}-{at}.pem").write_bytes(signed)
        private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        (folder / f"{name}-{at}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *private))
    return folder / f"{name}-0.pem"


@contextmanager
def running(folder: Path, people: str, *, size_limit: int = 100_000) -> Iterator[Directory]:
    """Serves these people until the block ends."""
    authority = certificates(folder)
    schemas = "".join(f"include /etc/ldap/schema/{one}.schema\n" for one in ("core", "cosine", "inetorgperson"))
    (folder / "db").mkdir()
    (folder / "slapd.conf").write_text(
        f"{schemas}modulepath /usr/lib/ldap\nmoduleload back_mdb\nsizelimit {size_limit}\n"
        f"TLSCACertificateFile {authority}\nTLSCertificateFile {folder}/ca-1.pem\nTLSCertificateKeyFile {folder}/ca-1.key\n"
        f'database mdb\nsuffix "{BASE}"\ndirectory {folder}/db\nmaxsize 33554432\n'
        f'rootdn "cn=root,{BASE}"\nrootpw unused\naccess to attrs=userPassword by anonymous auth\n'
        f'access to * by dn.exact="{USER}" read by * none\n'
    )
    top = (
        f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: CH\ndc: ch\n\n"
        f"dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n\n"
        f"dn: {USER}\nobjectClass: person\ncn: miss\nsn: miss\nuserPassword: {PASSWORD}\n\n"
    )
    slapd = shutil.which("slapd", path="/usr/sbin:/usr/bin:/sbin")
    assert slapd, "slapd is missing: apt-get install slapd ldap-utils"
    add = [str(Path(slapd).with_name("slapadd")), "-q", "-f", str(folder / "slapd.conf")]
    subprocess.run(add, input=(top + people).encode(), check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [slapd, "-d", "0", "-f", str(folder / "slapd.conf"), "-h", f"ldaps://127.0.0.1:{port}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(process, port, authority, folder / "log")
        yield Directory(port, authority, folder)
    finally:
        process.terminate()
        process.wait(START_SECONDS_MAX)


def _wait(process: "subprocess.Popen[bytes]", port: int, authority: Path, log: Path) -> None:
    trust = ssl.create_default_context(cafile=str(authority))
    until = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            with (
                socket.create_connection(("127.0.0.1", port), 5) as plain,
                trust.wrap_socket(plain, server_hostname="127.0.0.1"),
            ):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)
