"""The sentence of what went wrong goes with the fault: at the first change, and nothing moves by it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from miss_app.engine.events import Stage
from miss_app.engine.problems import Problem
from miss_app.ui import driver
from miss_app.ui.texts import words
from ui.attachment_scenes import photo_files
from ui.cast import EVERYBODY, fill
from ui.patient_scenes import with_patients
from ui.rehearsal import Rehearsal, opened
from ui.stage import Scene

Rehearse = Callable[..., Rehearsal]
PHONE = (420, 860)


def gate(rehearse: Rehearse, stage: Stage, size: tuple[int, int] = PHONE) -> Rehearsal:
    scene = fill(Scene())
    scene.now_stage = stage
    return rehearse(scene, size)


def in_chat(rehearse: Rehearse) -> Rehearsal:
    scene = opened(fill(Scene()))
    with_patients(scene)
    play = rehearse(scene, PHONE)
    play.tap("conversation-0")
    play.until(lambda: play.sees("composer"))
    play.pump(6)
    return play


def place(name: str) -> tuple[float, float]:
    widget = driver.find(name)
    x, y = widget.to_window(*widget.pos)
    return x, y


def mends(play: Rehearsal, change: Callable[[], object], button: str) -> None:
    """The sentence is there, goes at the change, and the button stays where it was."""
    play.until(lambda: play.sees("problem"))
    play.pump(6)
    before = place(button)
    change()
    play.until(lambda: not play.sees("problem"))
    play.pump(6)
    assert place(button) == pytest.approx(before)


def test_an_invitation_that_is_typed_and_a_language_that_is_no_mending(rehearse: Rehearse) -> None:
    play = gate(rehearse, Stage.INVITATION)
    play.tap("invitation-go")
    play.tap("language-en")
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == words.problem("invitation-empty")
    mends(play, lambda: play.type("invitation-link", "h"), "invitation-go")


def test_a_charter_that_is_ticked_and_a_profession_that_is_chosen(rehearse: Rehearse) -> None:
    play = gate(rehearse, Stage.IDENTITY, (420, 1200))
    play.until(lambda: play.sees("claim-go"))
    play.tap("claim-go")
    play.tap("claim-profession")
    play.pump(4)
    play.tap("profession-10")
    play.until(lambda: not play.sees("problem"))
    for name in ("rpps", "family", "given"):
        play.type(f"claim-{name}", "1")
    play.tap("claim-go")
    assert play.read("problem") == words.problem("charter-missing")
    mends(play, lambda: play.tap("claim-charter"), "claim-go")
    play.scene.refuse["claim"] = Problem("charter-changed")
    play.tap("claim-go")
    play.until(lambda: play.sees("problem"))  # the tick is taken back by the screen, which mends nothing
    assert driver.find("claim-charter").state_name == "open"


@pytest.mark.parametrize(
    ("stage", "field", "button"),
    [
        (Stage.CODE, "code-field", "code-go"),
        (Stage.PIN, "pin-field", "pin-go"),
        (Stage.LOCKED, "unlock-pin", "unlock-go"),
    ],
)
def test_another_code_or_pin(rehearse: Rehearse, stage: Stage, field: str, button: str) -> None:
    play = gate(rehearse, stage)
    play.until(lambda: play.sees(button))
    play.tap(button)
    mends(play, lambda: play.type(field, "1"), button)


def test_a_dose_that_is_filled_in(rehearse: Rehearse) -> None:
    play = in_chat(rehearse)
    play.scene.refuse["ask"] = Problem("dosage-incomplete")
    play.tap("more")
    play.tap("more-request")
    play.type("request-drug", "Apixaban")
    play.tap("request-send")
    mends(play, lambda: play.type("request-dose", "2"), "request-send")
    play.tap("request-send")
    mends(play, lambda: play.tap("request-question"), "request-send")


@pytest.mark.parametrize("unable", [False, True])
def test_a_patient_who_agrees_or_cannot(rehearse: Rehearse, tmp_path: Path, unable: bool) -> None:
    play = in_chat(rehearse)
    play.app.shell.stack[-1].attaching.edit(photo_files(tmp_path, 1))
    play.until(lambda: play.sees("photo-send") and not driver.find("photo-send").disabled)
    play.tap("photo-send")

    def consult() -> None:
        play.tap("photo-unable")
        play.tap("consent-3")

    mends(play, consult if unable else lambda: play.tap("photo-consent"), "photo-consent")


def test_a_team_that_finds_its_people(rehearse: Rehearse) -> None:
    scene = opened(fill(Scene()))
    scene.people = EVERYBODY
    play = rehearse(scene, PHONE)
    play.tap("new-group")
    play.tap("group-create")
    mends(play, lambda: play.type("group-title", "Plaies"), "group-create")
    play.tap("group-create")
    assert play.read("problem") == words.problem("group-empty")
    play.tap("favourite-0")
    play.until(lambda: not play.sees("problem"))


def test_in_a_chat_no_empty_room_stays(rehearse: Rehearse) -> None:
    play = in_chat(rehearse)
    play.tap("more")
    play.tap("more-urgent")
    before = driver.find("messages").height
    play.tap("send")
    mends(play, lambda: play.type("composer", "Venez"), "send")
    assert driver.find("messages").height == pytest.approx(before)
