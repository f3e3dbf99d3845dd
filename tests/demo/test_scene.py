"""The scene leaves nothing in clear behind; and an act that does not show ends it with the act's name."""

import re
import shutil
import sqlite3
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import canaries
from tests.demo import scene
from tests.demo.cast import CAMILLE, HUGO, NADIA
from tests.demo.scene import Scene
from tests.demo.window import DESKTOP, Window, plain

ROOT = Path(__file__).resolve().parents[2]
# The latitude of the scene's photograph as EXIF writes it: 50°, 38', 12" as rationals.
LATITUDE = b"".join(struct.pack("<II", value, 1) for value in (50, 38, 12))
CANARIES = {
    "text": canaries.forms("as-tu un moment"),
    "title": canaries.forms("Équipe plaies"),
    "patient": canaries.forms("Quetsche-Mirabelle"),
    "reply": canaries.forms("envoie la photo"),
    "GPS": canaries.raw(LATITUDE) | {"big endian": b"".join(struct.pack(">II", v, 1) for v in (50, 38, 12))},
}


@pytest.fixture(scope="module")
def played(tmp_path_factory) -> Iterator[Scene]:
    recording = sorted({name for name in life_of_a_message() if not name.startswith("@")})
    performance = Scene(tmp_path_factory.mktemp("scene"), tmp_path_factory.mktemp("pictures"), recording=recording)
    try:
        performance.play()
        yield performance
    finally:
        performance.end()


def test_every_act_left_a_picture(played):
    pictures = sorted(played.pictures.glob("*.png"))
    assert len(pictures) == played.count > 12
    assert all(path.stat().st_size > 5_000 for path in pictures)


def test_the_canaries_are_on_the_screens(played):
    """The positive control of the search below: what is looked for is what people see."""
    seen = " ".join(plain(text) for role in (CAMILLE, NADIA) for text in played.windows[role].screen().values())
    assert "Équipe plaies" in seen
    assert "Quetsche-Mirabelle" in seen
    hugo = " ".join(plain(text) for text in played.windows[HUGO].screen().values())
    assert "Équipe plaies" in hugo


def test_nothing_is_left_in_clear(played):
    roots = [played.folder / name for name in ("server", "server.log", "mails", "camille", "hugo", "nadia")]
    assert all(root.exists() for root in roots)
    assert canaries.search(roots, CANARIES) == []
    # And in the pictures' source it is there, so that the search can find.
    assert canaries.search([played.folder / "camera"], {"GPS": CANARIES["GPS"]})


def test_what_is_planted_is_found(played, tmp_path):
    database = next(
        path for path in (played.folder / "server").rglob("*") if path.suffix in (".db", ".sqlite", ".sqlite3")
    )
    copy = tmp_path / "copy.db"
    shutil.copy(database, copy)
    assert not canaries.search([copy], CANARIES)
    with sqlite3.connect(copy) as connection:
        connection.execute("create table planted (words text)")
        connection.execute("insert into planted values (?)", (scene.QUESTION,))
    connection.close()
    assert canaries.search([copy], CANARIES)


def life_of_a_message() -> list[str]:
    """The functions named in the README's chapter, in its order, with a mark where another process begins."""
    readme = (ROOT / "README.md").read_text()
    chapter = re.search(r"^## The life of a message\n(.*?)^Refused as stale", readme, re.DOTALL | re.MULTILINE)
    assert chapter
    marks = {
        "On the sender's device": "hugo",
        "On the server": "server",
        "On the receiver's": "camille",
        "Back on the server": "server",
    }
    found = re.findall(rf"^({'|'.join(marks)})|`([A-Za-z]+\.[a-z_]+|accept)`", chapter.group(1), re.MULTILINE)
    return [f"@{marks[mark]}" if mark else name for mark, name in found]


def test_the_life_of_a_message(played):
    """Each function is called after the one before it, on the machine where the README says it is."""
    start, end = played.times["Hugo answers, Camille sees it and that he has read"]
    calls = {}
    for process, log in (("hugo", "hugo/calls.log"), ("camille", "camille/calls.log"), ("server", "calls.log")):
        lines = (line.split() for line in (played.folder / log).read_text().splitlines())
        calls[process] = [(int(at), name) for at, name in lines]
    at, process, named = start, "", 0
    for step in life_of_a_message():
        if step.startswith("@"):
            process = step[1:]
            continue
        later = [when for when, name in calls[process] if name == step and at < when < end]
        assert later, f"{step} is not called on {process} after what comes before it"
        at, named = min(later), named + 1
    assert named > 15


def test_a_copied_data_folder_opens_only_with_the_pin(played, tmp_path):
    """Nadia's folder on another machine: locked; a wrong PIN is refused; hers opens it."""
    played.windows[NADIA].close()
    shutil.copytree(played.folder / "nadia/data", tmp_path / "stolen/data")
    elsewhere = Window("elsewhere", tmp_path / "stolen", DESKTOP)
    try:
        elsewhere.open()
        elsewhere.until_there("unlock-pin")
        assert not elsewhere.sees("Équipe plaies")
        elsewhere.type("unlock-pin", "000000")
        elsewhere.tap("unlock-go")
        elsewhere.until_there("problem")
        assert not elsewhere.sees("Équipe plaies")
        time.sleep(1)  # the vault asks for patience after a wrong PIN
        elsewhere.type("unlock-pin", scene.PIN)
        elsewhere.tap("unlock-go")
        elsewhere.until("Équipe plaies", prefix="conversation-")
    finally:
        elsewhere.close()


def test_an_act_that_does_not_show_ends_the_scene(played, capsys):
    """The last test: it stops the server, and Camille writes all the same."""
    played.server.stop()
    assert played.perform([played.answer]) == 1
    assert "FAILED at act « Hugo answers, Camille sees it and that he has read »" in capsys.readouterr().out
