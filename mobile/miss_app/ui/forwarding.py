"""Taking messages to another conversation, one after the other, and asking what the engine wants to be sure of."""

from collections.abc import Callable, Sequence
from typing import Any

from miss_app.engine.events import MessageView
from miss_app.ui.bridge import Failure
from miss_app.ui.confirm import confirm
from miss_app.ui.consent_sheet import ask_consent
from miss_app.ui.other_patient import ask_twice, called
from miss_app.ui.texts import words
from miss_protocol.content import Consent


class Forwarding:
    """What was answered for one message holds for those after it.

    Args:
        screen: the chat they are taken from; it says what goes wrong.
        done: called once all are there.
    """

    def __init__(self, screen: Any, messages: Sequence[MessageView], target: bytes, done: Callable[[], object]) -> None:
        self._screen, self._app = screen, screen.app
        self._left, self._target, self._done = list(messages), target, done
        self._leaving_team = self._other_patient = False
        self._consent = Consent.NONE

    def go(self) -> None:
        """Take the next one there."""
        if not self._left:
            self._done()
            return
        wish = self._app.client.deeds.forward(
            self._screen.conversation_id,
            self._left[0].message_id,
            self._target,
            leaving_team=self._leaving_team,
            other_patient=self._other_patient,
            consent=self._consent,
        )
        self._app.bridge.ask(wish, self._sent, self._failed)

    def _sent(self, _message_id: bytes) -> None:
        del self._left[0]
        self.go()

    def _failed(self, failure: Failure) -> None:
        here, there = (self._app.client.conversation(one) for one in (self._screen.conversation_id, self._target))
        if failure.reason == "leaves-the-team":
            confirm(
                self._app,
                str(words.say("forward.leaves_title")),
                str(words.say("problem.leaves-the-team")),
                str(words.say("forward.leaves_go")),
                "forward-yes",
                self._leave_team,
            )
        elif failure.reason == "other-patient" and here is not None and there is not None:
            ask_twice(self._app, called(there), called(here), self._to_other_patient)
        elif failure.reason == "consent-missing" and there is not None:
            title = there.title or str(words.say("list.untitled"))
            ask_consent(self._app, str(words.say("consent.again", title=title)), self._agree)
        else:
            self._screen.fail(failure)

    def _leave_team(self) -> None:
        self._leaving_team = True
        self.go()

    def _to_other_patient(self) -> None:
        self._other_patient = True
        self.go()

    def _agree(self, consent: Consent) -> None:
        self._consent = consent
        self.go()
