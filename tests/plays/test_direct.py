"""Two people write to each other."""

from pathlib import Path

from cast import Post, Scene, play, until
from miss_app.engine.events import Tick


def test_one_text_and_its_answer(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        chat = await camille.client.open_direct(await camille.find(hugo))
        message = await camille.client.send_text(chat, "Bonjour Hugo, un avis pour une lésion ?")
        await hugo.reads(chat, "Bonjour Hugo, un avis pour une lésion ?")
        await camille.ticks(chat, message, Tick.DELIVERED)
        await hugo.client.mark_read(chat)
        await camille.ticks(chat, message, Tick.READ)
        await hugo.client.send_text(chat, "Oui, envoie.")
        await camille.reads(chat, "Bonjour Hugo, un avis pour une lésion ?", "Oui, envoie.")
        there = hugo.client.conversation(chat)
        assert there is not None
        assert there.title == camille.view.display_name
        await until(lambda: camille.client.conversations()[0].unread == 1, "unread")

    play(post, tmp_path, acts)


def test_who_looked_somebody_up_is_not_listed_there_before_a_word_was_said(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        chat = await camille.client.open_direct(await camille.find(hugo))
        await until(lambda: hugo.client.conversation(chat) is not None, "it came to be there")
        await until(lambda: len(hugo.client.conversation(chat).members) == 2, "both are in")
        assert hugo.client.conversation(chat).unsaid
        await camille.client.send_text(chat, "Bonjour")
        await until(lambda: "Bonjour" in hugo.said(chat), "a word")
        assert not hugo.client.conversation(chat).unsaid

    play(post, tmp_path, acts)
