"""Choosing how long devices keep the messages of a conversation."""

from collections.abc import Callable

from kivy.metrics import dp

from miss_app.ui.controls import Caption
from miss_app.ui.list_row import ListItem
from miss_app.ui.navigator import Navigator
from miss_app.ui.patient_words import DAYS, kept
from miss_app.ui.screens.choices import ChoiceSheet
from miss_app.ui.texts import words


def choose_kept(app: Navigator, days: int, act: Callable[[int], object]) -> None:
    """Show the durations; ``act`` is called with the days chosen."""
    most = app.client.assistance.service().devices_days
    items = [
        ListItem(
            f"kept-{one}",
            kept(one),
            item=lambda one=one: act(one),
            lead_icon="history",
            mark="check-circle" if one == days else "checkbox-blank-circle-outline",
            mark_strong=one == days,
        )
        for one in DAYS
    ]
    told = Caption(text=explained(most), size_hint_y=None, padding=(dp(18), dp(4)))
    told.bind(texture_size=lambda label, size: setattr(label, "height", size[1]))
    told.width = min(app.shell.width, dp(480)) - dp(40)
    told.texture_update()
    app.shell.show_sheet(ChoiceSheet(app, words.say("kept.title"), items, told))


def explained(most: int) -> str:
    """What it means, and what an establishment has decided."""
    text = str(words.say("kept.explain"))
    return text if most >= DAYS[-1] else f"{text} {words.say('kept.shortened', kept=kept(most))}"
