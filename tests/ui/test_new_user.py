"""What hindered somebody who used the screens for the first time, without instructions: each is done as they did it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from kivy.core.window import Window
from kivy.graphics import Color
from kivy.metrics import Metrics, dp, sp
from kivy.uix.widget import Widget

from miss_app.engine.events import (
    ConversationChanged,
    MessageAdded,
    MessageView,
    Stage,
    StageChanged,
    Tick,
)
from miss_app.engine.problems import Problem
from miss_app.engine.saying import Manner
from miss_app.ui import driver
from miss_app.ui.bubble import PAD_X_DP, shape_of
from miss_app.ui.bubble_acts import actions_of, answer_text, dosage_line
from miss_app.ui.bubble_parts import Band
from miss_app.ui.glyphs import texture
from miss_app.ui.texts import words
from miss_app.ui.theme import look
from miss_app.ui.tokens import SMALL_SP
from miss_protocol.acts import Answer, Dosage, Level, Urgency, Verdict
from miss_protocol.content import Consent
from ui.attachment_scenes import photo_files
from ui.cast import CAMILLE, ME, NADIA, fill
from ui.first_use import into_chat, typed_blindly
from ui.patient_scenes import with_patients
from ui.rehearsal import Rehearsal, opened
from ui.stage import NOW_MS, Scene

Rehearse = Callable[..., Rehearsal]


def staged(stage: Stage) -> Scene:
    scene = fill(Scene())
    scene.now_stage = stage
    return scene


# Examples are not what was entered.


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_example_says_that_it_is_one_and_leans(rehearse: Rehearse, language: str) -> None:
    scene = opened(fill(Scene()))
    scene.now_settings["language"] = language
    play = rehearse(scene)
    into_chat(play)
    play.tap("more")
    play.tap("more-request")
    play.until(lambda: play.sees("request-dose"))
    for name in ("request-dose", "request-route", "request-rhythm"):
        line = driver.find(name)
        assert line.text == ""
        assert line.hint_text.startswith({"fr": "ex. ", "en": "e.g. "}[language])
        assert line.slanted
        assert line._create_line_label(line.hint_text, hint=True) is not line._create_line_label(line.hint_text)
    for key in ("patient.born_hint", "patient.number_hint", "profile.date_hint", "voucher.code_hint"):
        assert words.say(key).startswith({"fr": "ex. ", "en": "e.g. "}[language])


def test_a_route_that_was_not_given_is_said_to_be_missing(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    into_chat(play)
    play.tap("more")
    play.tap("more-request")
    play.type("request-drug", "Apixaban")
    play.type("request-dose", "2,5 mg")
    assert "voie non précisée" in play.read("request-route-open")
    play.type("request-route", "per os")
    play.until(lambda: not play.sees("request-route-open"))
    unsaid = Dosage("Apixaban", "2,5 mg", "", "le soir")
    assert dosage_line(unsaid) == "2,5 mg · voie non précisée · le soir"
    assert "voie non précisée" in answer_text(Answer(Verdict.CONFIRMED, unsaid))
    assert dosage_line(replace(unsaid, route="per os")) == "2,5 mg · per os · le soir"


def test_a_dosage_is_written_and_asked_for_with_the_return_key_alone(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())), (1280, 840))
    talk = into_chat(play)
    play.tap("more")
    play.tap("more-request")
    play.until(lambda: play.sees("request-drug"))
    for said in ("Apixaban", "2,5 mg", "per os", "le soir", "avant 20 h"):
        typed_blindly(play, said)
        driver.key("enter")
    asked = play.did("ask")
    assert asked[1] == talk
    assert set(asked[2:]) == {"avant 20 h", Dosage("Apixaban", "2,5 mg", "per os", "le soir")}


# The reason of an urgent message.


def test_the_reason_takes_what_is_typed_and_keeps_it(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    talk = into_chat(play)
    play.tap("more")
    play.tap("more-urgent")
    typed_blindly(play, "chute")
    assert play.read("urgent-reason") == "chute"
    play.tap("more")
    play.tap("more-today")  # less urgent after all: what was written stays
    assert play.read("urgent-reason") == "chute"
    play.tap("more")
    play.tap("more-urgent")
    play.type("composer", "Venez")
    play.tap("send")
    assert play.did("send_text")[1:] == (talk, "Venez", Manner(None, Urgency(Level.URGENT, "chute"), ()))
    play.tap("more")
    play.tap("more-urgent")
    play.until(lambda: play.sees("urgent-reason"))
    assert play.read("urgent-reason") == ""  # another message, another reason


def test_without_a_reason_the_cursor_goes_there_and_the_text_stays(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    into_chat(play)
    play.tap("more")
    play.tap("more-urgent")
    play.type("composer", "Venez")
    play.tap("send")
    assert play.read("problem") == "Dites en quelques mots pourquoi c’est urgent."
    typed_blindly(play, "chute")
    assert (play.read("composer"), play.read("urgent-reason")) == ("Venez", "chute")
    driver.key("enter")  # back to the message, which is not sent by it
    typed_blindly(play, " vite")
    assert play.read("composer") == "Venez vite"
    assert not [one for one in play.scene.asked if one[0] == "send_text"]


@pytest.mark.parametrize("level", ["more-urgent", "more-today"])
def test_without_a_message_it_is_said_and_the_cursor_goes_there(rehearse: Rehearse, level: str) -> None:
    play = rehearse(opened(fill(Scene())))
    talk = into_chat(play)
    play.tap("more")
    play.tap(level)
    play.type("urgent-reason", "chute")
    frame = driver.find("urgent-reason").parent
    play.tap("send")
    assert play.read("problem") == "Écrivez aussi le message."
    typed_blindly(play, "Venez")
    assert (play.read("composer"), play.read("urgent-reason")) == ("Venez", "chute")
    assert not frame.lit
    assert frame_color(frame) == pytest.approx(look.line)  # nothing is missing there
    play.tap("send")
    assert play.did("send_text")[1:3] == (talk, "Venez")
    play.until(lambda: not play.sees("problem"))


def test_where_reason_and_message_are_missing_both_are_said(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    into_chat(play)
    play.tap("send")
    assert not play.sees("problem")  # nobody began anything
    play.tap("more")
    play.tap("more-urgent")
    play.pump(4)
    play.tap("send")
    assert play.read("problem") == "Dites en quelques mots pourquoi c’est urgent, puis écrivez le message."
    typed_blindly(play, "chute")
    assert play.read("urgent-reason") == "chute"


def frame_color(frame: Widget) -> list[float]:
    """The first colour drawn under a widget: that of its rim."""
    return next(list(one.rgba) for one in frame.canvas.before.children if isinstance(one, Color))


# What is urgent elsewhere.


def urgent_in(play: Rehearsal, place: int, text: str = "Chute, consciente") -> MessageView:
    """An urgent message comes into a conversation."""
    talk = play.scene.talks[place]
    message = play.scene.new_message(
        talk.conversation_id,
        "text",
        author=NADIA,
        at_ms=NOW_MS,
        text=text,
        level=Level.URGENT,
        reason="chute",
        open=True,
    )
    play.scene.lines.setdefault(talk.conversation_id, []).append(message)
    changed = replace(talk, unread=talk.unread + 1, urgent=True, open=1, last=message)
    play.scene.talks[place] = changed
    play.scene.tell(MessageAdded(message))
    play.scene.tell(ConversationChanged(changed))
    return message


def test_an_urgent_message_elsewhere_is_said_above_the_chat_and_leads_there_and_back(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    into_chat(play)
    play.type("composer", "Je regarde")
    assert not play.sees("urgent-open")
    message = urgent_in(play, 2)
    play.until(lambda: play.sees("urgent-open"))
    assert play.read("urgent-came") == "Message urgent\u00a0: Néphrologie – CH Fictif"
    strip = play.app.shell.ids.urgent
    assert "hute" not in f"{strip.text} {strip.who}"  # neither what it says nor why
    play.tap("urgent-open")
    play.until(lambda: play.sees(f"message-{message.message_id.hex()[:8]}"))
    assert play.read("chat-title") == "Néphrologie – CH Fictif"
    assert not play.sees("urgent-open")
    play.tap("back")  # to what one was writing
    play.until(lambda: play.read("chat-title") == "Équipe plaies")
    assert play.read("composer") == "Je regarde"


def test_an_urgent_message_that_was_seen_elsewhere_or_put_aside_is_not_said_any_more(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    talk = into_chat(play)
    urgent_in(play, 0)  # before one's eyes: nothing more to say
    play.pump(8)
    assert not play.sees("urgent-open")
    urgent_in(play, 2)
    play.until(lambda: play.sees("urgent-open"))
    read = replace(play.scene.talks[2], unread=0)
    play.scene.talks[2] = read
    play.scene.tell(ConversationChanged(read))
    play.until(lambda: not play.sees("urgent-open"))
    urgent_in(play, 2)
    urgent_in(play, 1)
    play.until(lambda: play.sees("urgent-open") and play.read("urgent-came").endswith("et 1 autre discussion"))
    play.tap("urgent-aside")
    assert not play.sees("urgent-open")
    assert play.app.shell.stack[-1].conversation_id == talk


def test_an_urgent_message_lifts_the_chat_that_lies_under_another_page(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    talk = into_chat(play)
    play.tap("info-open")
    play.until(lambda: play.sees("info-name"))
    urgent_in(play, 0)
    play.tap("urgent-open")
    play.until(lambda: play.sees("composer"))
    assert [getattr(page, "conversation_id", b"") for page in play.app.shell.stack] == [talk, talk]
    play.tap("back")
    play.until(lambda: play.sees("info-name"))


def test_what_is_unread_elsewhere_stands_beside_the_way_back(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    into_chat(play)
    waiting = sum(one.unread for one in play.scene.talks[1:])
    assert play.read("back-unread") == str(waiting)
    assert not play.app.shell.stack[-1].elsewhere_urgent
    urgent_in(play, 2)
    play.until(lambda: play.read("back-unread") == str(waiting + 1))
    assert play.app.shell.stack[-1].elsewhere_urgent
    for place, one in enumerate(play.scene.talks):
        play.scene.talks[place] = replace(one, unread=0)
        play.scene.tell(ConversationChanged(play.scene.talks[place]))
    play.until(lambda: not play.sees("back-unread"))


def test_a_phone_shows_the_whole_title_of_a_team(rehearse: Rehearse) -> None:
    scene = opened(fill(Scene()))
    scene.talks[0] = replace(scene.talks[0], title="Équipe plaies – EHPAD Les Tilleuls", open=3)
    play = rehearse(scene, (412, 820))
    into_chat(play)
    play.until(lambda: play.sees("chat-waiting"))
    label = driver.find("chat-title").children[-1]
    assert " ".join(label.text.split()) == "Équipe plaies – EHPAD Les Tilleuls"
    assert label.text.count("\n") == 1
    assert label.texture_size[0] <= label.width + 1
    assert play.read("chat-status") == "4 membres"
    driver.resize(1280, 840)
    play.until(lambda: "\n" not in label.text and play.read("chat-status") == "4 membres · identités vérifiées")


def test_who_comes_back_to_the_window_does_not_wait_for_the_connection(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    before = len([one for one in play.scene.asked if one == ("hurry",)])
    Window._focus = False  # as the system tells it
    play.pump(2)
    Window._focus = True
    play.until(lambda: len([one for one in play.scene.asked if one == ("hurry",)]) > before)
    play.app.on_resume()
    play.until(lambda: len([one for one in play.scene.asked if one == ("hurry",)]) > before + 1)


# Whose photo it is, and who agreed.


def editing(rehearse: Rehearse, tmp_path: Path, scene: Scene | None = None) -> Rehearsal:
    play = rehearse(scene or opened(fill(Scene())), (420, 860))
    into_chat(play)
    source = photo_files(tmp_path, 1)[0]
    play.app.shell.stack[-1].attaching.edit([source])
    play.until(lambda: play.sees("photo-send") and not driver.find("photo-send").disabled)
    return play


@pytest.mark.parametrize("basis", [Consent.TRUSTED_PERSON, Consent.EMERGENCY])
def test_for_who_cannot_consent_it_is_said_who_was_consulted(
    rehearse: Rehearse, tmp_path: Path, basis: Consent
) -> None:
    play = editing(rehearse, tmp_path)
    play.tap("photo-consent")
    play.tap("photo-unable")
    play.until(lambda: play.sees("consent-2"))
    assert not play.sees("consent-1")
    assert "L1111-6" in driver.find("consent-2").subtitle
    play.tap(f"consent-{int(basis)}")
    page = play.app.shell.stack[-1]
    assert not page.ids.consent.checked  # one or the other
    assert play.read("photo-unable").startswith("Hors d’état de consentir")
    play.tap("photo-send")
    assert play.did("send_photos")[3] is basis


def test_a_caption_that_names_another_patient_is_asked_about_twice(rehearse: Rehearse, tmp_path: Path) -> None:
    scene = opened(fill(Scene()))
    with_patients(scene)
    play = editing(rehearse, tmp_path, scene)
    play.tap("photo-consent")
    play.type("photo-caption", "Talon de M. Fictif")
    play.tap("photo-send")
    play.tap("other-patient-continue")
    assert not [one for one in scene.asked if one[0] == "send_photos"]
    play.tap("other-patient-yes")
    assert play.did("send_photos")[2][0].caption == "Talon de M. Fictif"


@pytest.mark.parametrize(("name", "caption"), [("bilan.txt", "Pour M. Fictif"), ("CR_M._Fictif.txt", "")])
def test_a_document_that_names_another_patient_is_asked_about_twice(
    rehearse: Rehearse, tmp_path: Path, name: str, caption: str
) -> None:
    scene = opened(fill(Scene()))
    with_patients(scene)
    play = rehearse(scene)
    into_chat(play)
    path = tmp_path / name
    path.write_text("Bilan", "utf-8")
    play.app.shell.stack[-1].attaching.take([path])
    if caption:
        play.type("document-caption", caption)
    play.tap("document-send")
    play.tap("other-patient-continue")
    assert not [one for one in scene.asked if one[0] == "send_document"]
    play.tap("other-patient-yes")
    assert play.did("send_document")[3] == name


def test_a_photo_that_is_forwarded_asks_for_consent_anew(rehearse: Rehearse) -> None:
    scene = opened(fill(Scene()))
    scene.refuse["forward"] = Problem("consent-missing")
    play = rehearse(scene)
    talk = into_chat(play)
    photo = next(one for one in scene.lines[talk] if one.photo is not None)
    play.app.shell.stack[-1].go_to(photo.message_id)
    name = f"message-{photo.message_id.hex()[:8]}"
    play.until(lambda: play.sees(name))
    play.pump(4)
    driver.ask(name)
    play.tap("menu-forward")
    play.tap("forward-0")
    play.until(lambda: play.sees("consent-1"))
    del scene.refuse["forward"]
    play.tap("consent-3")
    play.until(lambda: [one[-1] for one in scene.asked if one[0] == "forward"] == [Consent.NONE, Consent.EMERGENCY])


def test_a_tool_that_draws_is_put_down_by_a_button_that_says_so(rehearse: Rehearse, tmp_path: Path) -> None:
    play = editing(rehearse, tmp_path)
    for tool in ("photo-blur", "photo-arrow"):
        assert not play.sees("photo-done")
        play.tap(tool)
        assert not play.sees("photo-send")
        assert driver.find("photo-done").text == "Terminé"
        play.tap("photo-done")
        assert play.sees("photo-send")


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_the_two_sizes_of_a_photo_are_of_one_height_with_their_words_inside(
    rehearse: Rehearse, tmp_path: Path, scale: float
) -> None:
    try:
        Metrics.fontscale = scale
        play = editing(rehearse, tmp_path)
        play.until(lambda: "…" not in play.read("photo-reduced") + play.read("photo-full"))
        play.pump(6)
        reduced, full = driver.find("photo-reduced"), driver.find("photo-full")
        assert reduced.height == full.height >= dp(48)
        assert reduced.y == full.y
        for one in (reduced, full):
            assert one.texture_size[0] <= one.width - dp(16)
            assert one.texture_size[1] <= one.height - dp(16)
    finally:
        Metrics.fontscale = 1.0


# What moved, hid or counted what it should not.


@pytest.mark.parametrize(
    ("stage", "button", "size"),
    [
        (Stage.INVITATION, "invitation-go", (420, 760)),
        (Stage.CODE, "code-go", (420, 760)),
        (Stage.PIN, "pin-go", (420, 900)),
        (Stage.LOCKED, "unlock-go", (420, 760)),
        (Stage.LOCKED, "unlock-go", (1280, 840)),
    ],
)
def test_a_button_stays_under_the_finger_when_something_is_wrong(
    rehearse: Rehearse, stage: Stage, button: str, size: tuple[int, int]
) -> None:
    play = rehearse(staged(stage), size)
    play.until(lambda: play.sees(button))
    play.pump(6)
    before = driver.find(button).to_window(*driver.find(button).pos)
    play.tap(button)
    play.until(lambda: play.sees("problem"))
    play.pump(6)
    assert driver.find(button).to_window(*driver.find(button).pos) == pytest.approx(before)


def test_what_one_asked_oneself_is_not_to_be_done_by_oneself(rehearse: Rehearse) -> None:
    scene = opened(fill(Scene()))
    scene.talks[0] = replace(scene.talks[0], open=2, open_own=2, urgent=True, urgent_own=True)
    play = rehearse(scene)
    row = driver.find("list-open").row
    assert (row.subtitle, row.lead_alarm) == ("2 demandes faites par vous", False)
    scene.talks[1] = replace(scene.talks[1], open=1, urgent=True)
    play.scene.tell(ConversationChanged(scene.talks[1]))
    play.until(lambda: driver.find("list-open").row.lead_alarm)
    assert driver.find("list-open").row.subtitle == "1 demande en attente"


def test_who_asks_urgently_is_not_asked_to_take_charge(rehearse: Rehearse) -> None:
    theirs = Scene().new_message(b"t" * 16, "text", author=NADIA, text="Chute", level=Level.URGENT, reason="chute")
    assert actions_of(theirs) == [("take-charge", "charge.take")]
    own = replace(theirs, mine=True, author=ME, tick=Tick.READ)
    assert actions_of(own) == []
    for scale in (1.0, 1.5, 2.0):
        rehearse(opened(fill(Scene())))
        Metrics.fontscale = scale
        try:
            for width in (320, 412, 800):
                shape = shape_of(replace(own, text="Ici"), "Ici", width, group=True, first=True, named=False)
                for part in (*shape.head, *shape.tail):
                    assert part.width + 2 * dp(PAD_X_DP) <= shape.width + 1
                    drawn = texture(part.text.text, sp(SMALL_SP), (0, 0, 0, 1), bold=isinstance(part, Band))
                    assert drawn.width <= part.text.width + 3
        finally:
            Metrics.fontscale = 1.0


def test_a_new_team_offers_those_one_has_written_with(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())), (420, 1200))
    play.tap("new-group")
    play.until(lambda: play.sees("recent-0"))
    page = play.app.shell.stack[-1]
    recent = [person.display_name for person in page.ids.finder.recent]
    assert recent[0] == CAMILLE.display_name  # of those one writes to alone, the last one
    assert len(recent) == len(set(recent))
    play.tap("recent-0")
    assert page.count == 1
    assert page.ids.finder.chosen[0] not in (NADIA, CAMILLE)  # these are favourites, and stand above


def test_the_chat_that_was_open_is_open_again_after_the_lock(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    talk = into_chat(play)
    play.until(lambda: play.scene.now_open_chat == talk)
    for _ in range(2):
        play.scene.now_stage = Stage.LOCKED
        play.scene.tell(StageChanged(Stage.LOCKED))
        play.until(lambda: play.sees("unlock-pin"))
        play.type("unlock-pin", "482915")
        driver.key("enter")
        play.until(lambda: play.sees("composer"))
        assert play.app.shell.stack[-1].conversation_id == talk
    play.tap("back")  # to the list: that is where one was
    play.until(lambda: play.scene.now_open_chat == b"")
    play.scene.tell(StageChanged(Stage.LOCKED))
    play.type("unlock-pin", "482915")
    driver.key("enter")
    play.until(lambda: play.sees("conversation-0"))
    assert play.app.shell.stack == []
