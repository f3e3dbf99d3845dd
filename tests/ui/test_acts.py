"""What a reader does with messages, on really drawn screens: every deed by a finger, a click or the keyboard."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from kivy.core.clipboard import Clipboard

from miss_app.engine.events import (
    AnswerView,
    ChargeView,
    MessageAdded,
    MessageChanged,
    MessageRemoved,
    MessageView,
    SomeoneTyping,
    Tick,
)
from miss_app.engine.problems import Problem
from miss_app.engine.saying import Manner
from miss_app.ui import driver
from miss_app.ui.bubble_acts import head_of, tail_of
from miss_app.ui.bubble_parts import Note, Strong
from miss_app.ui.chat_rows import body
from miss_app.ui.driver import touch_point
from miss_app.ui.screens.conversations import MUTED_MS
from miss_app.ui.touch import DriverTouch
from miss_protocol.acts import Answer, Dosage, Level, Urgency, Verdict
from miss_protocol.content import Consent
from ui.acts_scenes import DOSAGE, acts
from ui.cast import CAMILLE, ME, fill
from ui.rehearsal import Rehearsal, opened
from ui.stage import NOW_MS, Scene
from ui.talk_scenes import chat


@pytest.fixture
def rehearsal(rehearse: Callable[..., Rehearsal]) -> Rehearsal:
    """The application, its vault open, a conversation in which every act has left its trace on the screen."""
    scene = opened(fill(Scene()))
    acts(scene)
    made = rehearse(scene, (420, 820))  # as much of the chat in sight as without the banner
    chat(made)
    made.pump(6)
    return made


@pytest.fixture
def talk(rehearsal: Rehearsal) -> bytes:
    return rehearsal.scene.talks[0].conversation_id


def line(rehearsal: Rehearsal, talk: bytes, text: str) -> MessageView:
    return next(one for one in rehearsal.scene.lines[talk] if one.text == text)


def name(message: MessageView) -> str:
    return f"message-{message.message_id.hex()[:8]}"


def asked(rehearsal: Rehearsal, deed: str) -> tuple[object, ...]:
    rehearsal.until(lambda: any(one[0] == deed for one in rehearsal.scene.asked))
    return next(one for one in rehearsal.scene.asked if one[0] == deed)[1:]


def menu(rehearsal: Rehearsal, message: MessageView, choice: str) -> None:
    driver.ask(name(message))
    rehearsal.until(lambda: rehearsal.sees(choice))
    rehearsal.tap(choice)
    rehearsal.pump(4)


def test_charge_is_taken_at_the_message(rehearsal: Rehearsal, talk: bytes) -> None:
    urgent = line(rehearsal, talk, "Chute dans la salle de bain, consciente.")
    driver.tap(name(urgent), "take-charge")
    assert asked(rehearsal, "take_charge") == (talk, urgent.message_id)


def test_nobody_takes_charge_of_what_they_did_not_touch(rehearsal: Rehearsal, talk: bytes) -> None:
    urgent = line(rehearsal, talk, "Chute dans la salle de bain, consciente.")
    another = replace(urgent, message_id=b"u" * 16)
    place = touch_point(driver.find(name(urgent)), "take-charge")
    touch = DriverTouch(*place)
    touch.down()
    rehearsal.pump(2)
    rehearsal.scene.lines[talk].append(another)
    rehearsal.scene.tell(MessageAdded(another))
    rehearsal.until(lambda: rehearsal.sees(name(another)))
    rehearsal.pump(4)
    assert touch_point(driver.find(name(another)), "take-charge") == pytest.approx(place, abs=4), "under the finger now"
    touch.up()
    rehearsal.pump(20)
    assert not [one for one in rehearsal.scene.asked if one[0] == "take_charge"]
    driver.tap(name(another), "take-charge")
    assert asked(rehearsal, "take_charge") == (talk, another.message_id)


@pytest.mark.parametrize("by_menu", [False, True])
@pytest.mark.parametrize("level", [Level.URGENT, Level.INFO])
def test_who_is_in_charge_no_more_is_asked_once(rehearsal: Rehearsal, talk: bytes, by_menu: bool, level: Level) -> None:
    urgent = line(rehearsal, talk, "Chute dans la salle de bain, consciente.")
    mine = replace(urgent, level=level, charge=ChargeView(ME, True, NOW_MS))
    rehearsal.scene.lines[talk][rehearsal.scene.lines[talk].index(urgent)] = mine
    rehearsal.scene.tell(MessageChanged(mine))
    rehearsal.pump(6)

    def let_go() -> None:
        if by_menu:
            menu(rehearsal, mine, "menu-release")
        else:
            driver.tap(name(mine), "release")
        rehearsal.until(lambda: rehearsal.sees("release-yes"))

    let_go()
    told = [str(one.text) for one in rehearsal.app.shell.walk() if "seront prévenus" in getattr(one, "text", "")]
    assert [one.startswith("Ce message urgent attendra de nouveau") for one in told] == [level is Level.URGENT]
    rehearsal.tap("sheet-close")
    assert not [one for one in rehearsal.scene.asked if one[0] == "release"]
    let_go()
    rehearsal.tap("release-yes")
    assert asked(rehearsal, "release") == (talk, mine.message_id)


def test_a_question_is_answered_in_a_word(rehearsal: Rehearsal, talk: bytes) -> None:
    question = line(rehearsal, talk, "Je passe à 18 h ?")
    driver.tap(name(question), "call-me")
    assert asked(rehearsal, "answer") == (talk, question.message_id, Verdict.CALL_ME)


def test_a_dosage_is_corrected_in_its_panel(rehearsal: Rehearsal, talk: bytes) -> None:
    driver.scroll("messages", -4000)
    rehearsal.pump(6)
    demand = line(rehearsal, talk, "Avant 20 h")
    driver.tap(name(demand), "correct")
    rehearsal.until(lambda: rehearsal.sees("request-send"))
    assert rehearsal.read("request-drug") == DOSAGE.drug
    rehearsal.tap("request-dose")
    for _ in DOSAGE.dose:
        driver.key("backspace")
    rehearsal.type("request-dose", "5 mg")
    rehearsal.tap("request-send")
    right = Dosage(DOSAGE.drug, "5 mg", DOSAGE.route, DOSAGE.rhythm)
    assert asked(rehearsal, "answer") == (talk, demand.message_id, Verdict.CORRECTED, right, "")


def test_what_holds_after_a_correction_is_read_first(rehearsal: Rehearsal, talk: bytes) -> None:
    demand = line(rehearsal, talk, "Avant 20 h")
    right = Answer(Verdict.CORRECTED, replace(DOSAGE, dose="5 mg"))
    demand = replace(demand, answers=(AnswerView(ME, NOW_MS, right),))
    first = next(part for part in head_of(demand, 5_000.0) if isinstance(part, Strong))
    assert first.text.text == "Apixaban 5\u00a0mg · per os · matin et soir"
    assert body(demand) == "Au lieu de\u00a0: Apixaban 2,5 mg · per os · matin et soir\nAvant 20 h"
    assert isinstance(tail_of(demand, 5_000.0)[0], Note)
    assert tail_of(demand, 5_000.0)[0].strong


def test_a_quote_leads_to_what_it_quotes(rehearsal: Rehearsal, talk: bytes) -> None:
    reply = line(rehearsal, talk, "Apyrétique, 37,1 °C. Douleur EVA 2/10 au retrait.")
    quoted = line(rehearsal, talk, "Belle évolution 👏 Pas de signe d’infection sur la photo. Aucune fièvre ?")
    driver.tap(name(reply), "quote")
    rehearsal.pump(6)
    assert rehearsal.sees(name(quoted))


def test_reacting_replying_copying_and_pinning(rehearsal: Rehearsal, talk: bytes) -> None:
    message = line(rehearsal, talk, "Bilan à prélever.")
    menu(rehearsal, message, "react-0")
    assert asked(rehearsal, "react") == (talk, message.message_id, "👍")
    menu(rehearsal, message, "menu-copy")
    assert Clipboard.paste() == "Bilan à prélever."
    menu(rehearsal, message, "menu-pin")
    assert asked(rehearsal, "pin") == (talk, message.message_id, True)
    menu(rehearsal, message, "menu-reply")
    rehearsal.type("composer", "Fait à 9 h")
    rehearsal.tap("send")
    assert asked(rehearsal, "send_text") == (talk, "Fait à 9 h", Manner(message.message_id))
    assert not rehearsal.sees("about-close")


def test_what_is_urgent_says_why(rehearsal: Rehearsal, talk: bytes) -> None:
    rehearsal.tap("more")
    rehearsal.until(lambda: rehearsal.sees("more-urgent"))
    rehearsal.tap("more-urgent")
    rehearsal.type("composer", "Venez")
    rehearsal.tap("send")
    assert rehearsal.read("problem") == "Dites en quelques mots pourquoi c’est urgent."
    rehearsal.type("urgent-reason", "chute")
    rehearsal.tap("send")
    manner = Manner(None, Urgency(Level.URGENT, "chute"))
    assert asked(rehearsal, "send_text") == (talk, "Venez", manner)
    assert not rehearsal.sees("urgent-reason")


def test_one_s_own_message_is_edited_and_taken_back(rehearsal: Rehearsal, talk: bytes) -> None:
    mine = line(rehearsal, talk, "Apyrétique, 37,1 °C. Douleur EVA 2/10 au retrait.")
    menu(rehearsal, mine, "menu-edit")
    assert rehearsal.read("composer") == mine.text
    driver.type_into(" Corrigé.")
    rehearsal.pump(2)
    rehearsal.tap("send")
    assert asked(rehearsal, "edit") == (talk, mine.message_id, mine.text + " Corrigé.")
    menu(rehearsal, mine, "menu-delete")
    rehearsal.until(lambda: rehearsal.sees("delete-yes"))
    rehearsal.tap("delete-yes")
    assert asked(rehearsal, "delete") == (talk, mine.message_id)
    theirs = line(rehearsal, talk, "Bilan à prélever.")
    driver.ask(name(theirs))
    rehearsal.until(lambda: rehearsal.sees("menu-reply"))
    assert not rehearsal.sees("menu-edit")
    assert not rehearsal.sees("menu-delete")


def test_forwarding_out_of_the_team_asks_first(rehearsal: Rehearsal, talk: bytes) -> None:
    message = line(rehearsal, talk, "Bilan à prélever.")
    rehearsal.scene.refuse["forward"] = Problem("leaves-the-team")
    menu(rehearsal, message, "menu-forward")
    rehearsal.until(lambda: rehearsal.sees("forward-0"))
    rehearsal.tap("forward-0")
    rehearsal.until(lambda: rehearsal.sees("forward-yes"))
    del rehearsal.scene.refuse["forward"]
    rehearsal.tap("forward-yes")
    target = rehearsal.scene.talks[1].conversation_id
    rehearsal.until(
        lambda: ("forward", talk, message.message_id, target, True, False, Consent.NONE) in rehearsal.scene.asked
    )


def test_a_demand_is_written_and_a_question_too(rehearsal: Rehearsal, talk: bytes) -> None:
    for kind, fields, wanted in (
        ("request-question", {"request-text": "Je passe ?"}, ("Je passe ?",)),
        (
            "request-dosage",
            {"request-drug": "Apixaban", "request-dose": "5 mg"},
            ("", Dosage("Apixaban", "5 mg", "", "")),
        ),
    ):
        rehearsal.scene.asked.clear()
        rehearsal.tap("more")
        rehearsal.until(lambda: rehearsal.sees("more-request"))
        rehearsal.tap("more-request")
        rehearsal.tap(kind)
        for field, text in fields.items():
            rehearsal.type(field, text)
        rehearsal.tap("request-send")
        assert asked(rehearsal, "ask") == (talk, *wanted)
        rehearsal.until(lambda: not rehearsal.sees("request-send"))


def test_traces_come_and_go_under_the_reader(rehearsal: Rehearsal, talk: bytes) -> None:
    message = line(rehearsal, talk, "Bilan à prélever.")
    rehearsal.scene.tell(MessageChanged(replace(message, text="Bilan prélevé.", level=Level.INFO)))
    rehearsal.until(lambda: rehearsal.read(name(message)) == "Bilan prélevé.")
    rehearsal.scene.tell(MessageRemoved(talk, message.message_id))
    rehearsal.until(lambda: not rehearsal.sees(name(message)))
    rehearsal.scene.tell(SomeoneTyping(talk, CAMILLE))
    rehearsal.until(lambda: "écrit…" in rehearsal.read("chat-status"))


def test_the_only_one_that_waits_is_led_to(rehearsal: Rehearsal, talk: bytes) -> None:
    demand = line(rehearsal, talk, "Avant 20 h")
    for one in [one for one in rehearsal.scene.lines[talk] if one.open and one is not demand]:
        rehearsal.scene.change(one, open=False)
    rehearsal.tap("chat-waiting")
    rehearsal.pump(6)
    assert rehearsal.sees(name(demand))


def test_a_long_text_shows_its_rest_at_a_tap(rehearsal: Rehearsal, talk: bytes) -> None:
    scene = rehearsal.scene
    text = "\n".join(f"ligne {number}" for number in range(40))
    long = scene.new_message(scene.talks[1].conversation_id, "text", text=text, author=CAMILLE)
    scene.lines[scene.talks[1].conversation_id] = [long]
    rehearsal.tap("back")
    rehearsal.tap("conversation-1")
    rehearsal.pump(6)
    view = driver.find(name(long))
    before = view.row.height
    driver.tap(name(long), "unfold")
    rehearsal.pump(6)
    assert driver.find(name(long)).row.height > before * 1.8


def test_a_message_is_found_from_the_list_and_shown_in_its_place(rehearsal: Rehearsal, talk: bytes) -> None:
    rehearsal.tap("back")
    rehearsal.type("list-search", "transmission visite")
    rehearsal.until(lambda: rehearsal.sees("found-0"))
    rehearsal.tap("found-0")
    rehearsal.pump(6)
    assert rehearsal.sees(name(line(rehearsal, talk, "Transmission à lire avant la visite.")))


def test_filters_show_what_they_say(rehearsal: Rehearsal, talk: bytes) -> None:
    rehearsal.tap("back")

    def shown(choice: str) -> list[str]:
        rehearsal.tap(f"filter-{choice}")
        rehearsal.pump(4)
        count = sum(each.startswith("conversation-") for each, _ in driver.in_sight())
        return [rehearsal.read(f"conversation-{place}").split("\n")[0] for place in range(count)]

    talks = rehearsal.scene.talks
    assert len(shown("open")) == 1
    assert len(shown("unread")) == sum(one.unread > 0 for one in talks)
    assert len(shown("patient")) == 1
    assert not rehearsal.sees("filter-archived")
    talks[1] = replace(talks[1], archived=True)
    assert len(shown("all")) == min(8, len(talks) - 1), "as many as fit below the line of what waits"
    assert len(shown("archived")) == 1


def test_a_conversation_is_pinned_muted_and_archived_from_its_menu(rehearsal: Rehearsal, talk: bytes) -> None:
    rehearsal.tap("back")
    wanted = (("menu-pin", "pin", True), ("menu-mute", "mute", MUTED_MS), ("menu-archive", "archive", True))
    for choice, verb, value in wanted:
        driver.ask("conversation-0")
        rehearsal.until(lambda choice=choice: rehearsal.sees(choice))
        rehearsal.tap(choice)
        assert asked(rehearsal, verb) == (talk, value)


def test_what_was_begun_is_kept_and_found_again(rehearsal: Rehearsal, talk: bytes) -> None:
    rehearsal.type("composer", "Bonjour, je")
    rehearsal.tap("back")
    assert asked(rehearsal, "set_draft") == (talk, "Bonjour, je")
    talks = rehearsal.scene.talks
    talks[0] = replace(talks[0], draft="Bonjour, je")
    rehearsal.tap("filter-patient")
    rehearsal.pump(4)
    assert "Brouillon" in rehearsal.read("conversation-0")
    rehearsal.tap("conversation-0")
    rehearsal.until(lambda: rehearsal.read("composer") == "Bonjour, je")


def test_who_read_it_and_what_is_late(rehearsal: Rehearsal, talk: bytes) -> None:
    scene = rehearsal.scene
    scene.people = [CAMILLE]
    mine = line(rehearsal, talk, "Apyrétique, 37,1 °C. Douleur EVA 2/10 au retrait.")
    menu(rehearsal, mine, "menu-readers")
    rehearsal.until(lambda: rehearsal.sees("reader-0"))
    assert rehearsal.read("reader-0") == f"{CAMILLE.display_name}\nLu"
    rehearsal.tap("sheet-close")
    waiting = scene.new_message(
        talk, "text", text="Bien arrivé ?", mine=True, tick=Tick.ACCEPTED, at_ms=NOW_MS - 14 * 60_000
    )
    scene.lines[talk].append(waiting)
    scene.tell(MessageAdded(waiting))
    rehearsal.until(lambda: rehearsal.sees(name(waiting)))
    height = driver.find(name(waiting)).row.height
    rehearsal.app.now_ms = lambda: NOW_MS + 60_000
    page = rehearsal.app.shell.stack[-1]
    page._look_at_clock(0.0)
    rehearsal.pump(4)
    assert driver.find(name(waiting)).row.late
    assert driver.find(name(waiting)).row.height > height


def test_words_are_found_in_the_chat_one_place_after_the_other(rehearsal: Rehearsal, talk: bytes) -> None:
    rehearsal.tap("chat-search-open")
    rehearsal.type("chat-search", "a")
    rehearsal.until(lambda: rehearsal.read("chat-search-said").startswith("1/"))
    places = int(rehearsal.read("chat-search-said").split("/")[1])
    assert places > 3
    for _ in range(places - 1):
        rehearsal.tap("chat-search-older")
    assert rehearsal.read("chat-search-said") == f"{places}/{places}"
    first = next(one for one in rehearsal.scene.lines[talk] if one.text)
    rehearsal.pump(4)
    assert rehearsal.sees(name(first))
    rehearsal.type("chat-search", "introuvable")
    rehearsal.until(lambda: rehearsal.read("chat-search-said") == "Aucun")
    rehearsal.tap("chat-search-open")
    assert not rehearsal.sees("chat-search")
