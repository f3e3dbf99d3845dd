"""The panel that asks why a photo of a patient may be shown: they agree, or cannot, and who was consulted."""

from collections.abc import Callable, Sequence
from functools import partial

from kivy.metrics import dp

from miss_app.ui.controls import SettingRow, Sheet, Words
from miss_app.ui.navigator import Navigator
from miss_app.ui.texts import words
from miss_protocol.content import Consent

# What cannot be said by a tick: each with its article of the law.
UNABLE = (Consent.TRUSTED_PERSON, Consent.EMERGENCY)
_CHOICES = {
    Consent.AGREED: ("consent.agreed", "consent.agreed_explain", "check-circle-outline"),
    Consent.TRUSTED_PERSON: ("consent.trusted", "consent.trusted_explain", "account-outline"),
    Consent.EMERGENCY: ("consent.emergency", "consent.emergency_explain", "alert-circle-outline"),
}


def ask_consent(
    app: Navigator, explain: str, act: Callable[[Consent], object], choices: Sequence[Consent] = tuple(_CHOICES)
) -> None:
    """Say what it is about, and hand over what was chosen."""
    sheet = Sheet(title=words.say("consent.title"), panel_height=dp(420))

    def chosen(consent: Consent, *_args: object) -> None:
        sheet.close()
        act(consent)

    sheet.ids.body.padding = (dp(14), 0, dp(14), dp(12))
    sheet.ids.body.spacing = dp(8)
    sheet.add_widget(Words(text=explain))
    for one in choices:
        title, told, icon = _CHOICES[one]
        row = SettingRow(icon=icon, title=words.say(title), subtitle=words.say(told), test_id=f"consent-{int(one)}")
        row.bind(on_release=partial(chosen, one))
        sheet.add_widget(row)
    sheet.fit()
    app.shell.show_sheet(sheet)


def said(consent: Consent) -> str:
    """What was chosen, in short; "" for nothing."""
    return str(words.say(_CHOICES[consent][0])) if consent else ""


def shown(consent: Consent) -> str:
    """What stands with a photo that others look at."""
    key = {
        Consent.AGREED: "consent.seen_agreed",
        Consent.TRUSTED_PERSON: "consent.seen_trusted",
        Consent.EMERGENCY: "consent.seen_emergency",
    }.get(consent, "")
    return str(words.say(key)) if key else ""
