"""What MiSS is made of is written down whole; an audit that could not ask does not pass for one."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote

import pytest

import supply

LOCK = ("server",)  # one is enough here


def test_every_locked_package_is_listed_with_its_hashes(tmp_path):
    for path, name in zip(supply.sbom(tmp_path), supply.LOCKS, strict=True):
        told = json.loads(path.read_text())
        lock = (supply.ROOT / f"requirements/{name}.lock").read_text()
        names = {line.split("==")[0] for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#"))}
        assert told["bomFormat"] == "CycloneDX"
        assert {one["name"] for one in told["components"]} == {name.partition("[")[0] for name in names}
        assert len(names) > 10
        for one in told["components"]:
            assert one["purl"] == f"pkg:pypi/{one['name'].lower()}@{quote(one['version'])}"
            assert one["hashes"]
            assert all(found["content"] in lock for found in one["hashes"])


@pytest.fixture
def database():
    """An OSV service that knows of one weakness, in one version of one package."""

    class Answers(BaseHTTPRequestHandler):
        weak = ""

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = asked["package"]["name"] == self.weak
            found = {"id": "PYSEC-2026-1", "summary": "weak", "affected": [], "aliases": []}
            body = json.dumps({"vulns": [found]} if known else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Answers, f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_audit_finds_asks_and_says_when_it_cannot(database, capsys):
    answers, url = database
    assert supply.audit(url, LOCK) == supply.CLEAN
    answers.weak = "cryptography"
    assert supply.audit(url, LOCK) == supply.UNSAFE
    assert "PYSEC-2026-1" in capsys.readouterr().out
    assert supply.audit("http://127.0.0.1:9/v1/query", LOCK) == supply.UNKNOWN
    assert "NOT AUDITED" in capsys.readouterr().out
