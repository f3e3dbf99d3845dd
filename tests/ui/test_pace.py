"""Long conversations stay quick: measuring, opening and adding to one of five thousand messages."""

import time
from collections.abc import Callable

from miss_app.engine.events import MessageAdded, MessageView
from miss_app.ui import chat_rows, measure
from miss_app.ui.chat_rows import measure_row
from ui.cast import CAMILLE, ME, fill
from ui.rehearsal import Rehearsal, opened
from ui.stage import NOW_MS, Scene

WORDS = [
    "patient",
    "traitement",
    "contrôle",
    "plaie",
    "douleur",
    "dose",
    "matin",
    "soir",
    "bilan",
    "prescription",
    "fièvre",
    "tension",
    "résultat",
    "œdème",
    "👍",
]
# Several times what was measured on two shared cores, so that only another order of growth fails.
MEASURE_MICROSECONDS_MAX = 400
APPEND_MILLISECONDS_MAX = 60


def long_talk(scene: Scene, talk: bytes, count: int) -> list[MessageView]:
    lines = []
    for number in range(count):
        text = " ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 3 + number % 37))
        who = ME if number % 3 == 0 else CAMILLE
        at_ms = NOW_MS - (count - number) * 400_000
        lines.append(scene.new_message(talk, "text", text=text, author=who, mine=who is ME, at_ms=at_ms))
    return lines


def test_five_thousand_messages_are_measured_in_passing() -> None:
    scene = Scene()
    rows = chat_rows.rows_of(long_talk(scene, b"t" * 16, 5000), direct=False, now_ms=NOW_MS)
    measure.forget_words()
    start = time.perf_counter()
    for row in rows:
        measure_row(row, 400, group=True)
    assert (time.perf_counter() - start) / len(rows) * 1e6 < MEASURE_MICROSECONDS_MAX


def test_a_message_added_to_a_long_chat_costs_one_row(rehearse: Callable[..., Rehearsal]) -> None:
    scene = opened(fill(Scene()))
    talk = scene.talks[1].conversation_id
    scene.lines[talk] = long_talk(scene, talk, 5000)
    play = rehearse(scene)
    play.tap("conversation-1")
    play.until(lambda: play.sees("composer"))
    chat = play.app.shell.stack[-1]
    chat.pages.lines = list(scene.lines[talk])
    chat.pages.redraw()
    play.pump(4)
    spent = []
    for number in range(20):
        came = scene.new_message(talk, "text", text=f"ligne {number}", author=CAMILLE)
        start = time.perf_counter()
        chat.hear(MessageAdded(came))
        spent.append((time.perf_counter() - start) * 1000)
        play.pump(2)
    assert sorted(spent)[len(spent) // 2] < APPEND_MILLISECONDS_MAX
    assert len(chat.list.live_views) < 40
    play.until(lambda: "ligne 19" in play.read("messages"))
