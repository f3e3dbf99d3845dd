"""The panel by which a person opens another device of theirs from this one: the digits that one shows, or a refusal."""

from kivy.properties import BooleanProperty, StringProperty

from miss_app.engine.lock_events import UnlockQuestion
from miss_app.ui.bridge import Failure
from miss_app.ui.controls import Sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.navigator import Navigator
from miss_app.ui.texts import words


class UnlockSheet(Sheet):
    """Asks whether the person stands before a locked device that asks to be opened."""

    asking = StringProperty("")
    busy = BooleanProperty(False)

    def __init__(self, app: Navigator, question: UnlockQuestion) -> None:
        self.app = app
        self._question = question
        super().__init__(title=words.say("unlock.title"))
        self.asking = question.name or words.say("unlock.unnamed")
        self.fit()

    def go(self) -> None:
        """Open it."""
        code = self.ids.code.text.strip()
        if code and not self.busy:
            self._ask(self.app.client.approvals().approve(self._question.device_id, code))

    def refuse(self) -> None:
        """It is somebody else who asks."""
        if not self.busy:
            self._ask(self.app.client.approvals().refuse(self._question.device_id))

    def _ask(self, wish: object) -> None:
        self.busy, self.problem = True, ""
        self.app.bridge.ask(wish, lambda _result: self.close(), self._failed)  # type: ignore[arg-type]  # a coroutine

    def _failed(self, failure: Failure) -> None:
        self.busy = False
        self.ids.code.text = ""
        self.problem = words.problem(failure.reason, failure.sentence, failure.seconds)
        self.fit()


load_rules(__file__)
