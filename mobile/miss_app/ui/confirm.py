"""A panel that asks before something that cannot be taken back."""

from collections.abc import Callable

from kivy.metrics import dp

from miss_app.ui.controls import MissButton, Sheet, Words
from miss_app.ui.navigator import Navigator


def confirm(app: Navigator, title: str, explain: str, go: str, test_id: str, act: Callable[[], object]) -> None:
    """Say what will happen, and do it when the button ``go`` is tapped."""
    sheet = Sheet(title=title, panel_height=dp(300))
    button = MissButton(text=go, kind="danger", test_id=test_id)

    def confirmed(*_args: object) -> None:
        sheet.close()
        act()

    button.bind(on_release=confirmed)
    sheet.ids.body.padding = (dp(14), 0, dp(14), dp(12))
    sheet.ids.body.spacing = dp(14)
    sheet.add_widget(Words(text=explain))
    sheet.add_widget(button)
    sheet.fit()
    app.shell.show_sheet(sheet)
