"""Requests that nobody would think of, made by schemathesis from the application's own routes, and by hand with worse texts.

What each route takes is in ``TAKES``: the routes read their bodies themselves, so FastAPI's description has none. Every
answer must be one that a route may give: no 5xx, a refusal with its reason and a sentence, nothing unforeseen in the log.
"""

import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from pydantic import BaseModel
from schemathesis import Case

from miss_server import (
    availability_routes,
    charter_routes,
    identity_routes,
    invite_routes,
    journal,
    personal_routes,
    reach_routes,
    registration_routes,
    service_routes,
    vault_routes,
)
from miss_server.buckets import Buckets
from miss_server.clock import now_ms
from server.office import Device, Office, play

TEXT: dict[str, Any] = {"type": "string"}
HEX16: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
BASE64: dict[str, Any] = {"type": "string", "format": "byte", "pattern": "^([A-Za-z0-9+/]{4}){1,20}$"}


def an_object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


Taken = type[BaseModel] | dict[str, Any] | None
# What the body of each route that has one holds; None: nothing that a route reads.
TAKES: dict[tuple[str, str], Taken] = {
    ("post", "/v1/registrations"): registration_routes.ClaimBody,
    ("post", "/v1/registrations/psc"): registration_routes.BrowserBody,
    ("post", "/v1/registrations/voucher"): registration_routes.VoucherBody,
    ("post", "/v1/registrations/{registration}/code"): registration_routes.CodeBody,
    ("post", "/v1/registrations/{registration}/resend"): None,
    ("put", "/v1/establishments/{number}/directory"): TEXT,
    ("post", "/v1/charter/acceptance"): charter_routes.AcceptanceBody,
    ("put", "/v1/wishes"): personal_routes.WishesBody,
    ("post", "/v1/leaving"): personal_routes.LeavingBody,
    ("put", "/v1/availability"): availability_routes.AvailabilityBody,
    ("post", "/v1/availability/of"): availability_routes.AskedBody,
    ("post", "/v1/reports"): service_routes.ReportBody,
    ("put", "/v1/reach"): reach_routes.ReachBody,
    ("put", "/v1/push"): reach_routes.EndpointBody,
    ("post", "/v1/invites"): invite_routes.InviteBody,
    ("post", "/invites/{secret}"): None,
    ("post", "/v1/certificate"): identity_routes.RenewalBody,
    ("post", "/v1/waiting/{registration}/refuse"): None,
    ("post", "/v1/people/{person}/key-packages"): None,
    ("post", "/v1/key-packages"): an_object(one_use={"type": "array", "items": BASE64}, last_resort=BASE64),
    ("patch", "/v1/devices/{named}"): an_object(name=TEXT),
    ("post", "/v1/links"): an_object(lookup=HEX16, request=BASE64),
    ("post", "/v1/links/{lookup}/endorse"): an_object(endorsement=BASE64),
    ("put", "/v1/blobs/{name}"): TEXT,
    ("put", "/v1/vault/share"): vault_routes.ShareBody,
    ("post", "/v1/vault/share/release"): vault_routes.ProofBody,
    ("post", "/v1/vault/requests"): vault_routes.QuestionBody,
    ("post", "/v1/vault/requests/{named}/answer"): vault_routes.AnswerBody,
}
# What a route reads from its address beside what FastAPI knows.
ASKS = {
    ("get", "/v1/directory"): ("words", "profession", "place", "after"),
    ("get", "/v1/links/{lookup}/certificate"): ("wait",),
    ("get", "/v1/psc/return"): ("state", "code", "iss", "error"),
    ("post", "/v1/people/{person}/key-packages"): ("device",),
}
# What an answer gives that another request takes: (of, to, parameters).
LINKS = (
    ("/v1/registrations", "post", "/v1/registrations/{registration}", "get", {"registration": "registration"}),
    ("/v1/registrations", "post", "/v1/registrations/{registration}/code", "post", {"registration": "registration"}),
    ("/v1/registrations", "post", "/v1/registrations/{registration}/resend", "post", {"registration": "registration"}),
    ("/v1/devices", "get", "/v1/devices/{named}", "patch", {"named": "devices/0/device"}),
    ("/v1/availability", "get", "/v1/people/{person}", "get", {"person": "person"}),
    ("/v1/availability", "get", "/v1/people/{person}/key-packages", "post", {"person": "person"}),
)
# Pages for people, in HTML, and what is refused before any route.
PAGES = re.compile(r"/invites/|/v1/psc/return")
WORSE = (
    "\0",
    "a\0b",
    "\ud800",
    "x" * 20_000,
    "é" * 5_000,
    "٣" * 32,
    "\u202e\u200b",
    "../../miss.db",
    "'; DROP TABLE devices; --",
    "*)(uid=*",
    "=HYPERLINK()",
    "a\r\nBcc: x@example.org",
    "9" * 400,
    "-1",
    "1e999",
    "",
)
VALUES: tuple[Any, ...] = (*WORSE, None, True, -1, 1 << 70, 1.5, [], {}, [[]] * 50, {"x": {"x": {}}})


@dataclass
class Findings:
    """What should not have happened, and what came of the rest."""

    wrong: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)


def description(app: Any) -> dict[str, Any]:
    """The application's routes with what they take, as OpenAPI says it."""
    told: dict[str, Any] = json.loads(json.dumps(app.openapi()))
    told["paths"] = {path: _described(path, operations) for path, operations in told["paths"].items()}
    for of, method, to, by, parameters in LINKS:
        answer = told["paths"][of][method]["responses"].setdefault("201" if method == "post" else "200", {})
        answer.setdefault("description", "done")
        names = {name: f"$response.body#/{where}" for name, where in parameters.items()}
        target = told["paths"][to][by]["operationId"]
        answer.setdefault("links", {})[f"{by} {to}"] = {"operationId": target, "parameters": names}
    return told


def _described(path: str, operations: dict[str, Any]) -> dict[str, Any]:
    for method, operation in operations.items():
        operation["operationId"] = f"{method} {path}"
        for name in ASKS.get((method, path), ()):
            one = {"name": name, "in": "query", "schema": TEXT, "required": False}
            operation.setdefault("parameters", []).append(one)
        for one in operation.get("parameters", ()):
            if one["name"] == "wait":  # an answer that may wait for half a minute is asked for at once
                one["schema"] = {"type": "string", "enum": ["0", "-1", "x"]}
        if method in ("post", "put", "patch"):
            takes = TAKES[method, path]
            if takes is not None:
                schema = takes if isinstance(takes, dict) else takes.model_json_schema()
                media = "text/plain" if schema is TEXT else "application/json"
                operation["requestBody"] = {"required": True, "content": {media: {"schema": schema}}}
    return operations


class Fuzzer:
    """Somebody with a certified device, and nobody, who ask for everything.

    Args:
        office: a server that runs.
    """

    def __init__(self, office: Office, number: int) -> None:
        self._office = office
        self._seed = number
        self.findings = Findings()
        self._device: Device | None = None
        self._token = ""
        self.schema = schemathesis.openapi.from_dict(description(office.app))
        self.schema.config.update(base_url=office.url)
        _ask_as_often_as_you_like(office)
        self._http = httpx.Client(base_url=office.url, timeout=60)

    def run(self, examples: int, worse: int, steps: int = 0) -> Findings:
        """So many requests of each route, so many with worse texts, and so many steps from answer to answer."""
        before = journal.FAILURES.copy()
        for operation in self.schema.get_all_operations():
            self._ask_all(operation.ok(), examples)
        self._ask_worse(worse)
        if steps:
            self._follow(steps)
        for event in journal.FAILURES - before:
            self.findings.wrong.append(f"in the log: {event}")
        return self.findings

    def _headers(self) -> dict[str, str]:
        """A ticket; of a new device where the last one was ended by what was asked."""
        if not self._token:
            self._device = self._office.device()
            device = self._device

            async def scene() -> str:
                async with self._office.wire(device) as wire:
                    return await wire.ticket()

            self._token = play(scene)
        return {"Authorization": f"Bearer {self._token}"}

    def _ask_all(self, operation: Any, examples: int) -> None:
        @seed(self._seed)
        @settings(max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(case=operation.as_strategy())
        def ask(case: Case) -> None:
            self.judge(case.call(headers=self._headers(), timeout=60), f"{case.method} {case.path}")

        ask()

    def _ask_worse(self, count: int) -> None:
        """Texts that schemathesis does not think of, in every place where a text may be."""
        chance = random.Random(self._seed)
        operations = [one.ok() for one in self.schema.get_all_operations()]
        for _ in range(count):
            operation = chance.choice(operations)
            path = re.sub(r"\{\w+\}", lambda _: _quoted(chance.choice(WORSE)), operation.path)
            names = [one.name for one in operation.query] or ["x"]
            if chance.random() < 0.7:
                path += "?" + "&".join(f"{_quoted(one)}={_quoted(chance.choice(WORSE))}" for one in names)
            headers = {name: one.encode("latin-1") for name, one in (self._headers() | _bad_headers(chance)).items()}
            body = self._worse_body(operation, chance)
            try:
                answer = self._http.request(operation.method.upper(), path, content=body, headers=headers)
            except httpx.InvalidURL:
                continue  # the client itself does not send it
            self.judge(answer, f"{operation.method} {path[:200]} {body[:200]!r}")

    def _worse_body(self, operation: Any, chance: random.Random) -> bytes:
        takes = TAKES.get((operation.method.lower(), operation.path))
        if takes is None or chance.random() < 0.1:
            return chance.choice((b"", b"[" * 50_000, b"{", b"\xff\xfe", b'{"x":1,"x":2}', b"null", b"NaN"))
        schema = takes if isinstance(takes, dict) else takes.model_json_schema()
        names = list(schema.get("properties", {})) or ["x"]
        said = {name: chance.choice(VALUES) for name in names if chance.random() < 0.9}
        if chance.random() < 0.2:
            said["is_admin"] = True
        return json.dumps(said).encode()

    def _follow(self, steps: int) -> None:
        """From answer to answer, by the links between the routes."""
        fuzzer = self

        class Walk(self.schema.as_state_machine()):  # type: ignore[misc]  # a class that is made
            def get_call_kwargs(self, case: Case) -> dict[str, Any]:
                return {"headers": fuzzer._headers(), "timeout": 60}

            def validate_response(self, response: Any, case: Case, **_: Any) -> None:
                fuzzer.judge(response, f"{case.method} {case.path}")

        Walk.run(settings=settings(max_examples=steps, stateful_step_count=6, deadline=None, database=None,
                                   suppress_health_check=list(HealthCheck)))  # fmt: skip

    def judge(self, answer: Any, asked: str) -> None:
        """One answer: a status, and where it is a refusal a reason and a sentence."""
        status, text = answer.status_code, answer.content.decode(errors="replace")
        self.findings.answers[str(status)] += 1
        if status >= 500:
            self.findings.wrong.append(f"{status} to {asked}: {text[:200]}")
        elif status >= 400 and not PAGES.search(asked) and asked.split()[0].upper() != "HEAD":
            self._judge_refusal(status, text, asked)
        if status == 401 and "Bearer" not in asked:
            self._token = "" if '"reason":"revoked"' in text.replace(" ", "") or _ends(text) else self._token

    def _judge_refusal(self, status: int, text: str, asked: str) -> None:
        try:
            said = json.loads(text)
        except ValueError:
            said = {}
        if not (isinstance(said, dict) and said.get("reason") and said.get("sentence")):
            if status == 400 and "Invalid HTTP request" in text:
                return  # no request at all: h11 says so, before anything of ours
            self.findings.wrong.append(f"{status} without words to {asked}: {text[:200]}")


def _ends(text: str) -> bool:
    return '"unauthenticated"' in text or '"suspended"' in text


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")[:8_000]


def _bad_headers(chance: random.Random) -> dict[str, str]:
    return chance.choice(
        (
            {},
            {},
            {"Content-Range": chance.choice(("bytes 0-3/4", "bytes 9-1/0", "bytes 0-0/" + "9" * 12, "x"))},
            {"Range": chance.choice(("bytes=0-", "bytes=9-1", "bytes=-5", "bytes=999999999999-"))},
            {"Authorization": chance.choice(("Bearer", "Bearer é", "Basic eA==", "Bearer " + "A" * 4_000))},
            {"Origin": chance.choice(("null", "http://[", "https://evil.example"))},
            {"Accept-Language": chance.choice(("en", "x" * 900, "*;q=é"))},
            {"Content-Type": chance.choice(("application/xml", "multipart/form-data; boundary=x", "é"))},
            {"X-Forwarded-For": chance.choice(("1.2.3.4", "::", "é" * 50))},
        )
    )


def _ask_as_often_as_you_like(office: Office) -> None:
    """Limits are tried elsewhere: here they would answer in the place of what is looked for."""
    state = office.app.state
    for name in ("claim", "code", "link", "unlock", "import", "report", "availability", "search"):
        setattr(state, f"{name}_buckets", Buckets(name, 1_000_000, 1, now_ms))
