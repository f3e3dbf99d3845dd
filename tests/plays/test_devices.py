"""A person's second device, linked by a typed code."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from cast import PIN, Device, Post, Scene, play, until
from miss_app.engine.events import PersonView, Stage
from miss_app.engine.http import Http
from miss_app.engine.problems import Problem
from miss_app.engine.profile import DeviceKeys
from plays.test_onboarding import operator


def members(one: Device, chat: bytes) -> dict[bytes, int]:
    view = one.client.conversation(chat)
    return {} if view is None else {member.person.person_id: member.devices for member in view.members}


async def second(scene: Scene, first: Device, name: str) -> Device:
    """A further device of the same person, linked and online."""
    other = scene.device(name, first.who)
    await other.link_from(first)
    return other


def test_it_receives_what_follows_in_all_conversations_and_writes(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia = await scene.enter("camille", "hugo", "nadia")
        direct = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(direct, "avant le lien")
        # In this one Camille decides nothing: her device is added all the same.
        people = [await nadia.find(one) for one in (camille, hugo)]
        group = await nadia.client.create_group("Équipe", "", people)
        for chat in (direct, group):
            await until(lambda chat=chat: len(members(hugo, chat)) >= 2, "conversations exist")
        await until(lambda: len(members(camille, group)) == 3, "Camille is in")
        tablet = await second(scene, camille, "tablette")
        for chat in (direct, group):
            for one in (camille, hugo, tablet):
                await until(
                    lambda chat=chat, one=one: members(one, chat).get(camille.view.person_id) == 2,
                    f"{one.name} sees two devices",
                )
        await hugo.client.send_text(direct, "après le lien")
        await nadia.client.send_text(group, "bienvenue")
        await tablet.reads(direct, "après le lien")
        await tablet.reads(group, "bienvenue")
        assert hugo.notices(direct) == ["device-added"]
        assert "device-unendorsed" not in tablet.notices(group) + tablet.notices(direct)
        view = tablet.client.conversation(group)
        assert view is not None
        assert view.title in ("", "Équipe")
        await tablet.client.send_text(direct, "depuis la tablette")
        await hugo.reads(direct, "avant le lien", "après le lien", "depuis la tablette")
        await camille.reads(direct, "avant le lien", "après le lien", "depuis la tablette")
        assert [line.mine for line in camille.lines(direct) if line.kind == "text"] == [True, False, True]
        # What begins from now on has both devices from the start.
        later = await hugo.client.create_group("Suite", "", [await hugo.find(camille)])
        await until(lambda: members(tablet, later).get(camille.view.person_id) == 2, "both devices at once")
        names = {one.name for one in await tablet.client.devices()}
        assert names == {"camille", "tablette"}

    play(post, tmp_path, acts)


def test_leaving_takes_all_devices_along(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        tablet = await second(scene, camille, "tablette")
        group = await hugo.client.create_group("Équipe", "", [await hugo.find(camille)])
        await until(lambda: members(tablet, group).get(camille.view.person_id) == 2, "both are in")
        await until(lambda: members(camille, group).get(camille.view.person_id) == 2, "both are in")
        await camille.client.leave(group)
        await until(lambda: members(hugo, group).keys() == {hugo.view.person_id}, "Camille is gone")
        for one in (camille, tablet):
            await until(lambda one=one: not one.client.conversation(group).active, f"{one.name} is out")

    play(post, tmp_path, acts)


def test_a_wrong_pin_links_nothing(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        (camille,) = await scene.enter("camille")
        tablet = scene.device("tablette", camille.who)
        await tablet.client.start()
        await tablet.client.use_invitation(tablet.invitation)
        code = await tablet.client.start_linking()
        assert tablet.client.link_code() == code
        with pytest.raises(Problem, match="pin-wrong"):
            await camille.client.link_device(code, pin="000000")
        wrong = ("1" if code[0] != "1" else "2") + code[1:]
        with pytest.raises(Problem, match="link-code-wrong"):
            await camille.client.link_device(wrong, pin=PIN)
        assert len(await camille.client.devices()) == 1
        assert tablet.client.stage() is Stage.LINKING

    play(post, tmp_path, acts)


def test_a_link_key_swapped_by_the_server_is_refused(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server answers the trusted device with another request, validly signed by keys of its own."""

    async def acts(scene: Scene) -> None:
        (camille,) = await scene.enter("camille")
        tablet = scene.device("tablette", camille.who)
        await tablet.client.start()
        await tablet.client.use_invitation(tablet.invitation)
        code = await tablet.client.start_linking()
        evil = DeviceKeys.make("tablette").request()
        asked = Http.json
        endorsed: list[str] = []

        async def swapped(self: Http, method: str, path: str, **options: Any) -> dict[str, Any]:
            answer = await asked(self, method, path, **options)
            if path.endswith("/endorse"):
                endorsed.append(path)
            if "request" in answer:
                return {"request": base64.b64encode(evil).decode()}
            return answer

        monkeypatch.setattr(Http, "json", swapped)
        with pytest.raises(Problem, match="link-key-swapped"):
            await camille.client.link_device(code, pin=PIN)
        assert endorsed == []

    play(post, tmp_path, acts)


def test_a_second_registration_waits_then_takes_the_place_of_the_first(post: Post, tmp_path: Path) -> None:
    """Who proves the same identity anew waits, two operators end the wait; those who know the person are warned."""

    async def acts(scene: Scene) -> None:
        camille, hugo, nadia = await scene.enter("camille", "hugo", "nadia")
        direct = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(direct, "c'est moi")
        await hugo.reads(direct, "c'est moi")
        anew = scene.device("camille-bis", camille.who)
        await anew.prove()
        assert anew.client.stage() is Stage.WAITING
        pending = anew.client._profile.pending()
        assert pending is not None
        for name in ("Alix", "Dominique"):
            await asyncio.to_thread(operator, post, "shorten", pending.registration[:8], "--operator", name)
        await until(lambda: anew.client.stage() is Stage.PIN, "certified")
        await until(lambda: camille.client.stage() is Stage.REVOKED, "the old device ends")
        await anew.enter()
        group = await hugo.client.create_group("Équipe", "", [await hugo.find(anew), await hugo.find(nadia)])
        await until(lambda: members(hugo, group).get(anew.view.person_id) == 1, "the new device is in, alone")
        assert "device-unendorsed" in hugo.notices(group)

    play(post, tmp_path, acts)


def test_a_direct_conversation_begun_twice_becomes_one(post: Post, tmp_path: Path) -> None:
    """Both write first, before either has heard of the other's conversation: every text ends in one, once."""

    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        hugo_there: PersonView = await camille.find(hugo)
        camille_there: PersonView = await hugo.find(camille)
        for one in (camille, hugo):
            one.cable.pull()
            await one.offline()
        first = await camille.client.open_direct(hugo_there)
        await camille.client.send_text(first, "de Camille")
        other = await hugo.client.open_direct(camille_there)
        await hugo.client.send_text(other, "de Hugo")
        camille.cable.plug()
        await camille.online()
        await until(lambda: members(camille, first).keys() == {camille.view.person_id, hugo.view.person_id}, "begun")
        hugo.cable.plug()
        await hugo.online()
        await camille.reads(first, "de Camille", "de Hugo")
        await hugo.reads(other, "de Camille", "de Hugo")
        assert [len(one.client.conversations()) for one in (camille, hugo)] == [1, 1]

    play(post, tmp_path, acts)
