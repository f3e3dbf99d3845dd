"""Patients, keeping, admins and absence on the screens: what is typed, asked twice, shown and told to the engine."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from miss_app.engine.events import ConversationChanged
from miss_app.engine.patients import Patient
from miss_app.engine.problems import Problem
from miss_app.ui import driver
from miss_app.ui.screens.patient_sheet import PatientSheet
from ui import patient_scenes
from ui.cast import EVERYBODY, NADIA, ROBIN, fill, member
from ui.patient_scenes import absent, with_patients
from ui.rehearsal import Rehearsal, opened
from ui.stage import Scene

Rehearse = Callable[..., Rehearsal]


def staged(prepare: Callable[[Scene], None] = with_patients) -> Scene:
    scene = opened(fill(Scene()))
    prepare(scene)
    return scene


def into_chat(play: Rehearsal) -> None:
    play.tap("conversation-0")
    play.until(lambda: play.sees("composer"))


def write(play: Rehearsal, name: str, text: str) -> None:
    """Type in place of what stands there."""
    play.until(lambda: play.sees(name), name)
    driver.find(name).text = ""
    play.type(name, text)


def gone(play: Rehearsal, name: str) -> None:
    play.until(lambda: not play.sees(name), f"{name} is gone")


def test_the_banner_says_whom_it_is_about_and_folds(rehearse: Rehearse) -> None:
    play = rehearse(staged())
    into_chat(play)
    strip = play.app.shell.stack[-1].ids.patient
    assert strip.text == "Mme Odette Modèle · 7 mars 1941 · 85 ans"
    assert "Odette MODELE (22 novembre 1958)" in play.read("chat-patient-homonym")
    assert not play.sees("chat-patient-number")
    play.tap("chat-patient")
    assert play.read("chat-patient-number").replace("\u00a0", " ") == "INS 2 69 05 49 588 157 80"
    play.tap("chat-patient-others")
    play.until(lambda: play.sees("patient-talk-0"))
    play.tap("patient-talk-0")
    play.until(lambda: play.app.shell.stack[-1].title == "Néphrologie – CH Fictif")
    # A correction made elsewhere is in the banner at once.
    talk = replace(play.scene.talks[2], patient="Mme Odile Modèle", birth_date="1941-03")
    play.scene.talks[2] = talk
    play.scene.tell(ConversationChanged(talk))
    play.until(lambda: play.app.shell.stack[-1].ids.patient.text == "Mme Odile Modèle · mars 1941")


def test_another_patients_words_are_asked_about_twice(rehearse: Rehearse) -> None:
    play = rehearse(staged())
    into_chat(play)
    play.type("composer", "M. Fictif sort demain")
    play.tap("send")
    play.tap("sheet-close")
    assert not [one for one in play.scene.asked if one[0] == "send_text"]
    assert play.read("composer") == "M. Fictif sort demain"  # nothing is lost
    play.tap("send")
    play.tap("other-patient-continue")
    assert not [one for one in play.scene.asked if one[0] == "send_text"]
    play.tap("other-patient-yes")
    assert play.did("send_text")[2] == "M. Fictif sort demain"
    play.type("composer", "Mme Modèle va bien")
    play.tap("send")
    play.until(lambda: play.did("send_text")[2] == "Mme Modèle va bien")


def test_a_new_team_says_its_patient_and_how_long_it_is_kept(rehearse: Rehearse) -> None:
    scene = staged()
    scene.people = EVERYBODY
    play = rehearse(scene)
    play.tap("new-group")
    play.type("group-title", "Retour à domicile")
    play.type("group-patient", "Odette Modèle")
    play.tap("group-patient-more")
    play.until(lambda: play.sees("edit-born"))
    play.type("edit-born", "31/02/1943")
    play.tap("edit-save")
    play.until(lambda: "naissance" in play.read("problem"))
    write(play, "edit-born", "12/04/1943")
    play.type("edit-number", "2 69 05 49 588 157 80")
    play.until(lambda: play.sees("patient-known"))  # the INS says that it is the same
    write(play, "edit-number", "4711")
    play.until(lambda: play.sees("patient-homonym"))
    play.tap("edit-save")
    gone(play, "edit-save")
    assert play.read("group-patient-more") == "12 avril 1943 · Dossier 4711"
    play.tap("group-kept")
    play.tap("kept-90")
    play.until(lambda: play.read("group-kept") == "Messages gardés 3 mois")
    play.type("people-search", "nadia")
    play.tap("person-0")
    play.tap("group-create")
    play.until(lambda: play.sees("group-create-yes"))
    assert not [one for one in scene.asked if one[0] == "create_group"]
    play.tap("group-create-yes")
    play.did("create_group")
    assert scene.now_group == (Patient("Odette Modèle", "1943-04-12", "4711"), 90)


@pytest.mark.parametrize("typed", ["4/5/38", "4.5.1938", "04051938", "1938-05-04"])
@pytest.mark.parametrize("by", ["enter", "edit-number", "edit-save"])
def test_a_birth_date_is_written_back_as_it_was_understood(rehearse: Rehearse, typed: str, by: str) -> None:
    play = rehearse(opened(fill(Scene())))
    kept: list[Patient] = []
    play.app.shell.show_sheet(PatientSheet(play.app, Patient("Mme T."), kept.append))
    if by == "edit-save":
        play.type("edit-number", "2 69 05 49 588 157 81")  # which is refused: the panel stays
    play.type("edit-born", typed)
    assert play.read("edit-born") == typed  # nothing changes under who types
    if by == "enter":
        driver.key("enter")
    else:
        play.tap(by)
    play.until(lambda: play.read("edit-born") == "04/05/1938")
    if by == "edit-save":
        play.pump(6)
        assert "INS" in play.read("problem")  # writing the date back is no mending
        return
    play.tap("edit-save")
    assert kept == [Patient("Mme T.", "1938-05-04")]


def test_a_birth_date_that_is_none_stays_as_it_was_typed(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.app.shell.show_sheet(PatientSheet(play.app, Patient("Mme T.")))
    play.type("edit-born", "31/2/38")
    play.tap("edit-save")
    play.pump(6)
    assert play.read("edit-born") == "31/2/38"
    assert "naissance" in play.read("problem")


def test_an_admin_corrects_the_patient_and_confirms_another_twice(rehearse: Rehearse) -> None:
    play = rehearse(staged())
    patient_scenes.info_edit(play)
    write(play, "edit-title", "Plaie du talon")
    play.tap("edit-save")
    verb = play.did("call")
    assert verb[2:] == ("Plaie du talon", Patient("Mme Odette Modèle", "1941-03-07", "269054958815780"), False)
    play.tap("info-edit")
    write(play, "edit-patient", "M. René Fictif")
    play.scene.refuse["call"] = Problem("another-patient")
    play.tap("edit-save")
    play.tap("other-patient-continue")
    play.scene.refuse.clear()
    play.tap("other-patient-yes")
    play.until(lambda: play.did("call")[4] is True)


def test_how_long_who_decides_and_resigning(rehearse: Rehearse) -> None:
    scene = staged()
    team = scene.talks[0]
    scene.talks[0] = replace(team, members=(team.members[0], member(NADIA, admin=True), *team.members[3:]))
    play = rehearse(scene, (420, 1600))
    patient_scenes.info_patient(play)
    play.tap("info-kept")
    play.tap("kept-30")
    assert play.did("keep")[1:] == (team.conversation_id, 30)
    play.tap("member-2")
    play.until(lambda: play.sees("identity-name-admin"))
    play.tap("identity-name-admin")
    assert play.did("name_admin")[1] == team.conversation_id
    gone(play, "identity-name-admin")
    play.tap("back")
    play.tap("member-1")
    play.until(lambda: play.sees("identity-write"))
    assert not play.sees("identity-name-admin")  # Nadia is one already
    play.tap("back")
    play.tap("resign")
    play.tap("resign-yes")
    assert play.did("resign")[1] == team.conversation_id


def test_who_is_away_is_told_before_writing(rehearse: Rehearse) -> None:
    play = rehearse(staged(absent))
    play.tap("conversation-1")
    play.until(lambda: play.sees("chat-away"))
    assert play.read("chat-away").startswith("Dr Camille Exemple\u00a0: absence jusqu’au 3 juin 2026.")
    play.tap("chat-away-write")
    assert play.did("open_direct")[1] == ROBIN.person_id
