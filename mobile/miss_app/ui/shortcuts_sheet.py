"""The sheet that lists what the keyboard can do."""

from kivy.properties import StringProperty
from kivy.uix.boxlayout import BoxLayout

from miss_app.ui.controls import Sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words


class ShortcutRow(BoxLayout):
    """The keys, and what they do."""

    keys = StringProperty("")
    text = StringProperty("")
    test_id = StringProperty("")


class ShortcutsSheet(Sheet):
    """Opened by F1."""

    def __init__(self) -> None:
        super().__init__(title=words.say("keys.title"), panel_height=10_000)
        shown = (
            ("Ctrl K", words.say("keys.search")),
            ("Ctrl N", words.say("keys.new")),
            ("Ctrl Maj N", words.say("keys.group")),
            ("Ctrl F", words.say("keys.find")),
            ("Ctrl O", words.say("keys.open")),
            (words.say("keys.alt_arrows"), words.say("keys.other")),
            (words.say("keys.up_down"), words.say("keys.arrows")),
            ("Tab", words.say("keys.tab")),
            (words.say("keys.enter"), words.say("keys.send")),
            (words.say("keys.shift_enter"), words.say("keys.line")),
            ("@", words.say("keys.mention")),
            (words.say("keys.escape"), words.say("keys.back")),
            ("Ctrl L", words.say("keys.lock")),
            ("F1", words.say("keys.help")),
        )
        for place, (keys, text) in enumerate(shown):
            keys = keys.replace("Maj", words.say("keys.shift"))
            self.ids.rows.add_widget(ShortcutRow(keys=keys, text=text, test_id=f"shortcut-{place}"))


load_rules(__file__)
