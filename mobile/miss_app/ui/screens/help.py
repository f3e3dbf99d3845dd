"""Help: when and how somebody answers, and reporting a problem without names or contents, read before it is sent."""

from typing import Any

from kivy.properties import StringProperty

from miss_app.engine.assistance import KINDS
from miss_app.ui.choice_row import ChoiceRow
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.texts import words

__all__ = ["ChoiceRow", "HelpScreen", "ReportScreen"]


class HelpScreen(Page):
    """Whom to call, as the server says it; an honest word where it says nothing."""

    hours = StringProperty("")
    reach = StringProperty("")

    def entered(self) -> None:
        """Show what the server last said."""
        service = self.app.client.assistance.service()
        self.hours = words.say("help.hours", hours=service.hours) if service.hours else words.say("help.no_hours")
        self.reach = "\n".join(part for part in (service.telephone, service.mail) if part) or words.say("help.nobody")

    def spoken_again(self) -> None:
        """The same in the other language."""
        self.entered()

    def report(self) -> None:
        """Tell of a problem."""
        self.app.shell.open(ReportScreen(self.app))


class ReportScreen(Page):
    """What is sent is what is read here, to the letter."""

    kind = StringProperty("")
    text = StringProperty("")
    number = StringProperty("")  # once it was sent

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        for kind in KINDS:
            row = ChoiceRow(text=words.say(f"report.kind.{kind}"), test_id=f"report-{kind}")
            row.bind(on_release=lambda _row, kind=kind: self.choose(kind))
            self.ids.kinds.add_widget(row)

    def entered(self) -> None:
        """Write the report anew."""
        self.choose(self.kind)

    def spoken_again(self) -> None:
        """The same in the other language."""
        for kind, row in zip(KINDS, reversed(self.ids.kinds.children), strict=True):
            row.text = words.say(f"report.kind.{kind}")
        self.choose(self.kind)

    def choose(self, kind: str) -> None:
        """What does not work; the report says it first."""
        self.kind = kind
        for name, row in zip(KINDS, reversed(self.ids.kinds.children), strict=True):
            row.chosen = name == kind
        lines = [_fact("what", words.say(f"report.kind.{kind}"))] if kind else []
        lines += [_fact(name, value) for name, value in self.app.client.assistance.facts()]
        self.text = "\n".join(lines)

    def send(self) -> None:
        """Send exactly what is shown."""
        if not self.kind:
            self.complain("report-kind-missing")
        elif not self.busy and not self.number:
            self.ask(self.app.client.assistance.report(self.text), self._sent)

    def _sent(self, number: str) -> None:
        self.number = number


def _fact(name: str, value: object) -> str:
    return str(words.say("report.line", name=words.say(f"report.{name}"), value=value))


load_rules(__file__)
