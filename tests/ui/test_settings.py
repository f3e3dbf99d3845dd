"""Behind the settings: being away, text size, room on the device, help, a report that is what was read, licences."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata

import pytest
from kivy.metrics import Metrics, sp

from miss_app.engine.events import AvailabilityView, ServiceView
from miss_app.engine.problems import Problem
from miss_app.ui import driver, text_size
from miss_app.ui.controls import SETTLED_FRAMES
from miss_app.ui.licences import works
from ui import settings_scenes
from ui.cast import EVERYBODY, ROBIN, fill
from ui.rehearsal import Rehearsal, opened
from ui.settings_scenes import away, full
from ui.stage import NOW_MS, Scene

Rehearse = Callable[..., Rehearsal]
DAY = 86_400_000


def staged(prepare: Callable[[Scene], None] = lambda _scene: None) -> Scene:
    scene = opened(fill(Scene()))
    scene.people = list(EVERYBODY)
    prepare(scene)
    return scene


def reach(play: Rehearsal, name: str) -> None:
    """Tap what may lie further down."""
    while not play.sees(name):
        for each, _ in list(driver.in_sight()):
            with suppress(driver.OutOfReach):
                driver.scroll(each, 300)
                break
        play.pump(3)
    play.tap(name)


def test_being_away_until_a_day_with_a_delegate(rehearse: Rehearse) -> None:
    play = rehearse(staged(), (420, 1500))
    settings_scenes.profile(play)
    play.tap("be-away")
    play.tap("until-week")
    play.tap("delegate-open")
    play.type("people-search", "robin")
    play.tap("person-0")
    play.until(lambda: play.sees("delegate-drop"))
    play.tap("availability-save")
    assert play.did("set_availability")[1:] == ("away", NOW_MS // 60_000 * 60_000 + 7 * DAY, ROBIN.person_id)
    play.until(lambda: "27 mai 2026" in play.read("profile-told"))
    play.type("until-date", "01/01/2020")
    play.tap("availability-save")
    play.until(lambda: play.sees("problem"))
    driver.find("until-date").text = ""
    play.type("until-date", "03/06/2026")
    play.tap("delegate-drop")
    play.tap("availability-save")
    play.until(lambda: "3 juin 2026" in play.read("profile-told"))
    state, until_ms, delegate = play.did("set_availability")[1:]
    assert (state, delegate) == ("away", b"")
    assert until_ms > NOW_MS + 14 * DAY  # that day included
    play.tap("be-available")
    play.until(lambda: play.did("set_availability")[1] == "available")
    play.tap("be-busy")
    play.tap("until-evening")
    play.scene.refuse["set_availability"] = Problem("server-away")
    play.tap("availability-save")
    play.until(lambda: play.sees("problem"))
    assert play.scene.rooms.mine == AvailabilityView()


def test_what_holds_stays_where_only_the_delegate_changes(rehearse: Rehearse) -> None:
    play = rehearse(staged(away), (420, 1500))
    settings_scenes.profile(play)
    play.tap("delegate-drop")
    play.tap("availability-save")
    assert play.did("set_availability")[1:] == ("away", NOW_MS + 14 * DAY, b"")
    play.tap("profile-wrong")
    play.until(lambda: play.sees("profile-wrong-text"))
    assert "répertoire" in play.read("profile-wrong-text")


def test_the_text_grows_at_once_and_is_kept(rehearse: Rehearse) -> None:
    play = rehearse(staged())
    before = sp(10)
    try:
        settings_scenes.settings(play)
        reach(play, "text-150")
        assert play.did("set_setting")[1:] == (text_size.SETTING, "150")
        play.until(lambda: play.sees("text-150") and driver.find("text-150").chosen)
        assert sp(10) == before * 1.5
        assert driver.find("text-150").font_size == 14.5 * before / 10 * 1.5
        reach(play, "text-100")
        assert sp(10) == before
    finally:
        text_size.apply(100)
    assert Metrics.fontscale == 1
    assert text_size.text_size_of({"text-size": "150"}) == 150
    assert text_size.text_size_of({"text-size": "9000"}) == text_size.text_size_of({}) == 100


@pytest.mark.parametrize("size", [(420, 760), (1280, 700)])
def test_the_choice_of_the_text_size_stays_where_it_was_touched(rehearse: Rehearse, size: tuple[int, int]) -> None:
    play = rehearse(staged(), size)

    def top() -> float:
        play.pump(8)
        row = driver.find("text-100").parent
        return float(row.to_window(0, row.top)[1])

    try:
        settings_scenes.settings(play)
        play.reach("text-100", "settings-me")
        driver.scroll("text-100", 120)
        before = top()
        for percent in (150, 200, 100):
            play.tap(f"text-{percent}")
            play.until(lambda name=f"text-{percent}": play.sees(name) and driver.find(name).chosen)
            assert top() == pytest.approx(before, abs=1)
        play.pump(SETTLED_FRAMES)
        driver.scroll("text-100", 100)
        assert top() != pytest.approx(before, abs=50)  # from then on one scrolls as one likes
    finally:
        text_size.apply(100)


def test_room_is_made_after_two_questions(rehearse: Rehearse) -> None:
    play = rehearse(staged(full))
    settings_scenes.storage(play)
    assert play.read("storage-total").startswith("170,3")
    play.tap("storage-0")
    play.tap("storage-go")
    assert not [one for one in play.scene.asked if one[0] == "free"]
    play.tap("storage-yes")
    assert play.did("free")[1] == play.scene.talks[0].conversation_id
    play.until(lambda: play.read("storage-total").startswith("22,3"))


def test_a_report_is_read_then_sent_to_the_letter(rehearse: Rehearse) -> None:
    play = rehearse(staged(), (420, 1200))
    settings_scenes.help_page(play)
    play.until(lambda: play.sees("help-hours"))
    assert play.read("help-hours") == "Ouverte du lundi au vendredi, de 8 h à 18 h."
    play.tap("report-open")
    play.tap("report-go")
    play.until(lambda: play.sees("problem"))
    play.tap("report-photo")
    shown = play.read("report-text")
    assert "Une photo ou un document" in shown
    play.tap("report-go")
    assert play.did("report")[1] == shown
    play.until(lambda: play.read("report-number") == "K7M2-9XQ4")
    assert not play.sees("report-go")
    # Nothing of whom or what is on this device is in it.
    cast = {word for one in EVERYBODY for word in one.display_name.split() if len(word) > 2}
    said = {line.text for talk in play.scene.lines.values() for line in talk if line.text}
    words = set(re.findall(r"\w{5,}", " ".join(said))) - set(re.findall(r"\w{5,}", "photo document message"))
    assert not [word for word in cast | words if re.search(rf"\b{word}\b", shown)]


def test_a_server_that_says_nothing_of_help(rehearse: Rehearse) -> None:
    scene = staged()
    scene.rooms.service = ServiceView()
    play = rehearse(scene)
    settings_scenes.help_page(play)
    play.until(lambda: play.sees("help-hours"))
    assert "n’indique pas d’horaires" in play.read("help-hours")
    assert "invitation" in play.read("help-reach")


def test_every_work_has_its_licence() -> None:
    found = {one.name: one.licence for one in works()}
    for name in ("Kivy", "cryptography", "httpx", "websockets", "pillow"):
        assert found[f"{metadata.metadata(name)['Name']} {metadata.version(name)}"], name
    assert not any("SQLAlchemy" in name or "fastapi" in name or "pytest" in name for name in found)
    assert [name for name, licence in found.items() if not licence] == []
    assert json.dumps(found).count("Twemoji") == 1
