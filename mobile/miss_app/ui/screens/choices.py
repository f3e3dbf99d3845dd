"""Panels of a few lines to choose from: what can be done with a message, what else can be written, where to forward."""

from collections.abc import Callable, Sequence
from typing import Any

from kivy.metrics import dp, sp
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine.events import ConversationView
from miss_app.ui.controls import Sheet
from miss_app.ui.emoji_panel import EmojiKey
from miss_app.ui.list_row import ListItem, ListRow, measure_item
from miss_app.ui.navigator import Navigator
from miss_app.ui.texts import words
from miss_app.ui.tokens import NAME_SP
from miss_app.ui.virtual_list import VirtualList

LINE_DP = 58
REACTIONS = ("👍", "❤️", "🙏", "✅", "👏", "😢")


class ChoiceSheet(Sheet):
    """Lines that each do one thing; the panel closes at the first tap. ``above`` stands over the lines."""

    def __init__(
        self, app: Navigator, title: str, items: Sequence[ListItem], above: Any = None, **options: Any
    ) -> None:
        super().__init__(title=title, **options)
        lines = VirtualList(lambda: ListRow(self._chosen), _measure)
        if above is not None:
            self.add_widget(above)
        self.add_widget(lines)
        lines.set_rows(list(items))
        room = lines.content_height + dp(56) + dp(28) + (above.height if above is not None else 0)
        self.panel_height = min(room, app.shell.height * 0.86)

    def _chosen(self, item: ListItem) -> None:
        self.close()
        item.item()


def _measure(row: Any, width: float) -> None:
    measure_item(row, width)
    if not row.subtitle:
        row.height = max(dp(LINE_DP), sp(NAME_SP) + dp(34))


def choose(app: Navigator, title: str, wanted: Sequence[tuple[str, str, str, Callable[[], object]]]) -> None:
    """Show a panel of lines, each (test id, text key, icon, what it does)."""
    items = [ListItem(test_id, str(words.say(key)), item=act, lead_icon=icon) for test_id, key, icon, act in wanted]
    app.shell.show_sheet(ChoiceSheet(app, title, items))


def message_menu(
    app: Navigator,
    title: str,
    chosen: str,
    react: Callable[[str], object],
    wanted: Sequence[tuple[str, str, str, Callable[[], object]]],
) -> None:
    """What can be done with a message; ``chosen`` is the emoji that is one's own already."""
    sheet_of: list[Sheet] = []

    def tapped(key: EmojiKey) -> None:
        sheet_of[0].close()
        react("" if key.text == chosen else key.text)

    bar = BoxLayout(size_hint_y=None, height=dp(56), padding=(dp(8), 0), spacing=dp(2))
    for place, emoji in enumerate(REACTIONS):
        key = EmojiKey(text=emoji, test_id=f"react-{place}", chosen=emoji == chosen)
        key.size_hint = (1, None)
        key.bind(on_release=tapped)
        bar.add_widget(key)
    items = [ListItem(test_id, str(words.say(key)), item=act, lead_icon=icon) for test_id, key, icon, act in wanted]
    sheet_of.append(ChoiceSheet(app, title, items, bar))
    app.shell.show_sheet(sheet_of[0])


def choose_conversation(
    app: Navigator, conversations: Sequence[ConversationView], act: Callable[[bytes], object]
) -> None:
    """Where to forward a message."""
    items = [
        ListItem(
            f"forward-{place}",
            one.title or str(words.say("list.untitled")),
            one.patient,
            item=lambda one=one: act(one.conversation_id),
            avatar_key=one.conversation_id.hex(),
            team=not one.direct,
        )
        for place, one in enumerate(conversations)
        if one.active
    ]
    app.shell.show_sheet(ChoiceSheet(app, str(words.say("forward.title")), items))
