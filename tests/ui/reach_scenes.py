"""The scenes of how one is told of what waits, and of what never arrived."""

from dataclasses import replace

from miss_app.engine.events import MessageView
from miss_app.engine.reach import QuietHours
from ui.cast import CAMILLE
from ui.registry import scene
from ui.rehearsal import Rehearsal
from ui.stage import NOW_MS, Scene


def come(rehearsal: Rehearsal) -> None:
    rehearsal.tap("settings-open" if rehearsal.sees("settings-open") else "rail-settings")
    rehearsal.reach("notifications-open", "theme-light")
    rehearsal.tap("notifications-open")
    rehearsal.until(lambda: rehearsal.sees("reach-push"))
    rehearsal.until(lambda: not rehearsal.app.shell.front.busy)


@scene("notifications")
def notifications(rehearsal: Rehearsal) -> None:
    come(rehearsal)


def troubled(scene: Scene) -> None:
    scene.reach.now = replace(
        scene.reach.now, registered_at_ms=0, mailbox="", quiet=QuietHours(22 * 60, 7 * 60), pushed_at_ms=0
    )


@scene("notifications-trouble", before=troubled)
def notifications_trouble(rehearsal: Rehearsal) -> None:
    come(rehearsal)


@scene("expired")
def expired(rehearsal: Rehearsal) -> None:
    """What a chat says of messages that never arrived, and of those one never got."""
    scene = rehearsal.scene
    talk = scene.talks[1].conversation_id
    lost = MessageView(b"e" * 16, talk, "notice", False, None, NOW_MS - 60_000, notice="expired")
    lines = [
        replace(lost, names=("4", CAMILLE.display_name)),
        replace(lost, message_id=b"f" * 16, notice="not-delivered", names=(CAMILLE.display_name, "1", str(NOW_MS))),
    ]
    scene.lines[talk] = [*scene.lines[talk], *lines]
    rehearsal.tap("conversation-1")
    rehearsal.until(lambda: rehearsal.sees("composer"))
