"""On every screen, in both languages and in large type, each text fits its box and each box fits the window."""

import pytest
from kivy.core.window import Window
from kivy.metrics import Metrics
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.label import Label
from kivy.uix.widget import Widget

from miss_app.ui.bubble_view import MissBubble
from miss_app.ui.controls import Icon, IconButton
from miss_app.ui.sight import box_of, walk
from ui.registry import gather, staged
from ui.rehearsal import Rehearsal

TOUCH_DP = 48


def shown(root: Widget) -> list[Widget]:
    return [widget for widget in walk(root) if box_of(widget) is not None]


def misfits(root: Widget) -> list[str]:
    wrong = []
    for widget in shown(root):
        if isinstance(widget, Label) and not isinstance(widget, Icon | IconButton) and widget.text:
            width, height = widget.texture_size
            left, _ = widget.to_window(*widget.pos)
            if width > widget.width + 1 or height > widget.height + 1 or left < -1 or left + width > Window.width + 1:
                wrong.append(
                    f"{widget.text!r}: {width}x{height} in {widget.width:.0f}x{widget.height:.0f} at {left:.0f}"
                )
        if isinstance(widget, MissBubble) and widget.row is not None and widget.row.shape is not None:
            shape = widget.row.shape
            if shape.text is not None and shape.text.width > shape.width:
                wrong.append(f"bubble {widget.text!r}")
    return wrong


def small_targets(root: Widget) -> list[str]:
    return [
        f"{widget.test_id}: {widget.width:.0f}x{widget.height:.0f}"
        for widget in shown(root)
        if isinstance(widget, ButtonBehavior)
        and not isinstance(widget, MissBubble)
        and getattr(widget, "test_id", "")
        and widget.test_id != "chat-title"
        and (widget.width < TOUCH_DP or widget.height < TOUCH_DP - 0.5)
    ]


SCENES = gather()
CASES = [(name, "fr", 1.5) for name in SCENES] + [(name, "en", 1.0) for name, named in SCENES.items() if named.key]


@pytest.mark.parametrize(("name", "language", "scale"), CASES)
def test_everything_fits(name: str, language: str, scale: float, rehearse, monkeypatch) -> None:
    monkeypatch.setattr(Rehearsal, "drawing", False)  # sizes are known before anything is drawn
    Metrics.fontscale = scale
    try:
        play: Rehearsal = rehearse(staged(name, "light", language))
        SCENES[name].come(play)
        play.pump(4)
        assert misfits(play.app.root) == []
        assert small_targets(play.app.root) == []
        size = Window.size
        Window.size = (1280, 840)
        play.until(lambda: play.app.shell.wide)
        play.pump(4)
        assert misfits(play.app.root) == []
        Window.size = size
    finally:
        Metrics.fontscale = 1.0
