"""Measures the screens: ``python tests/bench_ui.py`` prints each figure beside its goal.

Cold start, memory with 50,000 messages, append, prepend, scroll, search, a retouched photo, and the taps from the first
start to the first message. Each part runs in a process of its own; the best of several counts, for others use the machine.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
MESSAGES = 50_000
STARTS = 5
SCROLLED, STEP = 400, 40
OFFSCREEN = {
    "SDL_VIDEODRIVER": "offscreen",
    "KIVY_METRICS_DENSITY": "1",
    "KIVY_METRICS_FONTSCALE": "1",
    "TZ": "Europe/Paris",
}

# What is printed: name in a part's answer, words, the most it may be.
GOALS = (
    ("start_s", "cold start to the first frame, best of 5 (s)", 1.0),
    ("memory_mb", f"memory with {MESSAGES:,} messages in one chat (MB)", 260.0),
    ("append_ms", "a message added, median (ms)", 2.0),
    ("drift_px", "what is in sight moves by, when older ones come (px)", 0.0),
    ("scroll_p95_ms", "a frame of slow scrolling, p95, mock GL (ms)", 3.0),
    ("search_p95_ms", f"a search in {MESSAGES:,} messages, p95 (ms)", 100.0),
    ("photo_s", "a retouched photo of 12 megapixels, ready and sealed (s)", None),
    ("screens", "screens from first start to first message", 6),
    ("taps", "taps on them", 25),
)


def main() -> int:
    """Measure, print; 1 where a goal is missed."""
    found: dict[str, float] = {"start_s": min(_started() for _ in range(STARTS))}
    for part, gl in (("memory", ""), ("rows", "mock"), ("search", ""), ("photo", ""), ("taps", "")):
        found |= _part(part, gl)
    missed = 0
    for name, said, most in GOALS:
        bad = most is not None and found[name] > most
        missed += bad
        goal = "" if most is None else f"goal {most:g}{'  MISSED' if bad else ''}"
        print(f"{said:62} {found[name]:10.2f}   {goal}")
    print(json.dumps(found))
    return 1 if missed else 0


def _part(name: str, gl: str) -> dict[str, float]:
    environment = {**os.environ, **OFFSCREEN, **({"KIVY_GL_BACKEND": gl} if gl else {})}
    done = subprocess.run(
        [sys.executable, __file__, name], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _started() -> float:
    """Seconds from the start of the process to the first frame of ``miss`` on a new profile."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, **OFFSCREEN, "MISS_BEGAN": str(time.monotonic())}
        command = [sys.executable, __file__, "start", folder]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.splitlines()[-1])


def start(folder: str) -> int:
    """The program itself, its two processes as in life; the one with the window ends at its first frame."""
    from miss_app import __main__, starter

    starter.command = lambda _arguments: [sys.executable, __file__, "seat", folder]
    return __main__.main(["--data", folder])


def seat(folder: str) -> int:
    """The process with the window."""
    began = float(os.environ["MISS_BEGAN"])
    from miss_app import __main__
    from miss_app.ui import window

    calm = window.calm

    def watched() -> None:
        calm()
        from kivy.core.window import Window

        def shown(*_args: object) -> None:
            print(time.monotonic() - began, flush=True)
            os._exit(0)

        Window.bind(on_flip=shown)

    window.calm = watched
    return __main__.main(["--seat", "--data", folder])


def _rehearsed(messages: int) -> "tuple[Any, Any]":
    """A chat of so many messages, open on a wide window."""
    from miss_app.ui import window

    window.prepare(Path(tempfile.mkdtemp(prefix="miss-ui-")), headless=True, size="1280x840")
    from kivy.config import Config

    Config.set("graphics", "maxfps", "0")
    from ui.cast import fill
    from ui.rehearsal import Rehearsal, opened
    from ui.stage import Scene
    from ui.test_pace import long_talk

    scene = opened(fill(Scene()))
    talk = scene.talks[1].conversation_id
    scene.lines[talk] = long_talk(scene, talk, messages)
    play = Rehearsal(scene, size=(1280, 840))
    play.tap("conversation-1")
    play.until(lambda: play.sees("composer"))
    chat = play.app.shell.stack[-1]
    play.pump(6)
    return play, chat


def memory() -> dict[str, float]:
    """Resident megabytes with a chat open, beside a sealed store of all messages whose words are all in the index."""
    import asyncio
    import random

    _rehearsed(60)
    before = _resident()
    from engine.test_search import Room
    from proofs import long_talks

    tools = _resident() - before  # what the tests load for themselves is nobody's who uses MiSS
    room = Room(Path(tempfile.mkdtemp(prefix="miss-room-")))
    long_talks.fill(room, random.Random(1))

    async def read_all() -> None:
        room.search.start(room.conversations.all())
        while not room.search.complete:
            await asyncio.sleep(0)

    room.events.clear()
    asyncio.run(read_all())
    return {"memory_mb": _resident() - tools}


def _resident() -> float:
    """This process's resident megabytes."""
    status = Path("/proc/self/status").read_text()
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
    return int(kilobytes) / 1024


def rows() -> dict[str, float]:
    """What the list costs in Python alone: nothing is drawn by this GL."""
    from kivy.base import EventLoop

    from miss_app.engine.events import MessageAdded
    from ui.cast import CAMILLE

    play, chat = _rehearsed(MESSAGES)
    talk = chat.conversation_id
    added = []
    for number in range(60):
        came = play.scene.new_message(talk, "text", text=f"ligne {number}", author=CAMILLE)
        added.append(_milliseconds(lambda came=came: chat.hear(MessageAdded(came))))
        EventLoop.idle()
    listed = chat.list
    listed.scroll_y = 0.5
    EventLoop.idle()
    in_sight = {view.row.key: view.to_window(*view.pos)[1] for view in listed.live_views}
    listed.prepend(listed.rows[:60])
    EventLoop.idle()
    drift = [abs(view.to_window(*view.pos)[1] - in_sight[view.row.key]) for view in listed.live_views]
    frames = []
    for _ in range(SCROLLED):
        hidden = listed.content_height - listed.height
        listed.scroll_y = min(1.0, listed.scroll_y + STEP / hidden)
        frames.append(_milliseconds(EventLoop.idle))
    return {
        "append_ms": sorted(added)[len(added) // 2],
        "drift_px": max(drift),
        "scroll_p95_ms": sorted(frames)[int(len(frames) * 0.95)],
    }


def _milliseconds(act: Callable[[], object]) -> float:
    """Of this thread's own processor time: others use the machine as well."""
    began = time.thread_time()
    act()
    return (time.thread_time() - began) * 1000


def search() -> dict[str, float]:
    """The search of a store of 50,000 messages, letter by letter."""
    from proofs import long_talks

    found = long_talks.run(1)["search"]
    assert isinstance(found, dict)
    return {"search_p95_ms": found["p95_ms"]}


def photo() -> dict[str, float]:
    """From the last stroke of the brush to what the outbox takes."""
    import io

    from PIL import Image

    from miss_app.engine.retouching import Blur, develop
    from miss_protocol.sealing import seal_blob

    stream = io.BytesIO()
    Image.effect_noise((4000, 3000), 40).convert("RGB").save(stream, "JPEG", quality=90)
    strokes = [Blur(((0.2, 0.2), (0.6, 0.6)), 1)]
    spent = _milliseconds(lambda: seal_blob(develop(stream.getvalue(), "photo.jpg", strokes).jpeg))
    return {"photo_s": spent / 1000}


def taps() -> dict[str, float]:
    """The count that the test of day one makes, from its own play."""
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-k", "six_screens", str(HERE / "ui/test_dayone.py")]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
    counted = next(line for line in done.stdout.splitlines() if line.startswith("from first start: "))
    screens, hands = (int(word) for word in counted.split() if word.isdecimal())
    return {"screens": screens, "taps": hands}


PARTS: dict[str, Callable[[], dict[str, float]]] = {
    "memory": memory,
    "rows": rows,
    "search": search,
    "photo": photo,
    "taps": taps,
}

if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(main())
    # httpx loads a command line of its own where click and rich are there; only the developers' tools bring them.
    sys.modules["click"] = None  # type: ignore[assignment]  # as Python marks what may not be imported
    if sys.argv[1] in ("start", "seat"):
        sys.exit({"start": start, "seat": seat}[sys.argv[1]](sys.argv[2]))
    print(json.dumps(PARTS[sys.argv[1]]()))
