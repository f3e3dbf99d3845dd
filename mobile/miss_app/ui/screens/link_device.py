"""On the trusted device: scan or type the code of the new one, see which it is, and accept it with one's PIN."""

from typing import Any

from kivy.metrics import dp
from kivy.properties import BooleanProperty, NumericProperty, StringProperty

from miss_app.engine.events import DeviceView, LinkView
from miss_app.ui.bridge import Failure
from miss_app.ui.controls import Sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.qr_sheet import QrSheet
from miss_app.ui.texts import words
from miss_app.ui.toast import show_toast

MONTH_DAYS, EVERYTHING, NOTHING = 30, 0, -1


class LinkAskSheet(Sheet):
    """Which device it is, what it gets, and the PIN."""

    asking = StringProperty("")  # the name of the device that was found
    days = NumericProperty(MONTH_DAYS)
    busy = BooleanProperty(False)

    def __init__(self, page: "LinkDeviceScreen", code: str, name: str, **options: Any) -> None:
        self.page = page
        self.code = code
        options.setdefault("title", words.say("devices.link"))
        super().__init__(asking=name, **options)
        self.panel_height = dp(520)

    def go(self) -> None:
        """Accept the device whose code this is."""
        pin = self.ids.pin.text.strip()
        if not pin:
            self.problem = words.problem("pin-empty")
        elif not self.busy:
            self.ids.pin.text = ""
            self.busy, self.problem = True, ""
            days = None if self.days == NOTHING else int(self.days)
            linking = self.page.app.client.link_device(self.code, pin=pin, days=days)
            self.page.app.bridge.ask(linking, self._linked, self._failed)

    def _linked(self, device: DeviceView | None) -> None:
        self.close()
        self.page.linked(device)

    def _failed(self, failure: Failure) -> None:
        self.busy = False
        self.problem = words.problem(failure.reason, failure.sentence, failure.seconds)


class LinkDeviceScreen(Page):
    """Finds the new device of the same person that shows a code."""

    done = StringProperty("")

    def scan(self) -> None:
        """Read the QR code from a picture."""
        self.app.shell.show_sheet(QrSheet(self.app, self._scanned))

    def _scanned(self, text: str) -> None:
        self.ids.code.text = text
        self.look()

    def look(self) -> None:
        """Which device shows this code?"""
        code = "".join(self.ids.code.text.split())
        if not code:
            self.complain("link-code-empty")
        elif not self.busy:
            self.done = ""
            self.ask(self.app.client.own_devices.look(code), lambda view: self._found(code, view))

    def _found(self, code: str, view: LinkView) -> None:
        name = view.device_name or words.say("devices.unnamed")
        self.app.shell.show_sheet(LinkAskSheet(self, code, name))

    def linked(self, device: DeviceView | None) -> None:
        """The device was accepted."""
        name = device.name if device is not None else ""
        self.ids.code.text = ""
        self.done = words.say("link.done", name=name or words.say("devices.unnamed"))
        show_toast(self.app.shell, self.done)


load_rules(__file__)
