"""Who may be meant by an "@" that is being written: the people of the conversation, completed by a tap or a key."""

import re
from typing import Any

from kivy.clock import Clock
from kivy.metrics import dp
from kivy.properties import NumericProperty, ObjectProperty
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine.events import PersonView
from miss_app.engine.folding import fold
from miss_app.ui.kv import load_rules
from miss_app.ui.list_row import ListItem, ListRow, measure_item
from miss_app.ui.virtual_list import VirtualList

SHOWN_MAX = 4
TOUCH_S = 1.0  # a finger on a name takes the cursor away before it chooses
_BEGUN = re.compile(r"(?:^|[\s(«])@([^\s@]*(?: [^\s@]+){0,2})$")


class MentionPanel(BoxLayout):
    """Stands above the line one writes in; takes no room while nobody is meant.

    ``composer`` is that line; ``screen`` knows who is in the conversation.
    """

    screen: Any = ObjectProperty(None)
    composer: Any = ObjectProperty(None, allownone=True)
    chosen = NumericProperty(0)  # the line that Enter takes

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._close_soon = Clock.create_trigger(lambda _dt: self._drop(), TOUCH_S)
        self._found: list[PersonView] = []
        self._begun = ""
        self._refused = ""  # what Escape said no to
        self._list = VirtualList(lambda: ListRow(lambda item: self._take(item.item)), measure_item)
        self.add_widget(self._list)

    @property
    def shown(self) -> bool:
        """Whether somebody may be meant."""
        return bool(self._found)

    def look(self) -> None:
        """The text or the cursor has changed."""
        composer = self.composer
        if not composer.focus:  # perhaps because one of the names is being touched
            self._close_soon()
            return
        self._close_soon.cancel()
        begun = _BEGUN.search(composer.text[: composer.cursor_index()])
        self._begun = begun[1] if begun else ""
        found = [] if begun is None or begun[0] == self._refused else self._people(self._begun)
        self._refused = self._refused if begun and begun[0] == self._refused else ""
        if found != self._found:
            self._found, self.chosen = found, 0
            self._show()

    def _people(self, begun: str) -> list[PersonView]:
        wanted = fold(begun).split()
        view = self.screen.app.client.conversation(self.screen.conversation_id)
        members = () if view is None or view.direct else view.members
        found = [
            one.person
            for one in members
            if not one.me
            and all(any(part.startswith(word) for part in fold(one.person.display_name).split()) for word in wanted)
        ]
        if [one.display_name for one in found] == [begun]:
            return []  # written to its end
        return found[:SHOWN_MAX]

    def press(self, name: str) -> bool:
        """A key that is for this panel: up, down, enter, tab, escape."""
        if not self._found:
            return False
        if name in ("up", "down"):
            self.chosen = (self.chosen + (1 if name == "down" else -1)) % len(self._found)
            self._show()
        elif name in ("enter", "numpadenter", "tab"):
            self._take(self._found[self.chosen])
        elif name == "escape":
            self.close()
        else:
            return False
        return True

    def close(self) -> None:
        """Nobody is meant."""
        begun = _BEGUN.search(self.composer.text[: self.composer.cursor_index()])
        self._refused = "" if begun is None else begun[0]
        self._drop()

    def _take(self, person: PersonView) -> None:
        composer = self.composer
        at = composer.cursor_index()
        start = at - len(self._begun)
        said = f"{person.display_name} "
        composer.text = composer.text[:start] + said + composer.text[at:]
        composer.cursor = composer.get_cursor_from_index(start + len(said))
        composer.focus = True
        self._drop()

    def _drop(self) -> None:
        self._found = []
        self._show()

    def _show(self) -> None:
        items = [
            ListItem(
                f"mention-{place}",
                person.display_name,
                person.profession,
                item=person,
                avatar_key=person.person_id.hex(),
                selected=place == self.chosen,
            )
            for place, person in enumerate(self._found)
        ]
        self._list.set_rows(items)
        self.height = min(self._list.content_height, dp(320)) if items else 0


load_rules(__file__)
