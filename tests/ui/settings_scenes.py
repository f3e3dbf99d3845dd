"""The scenes behind the settings: one's profile and being away, storage, help, a report, licences, why it is secure."""

from miss_app.engine.events import AvailabilityView, StorageView
from miss_app.ui.licences import works
from miss_app.ui.screens.help import ReportScreen
from miss_app.ui.screens.reading import licences, why_secure
from ui.cast import EVERYBODY, ROBIN
from ui.registry import scene
from ui.rehearsal import Rehearsal
from ui.stage import NOW_MS, Scene

DAY = 86_400_000


def away(stage: Scene) -> None:
    stage.rooms.mine = AvailabilityView("away", NOW_MS + 14 * DAY, ROBIN)
    stage.people = list(EVERYBODY)


def full(stage: Scene) -> None:
    stage.rooms.storage = [
        StorageView(talk, files, size)
        for talk, files, size in zip(
            stage.talks[:4], (46, 12, 3, 1), (148_000_000, 21_300_000, 912_000, 88_000), strict=True
        )
    ]


def settings(rehearsal: Rehearsal) -> None:
    rehearsal.tap("settings-open" if rehearsal.sees("settings-open") else "rail-settings")
    rehearsal.until(lambda: rehearsal.sees("settings-me"))


@scene("profile", before=away, key=True)
def profile(rehearsal: Rehearsal) -> None:
    settings(rehearsal)
    rehearsal.tap("profile-open")
    rehearsal.until(lambda: rehearsal.sees("be-away"))


@scene("profile-available")
def profile_available(rehearsal: Rehearsal) -> None:
    profile(rehearsal)


@scene("delegate", before=away)
def delegate(rehearsal: Rehearsal) -> None:
    profile(rehearsal)
    rehearsal.app.shell.stack[-1].choose_delegate()
    rehearsal.type("people-search", "dr")
    rehearsal.until(lambda: rehearsal.sees("person-0"))


@scene("profile-wrong")
def profile_wrong(rehearsal: Rehearsal) -> None:
    profile(rehearsal)
    rehearsal.app.shell.stack[-1].read_wrong()
    rehearsal.until(lambda: rehearsal.sees("profile-wrong-text"))


@scene("storage", before=full)
def storage(rehearsal: Rehearsal) -> None:
    settings(rehearsal)
    rehearsal.app.shell.stack[-1].show_storage()
    rehearsal.until(lambda: rehearsal.sees("storage-0"))


@scene("storage-free", before=full)
def storage_free(rehearsal: Rehearsal) -> None:
    storage(rehearsal)
    rehearsal.tap("storage-0")
    rehearsal.until(lambda: rehearsal.sees("storage-go"))


@scene("help")
def help_page(rehearsal: Rehearsal) -> None:
    settings(rehearsal)
    rehearsal.app.shell.stack[-1].show_help()
    rehearsal.until(lambda: rehearsal.sees("report-open"))


@scene("report", key=True)
def report(rehearsal: Rehearsal) -> None:
    settings(rehearsal)
    rehearsal.app.shell.open(ReportScreen(rehearsal.app))
    rehearsal.until(lambda: rehearsal.sees("report-message"))
    rehearsal.tap("report-message")


@scene("report-sent")
def report_sent(rehearsal: Rehearsal) -> None:
    report(rehearsal)
    rehearsal.app.shell.stack[-1].send()
    rehearsal.until(lambda: rehearsal.sees("report-number"))


@scene("why", key=True)
def why(rehearsal: Rehearsal) -> None:
    settings(rehearsal)
    rehearsal.app.shell.open(why_secure(rehearsal.app))


@scene("about")
def about(rehearsal: Rehearsal) -> None:
    settings(rehearsal)
    rehearsal.app.shell.stack[-1].show_about()
    rehearsal.until(lambda: rehearsal.sees("licences-open"))


@scene("licences")
def licences_read(rehearsal: Rehearsal) -> None:
    settings(rehearsal)
    rehearsal.typed += [f"{one.name} {one.licence}" for one in works()]
    rehearsal.app.shell.open(licences(rehearsal.app))
