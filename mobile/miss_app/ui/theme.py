"""The colours in force, as properties the screens follow, so that light and dark change under an open screen."""

from dataclasses import fields

from kivy.event import EventDispatcher
from kivy.properties import BooleanProperty, ColorProperty
from kivy.utils import get_color_from_hex

from miss_app.ui.tokens import DARK, LIGHT, PERSON_COLOURS, Palette


class Theme(EventDispatcher):
    """One colour property a name of ``Palette``; ``dark`` says which palette is shown."""

    dark = BooleanProperty(False)
    ground = ColorProperty(LIGHT.ground)
    surface = ColorProperty(LIGHT.surface)
    field = ColorProperty(LIGHT.field)
    text = ColorProperty(LIGHT.text)
    meta = ColorProperty(LIGHT.meta)
    accent = ColorProperty(LIGHT.accent)
    brand = ColorProperty(LIGHT.brand)
    brand_ink = ColorProperty(LIGHT.brand_ink)
    line = ColorProperty(LIGHT.line)
    mine = ColorProperty(LIGHT.mine)
    theirs = ColorProperty(LIGHT.theirs)
    read = ColorProperty(LIGHT.read)
    danger = ColorProperty(LIGHT.danger)
    danger_soft = ColorProperty(LIGHT.danger_soft)
    caution = ColorProperty(LIGHT.caution)
    caution_soft = ColorProperty(LIGHT.caution_soft)
    soft = ColorProperty(LIGHT.soft)
    quote = ColorProperty(LIGHT.quote)
    rail = ColorProperty(LIGHT.rail)
    rail_ink = ColorProperty(LIGHT.rail_ink)
    scrim = ColorProperty(LIGHT.scrim)
    online = ColorProperty(LIGHT.online)

    @property
    def palette(self) -> Palette:
        """The palette shown now."""
        return DARK if self.dark else LIGHT

    def show(self, *, dark: bool) -> None:
        """Put the light or the dark palette in force; ``dark`` changes last, so who follows it sees the new colours."""
        palette = DARK if dark else LIGHT
        for field in fields(palette):
            setattr(self, field.name, getattr(palette, field.name))
        self.dark = dark

    def person(self, key: str) -> tuple[list[float], list[float]]:
        """The fill behind a person's initials and the colour of their written name; ``key`` is anything stable."""
        fill, pale = PERSON_COLOURS[sum(key.encode()) % len(PERSON_COLOURS)]
        return get_color_from_hex(fill), get_color_from_hex(pale if self.dark else fill)


look = Theme()
