"""The panel for the code that one's establishment gave: the code, and the name that the establishment knows."""

from kivy.properties import BooleanProperty

from miss_app.ui.bridge import Failure
from miss_app.ui.controls import Sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.navigator import Navigator
from miss_app.ui.texts import words


class VoucherSheet(Sheet):
    """Asks for a voucher's code and registers with it.

    Args:
        charter_version: the version of the charter that was accepted.
        family_name, given_name: what the fields begin with.
    """

    busy = BooleanProperty(False)

    def __init__(self, app: Navigator, charter_version: str, family_name: str, given_name: str) -> None:
        self.app = app
        self._charter_version = charter_version
        super().__init__(title=words.say("voucher.title"))
        self.ids.family.text, self.ids.given.text = family_name, given_name
        self.fit()
        self.ids.code.focus_soon()

    def go(self) -> None:
        """Hand it to the engine; the panel closes when the server has taken it."""
        if self.busy:
            return
        code, family, given = (self.ids[name].text.strip() for name in ("code", "family", "given"))
        if not (code and family and given):
            self.problem = words.problem("voucher-incomplete")
            return
        self.busy, self.problem = True, ""
        wish = self.app.client.proof.claim_vouched(code, family, given, charter_version=self._charter_version)
        self.app.bridge.ask(wish, lambda _result: self.close(), self._failed)

    def _failed(self, failure: Failure) -> None:
        self.busy = False
        self.problem = words.problem(failure.reason, failure.sentence, failure.seconds)


load_rules(__file__)
