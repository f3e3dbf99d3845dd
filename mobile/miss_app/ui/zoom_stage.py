"""Where one picture is looked at: two fingers, the wheel or a double tap bring it nearer, a swipe leads to the next."""

from typing import Any

from kivy.animation import Animation
from kivy.clock import Clock
from kivy.graphics.transformation import Matrix
from kivy.metrics import dp
from kivy.properties import ListProperty, ObjectProperty, StringProperty
from kivy.uix.scatter import Scatter
from kivy.uix.stencilview import StencilView
from kivy.uix.widget import Widget

from miss_app.ui.kv import load_rules

SCALE_MAX = 6.0
NEAR = 2.5  # what a double tap brings it to
TAP_DP = 12
DOUBLE_TAP_S = 0.35
SWIPE_SHARE = 0.18  # of the width, after which a swipe leads on


class PictureFrame(Widget):
    """The picture inside its box, in its own proportions."""

    picture = ObjectProperty(None, allownone=True)
    shown_size = ListProperty([0, 0])

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.fbind("picture", self._fit)
        self.fbind("size", self._fit)

    def _fit(self, *_args: object) -> None:
        if self.picture is not None:
            scale = min(self.width / self.picture.width, self.height / self.picture.height)
            self.shown_size = [self.picture.width * scale, self.picture.height * scale]


class ZoomStage(StencilView):
    """Shows ``picture``; tells ``on_swipe`` -1 for the one before and 1 for the one after."""

    picture = ObjectProperty(None, allownone=True)
    test_id = StringProperty("")
    state_name = StringProperty("")
    text = StringProperty("")
    __events__ = ("on_swipe",)

    def __init__(self, **options: Any) -> None:
        self._touches: set[str] = set()
        self._tapped = (0.0, 0.0, -1.0)  # where and when
        super().__init__(**options)
        self.fbind("pos", self.rest)
        self.fbind("size", self.rest)

    def on_swipe(self, _step: int) -> None:
        """Show the next one, or the one before."""

    @property
    def scatter(self) -> Scatter:
        """What is moved and scaled."""
        found: Scatter = self.ids.scatter
        return found

    @property
    def near(self) -> bool:
        """Whether it is shown larger than it fits."""
        return bool(self.scatter.scale > 1.01)

    def rest(self, *_args: object) -> None:
        """As large as its place again."""
        if "scatter" in self.ids:
            Animation.cancel_all(self.scatter)
            self.scatter.scale, self.scatter.size, self.scatter.pos = 1, self.size, self.pos

    def bring(self, factor: float, point: tuple[float, float]) -> None:
        """Nearer or further, around a point."""
        scale = min(SCALE_MAX, max(1.0, self.scatter.scale * factor)) / self.scatter.scale
        self.scatter.apply_transform(Matrix().scale(scale, scale, scale), anchor=point)
        self._keep_inside()

    def on_touch_down(self, touch: Any) -> bool:
        """A finger, or the wheel."""
        if not self.collide_point(*touch.pos):
            return bool(super().on_touch_down(touch))
        if getattr(touch, "is_mouse_scrolling", False):
            self.bring(1.15 if touch.button == "scrolldown" else 1 / 1.15, touch.pos)
            return True
        self._touches.add(touch.uid)
        self.scatter.do_translation = self.near
        super().on_touch_down(touch)
        touch.grab(self)
        return True

    def on_touch_move(self, touch: Any) -> bool:
        """One finger draws the picture aside while all of it is seen."""
        if touch.grab_current is not self:
            return bool(super().on_touch_move(touch))
        if len(self._touches) == 1 and not self.near and abs(touch.x - touch.ox) > dp(TAP_DP):
            self.scatter.x = self.x + touch.x - touch.ox
        return True

    def on_touch_up(self, touch: Any) -> bool:
        """Lead on, come back, or count a tap."""
        if touch.grab_current is not self:
            return bool(super().on_touch_up(touch))
        touch.ungrab(self)
        alone = len(self._touches) == 1
        self._touches.discard(touch.uid)
        across, along = touch.x - touch.ox, touch.y - touch.oy
        if alone and abs(across) < dp(TAP_DP) and abs(along) < dp(TAP_DP):
            self._tap(touch)
        elif alone and not self.near:
            if abs(across) > self.width * SWIPE_SHARE and abs(across) > abs(along):
                self.dispatch("on_swipe", -1 if across > 0 else 1)
            Animation(x=self.x, y=self.y, duration=0.14, t="out_quad").start(self.scatter)
        else:
            self._keep_inside()
        return True

    def _tap(self, touch: Any) -> None:
        x, y, when = self._tapped
        now = Clock.get_time()
        self._tapped = (touch.x, touch.y, now)
        if now - when > DOUBLE_TAP_S or abs(touch.x - x) + abs(touch.y - y) > dp(4 * TAP_DP):
            return
        self._tapped = (0.0, 0.0, -1.0)
        if self.near:
            self.rest()
        else:
            self.bring(NEAR, touch.pos)

    def _keep_inside(self) -> None:
        """No edge of the picture comes further in than it must."""
        scatter = self.scatter
        if not self.near:
            self.rest()
            return
        width, height = self.width * scatter.scale, self.height * scatter.scale
        scatter.x = min(self.x, max(self.right - width, scatter.x))
        scatter.y = min(self.y, max(self.top - height, scatter.y))


load_rules(__file__)
