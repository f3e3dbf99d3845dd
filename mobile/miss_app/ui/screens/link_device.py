"""On the trusted device: type the code the new one shows, and one's PIN."""

from kivy.properties import StringProperty

from miss_app.engine.events import DeviceView
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.texts import words
from miss_app.ui.toast import show_toast


class LinkDeviceScreen(Page):
    """Endorses a new device of the same person."""

    done = StringProperty("")

    def go(self) -> None:
        """Accept the device whose code this is."""
        code, pin = "".join(self.ids.code.text.split()), self.ids.pin.text.strip()
        if not code:
            self.complain("link-code-empty")
        elif not pin:
            self.complain("pin-empty")
        elif not self.busy:
            self.ids.pin.text = ""
            self.ask(self.app.client.link_device(code, pin=pin), self._linked)

    def _linked(self, device: DeviceView | None) -> None:
        self.ids.code.text = ""
        name = device.name if device is not None else ""
        self.done = words.say("link.done", name=name or words.say("devices.unnamed"))
        show_toast(self.app.shell, self.done)


load_rules(__file__)
