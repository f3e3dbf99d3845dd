"""This person's devices: what each is, when it was last used and how it was checked; naming, ending, adding one."""

from typing import Any

from kivy.metrics import dp

from miss_app.engine.events import DeviceView, Event, LinkRequested
from miss_app.ui import dates
from miss_app.ui.controls import SettingRow, Sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.texts import words


class DeviceSheet(Sheet):
    """One device: its name, and its end."""

    def __init__(self, page: "DevicesScreen", device: DeviceView, **options: Any) -> None:
        self.page = page
        self.device = device
        options.setdefault("title", device.name or words.say("devices.unnamed"))
        super().__init__(**options)
        self.ids.name.text = device.name
        self.panel_height = dp(470)

    def rename(self) -> None:
        """Call it what is typed."""
        own = self.page.app.client.own_devices
        self._ask(own.rename(self.device.device_id, self.ids.name.text))

    def revoke(self) -> None:
        """End it, where the PIN is right."""
        pin = self.ids.pin.text.strip()
        if not pin:
            self.problem = words.problem("pin-empty")
            return
        self.ids.pin.text = ""
        self._ask(self.page.app.client.own_devices.revoke(self.device.device_id, pin=pin))

    def _ask(self, coroutine: Any) -> None:
        self.problem = ""

        def done(_result: object) -> None:
            self.close()
            self.page.entered()

        def failed(failure: Any) -> None:
            self.problem = words.problem(failure.reason, failure.sentence, failure.seconds)

        self.page.app.bridge.ask(coroutine, done, failed)


class DevicesScreen(Page):
    """Lists the devices the server knows for this person."""

    def __init__(self, app: Any, **options: Any) -> None:
        self._devices: list[DeviceView] = []
        super().__init__(app, **options)

    def entered(self) -> None:
        """Ask for the list."""
        self.ask(self.app.client.devices(), self._show)

    def hear(self, event: Event) -> None:
        """A device asked to be linked: the list may change."""
        if isinstance(event, LinkRequested):
            self.ask(self.app.client.devices(), self._show)

    def spoken_again(self) -> None:
        """Dates in the other language."""
        self._show(self._devices)

    def open_device(self, device: DeviceView) -> None:
        """What can be done about one of them."""
        self.app.shell.show_sheet(DeviceSheet(self, device))

    def _show(self, devices: list[DeviceView]) -> None:
        self._devices = list(devices)
        rows = self.ids.rows
        rows.clear_widgets()
        for place, device in enumerate(self._devices):
            row = SettingRow(
                icon="monitor" if device.this and self.app.device.desktop else "devices",
                title=device.name or words.say("devices.unnamed"),
                subtitle=describe(device),
                test_id=f"device-{place}",
            )
            row.bind(on_release=lambda _row, device=device: self.open_device(device))
            rows.add_widget(row)


def describe(device: DeviceView) -> str:
    """ "Cet appareil · ajouté le 12 mai 2026 · identité vérifiée par…"."""
    added = str(words.say("devices.added", date=dates.date(dates.local(device.added_at_ms))))
    parts = [str(words.say("devices.this", added=added)) if device.this else added]
    if not device.this and device.last_seen_ms:
        parts.append(str(words.say("devices.seen", date=dates.date(dates.local(device.last_seen_ms)))))
    if device.checked_how:
        key = f"checked.{device.checked_how}"
        parts.append(str(words.say(key if words.knows(key) else "checked.unknown")))
    return " · ".join(parts)


load_rules(__file__)
