"""What an operator watches: figures on an address of their own, that count what happened and name nobody."""

import os
import re
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from miss_protocol.frames import Accepted, Refused
from miss_server import serving
from miss_server.meters import MetricsAddressError
from server.office import Office, make_circle, opaque, play, until


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watched") / "data"
    folder.mkdir()
    (folder / "miss.toml").write_text('metrics = "127.0.0.1:0"\n')
    one = Office(folder)
    one.start()
    yield one
    one.stop()


def figures(office: Office) -> dict[str, float]:
    """Everything that is told, by name and labels."""
    text = httpx.get(f"http://127.0.0.1:{office.server.metrics_port}/metrics").text
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    return {one.name + "".join(f" {v}" for v in one.labels.values()): one.value for one in samples}


def test_figures_count_what_happened_and_name_nobody(watched):
    async def scene() -> None:
        camille, hugo = watched.device(), watched.device()
        before = figures(watched)
        async with watched.wire(camille) as a, watched.wire(hugo) as b:
            circle = await make_circle(watched, a, hugo)
            for _ in range(3):
                assert isinstance(await a.submit(circle.text()), Accepted)
            await b.rows(4, circle.stream)
            await a.rows(3, circle.stream)
            assert isinstance(await a.submit(opaque(circle.stream, 7)), Refused)
            assert figures(watched)["miss_sockets"] == before["miss_sockets"] + 2
        async with httpx.AsyncClient(base_url=watched.url) as http:
            await http.get("/v1/devices")
        after = figures(watched)
        gained = {name: value - before.get(name, 0) for name, value in after.items()}
        assert gained["miss_accepted_total"] == 5, "created, added, three texts"
        assert gained["miss_delivered_total"] >= 8, "own rows too"
        assert gained["miss_refused_total stale"] == 1
        assert gained["miss_requests_total 4xx"] == 1
        for stage in ("wait", "write", "commit", "tell"):
            assert gained[f"miss_stage_seconds_count {stage}"] >= 5
            assert gained[f"miss_stage_seconds_sum {stage}"] > 0
        assert after["miss_queue_submissions"] == 0
        assert after["miss_disk_free_bytes"] > 0
        assert 0 <= after["miss_round_age_seconds"] < 3_600
        assert after["process_resident_memory_bytes"] > 10_000_000

        async def gone() -> bool:
            return figures(watched)["miss_sockets"] == before["miss_sockets"]

        await until("both have gone", gone)
        told = httpx.get(f"http://127.0.0.1:{watched.server.metrics_port}/metrics").text
        for secret in (camille, hugo):
            assert secret.device_id.hex() not in told
            assert secret.person_id.hex() not in told
        assert circle.stream.hex() not in told
        assert not re.search(r"[0-9a-f]{32}", told)

    play(scene)


@pytest.mark.parametrize("path", ["/metrics", "/docs", "/redoc", "/openapi.json", "/v1/metrics", "/console", "/debug"])
def test_nothing_of_it_is_to_be_had_from_outside(watched, path):
    answer = httpx.get(watched.url + path)
    assert (answer.status_code, answer.json()["reason"]) == (404, "not-found")
    assert "miss_accepted" not in answer.text


def test_an_address_that_is_taken_is_said(watched, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "miss.toml").write_text(f'metrics = "127.0.0.1:{watched.server.metrics_port}"\n')
    with pytest.raises(MetricsAddressError, match=str(watched.server.metrics_port)):
        Office(folder).start()


# The door.


def test_every_answer_says_how_it_may_be_kept_and_framed(shared_office):
    for method, path in (("GET", "/health"), ("GET", "/v1/authority"), ("GET", "/nowhere"), ("POST", "/v1/links")):
        headers = httpx.request(method, shared_office.url + path).headers
        assert headers["cache-control"] == "no-store", path
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers
        assert "strict-transport-security" not in headers, "this one is reached without TLS"


@pytest.mark.parametrize("origin", ["https://ailleurs.example", "null", "http://127.0.0.1:1", "file://", ""])
def test_pages_of_other_sites_are_refused_in_words(shared_office, origin):
    answer = httpx.get(shared_office.url + "/v1/authority", headers={"Origin": origin, "Accept-Language": "en"})
    assert (answer.status_code, answer.json()["reason"]) == (403, "foreign-origin")
    assert "other sites" in answer.json()["sentence"]
    own = httpx.get(shared_office.url + "/v1/authority", headers={"Origin": shared_office.url})
    assert own.status_code == 200


def test_a_page_of_another_site_gets_no_socket(shared_office):
    from websockets.exceptions import InvalidStatus

    async def scene() -> None:
        with pytest.raises(InvalidStatus) as refused:
            await shared_office.raw(origin="https://ailleurs.example")
        assert refused.value.response.status_code == 403
        own = await shared_office.raw(origin=shared_office.url)
        assert await own.recv(), "the challenge"
        await own.close()

    play(scene)


def said(office: Office, head: bytes, more: bytes = b"") -> bytes:
    """What the server says to these bytes, until it closes."""
    import socket

    with socket.create_connection(("127.0.0.1", office.port), timeout=60) as peer:
        peer.sendall(head)
        if more:
            time.sleep(0.5)
            peer.sendall(more)
        heard = b""
        while piece := peer.recv(65_536):
            heard += piece
        return heard


def test_who_never_says_what_they_want_is_left(monkeypatch, office):
    monkeypatch.setattr(serving, "HEAD_SECONDS_MAX", 1)
    begun = time.monotonic()
    assert said(office, b"") == b""
    assert said(office, b"GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: ") == b""
    again = said(office, b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /health HTTP/1.1\r\nX-Slow: ")
    assert again.count(b"HTTP/1.1 200") == 1
    assert time.monotonic() - begun < 55


def test_a_body_that_never_ends_is_left(monkeypatch, office):
    from miss_server import door

    monkeypatch.setattr(door, "REQUEST_SECONDS_MAX", 1)
    heard = said(office, b"POST /v1/links HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n{")
    assert heard.startswith(b"HTTP/1.1 408")
    assert b"too-slow" in heard
    blob = os.urandom(32).hex().encode()
    assert b"401" in said(office, b"PUT /v1/blobs/" + blob + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n{")
