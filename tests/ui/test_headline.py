"""Whom a team is about is told wherever the team is named alone; a patient's name may be all of a team's title."""

from collections.abc import Callable
from dataclasses import replace

from miss_app.engine.events import ConversationChanged, MessageAdded
from miss_app.engine.patients import Patient
from miss_app.ui import driver
from miss_app.ui.headline import headline
from miss_app.ui.texts import words
from miss_protocol.acts import Level
from ui.acts_scenes import acts
from ui.cast import CAMILLE, NADIA, fill, person
from ui.patient_scenes import with_patients
from ui.rehearsal import Rehearsal, opened
from ui.stage import NOW_MS, Scene

Rehearse = Callable[..., Rehearsal]


def test_a_team_of_the_patient_s_name_is_not_named_twice() -> None:
    talk = replace(fill(Scene()).talks[0], patient="Mme T.")
    assert headline(talk) == f"{talk.title} – Mme T."
    assert headline(replace(talk, title="Mme T.")) == "Mme T."
    assert headline(replace(talk, title="", patient="")) == words.say("list.untitled")


def test_the_patient_is_named_with_the_team_where_something_is_urgent_waits_or_was_found(rehearse: Rehearse) -> None:
    scene = fill(Scene())
    acts(scene)
    with_patients(scene)
    play = rehearse(opened(scene))
    play.type("list-search", "bilan")
    play.until(lambda: play.sees("found-0"))
    assert "Mme Odette Modèle" in play.read("found-0")
    driver.find("list-search").text = ""
    play.tap("list-open")
    play.until(lambda: play.sees("open-0"))
    assert "Mme Odette Modèle" in play.read("open-0")
    play.tap("back")
    play.tap("conversation-1")
    play.until(lambda: play.sees("composer"))
    talk = scene.talks[2]
    came = scene.new_message(
        talk.conversation_id,
        "text",
        text="Vite",
        author=NADIA,
        at_ms=NOW_MS,
        level=Level.URGENT,
        reason="chute",
        open=True,
    )
    scene.talks[2] = replace(talk, unread=1, urgent=True, open=1, last=came)
    scene.tell(MessageAdded(came))
    scene.tell(ConversationChanged(scene.talks[2]))
    play.until(lambda: play.sees("urgent-open"))
    assert "Mme Odette Modèle" in play.read("urgent-came")


def test_a_patient_s_name_is_title_enough(rehearse: Rehearse) -> None:
    scene = opened(fill(Scene()))
    play = rehearse(scene)
    play.tap("new-group")
    play.type("group-patient", "Mme Z.")
    play.type("people-search", "Camille")
    play.tap("person-0")
    play.tap("group-create")
    assert play.did("create_group")[1:] == ("Mme Z.", "Mme Z.", ["Dr Camille Exemple"])
    assert scene.now_group == (Patient("Mme Z."), None), (
        "how long it is kept was nobody's choice: the chat says nothing"
    )


def test_from_a_conversation_of_two_a_patient_is_spoken_of_in_a_team(rehearse: Rehearse) -> None:
    scene = opened(fill(Scene()))
    play = rehearse(scene)
    play.tap("conversation-1")
    play.tap("info-open")
    play.until(lambda: play.sees("member-0"))
    assert "responsable" not in play.read("member-0") + play.read("member-1")
    play.tap("info-about-patient")
    play.until(lambda: "1" in play.read("group-create"))
    play.type("group-patient", "Mme Z.")
    play.tap("group-create")
    assert play.did("create_group")[3] == [CAMILLE.display_name]


def test_people_of_one_name_are_told_apart_by_their_town(rehearse: Rehearse) -> None:
    scene = opened(fill(Scene()))
    twin = person(42, CAMILLE.display_name, "Infirmier", "Centre hospitalier régional universitaire, Autre-Ville")
    scene.people = [*scene.people, twin]
    play = rehearse(scene)
    play.tap("new-message")
    play.type("people-search", "camille")
    play.until(lambda: play.sees("person-1"))
    assert "Infirmier · Autre-Ville, Centre hospitalier" in play.read("person-1")


def test_a_team_whose_title_is_taken_away_bears_its_patient_s_name(rehearse: Rehearse) -> None:
    scene = fill(Scene())
    with_patients(scene)
    play = rehearse(opened(scene))
    play.tap("conversation-0")
    play.tap("info-open")
    play.tap("info-edit")
    play.until(lambda: play.sees("edit-title"))
    driver.find("edit-title").text = ""
    play.tap("edit-save")
    assert play.did("call")[2] == "Mme Odette Modèle"
