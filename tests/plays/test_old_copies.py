"""A store restored from a copy never seals with what it finds there: it comes back as a new leaf before it writes."""

import shutil
from pathlib import Path

import pytest

from cast import Device, Post, Scene, play, until
from plays.save_points import Keys
from plays.test_faults import waiting
from plays.test_group import team
from plays.test_renewal import epoch, renew


async def copy(one: Device, aside: Path) -> None:
    """Somebody copies the whole profile while the program is closed."""
    await one.client.stop()
    shutil.copytree(one.folder, aside)
    await one.begin()
    account = one.client._account
    assert account is not None
    await until(lambda: account.outbox._open, "the backlog is in")


async def restore(one: Device, aside: Path) -> None:
    await one.client.stop()
    shutil.rmtree(one.folder)
    shutil.copytree(aside, one.folder)
    await one.begin()


def test_a_copy_from_several_epochs_ago(post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def acts(scene: Scene) -> None:
        keys = Keys(monkeypatch)
        camille, hugo, nadia, chat = await team(scene)
        await camille.client.send_text(chat, "un")
        await until(lambda: not waiting(camille, chat), "nothing is under way")
        await copy(camille, tmp_path / "aside")
        for number, one in enumerate((hugo, camille, nadia)):
            await camille.client.send_text(chat, f"après {number}")
            await renew(one, chat, camille, hugo, nadia)
        await until(lambda: not waiting(camille, chat), "nothing is under way")
        last = epoch(hugo, chat)
        sealed = set(keys.key_of)
        await restore(camille, tmp_path / "aside")
        await camille.client.send_text(chat, "me revoici")
        said = ["un", "après 0", "après 1", "après 2", "me revoici"]
        for one in (hugo, nadia):
            await one.reads(chat, *said)
        fresh = {place for message, place in keys.key_of.items() if message not in sealed}
        mine = [place for place in fresh if place[0] == chat + bytes(4)]
        assert mine
        assert all(int(str(place[1])) > last for place in mine), "nothing was sealed in an epoch the copy knew"
        assert keys.used_twice() == 0
        assert "rejoined" in camille.notices(chat)

    play(post, tmp_path, acts, threads_may_be_lost=True)


def test_a_copy_from_before_a_message_whose_answer_was_lost(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's cursor is not ahead of the copy's: the row of its own, which the copy does not know, gives it away."""

    async def acts(scene: Scene) -> None:
        keys = Keys(monkeypatch)
        camille, hugo, _, chat = await team(scene)
        await camille.client.send_text(chat, "un")
        await until(lambda: not waiting(camille, chat), "nothing is under way")
        await copy(camille, tmp_path / "aside")
        camille.cable.deafen()
        await camille.client.send_text(chat, "deux")
        await hugo.reads(chat, "un", "deux")
        camille.cable.pull()
        await camille.offline()
        before = epoch(hugo, chat)
        await restore(camille, tmp_path / "aside")
        camille.cable.plug()
        await camille.client.send_text(chat, "trois")
        await hugo.reads(chat, "un", "deux", "trois")
        assert epoch(hugo, chat) > before, "it came back by a commit of its own first"
        assert keys.used_twice() == 0
        assert "store-from-the-past" in camille.notices(chat)

    play(post, tmp_path, acts, threads_may_be_lost=True)
