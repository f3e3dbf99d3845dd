"""The scenes before the conversations: the first start, the questions it asks, and what else a profile may stand at."""

from dataclasses import replace

from miss_app.engine.events import Stage
from miss_app.engine.problems import Problem
from miss_app.ui import driver
from ui.registry import scene
from ui.rehearsal import Rehearsal
from ui.stage import NOW_MS, Scene


def delayed(stage: Scene) -> None:
    assert stage.now_registration is not None
    stage.now_registration = replace(stage.now_registration, until_ms=NOW_MS + 86_400_000)


def by_browser(stage: Scene) -> None:
    assert stage.now_registration is not None
    stage.now_registration = replace(stage.now_registration, via="psc", mailbox="")


def every_way(stage: Scene) -> None:
    stage.now_ways = ("mailbox", "psc", "voucher")


def with_a_note(stage: Scene) -> None:
    note = "Le nom ne correspond à aucune pièce présentée."
    assert stage.now_registration is not None
    stage.now_registration = replace(stage.now_registration, stage=Stage.REFUSED, note=note)


@scene("invitation", stage=Stage.INVITATION, key=True)
def invitation(_rehearsal: Rehearsal) -> None:
    """As the window opens."""


@scene("invitation-wrong", stage=Stage.INVITATION)
def invitation_wrong(rehearsal: Rehearsal) -> None:
    rehearsal.scene.refuse["use_invitation"] = Problem("fingerprint-mismatch")
    rehearsal.type("invitation-link", "miss://messagerie.exemple-sante.example#7f3a91c2")
    rehearsal.tap("invitation-go")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("registration", stage=Stage.IDENTITY, key=True)
def registration(rehearsal: Rehearsal) -> None:
    rehearsal.type("claim-rpps", "99700123450")
    rehearsal.type("claim-family", "Modèle")
    rehearsal.type("claim-given", "Alix")
    rehearsal.tap("claim-profession")
    rehearsal.tap("profession-10")
    rehearsal.until(lambda: not rehearsal.sees("sheet-close"))
    rehearsal.tap("claim-charter")


@scene("registration-unknown", stage=Stage.IDENTITY)
def registration_unknown(rehearsal: Rehearsal) -> None:
    registration(rehearsal)
    rehearsal.scene.refuse["claim"] = Problem("unknown-number")
    if not rehearsal.sees("claim-go"):
        driver.scroll("claim-charter", 600)  # large type: the button is below
    rehearsal.tap("claim-go")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("professions", stage=Stage.IDENTITY)
def professions(rehearsal: Rehearsal) -> None:
    rehearsal.tap("claim-profession")
    rehearsal.until(lambda: rehearsal.sees("profession-60"))


@scene("voucher", stage=Stage.IDENTITY, before=every_way)
def voucher(rehearsal: Rehearsal) -> None:
    registration(rehearsal)
    if not rehearsal.sees("claim-voucher"):
        driver.scroll("claim-charter", 600)
    rehearsal.scene.refuse["claim_vouched"] = Problem("voucher-of-another")
    rehearsal.tap("claim-voucher")
    rehearsal.type("voucher-code", "4F7K-2222-3333-4444")
    rehearsal.tap("voucher-go")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("browser", stage=Stage.BROWSER)
def browser(_rehearsal: Rehearsal) -> None:
    """As the window opens."""


@scene("code", stage=Stage.CODE)
def code(_rehearsal: Rehearsal) -> None:
    """As the window opens."""


@scene("code-browser", stage=Stage.CODE, before=by_browser)
def code_browser(_rehearsal: Rehearsal) -> None:
    """As the window opens."""


@scene("waiting", stage=Stage.WAITING)
def waiting(_rehearsal: Rehearsal) -> None:
    """As the window opens."""


@scene("waiting-delayed", stage=Stage.WAITING, before=delayed)
def waiting_delayed(_rehearsal: Rehearsal) -> None:
    """As the window opens."""


@scene("refused", stage=Stage.REFUSED, before=with_a_note)
def refused(_rehearsal: Rehearsal) -> None:
    """As the window opens."""


@scene("linking", stage=Stage.LINKING)
def linking(_rehearsal: Rehearsal) -> None:
    """As the window opens."""


@scene("pin", stage=Stage.PIN)
def pin(_rehearsal: Rehearsal) -> None:
    """As the window opens."""


@scene("locked", stage=Stage.LOCKED)
def locked(_rehearsal: Rehearsal) -> None:
    """As the window opens."""


@scene("revoked", stage=Stage.REVOKED)
def revoked(_rehearsal: Rehearsal) -> None:
    """As the window opens."""
