"""The panel a demand of confirmation is written in: a dosage or a question; or the right dosage, as a correction."""

from kivy.properties import BooleanProperty

from miss_app.ui.bridge import Failure
from miss_app.ui.controls import Sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.navigator import Navigator
from miss_app.ui.texts import words
from miss_protocol.acts import Dosage, Verdict


class RequestSheet(Sheet):
    """Asks for a dosage or a question and queues it.

    Args:
        corrects: the message id of the demand that this corrects; None for a new one.
        dosage: what the fields begin with.
    """

    asks_dosage = BooleanProperty(True)
    correcting = BooleanProperty(False)
    busy = BooleanProperty(False)

    def __init__(
        self, app: Navigator, conversation_id: bytes, corrects: bytes | None = None, dosage: Dosage | None = None
    ) -> None:
        self.app = app
        self._conversation_id = conversation_id
        self._corrects = corrects
        super().__init__(title=words.say("request.correct_title" if corrects else "request.title"))
        self.correcting = corrects is not None
        if dosage is not None:
            self.ids.drug.text, self.ids.dose.text = dosage.drug, dosage.dose
            self.ids.route.text, self.ids.rhythm.text = dosage.route, dosage.rhythm
        self.fit()
        self.on_asks_dosage()

    def on_asks_dosage(self, *_args: object) -> None:
        """The first field of what is asked takes what is typed."""
        (self.ids.drug if self.asks_dosage else self.ids.question).focus_soon()

    def send(self) -> None:
        """Hand it to the engine; the panel closes when it is in the chat."""
        if self.busy:
            return
        self.busy, self.problem = True, ""
        deeds = self.app.client.deeds
        dosage = Dosage(*(self.ids[name].text.strip() for name in ("drug", "dose", "route", "rhythm")))
        question = self.ids.question.text.strip()
        if self._corrects is not None:
            wish = deeds.answer(self._conversation_id, self._corrects, Verdict.CORRECTED, dosage=dosage, note=question)
        elif self.asks_dosage:
            wish = deeds.ask(self._conversation_id, question=question, dosage=dosage)
        else:
            wish = deeds.ask(self._conversation_id, question=question)
        self.app.bridge.ask(wish, lambda _result: self.close(), self._failed)

    def _failed(self, failure: Failure) -> None:
        self.busy = False
        self.problem = words.problem(failure.reason, failure.sentence, failure.seconds)


load_rules(__file__)
