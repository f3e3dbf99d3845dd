"""Who one is: number, names and profession as the national register has them; or linking to a trusted device."""

from kivy.properties import StringProperty

from miss_app.engine.events import Event, RegistrationChanged
from miss_app.ui.controls import Sheet
from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules
from miss_app.ui.list_row import ListItem, ListRow, measure_item
from miss_app.ui.texts import words
from miss_app.ui.virtual_list import VirtualList

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
    """The claim. ``profession`` is the chosen register code, "" before."""

    profession = StringProperty("")
    profession_name = StringProperty("")
    server = StringProperty("")
    fingerprint = StringProperty("")

    def entered(self) -> None:
        """Show which server this is."""
        server = self.app.client.server()
        if server is not None:
            self.server, self.fingerprint = server.name, server.fingerprint
        registration = self.app.client.registration()
        if registration is not None and registration.problem:
            self.complain(registration.problem)

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
        elif not self.busy:
            self.ask(self.app.client.claim(number, family, given, self.profession))

    def link(self) -> None:
        """This person already has a trusted device."""
        if not self.busy:
            self.ask(self.app.client.start_linking())

    def spoken_again(self) -> None:
        """The chosen profession follows the language."""
        self.profession_name = profession_label(self.profession)


load_rules(__file__)
