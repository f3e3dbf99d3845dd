"""The code of one's establishment on the screens: offered where the server has it, asked for in a panel."""

from collections.abc import Callable

from miss_app.engine.events import Stage
from miss_app.engine.problems import Problem
from miss_app.ui import driver
from miss_app.ui.checks import checked_words
from miss_app.ui.texts import words
from ui.rehearsal import Rehearsal
from ui.stage import Scene

Rehearse = Callable[..., Rehearsal]


def test_the_panel_asks_for_code_and_name(rehearse: Rehearse) -> None:
    scene = Scene()
    scene.now_stage = Stage.IDENTITY
    play = rehearse(scene)
    play.until(lambda: play.app.shell.front.vouching)
    play.type("claim-family", "Diallo")
    shows(play, "claim-voucher")
    play.tap("claim-voucher")
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == words.problem("charter-missing")
    shows(play, "claim-charter")
    play.tap("claim-charter")
    shows(play, "claim-voucher")
    play.tap("claim-voucher")
    play.until(lambda: play.sees("voucher-code"))
    assert play.read("voucher-family") == "Diallo"
    play.tap("voucher-go")
    assert not any(one[0] == "claim_vouched" for one in scene.asked)
    play.type("voucher-code", "4F7K-2222-3333-4444")
    play.type("voucher-given", "Aïssatou")
    scene.refuse["claim_vouched"] = Problem("voucher-used")
    play.tap("voucher-go")
    play.until(lambda: scene.asked[-1][0] == "claim_vouched")
    scene.refuse.clear()
    play.until(lambda: play.sees("voucher-go") and not play.app.shell.front.busy)
    play.tap("voucher-go")
    play.until(lambda: not play.sees("voucher-go"))
    assert play.did("claim_vouched")[1:4] == ("4F7K-2222-3333-4444", "Diallo", "Aïssatou")


def shows(play: Rehearsal, test_id: str) -> None:
    """Scrolls to a control that is below what a small window shows."""
    if not play.sees(test_id):
        driver.scroll("claim-given", 900)
    play.until(lambda: play.sees(test_id), test_id)


def test_the_badge_names_the_establishment() -> None:
    assert "CH du Parc" in checked_words("voucher", "CH du Parc, Lille")
    assert checked_words("voucher") == words.say("checked.voucher")
    assert checked_words("mailbox", "x") == words.say("checked.mailbox")
    assert checked_words("never heard of") == words.say("checked.unknown")
