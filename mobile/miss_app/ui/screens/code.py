"""The code that was sent to the mailbox the register lists."""

from kivy.properties import BooleanProperty, NumericProperty, StringProperty

from miss_app.engine.events import Event, RegistrationChanged
from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words
from miss_app.ui.toast import show_toast


class CodeScreen(GatePage):
    """Asks for the code; says where it went and how many tries are left."""

    via = StringProperty("")
    mailbox = StringProperty("")
    attempts_left = NumericProperty(5)
    by_phone = BooleanProperty(False)

    def entered(self) -> None:
        """Show where the code went."""
        self._follow()

    def hear(self, event: Event) -> None:
        """A wrong code leaves fewer tries."""
        if isinstance(event, RegistrationChanged):
            self._follow()

    def go(self) -> None:
        """Try the code."""
        code = "".join(self.ids.code.text.split())
        if not code:
            self.complain("code-empty")
        elif not self.busy:
            self.ask(self.app.client.enter_code(code))

    def again(self) -> None:
        """Ask for another code."""
        if not self.busy:
            self.ask(
                self.app.client.send_code_again(),
                lambda _result: show_toast(self.app.shell, words.say("code.sent_again")),
            )

    def start_over(self) -> None:
        """The claim was wrong: back to it."""
        if not self.busy:
            self.ask(self.app.client.start_over())

    def _follow(self) -> None:
        registration = self.app.client.registration()
        if registration is None:
            return
        self.via, self.mailbox = registration.via, registration.mailbox
        self.by_phone = registration.via != "mailbox" or not registration.mailbox
        self.attempts_left = registration.attempts_left
        if registration.problem:
            self.complain(registration.problem)


load_rules(__file__)
