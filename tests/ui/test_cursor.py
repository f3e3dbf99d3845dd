"""Where the cursor stands, and where it goes when something is wrong: what is typed blindly must arrive."""

from collections.abc import Callable

import pytest

from miss_app.engine.events import (
    RegistrationView,
    Stage,
)
from miss_app.engine.problems import Problem
from miss_app.ui import driver
from ui.rehearsal import Rehearsal
from ui.test_new_user import staged, typed_blindly

Rehearse = Callable[..., Rehearsal]


@pytest.mark.parametrize(
    ("stage", "name"), [(Stage.IDENTITY, "claim-rpps"), (Stage.CODE, "code-field"), (Stage.PIN, "pin-field")]
)
def test_the_first_field_takes_what_is_typed(rehearse: Rehearse, stage: Stage, name: str) -> None:
    play = rehearse(staged(stage))
    typed_blindly(play, "123456")
    assert play.read(name) == "123456"


def test_a_wrong_pin_says_how_many_tries_are_left_and_is_typed_anew(rehearse: Rehearse) -> None:
    scene = staged(Stage.LOCKED)
    scene.refuse["unlock"] = Problem("pin-wrong", tries_left=8)
    play = rehearse(scene)
    typed_blindly(play, "111222")
    driver.key("enter")
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == "PIN faux. Il vous reste 8 essais."
    del scene.refuse["unlock"]
    typed_blindly(play, "482915")
    driver.key("enter")
    play.until(lambda: play.did("unlock")[1] == "482915")


def test_a_wrong_code_is_typed_anew(rehearse: Rehearse) -> None:
    scene = staged(Stage.CODE)
    scene.refuse["enter_code"] = Problem("code-wrong")
    play = rehearse(scene)
    play.tap("code-go")
    play.until(lambda: play.sees("problem"))
    typed_blindly(play, "ABCD")
    assert play.read("code-field") == "ABCD"


def test_a_pin_that_differs_is_typed_anew_where_it_differs(rehearse: Rehearse) -> None:
    play = rehearse(staged(Stage.PIN))
    play.type("pin-field", "482915")
    play.tap("pin-go")
    play.until(lambda: play.sees("problem"))
    typed_blindly(play, "482915")
    driver.key("enter")
    assert play.did("choose_pin")[1] == "482915"


def test_who_waits_for_an_operator_is_told_why(rehearse: Rehearse) -> None:
    scene = staged(Stage.WAITING)
    scene.now_registration = RegistrationView(Stage.WAITING, "operator", problem="homonym")
    play = rehearse(scene)
    assert play.read("waiting-why") == "Plusieurs professionnels portent ce nom\u00a0: un opérateur vérifie."
