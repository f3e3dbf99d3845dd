"""The scenes of day one: the charter, inviting, who is new, privacy, leaving, two people of one name."""

from dataclasses import replace
from pathlib import Path

from miss_app.engine.events import CharterAsked, CharterView, ConversationChanged, Stage
from miss_app.ui import driver
from ui.cast import CAMILLE, INES
from ui.registry import scene
from ui.rehearsal import Rehearsal


@scene("charter")
def charter(rehearsal: Rehearsal) -> None:
    rehearsal.scene.now_charter = CharterView("2026-11-22", miss_charter())
    rehearsal.app.show_stage(Stage.IDENTITY)
    rehearsal.reach("claim-charter-read", "claim-profession")
    rehearsal.tap("claim-charter-read")
    rehearsal.until(lambda: rehearsal.sees("charter-text"))


@scene("charter-again")
def charter_again(rehearsal: Rehearsal) -> None:
    rehearsal.scene.tell(CharterAsked(CharterView("2027-01-01", miss_charter())))
    rehearsal.until(lambda: rehearsal.sees("charter-accept"))


def miss_charter() -> str:
    """The text that comes with the server."""
    folder = Path(__file__).resolve().parents[2] / "backend/miss_server/charter_texts"
    return (folder / "fr.txt").read_text("utf-8").partition("\n")[2].strip()


@scene("around")
def around(rehearsal: Rehearsal) -> None:
    rehearsal.tap("new-message")
    rehearsal.until(lambda: rehearsal.sees("nearby-1"))


@scene("invite")
def invite(rehearsal: Rehearsal) -> None:
    rehearsal.tap("new-message")
    rehearsal.type("people-search", "claude")
    rehearsal.until(lambda: rehearsal.sees("person-0"))
    rehearsal.tap("person-0")
    rehearsal.until(lambda: rehearsal.sees("invite-go"))


@scene("privacy")
def privacy(rehearsal: Rehearsal) -> None:
    rehearsal.tap("settings-open" if rehearsal.sees("settings-open") else "rail-settings")
    rehearsal.reach("privacy-open", "theme-light")
    rehearsal.tap("privacy-open")
    rehearsal.until(
        lambda: rehearsal.sees("contact-known") and not driver.find("contact-known").disabled
    )  # once it is read
    rehearsal.tap("contact-known")
    rehearsal.until(lambda: rehearsal.scene.now_wishes.contact == "known")


@scene("leaving")
def leaving(rehearsal: Rehearsal) -> None:
    privacy(rehearsal)
    rehearsal.app.go_leaving()
    rehearsal.until(lambda: rehearsal.sees("leaving-pin"))


@scene("homonyms")
def homonyms(rehearsal: Rehearsal) -> None:
    talks = rehearsal.scene.talks
    other = replace(INES, display_name=CAMILLE.display_name)
    place = next(place for place, each in enumerate(talks) if each.title == INES.display_name)
    me = talks[place].members[0]
    member = replace(talks[place].members[1], person=other)
    talks[place] = replace(talks[place], title=other.display_name, members=(me, member))
    rehearsal.scene.tell(ConversationChanged(talks[place]))
    rehearsal.pump(4)


@scene("info-direct")
def info_direct(rehearsal: Rehearsal) -> None:
    rehearsal.tap("conversation-1")
    rehearsal.until(lambda: rehearsal.sees("composer"))
    rehearsal.tap("info-open")
    rehearsal.until(lambda: rehearsal.sees("info-favourite"))
