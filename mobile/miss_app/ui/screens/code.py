"""The code that was sent to the mailbox the register lists, is read on the telephone, or stands in the browser."""

from kivy.properties import BooleanProperty, NumericProperty, StringProperty

from miss_app.engine.events import Event, RegistrationChanged
from miss_app.ui.bridge import Failure
from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words
from miss_app.ui.toast import show_toast


class CodeScreen(GatePage):
    """Asks for the code; says where it is (``where``: mail, phone or browser) and how many tries are left."""

    where = StringProperty("mail")
    explained = StringProperty("")
    sent = BooleanProperty(True)  # by somebody who can send another
    attempts_left = NumericProperty(5)

    def entered(self) -> None:
        """Show where the code went, and take it down."""
        self._follow()
        self.ids.code.focus_soon()

    def hear(self, event: Event) -> None:
        """A wrong code leaves fewer tries."""
        if isinstance(event, RegistrationChanged):
            self._follow()

    def fail(self, failure: Failure) -> None:
        """What is wrong is typed anew."""
        super().fail(failure)
        if failure.reason:
            self.ids.code.focus_soon()

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
        if registration.via == "psc":
            self.where, self.explained = "browser", words.say("code.explain_browser")
        elif registration.via != "mailbox" or not registration.mailbox:
            self.where, self.explained = "phone", words.say("code.explain_phone")
        else:
            self.where, self.explained = "mail", words.say("code.explain", mailbox=registration.mailbox)
        self.sent = self.where != "browser"
        self.attempts_left = registration.attempts_left
        if registration.problem:
            self.complain(registration.problem)

    def spoken_again(self) -> None:
        """Where the code is, in the other language."""
        self._follow()


load_rules(__file__)
