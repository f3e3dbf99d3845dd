"""Devices and identities on the screens: linking, ending, and what warns of somebody who is not who they say."""

from collections.abc import Callable
from pathlib import Path

import segno
from PIL import Image

from miss_app.engine.events import (
    Alarm,
    ClaimView,
    HistoryProgress,
    IdentityAlarm,
    IdentityClaimed,
    ProofView,
    Stage,
    UnknownDevice,
)
from miss_app.ui import driver
from miss_app.ui.qr_sheet import QrSheet
from miss_app.ui.texts import words
from ui.cast import CAMILLE, fill
from ui.rehearsal import Rehearsal, opened
from ui.stage import NOW_MS, Scene

Rehearse = Callable[..., Rehearsal]
DESKTOP = (1280, 840)


def test_an_alarm_stays_until_it_is_judged_and_leads_to_the_devices(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    assert not play.sees("alarm")
    play.scene.tell(IdentityAlarm(Alarm(unknown=(UnknownDevice(bytes(16), 1_760_000_000_000, "mailbox"),))))
    play.until(lambda: play.sees("alarm-devices"))
    assert "inscrit à votre nom" in play.read("alarm")
    play.tap("alarm-devices")
    play.until(lambda: play.sees("device-0"))
    assert play.sees("alarm")
    play.tap("alarm-judged")
    play.until(lambda: not play.sees("alarm"))
    assert play.did("accept_alarm")
    play.scene.tell(IdentityAlarm(Alarm("log-forged")))
    play.until(lambda: play.sees("alarm"))
    assert play.read("alarm") == words.problem("log-forged")
    assert not play.sees("alarm-devices")


def test_a_linked_device_is_accepted_with_code_and_pin(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("settings-open")
    play.tap("devices-open")
    play.tap("link-device")
    play.type("link-code", "K7M2 9XQ4")
    play.tap("link-look")
    play.until(lambda: play.sees("link-name"))
    assert "Poste de soins" in play.read("link-name")
    play.tap("history-all")
    play.type("link-pin", "482915")
    play.tap("link-go")
    assert play.did("link_device")[1:] == ("K7M29XQ4", "482915", 0)
    play.until(lambda: play.sees("link-done"))


def test_a_device_is_linked_by_the_qr_code_its_screen_shows(rehearse: Rehearse, tmp_path: Path) -> None:
    """The new device's own screen, as a screenshot, read by the trusted one."""
    screenshot = tmp_path / "capture.png"
    new = fill(Scene())
    new.now_stage = Stage.LINKING
    shown = rehearse(new)
    shown.until(lambda: shown.sees("link-qr-shown"))
    shown.pump(4)
    driver.shot(str(screenshot))
    text = new.link_qr()
    shown.close()
    play = rehearse(opened(fill(Scene())))
    play.tap("settings-open")
    play.tap("devices-open")
    play.tap("link-device")
    play.tap("link-scan")
    blank = tmp_path / "rien.png"
    Image.new("RGB", (64, 64), "white").save(blank)
    play.type("qr-path", str(blank))
    play.tap("qr-read")
    play.until(lambda: play.sees("problem"))
    sheet = next(child for child in play.app.shell.children if isinstance(child, QrSheet))
    sheet.path = str(screenshot)
    play.tap("qr-read")
    assert play.did("look")[1] == text
    play.until(lambda: play.sees("link-name"))


def test_a_device_is_renamed_and_ended_with_the_pin(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("settings-open")
    play.tap("devices-open")
    play.tap("device-1")
    play.tap("device-revoke")
    play.until(lambda: play.sees("problem"))
    play.type("device-pin", "482915")
    play.tap("device-revoke")
    assert play.did("revoke")[1:] == (b"2" * 16, "482915")
    play.tap("device-1")
    play.type("device-name", " du service")
    play.tap("device-rename")
    assert play.did("rename_device")[1] == b"2" * 16
    assert "du service" in play.did("rename_device")[2]


def test_how_far_a_handover_is_stands_above_every_page(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.scene.tell(HistoryProgress(False, "", 340, 2000))
    play.until(lambda: play.sees("banner-history"))
    assert "340" in play.read("banner-history")
    play.scene.tell(HistoryProgress(False, "", 2000, 2000, True))
    play.until(lambda: not play.sees("banner-history"))


def test_who_is_in_doubt_is_confirmed_before_the_message_goes(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("conversation-0")
    play.scene.now_doubtful = [CAMILLE]
    play.type("composer", "Tu as reçu le bilan ?")
    play.tap("send")
    play.until(lambda: play.sees("doubt-yes"))
    assert not any(one[0] in ("send_text", "confirm") for one in play.scene.asked)
    play.tap("sheet-close")
    play.until(lambda: not play.sees("doubt-yes"))
    assert play.read("composer") == "Tu as reçu le bilan ?", "what was written stays"
    play.tap("send")
    play.until(lambda: play.sees("doubt-yes"))
    play.tap("doubt-yes")
    assert play.did("confirm")[1] == [CAMILLE.display_name]
    assert play.did("send_text")[2] == "Tu as reçu le bilan ?"


def test_somebody_who_registers_in_ones_name_is_refused(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    claim = ClaimView(b"r" * 16, NOW_MS + 86_400_000, "Téléphone inconnu")
    play.scene.tell(IdentityClaimed((claim,)))
    play.until(lambda: play.sees("claimed"))
    assert "Téléphone inconnu" in play.read("claimed")
    play.tap("claim-refuse")
    play.until(lambda: play.sees("claim-yes"))
    play.tap("claim-yes")
    assert play.did("refuse_claim")[1] == claim.registration_id
    play.until(lambda: not play.sees("claimed"))


def test_a_member_row_leads_to_how_they_were_checked(rehearse: Rehearse) -> None:
    play = rehearse(opened(fill(Scene())))
    day = 86_400_000
    play.scene.now_proofs = [
        ProofView("linked", NOW_MS, NOW_MS, NOW_MS + 90 * day, True, "psc", NOW_MS - 60 * day),
        ProofView("psc", NOW_MS - 60 * day, NOW_MS - 60 * day, NOW_MS + 30 * day, True),
    ]
    play.tap("conversation-0")
    play.tap("info-open")
    play.tap("member-1")
    play.until(lambda: play.sees("identity-how"))
    assert "Pro Santé Connect" in play.read("identity-how")
    assert "Relié" in play.read("proof-0")
    words.speak("en")
    try:
        play.until(lambda: "Checked" in play.read("identity-how") or "checked" in play.read("identity-how"))
    finally:
        words.speak("fr")


def test_a_safety_number_is_scanned_and_marked_and_a_person_blocked(rehearse: Rehearse, tmp_path: Path) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("conversation-0")
    play.tap("info-open")
    play.tap("member-1")
    play.until(lambda: play.sees("safety-open"))
    play.tap("safety-open")
    play.until(lambda: play.sees("safety-qr"))
    assert play.read("safety-number").split() == list(play.scene.safety.GROUPS)
    assert play.read("safety-worth") == words.say("verified.not_short")
    for text, seen in (("MISS:SAFETY:" + "C" * 103, "problem"), (play.scene.safety.other, "")):
        path = tmp_path / f"{seen or 'bon'}.png"
        segno.make(text, error="m", micro=False).save(str(path), scale=5, border=4)
        play.app.shell.stack[-1].scan()  # below what is in sight once a problem is said
        play.until(lambda: play.sees("qr-read"))
        play.type("qr-path", str(path))
        play.tap("qr-read")
        play.until(lambda: play.did("compare") is not None and not play.sees("qr-read"))
        if seen:
            play.until(lambda: play.sees("problem"))
            assert play.read("problem") == words.problem("safety-differs")
    play.until(lambda: play.read("safety-worth").startswith("Vérifié le"))
    play.app.shell.stack[-1].mark()
    play.until(lambda: play.read("safety-worth") == words.say("verified.not_short"))
    play.app.back()
    play.until(lambda: play.sees("block"))
    play.app.shell.stack[-1].ask_to_block()
    play.until(lambda: play.sees("block-yes"))
    play.tap("block-yes")
    play.until(lambda: play.did("block") is not None)
    assert play.did("block")[2] is True
