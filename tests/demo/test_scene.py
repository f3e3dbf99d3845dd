"""The scene leaves nothing in clear behind; and an act that does not show ends it with the act's name."""

import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import canaries
from tests.demo import scene
from tests.demo.cast import CAMILLE, HUGO, NADIA
from tests.demo.scene import Scene
from tests.demo.window import plain

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
    performance = Scene(tmp_path_factory.mktemp("scene"), tmp_path_factory.mktemp("pictures"))
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


def test_an_act_that_does_not_show_ends_the_scene(tmp_path):
    last = "Camille finds Hugo in the directory"
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo", "--out", str(tmp_path), "--stop-server-after", last],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 1
    assert "FAILED at act « Camille writes, Hugo reads »" in done.stdout
