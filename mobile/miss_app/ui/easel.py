"""A photo one draws on with a finger: strokes become edits, in shares of the picture."""

import secrets
from typing import Any

from kivy.graphics import Color, Ellipse, InstructionGroup, Line, Rectangle
from kivy.metrics import dp
from kivy.properties import ListProperty, ObjectProperty, StringProperty
from kivy.uix.widget import Widget

from miss_app.engine.retouching import BLUR_RADIUS, INK, Arrow, Blur, Crop, Point

HANDLE_DP = 34  # how far from a corner a finger may be to take it
POINTS_MAX = 300
WHITE = (1, 1, 1, 1)
SHADE = (0, 0, 0, 0.62)
YELLOW = (*(part / 255 for part in INK), 1)
SIDE_MIN = 0.06  # of a crop
MARGIN_DP = 16


class Easel(Widget):
    """Shows ``picture``; ``tool`` is "", "crop", "arrow", "text" or "blur".

    Tells ``on_edit`` what a stroke of the arrow or the brush became, and ``on_place`` where words are to stand. The
    frame of a crop waits in ``frame`` (left, top, right, bottom) until somebody takes it.
    """

    picture = ObjectProperty(None, allownone=True)
    tool = StringProperty("")
    frame = ListProperty([0.0, 0.0, 1.0, 1.0])
    spot = ObjectProperty(None, allownone=True)  # where words are to stand
    test_id = StringProperty("")
    state_name = StringProperty("")
    text = StringProperty("")
    __events__ = ("on_edit", "on_place")

    def __init__(self, **options: Any) -> None:
        self._points: list[Point] = []
        self._held = ""  # which corner of the frame, or all of it, the finger moves
        self._from: tuple[Point, list[float]] | None = None
        self._over = InstructionGroup()
        super().__init__(**options)
        self.canvas.add(self._over)
        for name in ("picture", "pos", "size", "tool", "frame", "spot"):
            self.fbind(name, self._draw)

    def on_edit(self, _edit: Any) -> None:
        """Something was drawn."""

    def on_place(self, _place: Point) -> None:
        """Words are to stand there."""

    def on_tool(self, *_args: object) -> None:
        """Another tool begins anew."""
        self.frame, self.spot, self._points = [0.0, 0.0, 1.0, 1.0], None, []
        if self.tool == "crop":
            self.frame = [0.08, 0.08, 0.92, 0.92]

    def box(self) -> tuple[float, float, float, float]:
        """Where the picture lies: left, bottom, width, height in pixels."""
        if self.picture is None:
            return (*self.center, 0.0, 0.0)
        room = max(1.0, self.width - 2 * dp(MARGIN_DP)), max(1.0, self.height - 2 * dp(MARGIN_DP))
        scale = min(room[0] / self.picture.width, room[1] / self.picture.height)
        width, height = self.picture.width * scale, self.picture.height * scale
        return self.center_x - width / 2, self.center_y - height / 2, width, height

    def crop(self) -> Crop:
        """What the frame keeps."""
        return Crop(*self.frame)

    # The finger.

    def on_touch_down(self, touch: Any) -> bool:
        """A stroke begins."""
        if not self.collide_point(*touch.pos) or self.picture is None or not self.tool:
            return bool(super().on_touch_down(touch))
        point = self._share(touch)
        if self.tool == "crop":
            self._held = self._corner(touch)
            self._from = (point, list(self.frame))
        elif not self._inside(point):
            return True
        touch.grab(self)
        self._points = [point]
        self._draw()
        return True

    def on_touch_move(self, touch: Any) -> bool:
        """It goes on."""
        if touch.grab_current is not self:
            return bool(super().on_touch_move(touch))
        point = self._share(touch)
        if self.tool == "crop":
            self._move_frame(point)
        elif self.tool == "arrow":
            self._points = [self._points[0], _clamped(point)]
        elif len(self._points) < POINTS_MAX and _far(self._points[-1], point, BLUR_RADIUS / 3):
            self._points.append(_clamped(point))
        self._draw()
        return True

    def on_touch_up(self, touch: Any) -> bool:
        """It ends."""
        if touch.grab_current is not self:
            return bool(super().on_touch_up(touch))
        touch.ungrab(self)
        points, self._points, self._held = self._points, [], ""
        if self.tool == "arrow" and len(points) == 2 and _far(points[0], points[1], 0.02):
            self.dispatch("on_edit", Arrow(points[0], points[1]))
        elif self.tool == "blur":
            self.dispatch("on_edit", Blur(tuple(points), secrets.randbits(32)))
        elif self.tool == "text":
            self.spot = points[0]
            self.dispatch("on_place", points[0])
        self._draw()
        return True

    def _share(self, touch: Any) -> Point:
        left, bottom, width, height = self.box()
        return (touch.x - left) / max(1.0, width), 1 - (touch.y - bottom) / max(1.0, height)

    @staticmethod
    def _inside(point: Point) -> bool:
        return 0 <= point[0] <= 1 and 0 <= point[1] <= 1

    def _corner(self, touch: Any) -> str:
        """Which corner of the frame is under the finger, "all" in its middle."""
        left, bottom, width, height = self.box()
        for name in ("left-top", "right-top", "left-bottom", "right-bottom"):
            x = left + width * self.frame[0 if "left" in name else 2]
            y = bottom + height * (1 - self.frame[1 if "top" in name else 3])
            if abs(touch.x - x) < dp(HANDLE_DP) and abs(touch.y - y) < dp(HANDLE_DP):
                return name
        return "all"

    def _move_frame(self, point: Point) -> None:
        if self._from is None:
            return
        (x, y), (left, top, right, bottom) = self._from
        across, down = point[0] - x, point[1] - y
        if self._held == "all":
            across = min(max(across, -left), 1 - right)
            down = min(max(down, -top), 1 - bottom)
            self.frame = [left + across, top + down, right + across, bottom + down]
            return
        if "left" in self._held:
            left = min(max(0.0, left + across), right - SIDE_MIN)
        else:
            right = max(min(1.0, right + across), left + SIDE_MIN)
        if "top" in self._held:
            top = min(max(0.0, top + down), bottom - SIDE_MIN)
        else:
            bottom = max(min(1.0, bottom + down), top + SIDE_MIN)
        self.frame = [left, top, right, bottom]

    # What is seen.

    def _draw(self, *_args: object) -> None:
        pen = self._over
        pen.clear()
        if self.picture is None:
            return
        left, bottom, width, height = self.box()
        pen.add(Color(*WHITE))
        pen.add(Rectangle(texture=self.picture, pos=(left, bottom), size=(width, height)))
        if self.tool == "crop":
            self._draw_frame(left, bottom, width, height)
        elif self.tool == "arrow" and len(self._points) == 2:
            pen.add(Color(*YELLOW))
            pen.add(Line(points=self._pixels(self._points), width=max(width, height) / 220, cap="round"))
        elif self.tool == "blur" and self._points:
            pen.add(Color(1, 1, 1, 0.55))
            stroke = self._points if len(self._points) > 1 else self._points * 2
            thick = max(width, height) * BLUR_RADIUS
            pen.add(Line(points=self._pixels(stroke), width=thick, cap="round", joint="round"))
        elif self.tool == "text" and self.spot is not None:
            x, y = self._pixels([self.spot])
            pen.add(Color(*YELLOW))
            pen.add(Ellipse(pos=(x - dp(7), y - dp(7)), size=(dp(14), dp(14))))

    def _draw_frame(self, left: float, bottom: float, width: float, height: float) -> None:
        pen, (x0, y0, x1, y1) = self._over, self.frame
        fl, fr = left + x0 * width, left + x1 * width
        fb, ft = bottom + (1 - y1) * height, bottom + (1 - y0) * height
        pen.add(Color(*SHADE))
        for box in (
            (left, bottom, width, fb - bottom),
            (left, ft, width, bottom + height - ft),
            (left, fb, fl - left, ft - fb),
            (fr, fb, left + width - fr, ft - fb),
        ):
            pen.add(Rectangle(pos=box[:2], size=box[2:]))
        pen.add(Color(*WHITE))
        pen.add(Line(rectangle=(fl, fb, fr - fl, ft - fb), width=dp(1)))
        pen.add(Color(1, 1, 1, 0.4))
        for third in (1 / 3, 2 / 3):
            pen.add(Line(points=(fl + (fr - fl) * third, fb, fl + (fr - fl) * third, ft), width=dp(0.5)))
            pen.add(Line(points=(fl, fb + (ft - fb) * third, fr, fb + (ft - fb) * third), width=dp(0.5)))
        pen.add(Color(*WHITE))
        arm = min(dp(22), (fr - fl) / 2, (ft - fb) / 2)
        for x, y, dx, dy in ((fl, fb, arm, arm), (fr, fb, -arm, arm), (fl, ft, arm, -arm), (fr, ft, -arm, -arm)):
            pen.add(Line(points=(x + dx, y, x, y, x, y + dy), width=dp(2.5), cap="round", joint="round"))

    def _pixels(self, points: list[Point]) -> list[float]:
        left, bottom, width, height = self.box()
        return [value for x, y in points for value in (left + x * width, bottom + (1 - y) * height)]


def _clamped(point: Point) -> Point:
    return min(max(point[0], 0.0), 1.0), min(max(point[1], 0.0), 1.0)


def _far(one: Point, other: Point, least: float) -> bool:
    return abs(one[0] - other[0]) + abs(one[1] - other[1]) >= least
