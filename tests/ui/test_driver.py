"""The driver acts as a finger does: what is covered, disabled or out of sight is refused."""

import json
import socket
import struct
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from miss_app.ui import driver
from miss_app.ui.driver import OutOfReach, start_if_asked
from ui.cast import fill
from ui.rehearsal import Rehearsal, opened
from ui.stage import Scene


def test_without_the_variable_there_is_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MISS_DRIVER", raising=False)
    assert start_if_asked() is None


def test_what_lies_under_a_sheet_is_refused(rehearse: Callable[..., Rehearsal]) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("conversation-0")
    play.tap("attach")
    play.until(lambda: play.sees("photo-next"))
    play.pump(10)
    with pytest.raises(OutOfReach, match="covered"):
        driver.tap("info-open")
    driver.tap("sheet-close")
    play.until(lambda: not play.sees("photo-next"))
    play.tap("info-open")
    play.until(lambda: play.sees("member-0"))


def test_a_row_scrolled_away_is_not_in_sight_until_scrolled_to(rehearse: Callable[..., Rehearsal]) -> None:
    play = rehearse(opened(fill(Scene())))
    play.tap("conversation-0")
    play.tap("info-open")
    play.until(lambda: play.sees("member-0"))
    play.pump(10)
    assert not play.sees("leave")
    with pytest.raises(OutOfReach):
        driver.tap("leave")
    driver.scroll("member-0", 2000)
    play.until(lambda: play.sees("leave"))
    play.tap("leave")
    play.tap("leave-yes")
    assert play.did("leave")[1] == play.scene.talks[0].conversation_id


def test_a_disabled_button_is_refused(rehearse: Callable[..., Rehearsal]) -> None:
    play = rehearse(Scene())
    play.until(lambda: play.sees("invitation-go"))
    play.app.shell.front.busy = True
    with pytest.raises(OutOfReach, match="disabled"):
        driver.tap("invitation-go")


def test_a_play_is_acted_through_the_socket(
    rehearse: Callable[..., Rehearsal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "driver.sock"
    monkeypatch.setenv("MISS_DRIVER", str(path))
    play = rehearse(opened(fill(Scene())))
    assert start_if_asked() is not None
    assert path.stat().st_mode & 0o777 == 0o600
    answers: list[dict[str, Any]] = []
    picture = tmp_path / "frame.png"
    questions: list[dict[str, Any]] = [
        {"op": "list"},
        {"op": "tap", "id": "conversation-0"},
        {"op": "until", "id": "composer"},
        {"op": "type", "id": "composer", "text": "Été à l’hôpital 🩺"},
        {"op": "read", "id": "composer"},
        {"op": "tap", "id": "send"},
        {"op": "shot", "path": str(picture)},
        {"op": "tap", "id": "nowhere"},
    ]

    def act() -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            stream = connection.makefile("rw", encoding="utf-8")

            def ask(question: dict[str, Any]) -> dict[str, Any]:
                stream.write(json.dumps(question) + "\n")
                stream.flush()
                answer: dict[str, Any] = json.loads(stream.readline())
                return answer

            for question in questions:
                if question["op"] == "until":
                    while not ask({"op": "read", "id": question["id"]})["ok"]:
                        continue
                else:
                    answers.append(ask(question))

    actor = threading.Thread(target=act, daemon=True)
    actor.start()
    play.until(lambda: not actor.is_alive(), "the end of the play")
    assert "conversation-3" in {each["id"] for each in answers[0]["value"]}
    assert answers[3]["value"] == "Été à l’hôpital 🩺"
    assert play.did("send_text")[2] == "Été à l’hôpital 🩺"
    assert not answers[6]["ok"]
    assert "nowhere" in answers[6]["error"]
    frame = picture.read_bytes()
    assert frame.startswith(b"\x89PNG")
    assert struct.unpack(">II", frame[16:24]) == tuple(answers[5]["value"])
    assert len(zlib.decompress(frame[frame.index(b"IDAT") + 4 : -16])) > 0
