"""A person's or a team's initials on their own colour."""

import re

from kivy.metrics import dp
from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.uix.widget import Widget

from miss_app.ui.glyphs import texture
from miss_app.ui.sprites import Box, Mark
from miss_app.ui.theme import look

_TITLES = {"dr", "pr", "mme", "m.", "mlle", "ide", "le", "la", "les", "de", "du", "des", "et", "d", "l", "the", "of"}


def initials(name: str) -> str:
    """Two capitals: "Dr Camille Lefèvre" → "CL", "Équipe plaies – EHPAD" → "ÉP"."""
    parts = [part for part in re.split(r"[\s\-–—'’()·]+", name) if part and part[0].isalnum()]
    parts = [part for part in parts if part.lower() not in _TITLES] or parts
    return "".join(part[0] for part in parts[:2]).upper()


class Avatar(Widget):
    """A disc for a person, a rounded square for a team."""

    name = StringProperty("")
    key = StringProperty("")  # what the colour follows; the name when empty
    team = BooleanProperty(False)
    letters = NumericProperty(16)

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self._box, self._mark = Box(self.canvas), Mark(self.canvas)
        for name in ("pos", "size", "name", "key", "team", "letters"):
            self.fbind(name, self._draw)
        look.bind(dark=self._draw)  # weakly: the theme outlives every screen
        self._draw()

    def _draw(self, *_args: object) -> None:
        side = min(self.width, self.height)
        x, y = self.center_x - side / 2, self.center_y - side / 2
        self._box.put(look.person(self.key or self.name)[0], x, y, side, side, side / 3 if self.team else side / 2)
        letters = initials(self.name)
        if not letters:
            self._mark.hide()
            return
        drawn = texture(letters, min(self.letters * dp(1), side * 0.42), (1, 1, 1, 1), bold=True)
        self._mark.put(drawn, self.center_x - drawn.width / 2, self.center_y - drawn.height / 2)
