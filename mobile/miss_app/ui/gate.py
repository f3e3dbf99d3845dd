"""The screens before the conversation list: one question at a time, in a column, on a card when the window is wide."""

from kivy.properties import StringProperty

from miss_app.ui import controls
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page

__all__ = ["controls"]


class GatePage(Page):
    """A question with its title and explanation. ``crest`` is the icon above it."""

    crest = StringProperty("shield-check")


load_rules(__file__)
