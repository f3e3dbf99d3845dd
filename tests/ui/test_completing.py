"""What is missing of a patient is written where it is said to be missing, by who may write it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from miss_app.engine.patients import Patient
from miss_app.ui import driver
from miss_app.ui.screens.patient_sheet import PatientSheet
from ui.cast import fill
from ui.first_use import into_chat, typed_blindly
from ui.rehearsal import Rehearsal, opened
from ui.stage import Scene

Rehearse = Callable[..., Rehearsal]


def test_a_patient_without_a_number_is_said_to_have_none(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    into_chat(play)
    play.tap("chat-patient")
    assert play.read("chat-patient-number") == "Ni INS ni numéro de dossier."
    play.tap("chat-patient-complete")
    play.until(lambda: play.sees("edit-born"))
    typed_blindly(play, "1941")
    assert play.read("edit-born") == "1941"  # title and name are there: the first that is empty
    play.tap("edit-save")
    assert play.did("call")[2:4] == (play.scene.talks[0].title, Patient("Mme T.", "1941"))
    play.until(lambda: not play.sees("edit-save"))
    assert play.sees("composer")


def test_who_may_not_complete_a_patient_is_not_asked_to(rehearse: Rehearse) -> None:
    scene = opened(fill(Scene()))
    team = scene.talks[0]
    scene.talks[0] = replace(team, members=tuple(replace(one, admin=False) for one in team.members))
    play = rehearse(scene)
    into_chat(play)
    play.tap("chat-patient")
    play.until(lambda: play.sees("chat-patient-number"))
    assert not play.sees("chat-patient-complete")


@pytest.mark.parametrize(
    ("known", "first"),
    [
        (Patient(), "edit-patient"),
        (Patient("Mme T."), "edit-born"),
        (Patient("Mme T.", "1941"), "edit-number"),
        (Patient("Mme T.", "1941", "4711"), "edit-patient"),
    ],
)
def test_the_cursor_is_in_the_first_line_about_the_patient_that_is_empty(
    rehearse: Rehearse, known: Patient, first: str
) -> None:
    play = rehearse(opened(fill(Scene())))
    play.app.shell.show_sheet(PatientSheet(play.app, known))
    play.until(lambda: play.sees(first) and driver.find(first).focus)


def test_a_conversation_without_a_title_is_given_one_first(rehearse: Rehearse) -> None:
    scene = opened(fill(Scene()))
    scene.talks[0] = replace(scene.talks[0], title="")
    play = rehearse(scene)
    into_chat(play)
    play.tap("chat-patient")
    play.tap("chat-patient-complete")
    play.until(lambda: play.sees("edit-title") and driver.find("edit-title").focus)
