"""Who is found and who may be written to, as each person wishes: kept by the server, whatever a client tries."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cast import Device, Scene, play, until
from dayone.town import Town, enter
from miss_app.engine.beginning import begin_direct
from miss_app.engine.events import PersonView, Tick, WishesView
from miss_app.engine.problems import Problem
from miss_protocol.frames import Accepted, Refusal, Refused
from miss_protocol.mls import group as mls
from miss_server import devices, wishes
from miss_server.clock import now_ms
from miss_server.database import Database
from miss_server.wishes import Wishes
from server.office import DIRECT, Circle, Office, make_circle
from server.office import Device as Certified
from server.office import play as play_bare
from server.test_conversations import leaf_of


async def finds(device: Device, other: Device) -> PersonView | None:
    found = await device.client.search_people(other.who.family, profession="", place=other.who.jobs[0].town)
    return next((one for one in found if one.person_id == other.view.person_id), None)


async def listed(device: Device, other: Device) -> bool:
    """Whether the directory names the other at all."""
    found = await device.client.search_people(f"{other.who.given} {other.who.family}", place=other.who.jobs[0].place)
    return any(one.display_name == other.view.display_name for one in found)


async def refused_to(device: Device, other: PersonView) -> None:
    before = len(device.client.conversations())
    with pytest.raises(Problem) as refused:
        await device.client.open_direct(other)
    assert refused.value.reason == "not-contactable"
    assert len(device.client.conversations()) == before


def test_who_is_unlisted_is_found_by_those_who_know_them_only(town: Town, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia = await enter(scene, camille="hospital", hugo="practice", nadia="south")
        talk = await hugo.client.open_direct(await hugo.find(camille))
        await hugo.client.send_text(talk, "Bonjour")
        await camille.reads(talk, "Bonjour")
        assert await camille.client.presence.wishes() == WishesView()
        assert await finds(nadia, camille)
        assert await camille.client.presence.set_wishes(WishesView(unlisted=True)) == WishesView(True, "all")
        assert not await listed(nadia, camille)
        assert await finds(hugo, camille)
        assert await finds(camille, camille)
        account = nadia.client._account
        assert account is not None
        with pytest.raises(Problem, match="not-found"):
            await account.http.json("GET", f"/v1/people/{camille.view.person_id.hex()}", ticket=True)
        with pytest.raises(Problem, match="not-found"):  # the same words as for nobody
            await account.http.json("GET", f"/v1/people/{os.urandom(16).hex()}", ticket=True)
        for malformed in ({"unlisted": True}, {"unlisted": 1, "contact": "all"}, {"unlisted": True, "contact": "none"}):
            with pytest.raises(Problem, match="malformed"):
                await account.http.json("PUT", "/v1/wishes", json=malformed, ticket=True)
        assert await nadia.client.presence.wishes() == WishesView()
        await camille.client.presence.set_wishes(WishesView())
        assert await finds(nadia, camille)

    play(town, tmp_path, acts)


def test_only_people_one_knows(town: Town, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia = await enter(scene, camille="hospital", hugo="hospital", nadia="south")
        seen = {one.name: await nadia.find(one) for one in (camille, hugo)}
        await camille.client.presence.set_wishes(WishesView(contact="known"))
        await refused_to(nadia, seen["camille"])
        await refused_to(hugo, await hugo.find(camille))  # the same establishment is not enough
        # Whoever does not ask first gets as little: nothing is written, and the chat says so.
        account = nadia.client._account
        assert account is not None
        talk = begin_direct(account, seen["camille"])
        message = await nadia.client.send_text(talk, "Bonjour")
        await nadia.ticks(talk, message, Tick.FAILED)
        assert "not-contactable" in nadia.notices(talk)
        view = nadia.client.conversation(talk)
        assert view is not None
        assert not view.active
        # A team goes on without who does not wish to be in it.
        team = await nadia.client.create_group("Équipe", "", [seen["camille"], seen["hugo"]])
        await nadia.client.send_text(team, "Qui est là ?")
        await hugo.reads(team, "Qui est là ?")
        assert sorted(nadia.notices(team)) == ["person-added", "person-not-added"]
        assert camille.client.conversations() == []
        # Who is written to is known from then on, and may answer and add to teams.
        talk = await camille.client.open_direct(await camille.find(nadia))
        await camille.client.send_text(talk, "Bonjour, c’est moi")
        await nadia.reads(talk, "Bonjour, c’est moi")
        assert await nadia.client.open_direct(seen["camille"]) == talk
        await nadia.client.add_people(team, [seen["camille"]])
        await until(lambda: camille.client.conversation(team), "Camille is in the team")
        # Hugo is in a conversation with her now.
        assert await hugo.client.open_direct(await hugo.find(camille))

    play(town, tmp_path, acts)


def test_only_the_own_establishment(town: Town, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia = await enter(scene, camille="hospital", hugo="hospital", nadia="practice")
        await camille.client.presence.set_wishes(WishesView(contact="establishment"))
        await refused_to(nadia, await nadia.find(camille))
        talk = await hugo.client.open_direct(await hugo.find(camille))
        await hugo.client.send_text(talk, "On se voit au staff")
        await camille.reads(talk, "On se voit au staff")

    play(town, tmp_path, acts)


def test_who_is_awaited_and_does_not_wish_it_any_more_is_forgotten(town: Town, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await enter(scene, camille="coast", hugo="coast")
        late = scene.device("late", town.at("coast"))
        await late.register()  # certified, but nobody can add this device before it has come online
        found = await camille.client.search_people(late.who.family, place=late.who.jobs[0].town)
        name = f"Dr {late.who.given} {late.who.family.title()}"
        person = next(one for one in found if one.display_name == name)
        team = await camille.client.create_group("Équipe", "", [await camille.find(hugo), person])
        await until(lambda: hugo.client.conversation(team), "Hugo is in the team")
        account = camille.client._account
        assert account is not None
        await until(lambda: account.store.all_rows("tasks"), "the late one is awaited")
        database = Database(town.folder / "miss.db")
        with database.transaction() as connection:
            wishes.keep(connection, person.person_id, Wishes(contact="known"), now_ms())
        database.close()
        account.latecomers.resume()
        await until(lambda: not account.store.all_rows("tasks"), "nobody is awaited any more")
        await camille.client.send_text(team, "On commence")
        await hugo.reads(team, "On commence")
        await late.enter()
        assert late.client.conversations() == []

    play(town, tmp_path, acts)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    one = Office(tmp_path_factory.mktemp("wishes") / "data")
    one.start()
    yield one
    one.stop()


def test_a_commit_that_brings_in_who_does_not_wish_it_is_refused(office: Office) -> None:
    """A client that asks nobody, with a key package it took while it still might."""

    async def scene() -> None:
        camille, stranger, friend = (office.device() for _ in range(3))
        async with office.wire(stranger) as wire:
            packages = [camille.key_package() for _ in range(3)]
            direct = Circle(office, stranger, [stranger.person_id, camille.person_id], DIRECT)
            assert isinstance(await wire.submit(direct.creation()), Accepted)
            team = await make_circle(office, wire, friend)
            await asyncio.to_thread(
                office.in_database, wishes.keep, camille.person_id, Wishes(contact="known"), now_ms()
            )
            for circle, package in ((direct, packages[0]), (team, packages[1])):
                commit, _ = circle.adding(package)
                answer = await wire.submit(commit)
                assert isinstance(answer, Refused)
                assert (answer.reason, answer.detail) == (Refusal.FORBIDDEN, "not-contactable")
            headers = {"Authorization": f"Bearer {await wire.ticket()}"}
            async with httpx.AsyncClient(base_url=office.url, headers=headers, timeout=60) as http:
                denied = await http.post(f"/v1/people/{camille.person_id.hex()}/key-packages")
            assert (denied.status_code, denied.json()["reason"]) == (403, "not-contactable")
            assert "Vous ne pouvez pas écrire à cette personne" in denied.json()["sentence"]
            # Nothing was written: the same commit is taken once the wish is another.
            await asyncio.to_thread(office.in_database, wishes.keep, camille.person_id, Wishes(), now_ms())
            commit, _ = team.adding(packages[2])
            assert isinstance(await wire.submit(commit), Accepted)

    play_bare(scene)


def test_whom_one_left_is_a_stranger_again_and_who_lost_a_phone_is_not(office: Office) -> None:
    async def scene() -> None:
        camille, admin, phone = (office.device() for _ in range(3))

        def known(one: Certified) -> bool:
            return office.in_database(wishes.know_each_other, camille.person_id, one.person_id)

        async with office.wire(admin) as wire:
            circle = await make_circle(office, wire, camille, phone)
            assert known(admin)
            assert known(phone)
            office.in_database(devices.revoke, phone.device_id, "test", now_ms())
            rows = await wire.rows(1, circle.stream)
            circle.group = mls.receive_proposal(circle.group, rows[0].body, circle.rules).group
            commit, circle.group = circle.committing()
            assert isinstance(await wire.submit(commit), Accepted)
            assert known(phone)  # gone by a loss
            commit, circle.group = circle.committing(mls.Remove(leaf_of(circle, camille)))
            assert isinstance(await wire.submit(commit), Accepted)
            assert not known(admin)

    play_bare(scene)
