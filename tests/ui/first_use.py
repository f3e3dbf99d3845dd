"""What somebody does who uses the screens for the first time."""

from miss_app.ui import driver
from ui.rehearsal import Rehearsal


def into_chat(play: Rehearsal) -> bytes:
    play.tap("conversation-0")
    play.until(lambda: play.sees("composer"))
    play.pump(6)
    return play.scene.talks[0].conversation_id


def typed_blindly(play: Rehearsal, text: str) -> None:
    """As who types without having looked where."""
    play.pump(4)
    driver.type_into(text)
    play.pump(3)
