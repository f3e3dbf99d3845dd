"""The PIN that will open this device, or six words instead; and what the person is called on a machine of several."""

from kivy.properties import BooleanProperty, NumericProperty, StringProperty

from miss_app.engine.passphrase import new_phrase
from miss_app.engine.vault import Guard
from miss_app.ui.bridge import Failure
from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words
from miss_protocol import limits


class ChoosePinScreen(GatePage):
    """Asks twice; at least six digits. ``guard`` is what protects them against a copied disk; ``words_drawn`` the six
    words where the person prefers those, ``noted`` once they have them."""

    guard = StringProperty("")
    words_drawn = StringProperty("")
    noted = BooleanProperty(False)
    several = BooleanProperty(False)
    digits = NumericProperty(limits.PIN_DIGITS_MIN)  # at least so many

    def entered(self) -> None:
        """Find out what this machine can do."""
        self.several, self.digits = self.app.may_choose(), self.app.policy.pin_digits
        self.ids.pin.focus_soon()
        self.app.bridge.ask(self.app.client.door.best_guard(), self._found, lambda _failure: None)

    def _found(self, guard: Guard) -> None:
        self.guard = guard.value

    def fail(self, failure: Failure) -> None:
        """What is wrong is typed anew."""
        super().fail(failure)
        if failure.reason:
            ids = self.ids
            (ids.typed if self.words_drawn else ids.again if failure.reason == "pin-differs" else ids.pin).focus_soon()

    def submit(self) -> None:
        """The return key in the last line: the same as the button."""
        if not self.words_drawn:
            self.go()
        elif self.noted:
            self.go_words()

    def guard_words(self, guard: str, drawn: str) -> str:
        """What stands between a copied disk and the messages, and whether opening needs the network."""
        if drawn:
            return str(words.say("guard.phrase"))
        if not guard:
            return ""
        return str(words.say("guard.server") if guard == Guard.SERVER else words.say("guard.keystore"))

    def go(self) -> None:
        """Make the vault."""
        pin, again = self.ids.pin.text.strip(), self.ids.again.text.strip()
        if len(pin) < limits.PIN_DIGITS_MIN or not pin.isdigit():
            self.complain("pin-too-short")
        elif len(pin) < self.digits:
            self.complain("policy-pin")
        elif len(set(pin)) == 1 or pin in "01234567890" or pin in "09876543210":
            self.complain("pin-too-simple")
        elif pin != again:
            self.complain("pin-differs")
        elif not self.busy:
            self._show_name()
            self.ask(self.app.client.choose_pin(pin), self._chosen)

    def prefer_words(self) -> None:
        """Six words instead of a PIN."""
        self.complain("")
        self.words_drawn, self.noted = new_phrase(), False

    def prefer_pin(self) -> None:
        """The PIN after all."""
        self.complain("")
        self.words_drawn = self.ids.typed.text = ""

    def note(self) -> None:
        """They are written down: now they are typed once, from the paper."""
        self.noted = True
        self.ids.typed.focus_soon()

    def go_words(self) -> None:
        """Make the vault with the phrase that was typed."""
        typed = self.ids.typed.text.strip()
        if not typed:
            self.complain("phrase-length")
        elif not self.busy:
            self._show_name()
            self.ask(self.app.client.door.choose_words(typed, self.words_drawn), self._chosen)

    def _show_name(self) -> None:
        if self.several:
            self.app.set_shown_name(self.ids.shown.text)

    def left(self) -> None:
        """Nothing that was typed or drawn stays."""
        self._chosen(None)
        super().left()

    def _chosen(self, _result: object) -> None:
        self.ids.pin.text = self.ids.again.text = self.ids.typed.text = self.words_drawn = ""


load_rules(__file__)
