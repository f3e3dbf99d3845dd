"""A care team: three people, a title and a patient, a photo, people who come, go, leave and come back."""

import asyncio
import io
import time
from pathlib import Path

from PIL import Image

from cast import SECONDS_MAX, Device, Post, Scene, play, until
from engine.photo_files import groups, with_gps
from miss_app.engine.problems import Problem

TITLE, PATIENT = "Plaie de Mme Canari", "Mme Odette Canari, 1941"


async def team(scene: Scene) -> tuple[Device, Device, Device, bytes]:
    """Camille makes a team about a patient with Hugo and Nadia; everybody sees it."""
    camille, hugo, nadia = await scene.enter("camille", "hugo", "nadia")
    people = [await camille.find(one) for one in (hugo, nadia)]
    chat = await camille.client.create_group(TITLE, PATIENT, people)
    for one in (camille, hugo, nadia):
        await until(lambda one=one: titled(one, chat) == (TITLE, PATIENT), f"{one.name} sees the title")
    return camille, hugo, nadia, chat


def titled(one: Device, chat: bytes) -> tuple[str, str] | None:
    view = one.client.conversation(chat)
    return None if view is None else (view.title, view.patient)


def persons(one: Device, chat: bytes) -> set[bytes]:
    view = one.client.conversation(chat)
    return set() if view is None else {member.person.person_id for member in view.members}


def test_title_patient_and_texts_reach_everybody_in_one_order(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        for number in range(4):
            for one in (camille, hugo, nadia):
                await one.client.send_text(chat, f"{one.name} {number}")
        for one in (camille, hugo, nadia):
            await until(lambda one=one: len(one.said(chat)) == 12, f"{one.name} reads twelve")
        assert camille.said(chat) == hugo.said(chat) == nadia.said(chat)
        for one in ("camille", "hugo", "nadia"):
            own = [text for text in camille.said(chat) if text.startswith(one)]
            assert own == [f"{one} {number}" for number in range(4)]
        assert hugo.notices(chat) == ["you-were-added"]
        assert sorted(camille.notices(chat)) == ["person-added", "person-added"]
        view = nadia.client.conversation(chat)
        assert view is not None
        assert [member.admin for member in view.members if member.person.person_id == camille.view.person_id] == [True]
        assert [member.admin for member in view.members if member.me] == [False]

    play(post, tmp_path, acts)


def test_a_photo_is_seen_by_everybody_and_says_nothing_of_where(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        path = with_gps(tmp_path)
        message = await camille.client.send_photo(
            chat, path.read_bytes(), file_name=path.name, caption="avant-bras", consent=True
        )
        for one in (hugo, nadia):
            await one.reads(chat, "avant-bras")
            view = next(line for line in one.lines(chat) if line.kind == "photo")
            assert view.photo is not None
            assert not view.photo.here
            with Image.open(io.BytesIO(view.photo.thumbnail)) as small:
                assert small.format == "JPEG"
            jpeg = await fetch(one, chat, message)
            (tmp_path / "received.jpg").write_bytes(jpeg)
            assert groups(tmp_path / "received.jpg") <= {"ExifTool", "System", "File", "JFIF", "Composite"}
            assert (view.photo.width, view.photo.height) == (1600, 1200)
            again = next(line for line in one.lines(chat) if line.kind == "photo")
            assert again.photo is not None
            assert again.photo.here

    play(post, tmp_path, acts)


async def fetch(one: Device, chat: bytes, message: bytes) -> bytes:
    """The photo or the document, as soon as its upload is complete."""
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        try:
            return await one.client.photo(chat, message)
        except Problem as problem:
            if not problem.reason.endswith("-not-there-yet") or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


def test_offline_and_back_in_order_and_once(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        hugo.cable.pull()
        await hugo.offline()
        for number in range(3):
            await hugo.client.send_text(chat, f"hors ligne {number}")
        await camille.client.send_text(chat, "pendant l'absence")
        await nadia.reads(chat, "pendant l'absence")
        await hugo.restart()
        assert hugo.said(chat) == ["hors ligne 0", "hors ligne 1", "hors ligne 2"]
        hugo.cable.plug()
        await hugo.online()
        for one in (camille, hugo, nadia):
            await one.reads(chat, "pendant l'absence", "hors ligne 0", "hors ligne 1", "hors ligne 2")

    play(post, tmp_path, acts)


def test_leaving(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        await nadia.client.leave(chat)
        stay = {camille.view.person_id, hugo.view.person_id}
        for one in (camille, hugo):
            await until(lambda one=one: persons(one, chat) == stay, f"{one.name} sees Nadia gone")
            assert "person-left" in one.notices(chat)
        await until(lambda: nadia.notices(chat)[-1:] == ["you-left"], "Nadia is out")
        await camille.client.send_text(chat, "entre nous")
        await hugo.reads(chat, "entre nous")
        view = nadia.client.conversation(chat)
        assert view is not None
        assert not view.active
        assert nadia.said(chat) == []

    play(post, tmp_path, acts)


def test_who_wants_to_write_commits_a_leave_first(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        camille.cable.pull()  # the lowest leaf, who would commit it at once
        await camille.offline()
        await nadia.client.leave(chat)
        await hugo.client.send_text(chat, "au revoir Nadia")
        stay = {camille.view.person_id, hugo.view.person_id}
        await until(lambda: persons(hugo, chat) == stay, "Hugo committed the leave")
        camille.cable.plug()
        await camille.online()
        await camille.reads(chat, "au revoir Nadia")
        assert persons(camille, chat) == stay

    play(post, tmp_path, acts)


def test_removed_and_added_again_while_offline(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        await camille.client.send_text(chat, "avant")
        await nadia.reads(chat, "avant")
        nadia.cable.pull()
        await nadia.offline()
        await camille.client.remove_person(chat, nadia.view.person_id)
        await until(lambda: len(persons(hugo, chat)) == 2, "Nadia is removed")
        await camille.client.send_text(chat, "sans Nadia")
        await hugo.reads(chat, "avant", "sans Nadia")
        await camille.client.add_people(chat, [await camille.find(nadia)])
        await until(lambda: len(persons(hugo, chat)) == 3, "Nadia is back")
        await camille.client.send_text(chat, "avec Nadia")
        nadia.cable.plug()
        await nadia.online()
        await nadia.reads(chat, "avant", "avec Nadia")
        assert titled(nadia, chat) == (TITLE, PATIENT)
        assert nadia.notices(chat) == ["you-were-added", "you-were-removed", "you-were-added"]
        await nadia.client.send_text(chat, "me revoilà")
        await hugo.reads(chat, "avant", "sans Nadia", "avec Nadia", "me revoilà")

    play(post, tmp_path, acts)
