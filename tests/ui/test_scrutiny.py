"""Pictures looked over by machine: planted faults are found, and a choice of scenes has none (all in ``make screens``)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kivy.core.window import Window
from kivy.metrics import Metrics
from kivy.uix.button import Button
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.label import Label

from miss_app.ui.controls import IconButton
from miss_app.ui.glyphs import ICONS
from miss_app.ui.texts import Texts, words
from miss_app.ui.theme import look
from ui import drawn, scrutiny, spoken
from ui.cast import fill
from ui.registry import SCENES, gather, staged
from ui.rehearsal import Rehearsal, opened
from ui.render import content_of, still
from ui.stage import Scene

PHONE, DESKTOP = (420, 760), (1280, 840)  # the first is as large as the window was made: more is not drawn
CHOSEN = [
    ("registration", "en"),
    ("list", "fr"),
    ("chat-acts", "en"),
    ("people", "fr"),
    ("settings", "fr"),
    ("request", "fr"),
]
LARGE = ("chat-acts", "group", "info", "alarm-device")


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the catalogues say is noted, for these tests alone."""
    monkeypatch.setattr(Texts, "_speaker", Texts._speaker)
    spoken.listen()
    yield
    monkeypatch.undo()
    words.speak("fr")
    look.show(dark=False)


def come(rehearse: Callable[..., Rehearsal], name: str, language: str = "fr") -> Rehearsal:
    gather()
    Rehearsal.drawing = False
    try:
        play = rehearse(staged(name, "light", language), PHONE)
        SCENES[name].come(play)
    finally:
        Rehearsal.drawing = True
    return play


@pytest.mark.parametrize(("name", "language"), CHOSEN)
def test_nothing_is_wrong_with_a_picture(name: str, language: str, rehearse) -> None:
    play = come(rehearse, name, language)
    found = []
    for dark in (False, True):
        look.show(dark=dark)
        image = still(play)
        found += scrutiny.look_over(image, list(drawn.texts()), language, content_of(play), finger=True)
    assert found == []


@pytest.mark.parametrize("name", LARGE)
def test_large_type_fits_on_a_phone_and_on_a_wide_window(name: str, rehearse, monkeypatch) -> None:
    Metrics.fontscale = 1.5
    try:
        play = come(rehearse, name)
        monkeypatch.setattr(Rehearsal, "drawing", False)
        play.pump(4)
        assert [*scrutiny.too_wide(drawn.texts()), *scrutiny.small_targets(), *scrutiny.overlapping_parts()] == []
        Window.size = DESKTOP
        play.until(lambda: play.app.shell.wide)
        play.pump(6)
        assert [*scrutiny.too_wide(drawn.texts()), *scrutiny.overlapping_parts()] == []
    finally:
        Metrics.fontscale = 1.0


class Board(FloatLayout):
    """A bare window on which faults are planted."""

    def __init__(self, rehearse: Callable[..., Rehearsal]) -> None:
        super().__init__()
        self.play = rehearse(opened(fill(Scene())), PHONE)
        Window.add_widget(self)
        self.size = Window.size
        look.show(dark=False)

    def findings(self, content: set[str] = frozenset({"x"}), *, finger: bool = False) -> list[str]:
        image = still(self.play)
        mine = [one for one in drawn.texts() if self in _above(one.owner)]
        found = scrutiny.look_over(image, mine, words.language, content, finger=finger)
        return [one for one in found if "planted" in one]


def _above(widget) -> list[object]:
    line = []
    while widget is not None and widget is not Window:
        line.append(widget)
        widget = widget.parent
    return line


@pytest.fixture
def board(rehearse) -> Iterator[Board]:
    one = Board(rehearse)
    yield one
    Window.remove_widget(one)


def label(text: str, **options: object) -> Label:
    one = Label(
        text=text, size_hint=(None, None), **{"size": (300, 60), "pos": (40, 500), "color": (0, 0, 0, 1), **options}
    )
    one.test_id = "planted"
    return one


PLAIN = {"planted words"}


def test_a_good_text_is_left_in_peace(board: Board) -> None:
    board.add_widget(label("planted words"))
    assert board.findings(PLAIN) == []


def test_a_text_wider_than_its_box_is_found(board: Board) -> None:
    board.add_widget(label("planted words", size=(60, 60)))
    assert any("does not fit" in one for one in board.findings(PLAIN))


def test_texts_over_each_other_are_found(board: Board) -> None:
    board.add_widget(label("planted words"))
    holder = FloatLayout(size_hint=(None, None), size=(0, 0))
    over = label("planted words", pos=(60, 500))
    over.touch_through = holder.touch_through = True
    holder.add_widget(over)
    board.add_widget(holder)
    assert any("overlaps" in one for one in board.findings(PLAIN))


@pytest.mark.parametrize(("colour", "found"), [((0.65, 0.65, 0.65, 1), True), ((0.3, 0.3, 0.3, 1), False)])
def test_a_text_too_weak_on_what_is_behind_it_is_found(board: Board, colour: tuple, found: bool) -> None:
    from kivy.graphics import Color, Rectangle

    with board.canvas:
        Color(0.9, 0.95, 0.9, 1)
        Rectangle(pos=(0, 480), size=(400, 100))
    board.add_widget(label("planted words", color=colour))
    assert any("contrast" in one for one in board.findings(PLAIN)) is found


def test_a_half_transparent_text_is_weighed_as_it_is_seen(board: Board) -> None:
    from kivy.graphics import Color, Rectangle

    with board.canvas:
        Color(1, 1, 1, 1)
        Rectangle(pos=(0, 480), size=(400, 100))
    board.add_widget(label("planted words", opacity=0.4))
    assert any("contrast" in one for one in board.findings(PLAIN))


def test_a_character_without_a_glyph_is_found(board: Board) -> None:
    board.add_widget(label("planted\u202f?"))
    board.add_widget(label("planted \U000f9999", pos=(40, 300), font_name=ICONS))
    found = board.findings({"planted ?"})
    assert any("U+202F" in one for one in found)
    assert any("U+F9999" in one for one in found)


def test_a_sentence_of_no_catalogue_is_found(board: Board) -> None:
    board.add_widget(label("planted words"))
    assert any("not from the fr catalogue" in one for one in board.findings())


def test_a_sentence_of_the_other_language_is_found(board: Board) -> None:
    words.speak("fr")
    french = words.say("back")
    words.speak("en")
    board.add_widget(label(f"{french}"))
    still(board.play)
    found = [*scrutiny.untranslated([one for one in drawn.texts() if one.text == french], "en", set())]
    assert found, french


def test_parts_over_each_other_are_found(board: Board) -> None:
    one, other = (
        Button(size_hint=(None, None), size=(200, 60), pos=(40, 500)),
        Button(size_hint=(None, None), size=(200, 60), pos=(200, 520)),
    )
    one.test_id, other.test_id = "planted-one", "planted-other"
    board.add_widget(one)
    board.add_widget(other)
    assert any("planted-one" in found and "overlap" in found for found in board.findings())


def test_a_target_too_small_for_a_finger_is_found(board: Board) -> None:
    small = Button(size_hint=(None, None), size=(120, 30), pos=(40, 500))
    small.test_id = "planted"
    board.add_widget(small)
    board.add_widget(IconButton(test_id="planted-good", name="close", pos=(40, 300)))
    found = board.findings(finger=True)
    assert any(one.startswith("planted is") for one in found)
    assert not any(one.startswith("planted-good is") for one in found)


def test_what_a_sheet_covers_is_not_read(rehearse) -> None:
    play = come(rehearse, "more")
    still(play)
    shown = {one.text for one in drawn.texts()}
    assert words.say("photo.attach") in shown
    assert "C’est noté, je prescris le bilan 🧪" not in shown


def test_every_file_of_scenes_is_found() -> None:
    gather()
    files = {path.stem for path in Path(__file__).parent.glob("*_scenes.py")}
    assert {named.come.__module__.removeprefix("ui.") for named in SCENES.values()} == files
    assert len(SCENES) >= 40
    assert sum(named.key for named in SCENES.values()) >= 10
