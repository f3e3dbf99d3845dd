"""A conversation in one line: what a list, a strip or a search hit calls it."""

from miss_app.engine.events import ConversationView
from miss_app.ui.texts import words


def headline(conversation: ConversationView) -> str:
    """ "Équipe plaies – Mme T.": whom a team is about is part of its name, wherever it is named alone."""
    title = conversation.title or str(words.say("list.untitled"))
    if conversation.direct or conversation.patient in ("", conversation.title):
        return title
    return str(words.say("list.about", title=title, patient=conversation.patient))
