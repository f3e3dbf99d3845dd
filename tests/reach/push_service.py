"""A push service as a process of its own: hands out endpoints, and believes nobody whose VAPID does not verify.

``python push_service.py PORT FILE`` writes each push it took, or why it refused one, as a line of JSON into FILE.
The first part of an endpoint's path says how the service behaves: ok, gone, busy, down, moved or mute.
"""

import asyncio
import base64
import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import uvicorn
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

ANSWERS = {"ok": 201, "gone": 410, "missing": 404, "busy": 429, "down": 503, "moved": 307}


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def why_not(headers, key, origin):
    """What is wrong with a push's Authorization, by RFC 8292; "" where nothing is."""
    scheme, _, parameters = headers.get("authorization", "").partition(" ")
    given = dict(one.strip().split("=", 1) for one in parameters.split(",") if "=" in one)
    if scheme != "vapid" or set(given) != {"t", "k"}:
        return "no vapid"
    if given["k"] != key:
        return "another key than the endpoint's"
    head, claims, signature = given["t"].split(".")
    if json.loads(unpadded(head)) != {"typ": "JWT", "alg": "ES256"}:
        return "not ES256"
    raw = unpadded(signature)
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unpadded(key))
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return "bad signature"
    said = json.loads(unpadded(claims))
    if said["aud"] != origin:
        return f"for {said['aud']}"
    if not 0 < said["exp"] - time.time() <= 24 * 3600:
        return "not within a day"
    if not said["sub"].startswith(("mailto:", "https:")):
        return "nobody to write to"
    return ""


class PushService:
    """The ASGI application."""

    def __init__(self, port, file, wake=()):
        self.origin = f"http://127.0.0.1:{port}"
        self.file = file
        self.wake = wake
        self.keys = {}

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        status, answer, extra = self.judge(scope["path"], headers, body)
        if status is None:
            await asyncio.sleep(3600)
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain"), *extra]}
        )
        await send({"type": "http.response.body", "body": answer.encode()})

    def judge(self, path, headers, body):
        if path == "/subscribe":
            wanted = json.loads(body)
            endpoint = f"/{wanted.get('how', 'ok')}/{secrets.token_urlsafe(24)}"
            self.keys[endpoint] = wanted["key"]
            return 201, self.origin + endpoint, []
        how = path.split("/")[1]
        if path not in self.keys:
            return 404, "", []
        why = why_not(headers, self.keys[path], self.origin)
        line = {"path": path, "how": how, "why": why, "at": time.time(), "bytes": len(body), "headers": headers}
        with self.file.open("a") as out:
            out.write(json.dumps(line) + "\n")
        if why:
            return 401, why, []
        if how == "ok" and self.wake:
            subprocess.Popen(self.wake)
        if how == "mute":
            return None, "", []
        extra = {"busy": [(b"retry-after", b"600")], "moved": [(b"location", self.origin.encode() + b"/elsewhere")]}
        return ANSWERS[how], "what nobody reads" * 1_000, extra.get(how, [])


class Running:
    """The service as a process, and what it saw."""

    def __init__(self, folder, port, wake=()):
        self.file, self.origin, self.wake = folder / "pushes.jsonl", f"http://127.0.0.1:{port}", wake
        self.port = port
        self.process = None

    def start(self):
        command = [sys.executable, __file__, str(self.port), str(self.file), *self.wake]
        environment = {**os.environ, "NO_PROXY": "*"}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(self.origin, trust_env=False)
                return
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process = None

    def subscribe(self, key, how="ok"):
        """A new endpoint, bound to a server's key."""
        answer = httpx.post(f"{self.origin}/subscribe", json={"key": key, "how": how}, trust_env=False)
        return answer.text

    def seen(self, endpoint=""):
        """The pushes to an endpoint, or to all."""
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [one for one in map(json.loads, lines) if not endpoint or one["path"] == urlsplit(endpoint).path]


if __name__ == "__main__":
    application = PushService(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
    uvicorn.run(application, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", date_header=False)
