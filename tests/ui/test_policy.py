"""What a person sees of the establishment's rules for the machine, on the real screens."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from miss_app.engine.events import Stage
from miss_app.policy import CAUTIOUS, COPIES, DOCUMENTS, NOTICES, PHOTOS, Policy
from miss_app.ui import driver
from miss_app.ui.picking import is_document, is_photo
from miss_app.ui.screens.document_viewer import DocumentViewer
from miss_app.ui.texts import words
from miss_app.workstation import Workstation
from ui.attachment_scenes import photo_files
from ui.cast import fill
from ui.rehearsal import Rehearsal, opened
from ui.stage import Scene

Rehearse = Callable[..., Rehearsal]
LINK = "miss://messagerie.ch-exemple.fr#" + "0a" * 32
POLICY = Policy(path="/etc/miss/policy.toml")


def chat(rehearse: Rehearse, **rules: object) -> Rehearsal:
    play = rehearse(opened(fill(Scene())), (410, 850))
    play.app.policy = replace(POLICY, **rules)
    play.tap("conversation-0")
    play.until(lambda: play.sees("composer"))
    return play


def test_the_only_server_is_tried_by_itself(rehearse: Rehearse) -> None:
    play = rehearse(Scene())
    play.app.policy = replace(POLICY, invitation=LINK)
    play.app.invitation = LINK
    play.app.stage = None
    play.app.show_stage(Stage.INVITATION)
    assert play.did("use_invitation")[1] == LINK


def test_where_no_server_is_allowed_none_is_tried(rehearse: Rehearse) -> None:
    play = rehearse(Scene())
    play.app.policy = CAUTIOUS
    play.app.stage = None
    play.app.show_stage(Stage.INVITATION)
    play.until(lambda: play.sees("invitation-fixed"))
    for part in ("link", "paste", "scan"):
        with pytest.raises(driver.OutOfReach):
            driver.tap(f"invitation-{part}")
    play.tap("invitation-go")
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == words.problem("policy-invitation")
    assert not [each for each in play.scene.asked if each[0] == "use_invitation"]


def test_a_short_pin_is_refused_with_the_length_that_is_wanted(rehearse: Rehearse) -> None:
    scene = Scene()
    scene.now_stage = Stage.PIN
    play = rehearse(scene)
    play.app.policy = replace(POLICY, pin_digits=8)
    play.app.stage = None
    play.app.show_stage(Stage.PIN)
    play.pump(6)
    for pin, refused in (("4289176", True), ("42891765", False)):
        play.type("pin-field", pin)
        play.type("pin-again", pin)
        play.tap("pin-go")
        if refused:
            play.until(lambda: play.sees("problem"))
            assert play.read("problem") == words.problem("policy-pin")
            page = play.app.shell.pages[-1]
            assert page.ids.pin.hint == "Au moins 8 chiffres"
            page.ids.pin.text = page.ids.again.text = ""
    assert play.did("choose_pin")[1] == "42891765"


@pytest.mark.parametrize("off", [PHOTOS, DOCUMENTS])
def test_what_is_not_sent_from_here_is_refused_however_it_comes(rehearse: Rehearse, tmp_path: Path, off: str) -> None:
    play = chat(rehearse, off=frozenset({off}))
    attaching = play.app.shell.stack[-1].attaching
    (photo,) = photo_files(tmp_path)
    document = tmp_path / "lettre.pdf"
    document.write_bytes(b"%PDF-1.4")
    assert is_photo(photo)
    assert is_document(document)
    before = len(play.app.shell.stack)
    ways = {
        PHOTOS: (attaching.choose, lambda: attaching.take([photo]), lambda: attaching.edit([(b"jpeg", "photo.jpg")])),
        DOCUMENTS: (attaching.choose_document, lambda: attaching.take([document])),
    }
    for way in ways[off]:
        play.app.shell.stack[-1].problem = ""
        way()
        play.pump(4)
        assert len(play.app.shell.stack) == before, "nothing was opened"
        assert not play.sees("photo-path")
        play.until(lambda: play.sees("problem"))
        assert play.read("problem") == words.problem(f"policy-{off}")
    other = ways[DOCUMENTS if off == PHOTOS else PHOTOS]
    other[0]()
    play.until(lambda: play.sees("sheet-close"), "the other one is as ever")


def test_the_system_shows_no_notification(rehearse: Rehearse, tmp_path: Path) -> None:
    """The application takes the rules from its place, and no notifier where they say so."""
    from miss_app.ui.app import MissApp
    from miss_app.ui.place import Place

    play = rehearse(opened(fill(Scene())))
    for off, expected in ((frozenset(), True), (frozenset({NOTICES}), False)):
        machine = Workstation(tmp_path, replace(POLICY, off=off))
        app = MissApp(play.scene, play.app.device, "", None, Place(machine, None, lambda _profile: play.scene))
        assert app.policy is machine.policy
        assert app.policy.allows(NOTICES) is expected


def test_no_copy_leaves(rehearse: Rehearse) -> None:
    play = chat(rehearse, off=frozenset({COPIES}))
    page = DocumentViewer.__new__(DocumentViewer)
    page.app = play.app
    DocumentViewer.ask_copy(page)
    play.pump(4)
    assert play.read("toast") == words.problem("policy-copies")
    assert not play.sees("document-copy-yes")


def test_the_wait_is_offered_up_to_the_rule(rehearse: Rehearse, tmp_path: Path) -> None:
    from miss_app.ui.place import Place

    play = rehearse(opened(fill(Scene())))
    for seconds, choices in ((0, [60, 120, 300, 600, 1800, 0]), (300, [60, 120, 300]), (45, [45])):
        machine = Workstation(tmp_path / str(seconds), replace(POLICY, idle_seconds=seconds))
        play.app.place = Place(machine, None, lambda _profile: play.scene, fixed=True)
        assert play.app.idle_choices() == choices


@pytest.mark.parametrize(
    ("wrong", "said"),
    [((), "suit les règles"), (("",), "ne se lisent pas"), (("pin_digit", "proxy"), "(pin_digit, proxy)")],
)
def test_about_says_which_rules_hold(rehearse: Rehearse, wrong: tuple[str, ...], said: str) -> None:
    from miss_app.ui.screens.about import AboutScreen

    play = rehearse(opened(fill(Scene())), (410, 850))
    play.app.policy = replace(POLICY, wrong=wrong)
    play.app.shell.open(AboutScreen(play.app))
    play.until(lambda: play.sees("about-policy"))
    assert said in play.read("about-policy")
    assert "/etc/miss/policy.toml" in play.read("about-policy")
    assert ("service informatique" in play.read("about-policy")) == bool(wrong)
