"""The scenes of the lock: who sits down, PIN and words, what waits, what goes wrong, another device that opens it."""

from miss_app.engine.events import Stage
from miss_app.engine.lock_events import UnlockAsked, UnlockQuestion, Waiting
from miss_app.engine.problems import Problem
from miss_app.engine.vault import Guard
from miss_app.workstation import Rule, Vault
from ui.registry import scene
from ui.rehearsal import Rehearsal
from ui.stage import Scene


class Machine:
    """A workstation of several people, in memory."""

    shared = True

    def vaults(self) -> list[Vault]:
        return [Vault("default", "Camille", 1), Vault("p1", "", 2), Vault("p2", "I. M.", 3)]

    def shown(self, _profile: str) -> str:
        return "Camille"

    def set_shown(self, _profile: str, _name: str) -> None:
        pass

    def rule(self) -> Rule:
        return Rule(True, 120)

    def idle_seconds(self, wished: str) -> int:
        return int(wished or 120)


class Place:
    """This window on that machine."""

    def __init__(self) -> None:
        self.workstation = Machine()
        self.profile, self.fixed, self.ends = "default", False, False


def shared(rehearsal: Rehearsal) -> None:
    """Several people use this machine."""
    rehearsal.app.place = Place()  # type: ignore[assignment]  # in memory
    front = rehearsal.app.shell.front
    if front is not None:
        front.entered()
    rehearsal.pump()


@scene("chooser", stage=Stage.LOCKED)
def chooser(rehearsal: Rehearsal) -> None:
    shared(rehearsal)
    engine, rehearsal.app.engine = rehearsal.app.engine, None
    rehearsal.app.rise()
    rehearsal.app.engine = engine
    rehearsal.until(lambda: rehearsal.sees("vault-3"))


def approvable(stage: Scene) -> None:
    stage.door.now_approvable = True


def by_words(stage: Scene) -> None:
    stage.door.now_guard = Guard.PHRASE


def by_keystore(stage: Scene) -> None:
    stage.door.now_guard = Guard.KEYSTORE


def waits(stage: Scene) -> None:
    stage.door.now_wait = 40.0


@scene("locked-waiting", stage=Stage.LOCKED, before=approvable, key=True)
def locked_waiting(rehearsal: Rehearsal) -> None:
    shared(rehearsal)
    rehearsal.scene.tell(Waiting(7, 2))
    rehearsal.until(lambda: rehearsal.sees("locked-waiting"))


@scene("locked-delay", stage=Stage.LOCKED)
def locked_delay(rehearsal: Rehearsal) -> None:
    rehearsal.scene.refuse["unlock"] = Problem("pin-wrong", seconds=40)
    rehearsal.type("unlock-pin", "000000")
    rehearsal.tap("unlock-go")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("locked-delay-again", stage=Stage.LOCKED, before=waits)
def locked_delay_again(_rehearsal: Rehearsal) -> None:
    """Started again meanwhile: the wait goes on."""


@scene("locked-away", stage=Stage.LOCKED)
def locked_away(rehearsal: Rehearsal) -> None:
    rehearsal.scene.refuse["unlock"] = Problem("share-away")
    rehearsal.type("unlock-pin", "271828")
    rehearsal.tap("unlock-go")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("locked-full", stage=Stage.LOCKED, before=by_keystore)
def locked_full(rehearsal: Rehearsal) -> None:
    rehearsal.scene.refuse["unlock"] = Problem("disk-full")
    rehearsal.type("unlock-pin", "271828")
    rehearsal.tap("unlock-go")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("locked-used-up", stage=Stage.LOCKED, before=approvable)
def locked_used_up(rehearsal: Rehearsal) -> None:
    rehearsal.scene.refuse["unlock"] = Problem("tries-used-up")
    rehearsal.type("unlock-pin", "000000")
    rehearsal.tap("unlock-go")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("locked-words", stage=Stage.LOCKED, before=by_words)
def locked_words(rehearsal: Rehearsal) -> None:
    rehearsal.type("unlock-phrase", "abeille carotte")


@scene("locked-forgotten", stage=Stage.LOCKED)
def locked_forgotten(rehearsal: Rehearsal) -> None:
    rehearsal.reach("unlock-forgotten", "unlock-go")
    rehearsal.tap("unlock-forgotten")
    rehearsal.until(lambda: rehearsal.sees("forgotten-go"))


@scene("approve", stage=Stage.LOCKED, before=approvable)
def approve(rehearsal: Rehearsal) -> None:
    rehearsal.reach("unlock-approve", "unlock-go")
    rehearsal.tap("unlock-approve")
    rehearsal.until(lambda: rehearsal.sees("approve-code"))


@scene("approve-refused", stage=Stage.LOCKED, before=approvable)
def approve_refused(rehearsal: Rehearsal) -> None:
    from miss_app.engine.lock_events import UnlockAnswered

    approve(rehearsal)
    rehearsal.scene.tell(UnlockAnswered("unlock-refused"))
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("unlock-other")
def unlock_other(rehearsal: Rehearsal) -> None:
    rehearsal.scene.tell(UnlockAsked(UnlockQuestion(bytes(16), "Poste de soins")))
    rehearsal.until(lambda: rehearsal.sees("unlock-approve-go"))
    rehearsal.scene.refuse["approve"] = Problem("unlock-code-wrong")
    rehearsal.type("unlock-code", "4812")
    rehearsal.tap("unlock-approve-go")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("pin-server", stage=Stage.PIN)
def pin_server(rehearsal: Rehearsal) -> None:
    shared(rehearsal)
    rehearsal.type("pin-field", "271828")


@scene("pin-keystore", stage=Stage.PIN, before=by_keystore)
def pin_keystore(rehearsal: Rehearsal) -> None:
    rehearsal.until(lambda: rehearsal.sees("guard"))


@scene("pin-words", stage=Stage.PIN)
def pin_words(rehearsal: Rehearsal) -> None:
    rehearsal.reach("phrase-prefer", "pin-go")
    rehearsal.tap("phrase-prefer")
    rehearsal.typed.append("abeille carotte fusil marron pivoter tulipe")
    rehearsal.app.shell.gate.words_drawn = rehearsal.typed[-1]
    rehearsal.until(lambda: rehearsal.sees("phrase-words"))


@scene("pin-words-again", stage=Stage.PIN)
def pin_words_again(rehearsal: Rehearsal) -> None:
    pin_words(rehearsal)
    rehearsal.scene.refuse["choose_words"] = Problem("phrase-differs")
    rehearsal.tap("phrase-go")
    rehearsal.type("phrase-field", "abei caro fusi")
    rehearsal.reach("phrase-go", "phrase-field")
    rehearsal.tap("phrase-go")
    rehearsal.until(lambda: rehearsal.sees("problem"))


@scene("settings-shared")
def settings_shared(rehearsal: Rehearsal) -> None:
    rehearsal.app.place = Place()  # type: ignore[assignment]  # in memory
    rehearsal.tap("settings-open" if rehearsal.sees("settings-open") else "rail-settings")
    rehearsal.reach("other-person", "devices-open")


@scene("idle-choices")
def idle_choices(rehearsal: Rehearsal) -> None:
    rehearsal.tap("settings-open" if rehearsal.sees("settings-open") else "rail-settings")
    rehearsal.reach("idle-open", "devices-open")
    rehearsal.tap("idle-open")
    rehearsal.until(lambda: rehearsal.sees("idle-300"))
