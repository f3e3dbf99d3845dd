"""Somebody registers with Pro Santé Connect: the device's own engine, a real provider, a browser between them."""

import asyncio
import re
from pathlib import Path

import pytest

from cast import PIN, Post, Scene, play, until
from identity.oidc import Browser, Provider, claims_of
from miss_app.engine.events import Stage
from miss_app.engine.onboarding import may_open
from miss_app.engine.problems import Problem


@pytest.mark.parametrize(
    ("address", "fit"),
    [
        ("https://wallet.example/auth?x=1", True),
        ("http://127.0.0.1:8000/auth", True),
        ("http://wallet.example/auth", False),
        ("file:///etc/passwd", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_a_browser_is_not_sent_anywhere(address: str, fit: bool) -> None:
    assert may_open(address) is fit


def test_the_way_through_the_browser(tmp_path: Path) -> None:
    post = Post(tmp_path / "server")
    home = f"http://{post.address[0]}:{post.address[1]}"
    who = post.someone()
    secret = tmp_path / "secret"
    provider = Provider({"someone": claims_of(who)}, secret, redirects=[f"{home}/v1/psc/return"])
    post.start()

    async def acts(scene: Scene) -> None:
        camille = scene.device("camille", who)
        client = camille.client
        await client.start()
        await client.use_invitation(camille.invitation)
        assert await client.proof.ways() == ("mailbox",)
        version = (await client.presence.charter()).version
        with pytest.raises(Problem, match="psc-off"):
            await client.proof.claim_in_browser(charter_version=version)
        assert client.stage() is Stage.IDENTITY
        post.stop()
        settings = post.folder / "miss.toml"
        psc = f'\n[psc]\nissuer = "{provider.issuer}"\nclient_id = "miss"\nsecret_file = "{secret}"\n'
        settings.write_text(settings.read_text() + psc)
        await asyncio.to_thread(post.start)
        assert await client.proof.ways() == ("mailbox", "psc")
        with pytest.raises(Problem, match="charter"):
            await client.proof.claim_in_browser(charter_version="")
        address = await client.proof.claim_in_browser(charter_version=version)
        assert client.stage() is Stage.BROWSER
        view = client.registration()
        assert view is not None
        assert (view.via, view.authorize) == ("psc", address)
        # The program may end meanwhile: the same registration goes on.
        await client.stop()
        camille.client = client = camille._make()
        await client.start()
        assert client.stage() is Stage.BROWSER
        browser = Browser(home, home)
        page = await asyncio.to_thread(lambda: browser.come_back(browser.sign_in(address, "someone")))
        browser.close()
        found = re.search(r'id="ticket">([^<]+)<', page.text)
        assert found is not None, page.text
        await until(lambda: client.stage() is Stage.CODE, "the device hears that somebody signed in")
        with pytest.raises(Problem, match="code-wrong"):
            await client.enter_code("0000-0000")
        await client.enter_code(found.group(1))
        assert client.stage() is Stage.PIN
        await client.choose_pin(PIN)
        await camille.online()
        me = client.me()
        assert me is not None
        assert (me.display_name.split()[1], me.checked_how) == (who.given, "psc")

    try:
        with provider.open():
            play(post, tmp_path, acts)
    finally:
        post.stop()
