"""A sheet that says what is about to happen and does it on a tap."""

from collections.abc import Callable

from kivy.metrics import dp

from miss_app.ui.controls import MissButton, Sheet, Words


def question_sheet(
    title: str, explain: str, go: str, button_id: str, act: Callable[[], None], *, kind: str = "filled"
) -> Sheet:
    """The sheet; ``act`` is called once it is closed by its button, whose kind is ``MissButton``'s."""
    sheet = Sheet(title=title, panel_height=dp(300))
    button = MissButton(text=go, kind=kind, test_id=button_id)

    def confirmed(*_args: object) -> None:
        sheet.close()
        act()

    button.bind(on_release=confirmed)
    sheet.ids.body.padding = (dp(14), 0, dp(14), dp(12))
    sheet.ids.body.spacing = dp(14)
    sheet.add_widget(Words(text=explain))
    sheet.add_widget(button)
    sheet.fit()
    return sheet
