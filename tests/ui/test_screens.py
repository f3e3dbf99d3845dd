"""The screens, really drawn and touched: what a person does becomes the right question to the engine."""

import gc
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from kivy.cache import Cache

from miss_app.engine.events import (
    ConversationChanged,
    HistoryArrived,
    Link,
    LinkChanged,
    MessageAdded,
    MessageChanged,
    Stage,
    StageChanged,
    Tick,
    Trouble,
)
from miss_app.engine.lock_events import Waiting
from miss_app.engine.problems import Problem
from miss_app.ui import driver, glyphs, screens
from miss_app.ui.bubble_view import MissBubble
from miss_app.ui.inputs import MissInput
from miss_app.ui.list_row import ListRow
from miss_app.ui.texts import words
from miss_app.ui.theme import look
from ui.cast import CAMILLE, ME, fill
from ui.rehearsal import Rehearsal, opened
from ui.stage import NOW_MS, Scene

Rehearse = Callable[..., Rehearsal]
DESKTOP = (1280, 840)


def test_from_invitation_to_an_open_list(rehearse: Rehearse) -> None:
    play = rehearse(fill(Scene()), invitation="miss://serveur.example#abc")
    assert play.did("use_invitation")[1] == "miss://serveur.example#abc"
    play.type("claim-rpps", "997 0012 3450")
    play.type("claim-family", "Modèle")
    play.type("claim-given", "Alix")
    play.tap("claim-profession")
    play.tap("profession-60")
    play.until(lambda: not play.sees("sheet-close"))
    assert play.read("claim-profession") == "Infirmier"
    play.tap("claim-charter")
    play.tap("claim-go")
    assert play.did("claim")[1:] == ("99700123450", "Modèle", "Alix", "60", "2026-11-22")
    play.until(lambda: play.sees("code-where"))
    assert "c***@medecin.mssante.example" in play.read("code-where")
    play.type("code-field", "abcd 1234")
    play.tap("code-go")
    assert play.did("enter_code")[1] == "abcd1234"
    play.type("pin-field", "482915")
    play.type("pin-again", "482915")
    play.tap("pin-go")
    assert play.did("choose_pin")[1] == "482915"
    play.until(lambda: play.sees("conversation-0"))


def test_the_language_is_chosen_on_the_first_screen(rehearse: Rehearse) -> None:
    play = rehearse(fill(Scene()))
    play.tap("language-en")
    assert play.did("set_setting")[1:] == ("language", "en")
    play.tap("invitation-go")
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == "Paste the invitation link first."


@pytest.mark.parametrize(
    ("pin", "again", "reason"),
    [("123", "123", "pin-too-short"), ("111111", "111111", "pin-too-simple"), ("482915", "482916", "pin-differs")],
)
def test_a_weak_or_mistyped_pin_is_refused_in_words(rehearse: Rehearse, pin: str, again: str, reason: str) -> None:
    scene = Scene()
    scene.now_stage = Stage.PIN
    play = rehearse(scene)
    play.type("pin-field", pin)
    play.type("pin-again", again)
    play.tap("pin-go")
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == words.problem(reason)
    assert not [each for each in scene.asked if each[0] == "choose_pin"]


def test_a_problem_is_said_and_follows_the_language(rehearse: Rehearse) -> None:
    scene = fill(Scene())
    scene.now_stage = Stage.CODE
    scene.refuse["enter_code"] = Problem("code-wrong")
    play = rehearse(scene)
    play.type("code-field", "AAAA")
    play.tap("code-go")
    play.until(lambda: play.sees("problem"))
    assert play.read("problem").startswith("Ce code n’est pas le bon")
    words.speak("en")
    play.pump()
    assert play.read("problem").startswith("This code is wrong")


def test_a_message_is_written_shown_and_followed_to_its_last_tick(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    scene, talk = play.scene, play.scene.talks[0].conversation_id
    play.tap("conversation-0")
    play.type("composer", "Bonjour [b]à tous[/b] 👏")
    play.tap("send")
    assert play.did("send_text")[1:] == (talk, "Bonjour [b]à tous[/b] 👏")
    message = scene.lines[talk][-1]
    name = f"message-{message.message_id.hex()[:8]}"
    play.until(lambda: play.sees(name), name)
    assert play.read("composer") == ""
    for tick in (Tick.ACCEPTED, Tick.DELIVERED, Tick.READ):
        message = scene.change(message, tick=tick)
        scene.tell(MessageChanged(message))
        play.until(lambda wanted=tick: any(e["id"] == name and e["state"] == wanted for e in driver.describe()), tick)


def test_enter_sends_and_shift_enter_begins_a_line(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())), DESKTOP)
    play.tap("conversation-0")
    play.type("composer", "un")
    driver.key("enter", ["shift"])
    driver.type_into("deux")
    play.pump()
    assert play.read("composer") == "un\ndeux"
    driver.key("enter")
    assert play.did("send_text")[2] == "un\ndeux"


def test_a_failed_message_is_sent_again_by_a_tap(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    scene, talk = play.scene, play.scene.talks[1].conversation_id
    play.tap("conversation-1")
    failed = scene.new_message(talk, "text", text="Allô", author=ME, mine=True, tick=Tick.FAILED, problem="server-away")
    scene.lines[talk].append(failed)
    scene.tell(MessageAdded(failed))
    play.tap(f"message-{failed.message_id.hex()[:8]}")
    assert play.did("retry")[1:] == (talk, failed.message_id)


def test_what_arrives_in_an_open_chat_is_marked_as_read(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    scene, talk = play.scene, play.scene.talks[0].conversation_id
    play.tap("conversation-0")
    assert play.did("mark_read")[1] == talk
    scene.asked.clear()
    came = scene.new_message(talk, "text", text="Il neige", author=CAMILLE)
    scene.lines[talk].append(came)
    scene.tell(MessageAdded(came))
    play.until(lambda: play.sees(f"message-{came.message_id.hex()[:8]}"))
    assert play.did("mark_read")[1] == talk


def test_a_group_is_gathered_and_created(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("new-group")
    play.tap("group-create")
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == words.problem("group-title-missing")
    play.type("group-title", "Équipe plaies")
    play.type("group-patient", "Mme T.")
    play.type("people-search", "Camille")
    play.tap("person-0")
    play.until(lambda: play.sees("chosen-0"))
    play.tap("group-create")
    play.tap("group-create-yes")  # a conversation about somebody of this name is here already
    assert play.did("create_group")[1:] == ("Équipe plaies", "Mme T.", ["Dr Camille Exemple"])
    play.until(lambda: play.sees("composer"))


def test_nobody_finds_themselves_in_the_directory(rehearse: Rehearse) -> None:
    scene = opened(fill(Scene()))
    scene.people = [ME, CAMILLE]
    play = rehearse(scene)
    play.tap("new-message")
    play.type("people-search", "dr")
    play.until(lambda: play.sees("person-0"))
    assert play.read("person-0").startswith(CAMILLE.display_name)
    assert not play.sees("person-1")


def test_who_is_not_on_miss_is_shown_and_can_be_invited(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("new-message")
    play.type("people-search", "Claude")
    play.tap("person-0")
    play.until(lambda: play.sees("invite-go"))
    assert not [each for each in play.scene.asked if each[0] == "invite"]  # nothing is sent before it is said
    play.tap("invite-go")
    assert play.did("invite")[1] == "invite-claude"
    play.until(lambda: play.sees("toast"))
    assert "Dr Claude Exemplaire" in play.read("toast")
    assert not [each for each in play.scene.asked if each[0] == "open_direct"]
    play.scene.refuse["invite"] = Problem("invite-refused")
    play.tap("person-0")
    play.tap("invite-go")
    play.until(lambda: play.sees("problem"))
    assert play.read("problem") == words.problem("invite-refused")


def test_an_emoji_is_typed_from_the_panel_and_taken_back_whole(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("conversation-0")
    play.type("composer", "Bien reçu ")
    play.tap("emoji")
    play.tap("emoji-14")
    assert play.read("composer") == "Bien reçu ❤️"
    play.tap("composer")
    driver.key("backspace")
    play.pump()
    assert play.read("composer") == "Bien reçu "
    driver.key("escape")
    play.until(lambda: not play.sees("emoji-14"))
    assert play.sees("composer")


def test_a_photo_opens_whole(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("conversation-0")
    line = next(each for each in play.scene.lines[play.scene.talks[0].conversation_id] if each.photo)
    play.tap(f"message-{line.message_id.hex()[:8]}")
    play.until(lambda: any(e["id"] == "photo-viewer" and e["state"] == "whole" for e in driver.describe()), "whole")


def test_a_member_is_removed_after_being_asked(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("conversation-0")
    play.tap("info-open")
    play.until(lambda: play.sees("member-0"))
    play.tap("remove-1")
    play.tap("remove-yes")
    assert play.did("remove_person")[2] == CAMILLE.person_id


def test_who_is_no_admin_is_offered_nothing_of_an_admin(rehearse: Rehearse) -> None:
    scene = opened(fill(Scene()))
    members = tuple(replace(member, admin=not member.me) for member in scene.talks[0].members)
    scene.talks[0] = replace(scene.talks[0], members=members)
    play = rehearse(scene, DESKTOP)
    play.tap("conversation-0")
    play.tap("info-open")
    play.until(lambda: play.sees("leave"))
    play.pump(6)
    assert not [name for name in ("add-people", "info-edit", "remove-0", "remove-1") if play.sees(name)]
    assert play.app.shell.stack[-1].ids.add.height == 0


def test_a_conversation_left_cannot_be_written_in(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("conversation-0")
    play.until(lambda: play.sees("composer"))
    gone = replace(play.scene.talks[0], active=False)
    play.scene.talks[0] = gone
    play.scene.tell(ConversationChanged(gone))
    play.until(lambda: play.sees("chat-gone"))
    assert not play.sees("composer")


def test_the_banner_waits_a_moment_and_says_a_reason_at_once(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.scene.tell(LinkChanged(Link.OFFLINE, "tls-expired"))
    play.until(lambda: play.sees("banner"))
    assert play.read("banner") == words.problem("tls-expired")
    play.scene.tell(LinkChanged(Link.ONLINE))
    play.until(lambda: not play.sees("banner"))


def test_theme_and_language_change_under_open_screens_and_are_kept(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("settings-open")
    play.tap("theme-dark")
    assert play.did("set_setting")[1:] == ("theme", "dark")
    assert look.dark
    driver.scroll("theme-dark", 400)
    play.tap("language-en")
    play.until(lambda: words.language == "en")
    play.pump(6)
    play.tap("back")
    play.until(lambda: play.sees("conversation-0"))
    assert "You:" in play.read("conversation-0")
    look.show(dark=False)


def test_the_lock_closes_everything_and_forgets_what_was_drawn(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("conversation-0")
    play.type("composer", "brouillon secret")
    Cache.append("textinput.label", "témoin", object())
    play.app.lock()
    play.until(lambda: play.sees("unlock-pin"))
    assert not play.sees("composer")
    assert not [key for key in glyphs._textures if "hydrogel" in str(key)]
    assert Cache.get("textinput.label", "témoin") is None
    play.pump(20)
    gc.collect()
    left = [thing for thing in gc.get_objects() if issubclass(type(thing), ListRow | MissInput | MissBubble)]
    assert not [thing for thing in left if "brouillon" in str(getattr(thing, "text", ""))]
    assert not [thing for thing in left if "hydrogel" in str(getattr(thing, "text", ""))]
    play.type("unlock-pin", "482915")
    play.tap("unlock-go")
    assert play.did("unlock")[1] == "482915"
    play.until(lambda: play.sees("composer"))  # where one was


def test_a_locked_screen_counts_what_waits_behind_it(rehearse: Rehearse) -> None:
    scene = fill(Scene())
    scene.now_stage = Stage.LOCKED
    play = rehearse(scene)
    scene.tell(Waiting(1))
    play.until(lambda: play.sees("locked-waiting"))
    assert play.read("locked-waiting") == "1 nouveau message attend."
    scene.tell(Waiting(3))
    play.until(lambda: play.read("locked-waiting") == "3 nouveaux messages attendent.")


def test_the_window_changes_between_one_pane_and_two(rehearse: Rehearse) -> None:
    from kivy.core.window import Window

    play = rehearse(opened(fill(Scene())))
    play.tap("conversation-0")
    play.until(lambda: play.sees("composer"))
    assert not play.sees("conversation-0")
    Window.size = DESKTOP
    play.until(lambda: play.sees("conversation-0") and play.sees("composer") and play.sees("rail-people"))
    Window.size = (420, 760)
    play.until(lambda: not play.sees("conversation-0") and play.sees("composer"))
    driver.key("escape")
    play.until(lambda: play.sees("conversation-0"))


def test_older_lines_that_arrive_are_shown_where_they_belong(rehearse: Rehearse) -> None:
    scene = opened(fill(Scene()))
    talk = scene.talks[1].conversation_id
    play = rehearse(scene)
    play.tap("conversation-1")
    play.until(lambda: play.sees("composer"))
    older = scene.new_message(talk, "text", text="dit avant", author=CAMILLE, at_ms=NOW_MS - 3_600_000, handed_by=ME)
    scene.lines[talk].insert(0, older)
    scene.tell(HistoryArrived(talk))
    play.until(lambda: play.sees(f"message-{older.message_id.hex()[:8]}"))


def test_trouble_is_said_without_taking_the_screen_away(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.scene.tell(Trouble("server-away"))
    play.until(lambda: play.sees("toast"))
    play.tap("conversation-0")
    play.until(lambda: play.sees("composer"))


def test_older_messages_come_as_the_reader_goes_up(rehearse: Rehearse) -> None:
    scene = opened(fill(Scene()))
    talk = scene.talks[1].conversation_id
    scene.lines[talk] = [
        scene.new_message(talk, "text", text=f"ligne {number}", author=CAMILLE, at_ms=NOW_MS - (200 - number) * 60_000)
        for number in range(200)
    ]
    play = rehearse(scene)
    play.tap("conversation-1")
    play.until(lambda: "ligne 199" in play.read("messages"))
    for _ in range(12):
        driver.scroll("messages", -3000)
        play.pump(4)
    play.until(lambda: "ligne 0\n" in play.read("messages"))


@pytest.mark.parametrize("stage", [Stage.WAITING, Stage.REFUSED, Stage.LINKING, Stage.REVOKED, Stage.LOCKED])
def test_each_stage_has_its_screen(rehearse: Rehearse, stage: Stage) -> None:
    play = rehearse(fill(Scene()))
    play.scene.now_stage = stage
    play.scene.tell(StageChanged(stage))
    names = {
        Stage.WAITING: "waiting-text",
        Stage.REFUSED: "start-over",
        Stage.LINKING: "link-code-shown",
        Stage.REVOKED: "revoked-text",
        Stage.LOCKED: "unlock-pin",
    }
    play.until(lambda: play.sees(names[stage]))


def test_pro_sante_connect_is_offered_where_the_server_does(rehearse: Rehearse) -> None:
    play = rehearse(fill(Scene()), invitation="miss://serveur.example#abc")
    play.until(lambda: play.sees("claim-psc"))
    play.tap("claim-charter")
    play.tap("claim-psc")
    assert play.did("claim_in_browser")[1] == "2026-11-22"
    play.until(lambda: play.sees("browser-open"))


def test_every_screen_that_is_loaded_late_can_be_loaded() -> None:
    screens.load_all()
    assert not screens.load_one()
    for name, place in screens._PLACES.items():
        assert getattr(screens, name).__module__ == f"miss_app.ui.screens.{place}"
    with pytest.raises(AttributeError, match="NoScreen"):
        _ = screens.NoScreen


def test_a_start_loads_none_of_the_screens_that_it_does_not_show() -> None:
    asked = "import sys; import miss_app.ui.app; print(sum(name.startswith('miss_app.ui.screens.') for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) < 12
