"""Asking twice before something about one patient goes into a conversation about another."""

from collections.abc import Callable

from miss_app.engine.events import ConversationView
from miss_app.ui import patient_words
from miss_app.ui.confirm import confirm
from miss_app.ui.navigator import Navigator
from miss_app.ui.question import question_sheet
from miss_app.ui.texts import words


def ask_twice(app: Navigator, here: str, there: str, act: Callable[[], object]) -> None:
    """Say whose conversation it is and whose data they are; then, once more, that it is meant.

    Args:
        here: the patient the conversation is about.
        there: the patient whom the words, the photo or the data are about.
    """

    def surely() -> None:
        confirm(
            app,
            words.say("other.title"),
            words.say("other.surely", here=here, there=there),
            words.say("other.go"),
            "other-patient-yes",
            act,
        )

    sheet = question_sheet(
        words.say("other.title"),
        words.say("other.explain", here=here, there=there),
        words.say("other.continue"),
        "other-patient-continue",
        surely,
        kind="tonal",
    )
    app.shell.show_sheet(sheet)


def ask_first(app: Navigator, conversation_id: bytes, text: str, act: Callable[[], object]) -> None:
    """Do it at once, unless the text names a patient of another conversation here: then ask twice."""
    here = app.client.conversation(conversation_id)
    strangers = app.client.teams.strangers_in(conversation_id, text)
    if here is None or not strangers:
        act()
        return
    ask_twice(app, called(here), called(strangers[0]), act)


def called(conversation: ConversationView) -> str:
    """The patient of a conversation, with the birth date."""
    return patient_words.known(conversation.patient, conversation.birth_date)
