"""What a wide window shows beside the list while no conversation is open."""

from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page


class EmptyScreen(Page):
    """A quiet invitation to choose a conversation."""


load_rules(__file__)
