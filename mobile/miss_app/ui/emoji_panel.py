"""A small panel of emoji for machines whose keyboard has none, the care ones among the first."""

from kivy.properties import BooleanProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.label import Label
from kivy.uix.stacklayout import StackLayout

from miss_app.ui.kv import load_rules

EMOJI = (
    "👍",
    "🙏",
    "✅",
    "❌",
    "❗",
    "❓",
    "👏",
    "👋",
    "🙂",
    "😊",
    "😅",
    "😢",
    "😮",
    "🤔",
    "❤️",
    "🎉",
    "🩺",
    "💊",
    "💉",
    "🩹",
    "🌡️",
    "🧪",
    "🔬",
    "🩸",
    "🧠",
    "🦷",
    "🦴",
    "👁️",
    "👂",
    "🤰",
    "👶",
    "🦽",
    "🏥",
    "🚑",
    "📷",
    "📎",
    "📅",
    "⏰",
    "📞",
    "🏠",
)


class EmojiKey(ButtonBehavior, Label):
    """One emoji."""

    test_id = StringProperty("")
    chosen = BooleanProperty(False)


class EmojiPanel(StackLayout):
    """Dispatches ``on_emoji`` with the one tapped; takes no room while it is not ``shown``."""

    shown = BooleanProperty(False)
    __events__ = ("on_emoji",)

    def on_emoji(self, _emoji: str) -> None:
        """An emoji was tapped."""

    def on_shown(self, *_args: object) -> None:
        """The keys exist only while they are seen."""
        self.clear_widgets()
        if self.shown:
            for place, emoji in enumerate(EMOJI):
                key = EmojiKey(text=emoji, test_id=f"emoji-{place}")
                key.bind(on_release=lambda pressed: self.dispatch("on_emoji", pressed.text))
                self.add_widget(key)


load_rules(__file__)
