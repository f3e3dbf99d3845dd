"""Day one on the screens: invite, find without searching, choose who may write, accept a new charter, leave."""

from collections.abc import Callable

from miss_app.engine.events import CharterAsked, CharterView, PersonArrived, WishesView
from miss_app.engine.problems import Problem
from miss_app.ui.texts import words
from ui import dayone_scenes
from ui.cast import CAMILLE, INES, fill
from ui.rehearsal import Rehearsal, opened
from ui.stage import Scene

Rehearse = Callable[..., Rehearsal]


def settings_open(play: Rehearsal) -> None:
    play.tap("settings-open" if play.sees("settings-open") else "rail-settings")


def test_favourites_and_who_is_new_stand_there_before_a_search(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("new-message")
    play.until(lambda: play.sees("nearby-1"))
    assert play.read("favourite-0").startswith(CAMILLE.display_name)
    play.until(lambda: play.sees("colleague-0"))
    assert play.read("colleague-0").startswith("Dominique Factice")
    play.type("people-search", "factice")  # in no national register, but in the establishment's own list
    play.until(lambda: play.sees("colleague-0") and not play.sees("favourite-0"))
    play.app.shell.front.ids.finder.ids.name.text = ""
    play.type("people-search", "claude")
    play.until(lambda: play.sees("person-0") and not play.sees("favourite-0"))
    play.tap("back")
    play.tap("conversation-1")
    play.tap("info-open")
    play.until(lambda: play.sees("info-favourite"))
    play.tap("info-favourite")
    assert play.did("set_favourite")[1:] == (CAMILLE.display_name, False)
    play.until(lambda: play.read("info-favourite") == words.say("info.favourite"))


def test_who_was_invited_and_comes_is_said(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.scene.tell(PersonArrived(INES, play.scene.talks[0].conversation_id))
    play.until(lambda: play.sees("toast"))
    assert play.read("toast") == words.say("people.arrived", name=INES.display_name)


def test_privacy_is_shown_as_the_server_has_it_and_changed_at_a_tap(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    settings_open(play)
    play.tap("privacy-open")
    play.until(lambda: play.sees("contact-known") and play.app.shell.front.known)
    play.tap("contact-known")
    assert play.did("set_wishes")[1] == WishesView(False, "known")
    play.until(lambda: not play.app.shell.front.busy)
    play.tap("unlisted")
    play.until(lambda: play.scene.now_wishes == WishesView(True, "known"))
    play.scene.refuse["set_wishes"] = Problem("server-away")
    play.until(lambda: not play.app.shell.front.busy)
    play.tap("contact-all")
    play.until(lambda: play.sees("problem"))
    assert play.app.shell.front.contact == "known"


def test_leaving_asks_for_the_pin_and_a_word(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.app.go_leaving()
    play.until(lambda: play.sees("leaving-pin"))
    for pin, word, reason in (
        ("", "", "pin-empty"),
        ("482915", "", "leaving-unconfirmed"),
        ("482915", "rester", "leaving-unconfirmed"),
    ):
        play.app.shell.front.ids.pin.text, play.app.shell.front.ids.typed.text = pin, word
        play.app.shell.front.go()
        assert play.app.shell.front.problem == words.problem(reason)
    assert not [each for each in play.scene.asked if each[0] == "leave_miss"]
    play.app.shell.front.ids.typed.text = "quitter"
    play.app.shell.front.go()
    assert play.did("leave_miss")[1] == "482915"
    play.until(lambda: play.sees("invitation-go"))


def test_homonyms_are_told_apart(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    assert CAMILLE.profession not in play.read("conversation-1")
    dayone_scenes.homonyms(play)
    play.until(lambda: CAMILLE.profession in play.read("conversation-1"))
    assert any(INES.profession in play.read(f"conversation-{place}") for place in range(2, 7))


def test_another_charter_is_asked_about_once_and_can_wait(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    other = CharterAsked(CharterView("2027-01-01", "Une autre charte."))
    play.scene.tell(other)
    play.until(lambda: play.sees("charter-later"))
    play.scene.tell(other)
    play.pump(4)
    play.tap("charter-later")
    play.until(lambda: play.sees("conversation-0"))
    play.scene.tell(other)
    play.until(lambda: play.sees("charter-accept"))
    play.tap("charter-accept")
    assert play.did("accept_charter")[1] == "2027-01-01"
    play.until(lambda: play.sees("conversation-0"))


class Counted:
    """A person's hands: each tap, and each screen on which there was one."""

    def __init__(self, play: Rehearsal) -> None:
        self._play = play
        self.taps = 0
        self.screens: list[str] = []

    def tap(self, name: str) -> None:
        self._count(name)
        self._play.tap(name)

    def type(self, name: str, text: str) -> None:
        """A field is tapped, then written in."""
        self._count(name)
        self._play.type(name, text)

    def _count(self, name: str) -> None:
        self._play.until(lambda: self._play.sees(name), name)
        self.taps += 1
        screen = type(self._play.app.shell.front).__name__
        if screen not in self.screens:
            self.screens.append(screen)


def test_six_screens_and_few_taps_from_first_start_to_first_message(rehearse: Rehearse) -> None:
    """With an invitation beside the program, for somebody whose mailbox is listed, each field tapped by itself."""
    scene = fill(Scene())
    play = rehearse(scene, invitation="miss://serveur.example#abc")
    play.until(lambda: play.sees("claim-go"))
    hands = Counted(play)
    hands.type("claim-rpps", "99700123450")
    hands.type("claim-family", "Modèle")
    hands.type("claim-given", "Alix")
    hands.tap("claim-profession")
    hands.tap("profession-10")
    play.until(lambda: not play.sees("sheet-close"))
    hands.tap("claim-charter")
    hands.tap("claim-go")
    hands.type("code-field", "abcd1234")
    hands.tap("code-go")
    hands.type("pin-field", "482915")
    hands.type("pin-again", "482915")
    hands.tap("pin-go")
    hands.tap("new-message")
    hands.type("people-search", "dr camille")
    hands.tap("person-0")
    hands.type("composer", "Bonjour")
    hands.tap("send")
    assert play.did("send_text")[2] == "Bonjour"
    print(f"\nfrom first start: {len(hands.screens)} screens, {hands.taps} taps")
    assert (len(hands.screens), hands.taps) == (6, 17)
    assert len(hands.screens) <= 6
    assert hands.taps <= 25
