"""People and devices on the console: found, revoked within the second, and a manager's own staff alone."""

import asyncio
import os
import threading
import time
from typing import Any

from playwright.sync_api import expect
from sqlalchemy import insert

from console.browser import assert_fits
from console.claims import FINESS, someone
from console.conftest import NewDesk
from miss_protocol.frames import Close
from miss_server import establishments, staff
from miss_server.clock import now_ms
from miss_server.console.operators import MANAGER
from miss_server.register_tables import people, registrar_acts
from miss_server.staff import Record
from miss_server.tables import devices
from server.office import Device, Office


class Listening:
    """A device's socket, logged in, in a thread and loop of its own; notes when and how the server closed it."""

    def __init__(self, office: Office, device: Device) -> None:
        self.ready = threading.Event()
        self.closed: tuple[int, str] = (0, "")
        self.closed_at = 0.0
        self._office, self._device = office, device
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()), daemon=True)
        self._thread.start()
        assert self.ready.wait(60)

    async def _listen(self) -> None:
        async with self._office.wire(self._device) as wire:
            self.ready.set()
            self.closed = await wire.closed()
            self.closed_at = time.monotonic()

    def until_closed(self) -> tuple[int, str]:
        self._thread.join(60)
        assert not self._thread.is_alive(), "the socket stays open"
        return self.closed


def test_a_revocation_closes_the_devices_socket_within_a_second(console: Office, desk: NewDesk) -> None:
    device = someone(console, "Dr Élise Révoquée")
    other = someone(console, "Dr Élise Restante")
    listening = Listening(console, device)
    one, late = desk().sit_down(), desk().sit_down()
    one.page.goto("/people")
    one.page.get_by_label("Nom, prénom ou numéro RPPS").press_sequentially("revoquee elise")  # filtered as one types
    expect(one.page.get_by_role("row")).to_have_count(2)
    one.page.get_by_role("link", name="Dr Élise Révoquée").click()
    late.page.goto(one.page.url)
    for page, reason in ((one.page, "téléphone volé"), (late.page, "volé, aussi")):
        page.get_by_text("Révoquer…").click()
        page.get_by_label("Motif, pour le journal").fill(reason)
    pressed = time.monotonic()
    one.page.get_by_role("button", name="Révoquer cet appareil").click()
    assert listening.until_closed() == (Close.REVOKED, "revoked")
    assert listening.closed_at - pressed < 20  # a guard; what it takes is printed
    print(f"closed {1000 * (listening.closed_at - pressed):.0f} ms after the button was pressed")
    expect(one.page.get_by_role("status")).to_contain_text("Appareil révoqué et déconnecté")
    expect(one.page.get_by_text("Aucun appareil actif")).to_be_visible()
    late.page.get_by_role("button", name="Révoquer cet appareil").click()
    expect(late.page.get_by_role("alert")).to_contain_text("était déjà révoqué")
    late.faults.clear()

    def about(connection: Any) -> list[tuple[str, str, str]]:
        chosen = registrar_acts.select().where(registrar_acts.c.about.contains(device.device_id.hex()))
        return [(act.who, act.what, act.about.partition(" ")[2]) for act in connection.execute(chosen)]

    assert console.in_database(about)[-1] == (one.name, "device-revoked", "téléphone volé")
    assert [what for _, what, _ in console.in_database(about)].count("device-revoked") == 1

    # Another's device under this person's address, and no reason: nothing ends.
    for path, form, status in (
        (f"/people/{device.person_id.hex()}/devices/{other.device_id.hex()}/revoke", {"reason": "x"}, 404),
        (f"/people/{other.person_id.hex()}/devices/{other.device_id.hex()}/revoke", {"reason": "  "}, 409),
        (f"/people/{other.person_id.hex()}/devices/{other.device_id.hex()}/revoke", {}, 409),
    ):
        assert one.context.request.post(path, headers={"origin": one.origin}, form=form).status == status
    assert console.in_database(lambda connection: still_live(connection, other))


def still_live(connection: Any, device: Device) -> bool:
    row = connection.execute(devices.select().where(devices.c.device_id == device.device_id)).one()
    return row.revoked_at_ms is None


def test_a_manager_sees_their_own_staff_and_ends_whom_they_vouch_for(console: Office, desk: NewDesk) -> None:
    listed, stranger = someone(console, "Dr Ana Inscrite"), someone(console, "Mme Ana Ailleurs", "M0000000001")
    vouched = someone(console, "Mme Ana Attestée", "M0000000002")

    def members(connection: Any) -> None:
        row = connection.execute(people.select().where(people.c.person_id == listed.person_id)).one()
        for finess in FINESS:
            fields = {"name": f"Clinique fictive {finess}"}
            establishments.create(connection, finess, fields, who="root", now_ms=now_ms(), proof="arrêté vu")
        for finess, key, number in (
            (FINESS[0], "1", row.rpps),
            (FINESS[0], "2", "M0000000002"),
            (FINESS[1], "1", "M0000000001"),
        ):
            record = Record(key, number, "", "ANA", "Ana", "S1", "Secrétaire")
            staff.add(connection, finess, record, now_ms())

    console.in_database(members)
    one = desk().sit_down(MANAGER, FINESS[0])
    expect(one.page.get_by_role("link", name="Inscriptions")).to_have_count(0)
    one.page.get_by_role("link", name="Personnes", exact=True).click()
    expect(one.page.get_by_role("link", name="Dr Ana Inscrite")).to_be_visible()
    expect(one.page.get_by_role("link", name="Mme Ana Attestée")).to_be_visible()
    expect(one.page.get_by_role("link", name="Mme Ana Ailleurs")).to_have_count(0)
    expect(one.page.get_by_role("row")).to_have_count(3)

    def revoke(device: Device) -> int:
        path = f"/people/{device.person_id.hex()}/devices/{device.device_id.hex()}/revoke"
        return one.context.request.post(path, headers={"origin": one.origin}, form={"reason": "perdu"}).status

    assert one.context.request.get(f"/people/{stranger.person_id.hex()}").status == 404  # as if there were nobody
    assert one.context.request.get(f"/people/{'0' * 32}").status == 404
    assert revoke(stranger) == 404
    one.page.get_by_role("link", name="Dr Ana Inscrite").click()
    expect(one.page.get_by_text("ses appareils relèvent des opérateurs")).to_be_visible()
    expect(one.page.get_by_text("téléphone", exact=True)).to_have_count(0)  # not even their names
    assert revoke(listed) == 403
    one.page.goto(f"/people/{vouched.person_id.hex()}")
    one.page.get_by_text("Révoquer…").click()
    one.page.get_by_label("Motif, pour le journal").fill("départ")
    one.page.get_by_role("button", name="Révoquer cet appareil").click()
    expect(one.page.get_by_role("status")).to_contain_text("Appareil révoqué")
    live = [console.in_database(lambda c, d=d: still_live(c, d)) for d in (listed, stranger, vouched)]
    assert live == [True, True, False]
    for path in ("/registrations", "/acts", f"/registrations/{'0' * 32}"):
        answer = one.context.request.get(path)
        assert answer.status == 403
        assert "Votre rôle" in answer.text()


HOSTILE = (
    "<script>window.hurt=1</script>",
    "<img src=x onerror='window.hurt=1'>",
    '"><svg/onload=window.hurt=1>',
    "{{ 7*7 }}${7*7}<%= 7*7 %>",
    "Dr \u202egnp.exe\u2066 \u200f\x00\x1b[31m",
    "É" * 10_000,
    "أسماء 姓名 👩‍⚕️",
)


def test_hostile_names_are_text_and_nothing_else(console: Office, desk: NewDesk) -> None:
    def write(connection: Any) -> None:
        for number, name in enumerate(HOSTILE):
            values = {
                "person_id": os.urandom(16), "rpps": f"H{number:010}", "display_name": name, "profession_code": "10",
                "profession": name, "place": name, "checked_how": "operator", "checked_at_ms": 1,
                "created_at_ms": now_ms() + 60_000,
            }  # fmt: skip
            connection.execute(insert(people).values(values))
            row = {
                "device_id": os.urandom(16), "person_id": values["person_id"], "name": name, "certificate": b"",
                "login_key": b"", "checked_how": name[:16], "endorsed": False, "added_at_ms": 1,
            }  # fmt: skip
            connection.execute(insert(devices).values(row))

    console.in_database(write)
    one = desk().sit_down()
    one.page.goto("/people")
    text = one.page.locator("main").inner_text()
    assert "<script>window.hurt=1</script>" in text
    assert "{{ 7*7 }}${7*7}<%= 7*7 %>" in text
    assert "[U+202E]gnp.exe[U+2066]" in text
    assert "[U+0000][U+001B][31m" in text
    assert "É" * 80 + "…" in text
    assert "É" * 81 not in text
    for name in ("onerror", "svg/onload", "gnp.exe", "ÉÉÉÉ"):
        one.page.goto("/people")
        one.page.get_by_role("link", name=name).first.click()
        expect(one.page.get_by_role("heading", level=1)).to_contain_text(name)
        assert_fits(one)
    assert one.page.evaluate("window.hurt") is None
    assert one.page.locator("main img, main svg, main script").count() == 0
