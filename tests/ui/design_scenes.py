"""The design system on one page: its tokens, and its widgets in all their states."""

from typing import Any

from kivy.factory import Factory
from kivy.lang import Builder
from kivy.metrics import dp
from kivy.properties import StringProperty
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine.events import Tick
from miss_app.ui import tokens
from miss_app.ui.avatar import Avatar
from miss_app.ui.controls import (
    Caption,
    ChoiceField,
    Field,
    Icon,
    IconButton,
    MissButton,
    ProblemLine,
    SearchBar,
    Segment,
    SettingRow,
    TopBar,
    Words,
)
from miss_app.ui.glyphs import marked
from miss_app.ui.icons import GLYPHS
from miss_app.ui.list_row import ListItem, ListRow, measure_item
from miss_app.ui.page import Page
from ui.registry import scene
from ui.rehearsal import Rehearsal

Builder.load_string("""
#:import look miss_app.ui.theme.look

<Swatch>:
    size_hint_y: None
    height: dp(34)
    spacing: dp(10)
    Widget:
        size_hint: None, None
        size: dp(56), dp(28)
        canvas:
            Color:
                rgba: look.line
            Rectangle:
                pos: self.pos
                size: self.size
            Color:
                rgba: getattr(look, root.name) if look.dark else getattr(look, root.name)
            Rectangle:
                pos: self.x + 1, self.y + 1
                size: self.width - 2, self.height - 2
    Caption:
        text: root.name

<DesignPage>:
    canvas.before:
        Color:
            rgba: look.surface
        Rectangle:
            pos: self.pos
            size: self.size
    orientation: "horizontal"
    padding: dp(20)
    spacing: dp(24)
""")

EMOJI = "Emoji 👍🏽 👩‍⚕️ 🇫🇷 ❤️ inline"
COLOURS = str.split(
    "ground surface field text meta accent brand brand_ink line mine theirs read danger danger_soft caution "
    "caution_soft soft quote rail rail_ink scrim online"
)


class Swatch(BoxLayout):
    """A colour of the palette in force, and its name."""

    name = StringProperty("text")


class DesignPage(Page):
    """Three columns: tokens, controls, lists."""


def column(*widgets: Any) -> BoxLayout:
    one = BoxLayout(orientation="vertical", spacing=dp(10), size_hint_y=None, pos_hint={"top": 1})
    one.bind(minimum_height=one.setter("height"))
    for widget in widgets:
        one.add_widget(widget)
    return one


def line(*widgets: Any, height: float = 56) -> BoxLayout:
    row = BoxLayout(spacing=dp(8), size_hint_y=None, height=dp(height))
    for widget in widgets:
        row.add_widget(widget)
    return row


def headed(title: str, *widgets: Any) -> list[Any]:
    return [Words(text=title, bold=True, font_size="17sp"), *widgets]


def written() -> list[Any]:
    sizes = {
        "Heading 24 sp": "24sp",
        "Bar 19 sp": "19sp",
        f"Body {tokens.BODY_SP} sp": f"{tokens.BODY_SP}sp",
        f"Small {tokens.SMALL_SP} sp": f"{tokens.SMALL_SP}sp",
        f"Tiny {tokens.TINY_SP} sp": f"{tokens.TINY_SP}sp",
    }
    return [Words(text=f"{name} · Œdème, 2,5 mg", font_size=size) for name, size in sizes.items()]


def measures() -> list[Any]:
    spaces = " · ".join(map(str, tokens.SPACES_DP))
    radii = f"{tokens.SMALL_RADIUS_DP} · {tokens.FIELD_RADIUS_DP} · {tokens.CARD_RADIUS_DP} · {tokens.SHEET_RADIUS_DP}"
    motion = f"{tokens.APPEAR_S} s · {tokens.LEAVE_S} s · {tokens.TOAST_S} s"
    return [Caption(text=f"Space {spaces} dp"), Caption(text=f"Radius {radii} dp"), Caption(text=f"Motion {motion}")]


def icons() -> list[Any]:
    names = sorted(GLYPHS)
    return [
        line(*(Icon(name=name) for name in names[start : start + 11]), height=32) for start in range(0, len(names), 11)
    ]


def buttons() -> list[Any]:
    kinds = ("filled", "tonal", "plain", "danger")
    return [
        line(MissButton(text=kind, kind=kind), MissButton(text=f"{kind}, off", kind=kind, disabled=True))
        for kind in kinds
    ]


def icon_buttons() -> list[Any]:
    plain = [IconButton(name="magnify"), IconButton(name="send", filled=True), IconButton(name="close")]
    return [
        line(*plain, IconButton(name="magnify", disabled=True), IconButton(name="send", filled=True, disabled=True))
    ]


def fields() -> list[Any]:
    typed = Field(label="Field, typed", text="Bien reçu 👍", icon="account-outline")
    secret = Field(label="Field, secret", text="482915", secret=True)
    return [Field(label="Field, empty", hint="Hint"), typed, secret, Field(label="Field, in use", focused=True)]


def choices() -> list[Any]:
    segments = line(Segment(text="Chosen", chosen=True), Segment(text="Not"), Segment(text="Nor this"))
    return [
        ChoiceField(label="Choice, made", value="Infirmier"),
        ChoiceField(label="Choice, open", hint="Hint"),
        segments,
    ]


def rows() -> list[Any]:
    items = [
        ListItem("", "Dr Camille Exemple", "Unread, a badge", meta="14:05", badge=3),
        ListItem("", "Équipe plaies", "Read by all 👏", meta="Hier", tick=Tick.READ, team=True),
        ListItem("", "Nadia Fictive", "Chosen", meta="12:58", selected=True, name_icon="shield-check"),
        ListItem("", "Équipe du soir", "Somebody is needed", alarm=True, team=True, notes=("pin", "bell-off-outline")),
        ListItem("", "Dr Claude Exemplaire", "Cannot be reached", faded=True),
        ListItem("", "An icon instead", "", lead_icon="account-search-outline", mark="chevron-right"),
        ListItem("", "A heading", heading=True),
    ]
    made = []
    for item in items:
        measure_item(item, 0)
        row = ListRow(lambda _item: None, size_hint_y=None, height=item.height)
        row.bind(pos=lambda row, _pos, item=item: row.show(item), size=lambda row, _size, item=item: row.show(item))
        made.append(row)
    return made


def settings() -> list[Any]:
    return [
        SettingRow(icon="devices", title="A setting", subtitle="What it does"),
        SettingRow(icon="translate", title="With a value", value="Français"),
        SettingRow(icon="logout", title="Dangerous", danger=True),
    ]


def people() -> list[Any]:
    faces = [Avatar(name="Dr Camille Exemple"), Avatar(name="Équipe plaies", team=True), Avatar(name="Nadia Fictive")]
    return [line(*faces)]


def told() -> list[Any]:
    card = Factory.Card()
    card.add_widget(Words(text="A card"))
    bar = TopBar(title="A bar", subtitle="and what is below its title")
    problem = ProblemLine(text="What went wrong, and the way on.")
    return [bar, problem, SearchBar(hint="A search"), SearchBar(text="typed"), card]


def page(rehearsal: Rehearsal) -> DesignPage:
    whole = DesignPage(rehearsal.app, orientation="horizontal")
    swatches = [
        line(Swatch(name=one), Swatch(name=two), height=34)
        for one, two in zip(COLOURS[::2], COLOURS[1::2], strict=True)
    ]
    emoji = Words(text=marked(EMOJI), markup=True)
    first = [*headed("Colours", *swatches), *headed("Type", *written(), emoji), *headed("Measures", *measures())]
    second = [*headed("Buttons", *buttons(), *icon_buttons()), *headed("Fields", *fields(), *choices())]
    third = [*headed("Lists", *rows(), *settings(), *people()), *headed("Around", *told())]
    for widgets in ([*first, *headed("Icons", *icons())], second, third):
        whole.add_widget(column(*widgets))
    return whole


@scene("design", only="page")
def design(rehearsal: Rehearsal) -> None:
    shown = page(rehearsal)
    rehearsal.app.shell.show_gate(shown)
    rehearsal.pump(8)
    rehearsal.typed += [
        EMOJI,
        *(str(getattr(one, "text", "")) for one in shown.walk()),
    ]  # samples: nobody translates them
    rehearsal.typed += [
        f"{getattr(one, name)}"
        for one in shown.walk()
        for name in ("label", "hint", "title", "subtitle")
        if hasattr(one, name)
    ]
