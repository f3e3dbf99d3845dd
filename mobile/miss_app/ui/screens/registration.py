"""Who one is: number, names and profession as the national register has them; or linking to a trusted device."""

from kivy.properties import BooleanProperty, StringProperty

from miss_app.engine.events import CharterView, Event, RegistrationChanged
from miss_app.ui.bridge import Failure
from miss_app.ui.consent import reading_sheet
from miss_app.ui.controls import Sheet
from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules
from miss_app.ui.list_row import ListItem, ListRow, measure_item
from miss_app.ui.texts import words
from miss_app.ui.virtual_list import VirtualList
from miss_app.ui.voucher_sheet import VoucherSheet

# The professions' codes in the national nomenclature TRE_G15, the most frequent first; the catalogues have the labels.
PROFESSIONS = (
    "10",
    "60",
    "21",
    "70",
    "40",
    "50",
    "26",
    "28",
    "31",
    "35",
    "36",
    "38",
    "39",
    "69",
    "80",
    "81",
    "82",
    "83",
    "84",
    "85",
    "86",
    "91",
    "92",
    "93",
    "94",
    "95",
    "96",
    "98",
    "71",
    "72",
    "73",
)


def profession_label(code: str) -> str:
    """The profession's name in the language in force."""
    return str(words.say(f"profession.{code}")) if code else ""


class RegistrationScreen(GatePage):
    """The claim. ``profession`` is the chosen register code, "" before.

    ``browser``: Pro Santé Connect is offered; ``vouching``: some establishment vouches for its staff here.
    """

    profession = StringProperty("")
    profession_name = StringProperty("")
    server = StringProperty("")
    fingerprint = StringProperty("")
    browser = BooleanProperty(False)
    vouching = BooleanProperty(False)
    charter: CharterView | None = None

    def entered(self) -> None:
        """Show which server this is."""
        server = self.app.client.server()
        if server is not None:
            self.server, self.fingerprint = server.name, server.fingerprint
        registration = self.app.client.registration()
        if registration is not None and registration.problem:
            self.complain(registration.problem)
        self.ids.rpps.focus_soon()
        self._fetch_charter()
        self.app.bridge.ask(self.app.client.proof.ways(), self._offer, lambda _failure: None)

    def _offer(self, ways: tuple[str, ...]) -> None:
        self.browser, self.vouching = "psc" in ways, "voucher" in ways

    def go_vouched(self) -> None:
        """Register by the code of one's establishment: asked for in a panel, with the names typed so far."""
        if not self.ids.charter.checked:
            self.complain("charter-missing")
        elif not self.busy and self.charter is None:
            self.ask(self.app.client.presence.charter(), self._go_on_vouched)
        elif not self.busy and self.charter is not None:
            ids, version = self.ids, self.charter.version
            self.app.shell.show_sheet(VoucherSheet(self.app, version, ids.family.text, ids.given.text))

    def _go_on_vouched(self, found: CharterView) -> None:
        self._keep_charter(found)
        self.go_vouched()

    def go_in_browser(self) -> None:
        """Register by signing in with Pro Santé Connect."""
        if not self.ids.charter.checked:
            self.complain("charter-missing")
        elif not self.busy and self.charter is None:
            self.ask(self.app.client.presence.charter(), self._go_on_in_browser)
        elif not self.busy and self.charter is not None:
            version = self.charter.version
            self.ask(self.app.client.proof.claim_in_browser(charter_version=version), self._open)

    def _open(self, address: str) -> None:
        self.app.device.open_browser(address)  # where none opens, the next screen says so

    def _go_on_in_browser(self, found: CharterView) -> None:
        self._keep_charter(found)
        self.go_in_browser()

    def read_charter(self) -> None:
        """Show the charter and the privacy notice; fetched again where it did not come."""
        if self.charter is None:
            self.ask(self.app.client.presence.charter(), self._show_fetched)
        else:
            self._show_charter()

    def fail(self, failure: Failure) -> None:
        """Another charter than the one ticked is in force: it is to be read and ticked anew."""
        if failure.reason == "charter-changed":
            self.ids.charter.checked, self.charter = False, None
            self._fetch_charter()
        super().fail(failure)

    def _fetch_charter(self) -> None:
        """Have it at hand; the server being away shows once one asks for something."""
        self.app.bridge.ask(self.app.client.presence.charter(), self._keep_charter, lambda _failure: None)

    def _keep_charter(self, found: CharterView) -> None:
        self.charter = found

    def _go_on(self, found: CharterView) -> None:
        self._keep_charter(found)
        self.go()

    def _show_fetched(self, found: CharterView) -> None:
        self._keep_charter(found)
        self._show_charter()

    def _show_charter(self) -> None:
        if self.charter is not None:
            text, height = self.charter.text, self.height * 0.85
            self.app.shell.show_sheet(reading_sheet(words.say("charter.title"), text, "charter-text", height))

    def hear(self, event: Event) -> None:
        """The claim may be answered later than asked."""
        if isinstance(event, RegistrationChanged) and event.registration.problem:
            self.complain(event.registration.problem)

    def choose_profession(self) -> None:
        """Open the sheet of professions."""
        sheet = Sheet(title=words.say("claim.profession"), panel_height=self.height * 0.8)

        def chosen(item: ListItem) -> None:
            self.profession = item.item
            self.profession_name = profession_label(item.item)
            sheet.close()

        items = [
            ListItem(
                f"profession-{code}",
                profession_label(code),
                item=code,
                lead_icon="stethoscope",
                selected=code == self.profession,
                mark="check" if code == self.profession else "",
                mark_strong=True,
            )
            for code in PROFESSIONS
        ]
        rows = VirtualList(lambda: ListRow(chosen), measure_item)
        sheet.add_widget(rows)
        rows.set_rows(items)
        self.app.shell.show_sheet(sheet)

    def go(self) -> None:
        """Send the claim."""
        ids = self.ids
        number = "".join(ids.rpps.text.split())
        family, given = ids.family.text.strip(), ids.given.text.strip()
        if not (number and family and given and self.profession):
            self.complain("claim-incomplete")
        elif not ids.charter.checked:
            self.complain("charter-missing")
        elif not self.busy:
            version = self.charter.version if self.charter is not None else ""
            if not version:
                self.ask(self.app.client.presence.charter(), self._go_on)
                return
            client = self.app.client
            self.ask(client.claim(number, family, given, self.profession, charter_version=version))

    def link(self) -> None:
        """This person already has a trusted device."""
        if not self.busy:
            self.ask(self.app.client.start_linking())

    def spoken_again(self) -> None:
        """The chosen profession follows the language."""
        self.profession_name = profession_label(self.profession)
        self._fetch_charter()


load_rules(__file__)
