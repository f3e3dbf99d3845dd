"""The calendar that leads to a day of a conversation: one month, the days without any line of it pale."""

import calendar
from collections.abc import Callable
from datetime import date, datetime

from kivy.properties import BooleanProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.label import Label

from miss_app.ui import dates
from miss_app.ui.controls import Sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.navigator import Navigator
from miss_app.ui.texts import words

WEEKDAYS = 7


class DayButton(ButtonBehavior, Label):
    """One day, or the empty place before the first and after the last."""

    test_id = StringProperty("")
    today = BooleanProperty(False)
    head = BooleanProperty(False)  # the name of a weekday


class CalendarSheet(Sheet):
    """Asks for a day between the first and the newest line of a conversation.

    Args:
        first_ms: when the first line was said.
        last_ms: when the newest one was.
        shown_ms: a time in the month to begin with.
        act: called with the first millisecond of the day that is chosen.
    """

    month = StringProperty("")
    earlier = BooleanProperty(False)
    later = BooleanProperty(False)

    def __init__(
        self, app: Navigator, first_ms: int, last_ms: int, shown_ms: int, act: Callable[[int], object]
    ) -> None:
        self._app = app
        self._first, self._last = dates.local(first_ms).date(), dates.local(last_ms).date()
        shown = dates.local(min(max(shown_ms, first_ms), last_ms)).date()
        self._shown = shown.replace(day=1)
        self._act = act
        super().__init__(title=words.say("calendar.title"))
        self._show()
        self.fit()

    def move(self, by: int) -> None:
        """Show the month before (-1) or after (1)."""
        place = self._shown.year * 12 + self._shown.month - 1 + by
        self._shown = date(place // 12, place % 12 + 1, 1)
        self._show()

    def _show(self) -> None:
        first = self._shown
        month = words.say(f"month.{first.month}")
        self.month = words.say("calendar.month", month=month, year=first.year)
        self.earlier = first > self._first
        self.later = (first.year, first.month) < (self._last.year, self._last.month)
        grid = self.ids.days
        grid.clear_widgets()
        for number in range(WEEKDAYS):
            grid.add_widget(DayButton(text=words.say(f"weekday.short.{number}")[:3], head=True, disabled=True))
        before, count = calendar.monthrange(first.year, first.month)
        today = dates.local(self._app.now_ms()).date()
        for place in range(-before, 6 * WEEKDAYS - before):
            if not 0 <= place < count:
                grid.add_widget(DayButton(disabled=True))
                continue
            day = first.replace(day=place + 1)
            button = DayButton(
                text=str(day.day),
                test_id=f"day-pick-{day.day}",
                today=day == today,
                disabled=not self._first <= day <= self._last,
            )
            button.bind(on_release=lambda _button, day=day: self._choose(day))
            grid.add_widget(button)

    def _choose(self, day: date) -> None:
        self.close()
        self._act(int(datetime(day.year, day.month, day.day).astimezone().timestamp() * 1000))


load_rules(__file__)
