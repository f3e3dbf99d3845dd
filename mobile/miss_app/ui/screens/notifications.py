"""How one is told of what waits: whether this device is woken, the mail, quiet hours, sound; and what became of it."""

from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine.reach import DAY_MINUTES, QuietHours, ReachView
from miss_app.ports.interfaces import Shown
from miss_app.ui import dates
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.screens.privacy import ChoiceRow
from miss_app.ui.texts import words
from miss_app.ui.toast import show_toast

__all__ = ["ChoiceRow"]  # it is named in the rules

GOOD, BAD, NOTE = "check-circle", "alert-circle-outline", "information-outline"
NIGHT = QuietHours(22 * 60, 7 * 60)
STEP_MINUTES = 30


class ReachLine(BoxLayout):
    """One way to be reached, in what state it is, and whether that is well."""

    icon = StringProperty("")
    title = StringProperty("")
    text = StringProperty("")
    mark = StringProperty("")
    test_id = StringProperty("")


class ClockRow(BoxLayout):
    """A time of the day, half an hour earlier or later by a touch."""

    __events__ = ("on_less", "on_more")
    title = StringProperty("")
    clock = StringProperty("")
    text = StringProperty("")
    shown = BooleanProperty(True)
    test_id = StringProperty("")
    less_id = StringProperty("")
    more_id = StringProperty("")

    def on_less(self) -> None:
        """Earlier."""

    def on_more(self) -> None:
        """Later."""


class NotificationsScreen(Page):
    """Shows what the server holds; what can be chosen waits until that is known, but for this device's own sound."""

    known = BooleanProperty(False)
    push = StringProperty("")
    push_mark = StringProperty("")
    mail = StringProperty("")
    mail_mark = StringProperty("")
    mails = BooleanProperty(True)
    sound = BooleanProperty(True)
    start = NumericProperty(0)
    end = NumericProperty(0)

    def entered(self) -> None:
        """Ask what there is."""
        reach = self.app.client.reach
        self.sound = reach.sound()
        self._show_quiet(reach.quiet())
        self.ask(reach.standing(), self._show)

    def spoken_again(self) -> None:
        """The states in the other language."""
        if self.known:
            self.entered()

    def quieten(self) -> None:
        """Quiet hours on, at night, or off."""
        if self.known and not self.busy:
            self._keep_quiet(QuietHours() if self.start != self.end else NIGHT)

    def shift(self, start: int, end: int) -> None:
        """The quiet hours begin or end so many steps later."""
        if not self.known or self.busy:
            return
        first = int(self.start + start * STEP_MINUTES) % DAY_MINUTES
        last = int(self.end + end * STEP_MINUTES) % DAY_MINUTES
        if first != last:
            self._keep_quiet(QuietHours(first, last))

    def let_mails(self) -> None:
        """Be told by mail, or not."""
        if self.known and not self.busy:
            self.ask(self.app.client.reach.set_mails(not self.mails), self._show)

    def let_sound(self) -> None:
        """Sound for what is urgent, on this device."""
        self.sound = not self.sound
        self.app.client.reach.set_sound(self.sound)

    def try_one(self) -> None:
        """Show a notification now, to see whether this machine does."""
        notifier = self.app.device.notifier()
        if notifier is None:
            self._tried(False)
        else:
            what = Shown("MiSS", str(words.say("notifications.trial")))
            self.ask(notifier.show(what, lambda: None), self._tried)

    def _tried(self, taken: bool) -> None:
        show_toast(self.app.shell, words.say("notifications.tried" if taken else "notifications.not_here"))

    def _keep_quiet(self, quiet: QuietHours) -> None:
        self._show_quiet(quiet)
        self.ask(self.app.client.reach.set_quiet(quiet), self._show)

    def _show_quiet(self, quiet: QuietHours) -> None:
        self.start, self.end = quiet.start, quiet.end

    def _show(self, found: ReachView) -> None:
        now_ms = self.app.now_ms()
        self.known, self.mails = True, found.mails
        self._show_quiet(found.quiet)
        failed = found.outcome in ("failed", "refused")
        # A workstation has no push service: it stays open, or locked. A phone without one is in trouble.
        unwoken = NOTE if self.app.device.desktop else BAD
        self.push_mark = BAD if failed else GOOD if found.registered_at_ms else unwoken
        self.mail_mark = (GOOD if found.mails else NOTE) if found.mailbox else BAD
        if not found.registered_at_ms:
            self.push = words.say("notifications.no_push")
        elif failed:
            self.push = words.say("notifications.push_failed")
        elif found.pushed_at_ms:
            self.push = words.say("notifications.pushed", when=_when(found.pushed_at_ms, now_ms))
        else:
            self.push = words.say("notifications.never_pushed")
        if not found.mailbox:
            self.mail = words.say("notifications.no_mailbox")
        elif found.mailed_at_ms:
            when = _when(found.mailed_at_ms, now_ms)
            self.mail = words.say("notifications.mailed", mailbox=found.mailbox, when=when)
        else:
            self.mail = words.say("notifications.never_mailed", mailbox=found.mailbox)

    @staticmethod
    def clock(minutes: float) -> str:
        """ "22:00"."""
        return f"{int(minutes) // 60:02d}:{int(minutes) % 60:02d}"


def _when(at_ms: int, now_ms: int) -> str:
    day = dates.day(at_ms, now_ms)
    return f"{day[:1].lower()}{day[1:]}, {dates.hour(at_ms)}"


load_rules(__file__)
