"""The scenes of devices: one's own, a new one, and what warns of somebody else's."""

from dataclasses import replace

from miss_app.engine.events import (
    Alarm,
    ClaimView,
    IdentityAlarm,
    IdentityClaimed,
    RegistrationChanged,
    RegistrationView,
    Stage,
    UnknownDevice,
    Verified,
)
from miss_app.engine.problems import Problem
from ui.cast import CAMILLE
from ui.people_scenes import settings
from ui.registry import scene
from ui.rehearsal import Rehearsal
from ui.stage import NOW_MS
from ui.talk_scenes import chat


@scene("devices")
def devices(rehearsal: Rehearsal) -> None:
    settings(rehearsal)
    rehearsal.tap("devices-open")
    rehearsal.until(lambda: rehearsal.sees("device-1"))


@scene("device")
def device(rehearsal: Rehearsal) -> None:
    devices(rehearsal)
    rehearsal.tap("device-1")
    rehearsal.until(lambda: rehearsal.sees("device-revoke"))


@scene("link")
def link(rehearsal: Rehearsal) -> None:
    devices(rehearsal)
    rehearsal.tap("link-device")
    rehearsal.type("link-code", "K7M2 9XQ4 DR5T")


@scene("link-ask")
def link_ask(rehearsal: Rehearsal) -> None:
    link(rehearsal)
    rehearsal.tap("link-look")
    rehearsal.until(lambda: rehearsal.sees("link-name"))
    rehearsal.type("link-pin", "482915")


def refused(rehearsal: Rehearsal, reason: str) -> None:
    """The code is looked up, and there is a problem."""
    rehearsal.scene.refuse["look"] = Problem(reason)
    link(rehearsal)
    rehearsal.tap("link-look")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("link-wrong")
def link_wrong(rehearsal: Rehearsal) -> None:
    refused(rehearsal, "link-code-wrong")


@scene("link-expired")
def link_expired(rehearsal: Rehearsal) -> None:
    refused(rehearsal, "link-expired")


@scene("link-away")
def link_away(rehearsal: Rehearsal) -> None:
    refused(rehearsal, "server-away")


def not_linked(rehearsal: Rehearsal, problem: Problem) -> None:
    """The PIN was typed, and there is a problem."""
    rehearsal.scene.refuse["link_device"] = problem
    link_ask(rehearsal)
    rehearsal.tap("link-go")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("link-swapped")
def link_swapped(rehearsal: Rehearsal) -> None:
    not_linked(rehearsal, Problem("link-key-swapped"))


@scene("link-pin-wrong")
def link_pin_wrong(rehearsal: Rehearsal) -> None:
    not_linked(rehearsal, Problem("pin-wrong", seconds=5))


@scene("link-full")
def link_full(rehearsal: Rehearsal) -> None:
    not_linked(rehearsal, Problem("disk-full"))


@scene("linking-expired", stage=Stage.LINKING)
def linking_expired(rehearsal: Rehearsal) -> None:
    rehearsal.until(lambda: rehearsal.sees("link-code-shown"))
    rehearsal.scene.tell(RegistrationChanged(RegistrationView(Stage.LINKING, problem="link-expired")))
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("linking-away", stage=Stage.LINKING)
def linking_away(rehearsal: Rehearsal) -> None:
    rehearsal.until(lambda: rehearsal.sees("link-code-shown"))
    rehearsal.scene.refuse["start_linking"] = Problem("server-away")
    rehearsal.tap("link-again")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("link-scan")
def link_scan(rehearsal: Rehearsal) -> None:
    devices(rehearsal)
    rehearsal.tap("link-device")
    rehearsal.tap("link-scan")
    rehearsal.until(lambda: rehearsal.sees("qr-read"))


@scene("alarm-device")
def alarm_device(rehearsal: Rehearsal) -> None:
    unknown = UnknownDevice(bytes(16), 1_760_000_000_000, "mailbox")
    rehearsal.scene.tell(IdentityAlarm(Alarm(unknown=(unknown,))))
    rehearsal.until(lambda: rehearsal.sees("alarm"))


@scene("alarm-log")
def alarm_log(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.scene.tell(IdentityAlarm(Alarm("log-rewritten")))
    rehearsal.until(lambda: rehearsal.sees("alarm"))


@scene("claimed")
def claimed(rehearsal: Rehearsal) -> None:
    claim = ClaimView(b"r" * 16, NOW_MS + 86_400_000, "Téléphone inconnu")
    rehearsal.scene.tell(IdentityClaimed((claim,)))
    rehearsal.until(lambda: rehearsal.sees("claimed"))


def identity_of(rehearsal: Rehearsal) -> None:
    """A colleague's identity, from the conversation with them."""
    chat(rehearsal)
    rehearsal.tap("info-open")
    rehearsal.tap("member-1")
    rehearsal.until(lambda: rehearsal.sees("safety-open"))


@scene("safety")
def safety(rehearsal: Rehearsal) -> None:
    identity_of(rehearsal)
    rehearsal.tap("safety-open")
    rehearsal.until(lambda: rehearsal.sees("safety-qr"))


@scene("safety-verified")
def safety_verified(rehearsal: Rehearsal) -> None:
    rehearsal.scene.safety.now = Verified.VOUCHED
    safety(rehearsal)


@scene("safety-lapsed")
def safety_lapsed(rehearsal: Rehearsal) -> None:
    rehearsal.scene.safety.now = Verified.LAPSED
    safety(rehearsal)


@scene("safety-differs")
def safety_differs(rehearsal: Rehearsal) -> None:
    safety(rehearsal)
    rehearsal.app.shell.stack[-1]._scanned("MISS:SAFETY:AAAA")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("safety-none")
def safety_none(rehearsal: Rehearsal) -> None:
    rehearsal.scene.safety.problem = "safety-no-conversation"
    identity_of(rehearsal)
    rehearsal.tap("safety-open")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("block-ask")
def block_ask(rehearsal: Rehearsal) -> None:
    identity_of(rehearsal)
    rehearsal.app.shell.stack[-1].ask_to_block()
    rehearsal.until(lambda: rehearsal.sees("block-yes"))


@scene("blocked")
def blocked(rehearsal: Rehearsal) -> None:
    """A message of somebody blocked, folded in a team."""
    stage = rehearsal.scene
    talk = stage.talks[0].conversation_id
    lines = stage.lines[talk]
    for place, one in enumerate(lines):
        if one.kind in ("text", "photo") and not one.mine:
            lines[place] = replace(one, blocked=True)
    chat(rehearsal)


@scene("blocked-people")
def blocked_people(rehearsal: Rehearsal) -> None:
    rehearsal.scene.now_blocked = [CAMILLE]
    settings(rehearsal)
    rehearsal.tap("privacy-open")
    rehearsal.until(lambda: rehearsal.sees("blocked-0"))


@scene("doubt")
def doubt(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.scene.now_doubtful = [CAMILLE]
    rehearsal.type("composer", "Tu as reçu le bilan ?")
    rehearsal.tap("send")
    rehearsal.until(lambda: rehearsal.sees("doubt-yes"))
