"""What an admin decides in a care team, over real sockets: patient, keeping, admins; everybody comes to hold the same."""

from pathlib import Path

import pytest

from cast import Device, Post, Scene, play, until
from miss_app.engine.patients import Patient
from miss_app.engine.problems import Problem
from plays.test_group import TITLE, team

ODETTE = Patient("Mme Odette Canari", "1941-03-07", "269054958815780")
RENE = Patient("M. René Moineau", "1950-01-02")


def about(one: Device, chat: bytes) -> Patient:
    view = one.client.conversation(chat)
    assert view is not None
    return Patient(view.patient, view.birth_date, view.identifier)


def told(one: Device, chat: bytes, notice: str) -> list[tuple[str, ...]]:
    return [line.names for line in one.lines(chat) if line.notice == notice]


async def everybody(devices: list[Device], chat: bytes, patient: Patient) -> None:
    for one in devices:
        await until(lambda one=one: about(one, chat) == patient, f"{one.name}: {patient.name}")


def admins(one: Device, chat: bytes) -> set[bytes]:
    view = one.client.conversation(chat)
    assert view is not None
    return {member.person.person_id for member in view.members if member.admin}


def test_the_patient_is_an_admins_to_say(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        all_three, who = [camille, hugo, nadia], camille.view.display_name
        with pytest.raises(Problem, match="not-admin"):
            await hugo.client.teams.call(chat, TITLE, ODETTE)
        with pytest.raises(Problem, match="ins-wrong"):
            await camille.client.teams.call(chat, TITLE, Patient("Mme O. C.", "", "269054958815781"))
        before = about(hugo, chat)
        typed = Patient("Mme Odette Canari", "07/03/1941", "2 69 05 49 588 157 80")
        await camille.client.teams.call(chat, TITLE, typed)
        await everybody(all_three, chat, ODETTE)
        assert told(hugo, chat, "patient-corrected") == [(who, before.name, "", ODETTE.name, ODETTE.birth_date)]
        # Somebody else's data ask twice; a correction does not.
        for other in (RENE, Patient("Mme Odette Canari", "1914-03-07")):
            with pytest.raises(Problem, match="another-patient"):
                await camille.client.teams.call(chat, TITLE, other)
        await camille.client.teams.call(chat, TITLE, RENE, another=True)
        await everybody(all_three, chat, RENE)
        line = next(line for line in hugo.lines(chat) if line.notice == "patient-changed")
        assert line.kind == "warning"
        assert line.names == (who, ODETTE.name, ODETTE.birth_date, RENE.name, RENE.birth_date)
        await camille.client.teams.call(chat, TITLE, ODETTE, another=True)
        await everybody(all_three, chat, ODETTE)
        corrected = Patient("Mme Odette Canary", ODETTE.birth_date, ODETTE.identifier)
        await camille.client.teams.call(chat, "Plaie du talon", corrected)
        await everybody(all_three, chat, corrected)
        for one in all_three:
            assert len(told(one, chat, "patient-corrected")) == len(told(one, chat, "patient-changed")) == 2
            assert told(one, chat, "renamed") == [(who, "Plaie du talon")]
        await camille.client.teams.call(chat, "Plaie du talon", Patient())
        await everybody(all_three, chat, Patient())
        # Who is added later is told of the last word only, and of who is an admin.
        await camille.client.teams.call(chat, "Plaie du talon", ODETTE)
        ines, desk = (await scene.enter("ines"))[0], scene.device("hugo desk", hugo.who)
        await camille.client.add_people(chat, [await camille.find(ines)])
        await desk.link_from(hugo)
        for one in (ines, desk):
            await until(lambda one=one: one.client.conversation(chat) is not None, f"{one.name} is in")
        await everybody([*all_three, ines, desk], chat, ODETTE)
        assert not told(ines, chat, "patient-changed")

    play(post, tmp_path, acts)


def test_another_patients_words_are_seen(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        people = [await camille.find(hugo)]
        odette = await camille.client.create_group("Canari", ODETTE, people)
        rene = await camille.client.create_group("Moineau", RENE, people)
        nobody = await camille.client.create_group("Garde", Patient(), people)
        homonym = await camille.client.create_group("Canari bis", Patient("Odette CANARI", "1943"), people)
        teams = camille.client.teams
        found = [(one.conversation.title, one.homonym) for one in teams.about(ODETTE, but=odette)]
        assert found == [("Canari bis", True)]
        assert [one.conversation.conversation_id for one in teams.about(Patient("René Moineau"))] == [rene]
        assert not teams.about(RENE)[0].homonym
        assert [one.title for one in teams.strangers_in(odette, "Mme Canari va bien, M. Moineau aussi")] == ["Moineau"]
        assert teams.strangers_in(odette, "Odette Canari va bien") == []
        assert teams.strangers_in(nobody, "M. Moineau va bien") == []
        for chat in (odette, rene, nobody, homonym):
            await until(lambda chat=chat: len(camille.client.conversation(chat).members) == 2, "Hugo is in")
        said = await camille.client.send_text(odette, "Pansement refait")
        for target in (rene, homonym):
            with pytest.raises(Problem, match="other-patient"):
                await camille.client.deeds.forward(odette, said, target)
        await camille.client.deeds.forward(odette, said, rene, other_patient=True)
        await hugo.reads(rene, "Pansement refait")
        await camille.client.deeds.forward(odette, said, nobody)
        await hugo.reads(nobody, "Pansement refait")

    play(post, tmp_path, acts)


def test_how_long_devices_keep_is_said_at_the_beginning_and_decided_by_an_admin(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, ines = await scene.enter("camille", "hugo", "ines")
        with pytest.raises(Problem, match="retention-unknown"):
            await camille.client.create_group("Garde", "", [await camille.find(hugo)], days=366)
        chat = await camille.client.create_group("Garde", "", [await camille.find(hugo)], days=365)
        for one in (camille, hugo):
            await until(lambda one=one: told(one, chat, "retention"), f"{one.name} is told at the beginning")
        with pytest.raises(Problem, match="not-admin"):
            await hugo.client.teams.keep(chat, 30)
        await camille.client.teams.keep(chat, 30)
        for one in (camille, hugo):
            await until(lambda one=one: one.client.conversation(chat).retention_days == 30, f"{one.name}: 30 days")
            assert [names[1] for names in told(one, chat, "retention")] == ["365", "30"]
        await camille.client.add_people(chat, [await camille.find(ines)])
        await until(lambda: ines.client.conversation(chat) is not None, "Inès is in")
        await until(lambda: ines.client.conversation(chat).retention_days == 30, "what holds is said to who comes")
        await hugo.client.send_text(chat, "Bienvenue")
        await camille.reads(chat, "Bienvenue")
        assert len(told(hugo, chat, "retention")) == 2  # said again for who came, and told to nobody else

    play(post, tmp_path, acts)


def test_admins_are_named_and_resign_and_somebody_always_is(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        all_three = [camille, hugo, nadia]
        me = {one.name: one.view.person_id for one in all_three}
        names = {one.name: one.view.display_name for one in all_three}
        with pytest.raises(Problem, match="not-admin"):
            await hugo.client.teams.name_admin(chat, me["hugo"])
        with pytest.raises(Problem, match="last-admin"):
            await camille.client.teams.resign(chat)
        with pytest.raises(Problem, match="person-not-in"):
            await camille.client.teams.name_admin(chat, b"x" * 16)
        await camille.client.teams.name_admin(chat, me["hugo"])
        for one in all_three:
            await until(lambda one=one: admins(one, chat) == {me["camille"], me["hugo"]}, f"{one.name}: two admins")
            await until(lambda one=one: told(one, chat, "admin-named"), f"{one.name} is told")
            assert told(one, chat, "admin-named") == [(names["camille"], names["hugo"])]
        await camille.client.teams.resign(chat)
        for one in all_three:
            await until(lambda one=one: admins(one, chat) == {me["hugo"]}, f"{one.name}: Hugo alone")
            await until(lambda one=one: told(one, chat, "admin-resigned"), f"{one.name} is told")
        with pytest.raises(Problem, match="not-admin"):
            await camille.client.teams.call(chat, "Encore moi", Patient())
        # Hugo decides, and leaves: the lowest leaf, Camille's, is admin again.
        await hugo.client.teams.call(chat, "À Hugo", ODETTE, another=True)
        await everybody(all_three, chat, ODETTE)
        await hugo.client.leave(chat)
        for one in (camille, nadia):
            await until(lambda one=one: admins(one, chat) == {me["camille"]}, f"{one.name}: Camille again")
            await until(lambda one=one: told(one, chat, "admin-succeeds"), f"{one.name} is told")
        # Who was an admin, and is removed, does not come back as one.
        await camille.client.add_people(chat, [await camille.find(hugo)])
        await until(lambda: len(nadia.client.conversation(chat).members) == 3, "Hugo is back")
        await until(lambda: len(camille.client.conversation(chat).members) == 3, "Hugo is back")
        await camille.client.teams.name_admin(chat, me["nadia"])
        await until(lambda: me["nadia"] in admins(camille, chat), "Nadia decides too")
        await nadia.client.remove_person(chat, me["camille"])
        await until(lambda: not camille.client.conversation(chat).active, "Camille is out")
        await nadia.client.add_people(chat, [await nadia.find(camille)])
        await until(lambda: camille.client.conversation(chat).active, "Camille is back")
        assert me["camille"] not in admins(camille, chat)

    play(post, tmp_path, acts)
