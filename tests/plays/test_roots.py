"""The registrar gets a new issuing key, then a new root: who was there and who comes later still know each other."""

from pathlib import Path

from cast import Post, Scene, play, until
from miss_app.engine.events import IdentityAlarm, Link
from miss_server.__main__ import main


def run(post: Post, *words: object) -> None:
    assert main(["root", *map(str, words), "--data", str(post.folder), "--language", "en"]) == 0


def renewed(post: Post, root: Path, folder: Path) -> None:
    """A new issuing key that this root certified, for the server to start with."""
    request, out = folder / f"{root.name}.request", folder / f"{root.name}.signed"
    run(post, "request", request)
    run(post, "certify", root, request, out)
    run(post, "install", out)


def test_everybody_follows_the_registrar(tmp_path: Path) -> None:
    post = Post(tmp_path / "server", people=4)
    post.start()
    safe, later = tmp_path / "safe", tmp_path / "later"

    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        chat = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(chat, "avant")
        await hugo.reads(chat, "avant")
        run(post, "take-out", safe)
        post.stop()
        renewed(post, safe, tmp_path)
        run(post, "make", later, "--after", safe)
        renewed(post, later, tmp_path)
        post.start()
        for one in (camille, hugo):
            await one.restart()
            await one.online()
        (nadia,) = await scene.enter("nadia")  # certified by the new key, under the new root
        team = await camille.client.create_group("Équipe", "", [await camille.find(one) for one in (hugo, nadia)])
        await until(lambda: nadia.client.conversation(team), "nadia is in the team")
        await nadia.client.send_text(team, "bonjour")
        for one in (camille, hugo):
            await one.reads(team, "bonjour")
        await hugo.client.send_text(chat, "après")
        await camille.reads(chat, "avant", "après")
        for one in (camille, hugo, nadia):
            assert one.client.link() is Link.ONLINE
            assert not [event for event in one.events if isinstance(event, IdentityAlarm)]

    try:
        play(post, tmp_path / "devices", acts)
    finally:
        post.stop()
