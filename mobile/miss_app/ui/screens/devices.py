"""This person's devices, and adding one."""

from typing import Any

from miss_app.engine.events import DeviceView, Event, LinkRequested
from miss_app.ui import dates
from miss_app.ui.controls import SettingRow
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.texts import words


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

    def _show(self, devices: list[DeviceView]) -> None:
        self._devices = list(devices)
        rows = self.ids.rows
        rows.clear_widgets()
        for place, device in enumerate(self._devices):
            rows.add_widget(
                SettingRow(
                    icon="monitor" if device.this and self.app.device.desktop else "devices",
                    title=device.name or words.say("devices.unnamed"),
                    subtitle=describe(device),
                    test_id=f"device-{place}",
                )
            )


def describe(device: DeviceView) -> str:
    """ "Cet appareil · ajouté le 12 mai 2026"."""
    added = words.say("devices.added", date=dates.date(dates.local(device.added_at_ms)))
    if device.this:
        return str(words.say("devices.this", added=added))
    if not device.last_seen_ms:
        return str(added)
    seen = words.say("devices.seen", date=dates.date(dates.local(device.last_seen_ms)))
    return f"{added} · {seen}"


load_rules(__file__)
