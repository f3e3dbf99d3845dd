"""The strip of sections at the left of a wide window."""

from typing import Any

from kivy.properties import BooleanProperty, ObjectProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.label import Label

from miss_app.ui.kv import load_rules


class RailButton(ButtonBehavior, Label):
    """One section."""

    name = StringProperty("")
    test_id = StringProperty("")
    label = StringProperty("")
    chosen = BooleanProperty(False)


class Rail(BoxLayout):
    """Conversations, a new group, the directory, devices; settings and the lock at the bottom."""

    app: Any = ObjectProperty(None)
    shown = BooleanProperty(False)
    section = StringProperty("chats")


load_rules(__file__)
