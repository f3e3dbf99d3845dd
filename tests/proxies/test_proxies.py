"""Through a hospital's proxies: register, write, send a photo; refused with a sentence where nobody vouches for one."""

import asyncio
import io
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from PIL import Image

from cast import SECONDS_MAX, Device, Post
from engine.test_reachability import HERE, both, certificate
from miss_app.engine.problems import Problem
from miss_app.policy import Policy
from miss_app.ui.texts import words
from miss_protocol.invitation import Invitation
from plays.half_deaf import HalfDeafCable
from proxies.hospital import PASSWORD, Front, front, inspecting, system_store, tinyproxy

_NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    one = Post(tmp_path_factory.mktemp("post") / "server", people=8)
    one.start()
    yield one
    one.stop()


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without proxies and authorities of its own; what a test sets is taken back."""
    for name in _NAMES:
        for spelling in {name, name.upper()}:
            monkeypatch.setenv(spelling, "")
            monkeypatch.delenv(spelling)


class Behind(Device):
    """A device whose server is not on this machine's own name, so that proxies and TLS count."""

    port = 0

    @property
    def invitation(self) -> str:
        return Invitation(HERE, self.port, self.post.server_id).link()


@asynccontextmanager
async def two(post: Post, folder: Path, port: int) -> AsyncIterator[list[Behind]]:
    """Two people of the establishment who have not registered yet."""
    devices = []
    for name in ("camille", "hugo"):
        one = Behind(post, folder / name, name, post.someone(), HalfDeafCable(post.address))
        one.port = port
        devices.append(one)
    try:
        yield devices
    finally:
        for one in devices:
            await one.close()


def photograph() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1800, 1200), (206, 170, 150)).save(out, "PNG")
    return out.getvalue()


async def register_write_and_photo(devices: list[Behind]) -> None:
    for one in devices:
        await one.register()
        await one.enter()
    camille, hugo = devices
    chat = await camille.client.open_direct(await camille.find(hugo))
    await camille.client.send_text(chat, "Derrière le proxy.")
    await hugo.reads(chat, "Derrière le proxy.")
    sent = await camille.client.send_photo(chat, photograph(), file_name="a.png", caption="poignet")
    await hugo.reads(chat, "Derrière le proxy.", "poignet")
    assert (await received(hugo, chat, sent)).startswith(b"\xff\xd8")


async def received(one: Behind, chat: bytes, message_id: bytes) -> bytes:
    """The photo, as soon as the sender has brought it to the server."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        try:
            return await one.client.photo(chat, message_id)
        except Problem as problem:
            if problem.reason != "photo-not-there-yet" or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


def test_a_proxy_with_a_password(post: Post, tmp_path: Path) -> None:
    """The address of the policy file, with name and password in it; HTTP and the websocket both go through."""
    authority, tls = certificate(tmp_path)

    async def run(url: str) -> Front:
        os.environ["SSL_CERT_FILE"] = str(authority)
        Policy(proxy=url).set_proxy()
        async with front(post.address, tls) as door, two(post, tmp_path, door.port) as devices:
            await register_write_and_photo(devices)
            return door

    with tinyproxy(tmp_path) as proxy:
        door = asyncio.run(run(proxy.url))
        asked = proxy.connects()
    assert set(asked) == {f"{HERE}:{door.port}"}
    assert len(asked) >= 4, "two devices, HTTP and the websocket of each"
    assert door.connections <= len(asked), "nothing came around the proxy"


@pytest.mark.parametrize("password", ["faux", ""])
def test_a_wrong_password_or_none_is_a_sentence(tmp_path: Path, password: str) -> None:
    with tinyproxy(tmp_path) as proxy:
        wrong = proxy.url.replace(PASSWORD, password) if password else f"http://{proxy.url.split('@')[1]}"
        Policy(proxy=wrong).set_proxy()
        assert asyncio.run(both(9)) == {"proxy-refused"}
    for language in ("fr", "en"):
        words.speak(language)
        assert "proxy" in words.problem("proxy-refused")
        assert words.problem("proxy-refused") != words.problem("no-such-reason")
    words.speak("fr")


def test_an_inspecting_proxy_that_the_system_trusts(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its authority is in the system's store alone: no file is named to the program."""
    beyond, tls = certificate(tmp_path)

    async def run() -> None:
        async with front(post.address, tls) as door, inspecting(tmp_path, beyond) as (proxy, authority):
            monkeypatch.setenv("SSL_CERT_DIR", str(system_store(tmp_path / "store", authority)))
            Policy(proxy=proxy.url).set_proxy()
            async with two(post, tmp_path, door.port) as devices:
                await register_write_and_photo(devices)
                seen = devices[0].client.server()
                assert seen is not None
                assert seen.issuer == name_of(authority) != name_of(beyond), "that somebody looks into TLS can be seen"
            assert set(proxy.asked) == {f"{HERE}:{door.port}"}
            assert door.connections <= len(proxy.asked)

    asyncio.run(run())


def test_an_inspecting_proxy_that_nobody_vouches_for(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system trusts the real server's authority, and does not know who stands between."""
    beyond, tls = certificate(tmp_path)

    async def run() -> None:
        async with front(post.address, tls) as door, inspecting(tmp_path, beyond) as (proxy, _unknown):
            monkeypatch.setenv("SSL_CERT_DIR", str(system_store(tmp_path / "store", beyond)))
            assert await _authority(door.port) == "", "the control: without the proxy it is trusted"
            Policy(proxy=proxy.url).set_proxy()
            assert await both(door.port) == {"tls-unknown-authority"}
            async with two(post, tmp_path, door.port) as (camille, _hugo):
                await camille.client.start()
                with pytest.raises(Problem, match="tls-unknown-authority"):
                    await camille.client.use_invitation(camille.invitation)
            assert proxy.asked, "it was asked, and refused"

    asyncio.run(run())
    assert "tls-unknown-authority" not in words.problem("tls-unknown-authority")


def name_of(authority: Path) -> str:
    subject = x509.load_pem_x509_certificate(authority.read_bytes()).subject
    return str(next(iter(subject.get_attributes_for_oid(NameOID.COMMON_NAME))).value)


async def _authority(port: int) -> str:
    from miss_app.engine.http import Http
    from miss_app.engine.reachability import tls_context

    http = Http(Invitation(HERE, port, bytes(32)), "fr", tls_context())
    try:
        return "" if (await http.call("GET", "/v1/authority")).content else "empty"
    finally:
        await http.close()


def test_no_proxy_at_all(post: Post, tmp_path: Path) -> None:
    """``proxy = "none"`` of the policy, where the environment names one that is not there."""
    authority, tls = certificate(tmp_path)

    async def run() -> None:
        os.environ["SSL_CERT_FILE"] = str(authority)
        os.environ["HTTPS_PROXY"] = os.environ["https_proxy"] = "http://127.0.0.1:9"
        async with front(post.address, tls) as door:
            assert await both(door.port) != {""}
            Policy(proxy="none").set_proxy()
            assert await _authority(door.port) == ""
            assert door.connections > 0

    asyncio.run(run())
