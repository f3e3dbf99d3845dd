"""What testssl says of the server's own TLS: nothing from "medium" on, but for what a certificate made here cannot have."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from server.office import Office
from server.test_command import certificate

# A certificate that nobody has signed, for a name that is nobody's, has neither a chain nor a record in the DNS.
OF_THE_CERTIFICATE = ("cert_chain_of_trust", "cert_revocation", "cert_trust", "DNS_CAArecord", "overall_grade")
SEVERITIES = ("MEDIUM", "HIGH", "CRITICAL", "FATAL")
TOLD = ("SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3", "HSTS", "FS")
SECONDS_MAX = 900


def run(_seed: int) -> dict[str, object]:
    """The proof; there is no chance in it."""
    program = shutil.which("testssl") or shutil.which("testssl.sh")
    assert program, "testssl is missing: apt-get install testssl.sh"
    with tempfile.TemporaryDirectory(prefix="miss-tls-") as made:
        folder = Path(made)
        cert_file, key_file = certificate(folder, 90)
        (folder / "data").mkdir()
        settings = f"tls_cert = '{cert_file}'\ntls_key = '{key_file}'\npublic_name = 'localhost'\n"
        (folder / "data/miss.toml").write_text(settings)
        office = Office(folder / "data")
        office.start()
        told = folder / "told.json"
        command = [program, "--quiet", "--color", "0", "--warnings", "off", "--jsonfile", str(told)]
        command.append(f"https://localhost:{office.port}/health")
        try:
            subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS_MAX, check=False)
        finally:
            office.stop()
        found = json.loads(told.read_text())
    grave = {one["id"]: one["finding"] for one in found if one["severity"] in SEVERITIES}
    ours = {name: words for name, words in grave.items() if not name.startswith(OF_THE_CERTIFICATE)}
    offered = {one["id"]: one["finding"] for one in found if one["id"] in TOLD}
    return {
        "passed": not ours and "TLS1_3" in offered,
        "questions": len(found),
        "ours": ours,
        "of_the_certificate": sorted(set(grave) - set(ours)),
        "offered": offered,
    }
