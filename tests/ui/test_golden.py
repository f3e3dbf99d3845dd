"""Ten key screens against pictures of them that are kept: what nobody meant to change has not changed.

``MISS_GOLDEN=write`` writes them anew, to be looked at before they are kept. Another version of the renderer may draw
edges a shade differently, so single pixels may differ a little, and a few of them much.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from kivy.animation import Animation
from kivy.uix.scrollview import ScrollView
from PIL import Image, ImageChops

from ui.registry import SCENES, gather, staged
from ui.rehearsal import Rehearsal
from ui.render import still

SIZE = (420, 760)
KEPT = Path(__file__).parent / "golden"
SHADES = 24  # of 255: less is the renderer's rounding
SHARE_MAX = 0.001  # of all pixels may differ by more
# Nothing in these moves by itself: no cursor that blinks, no bar that fades.
KEY = (
    "absent-direct",
    "chat-acts",
    "editor",
    "group",
    "invitation",
    "list",
    "locked-waiting",
    "open-ones",
    "patient-data",
    "people",
    "report",
    "request",
)


def test_ten_and_more_are_kept() -> None:
    assert len(KEY) >= 10
    assert set(KEY) <= gather().keys()
    assert {path.stem for path in KEPT.glob("*.png")} == set(KEY)


@pytest.mark.parametrize("name", KEY)
def test_a_key_screen_looks_as_it_did(name: str, rehearse: Callable[..., Rehearsal]) -> None:
    Rehearsal.drawing = False
    try:
        play = rehearse(staged(name), SIZE)
        SCENES[name].come(play)
    finally:
        Rehearsal.drawing = True
    for one in play.app.shell.walk():
        if isinstance(one, ScrollView):  # a bar fades by the clock, which a busy machine lets run ahead of the frames
            Animation.cancel_all(one, "_bar_color")
            one.bar_inactive_color = one.bar_color
            one._bar_color = one.bar_color
    picture, path = still(play), KEPT / f"{name}.png"
    if os.environ.get("MISS_GOLDEN") == "write":
        KEPT.mkdir(exist_ok=True)
        picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    kept = Image.open(path).convert("RGB")
    assert picture.size == kept.size
    assert share_of_difference(picture, kept) <= SHARE_MAX, f"{name} looks different: look, then MISS_GOLDEN=write"


def share_of_difference(one: Image.Image, other: Image.Image) -> float:
    """Which share of the pixels differs by more than a shade."""
    histogram = ImageChops.difference(one, other).convert("L").histogram()
    return sum(histogram[SHADES:]) / (one.width * one.height)


def test_a_word_that_changed_is_seen() -> None:
    kept = Image.open(KEPT / f"{KEY[0]}.png").convert("RGB")
    changed = kept.copy()
    changed.paste((255, 255, 255), (20, 100, 120, 130))
    changed.paste((0, 0, 0), (20, 100, 90, 118))
    assert share_of_difference(kept, changed) > SHARE_MAX
