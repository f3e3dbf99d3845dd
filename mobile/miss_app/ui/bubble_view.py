"""The widget that draws one row of a chat, reused for another row as the list is scrolled."""

from collections.abc import Sequence
from typing import Any, Protocol

from kivy.clock import Clock, ClockEvent
from kivy.graphics.texture import Texture
from kivy.metrics import dp, sp
from kivy.properties import StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.widget import Widget

from miss_app.engine.events import MessageView, Tick
from miss_app.ui import pictures, rich_text
from miss_app.ui.avatar import initials
from miss_app.ui.bubble import (
    AVATAR_DP,
    EDGE_DP,
    PAD_X_DP,
    PAD_Y_DP,
    REACTIONS_DP,
    TICKS,
    BubbleShape,
    author_line,
    photo_pill,
)
from miss_app.ui.bubble_parts import GAP_DP, Part, Pen
from miss_app.ui.chat_rows import ChatRow
from miss_app.ui.glyphs import ICONS, icon, texture
from miss_app.ui.sprites import Box, Mark, Picture
from miss_app.ui.texts import words
from miss_app.ui.theme import look
from miss_app.ui.tokens import BODY_SP, SMALL_SP, TINY_SP
from miss_app.ui.virtual_list import PRESSED

HOLD_SECONDS = 0.45
PULL_DP = 64
HIT_DP = 30
WHITE = (1, 1, 1, 1)
VEIL = (0, 0, 0, 0.45)


class Taps(Protocol):
    """What a screen does when a row is touched."""

    def tapped(self, row: ChatRow, part: str) -> None:
        """A tap on a row; ``part`` names the button or the quote in it that was hit, "" for none."""

    def asked(self, row: ChatRow) -> None:
        """A long press or a right click on a row: what can be done with it?"""

    def replied(self, row: ChatRow) -> None:
        """A row was pulled to the right."""

    def mark_of(self, row: ChatRow) -> str:
        """How a row is marked: "chosen", "free" (it may be chosen), "lit" or not at all."""


class MissBubble(ButtonBehavior, Widget):
    """One row: a bubble, or a centred line. ``taps`` hears of touches; ``me`` is one's own person id."""

    test_id = StringProperty("")
    text = StringProperty("")
    state_name = StringProperty("")  # the tick, for whoever watches the screen
    kind = StringProperty("")
    a11y_label = StringProperty("")  # the row as one sentence, for a screen reader once Kivy speaks to one

    def __init__(self, group: bool, taps: Taps) -> None:
        super().__init__(size_hint=(None, None))
        self.group = group
        self.row: ChatRow | None = None
        self._taps = taps
        self._hold: ClockEvent | None = None
        self._held = False  # this touch has asked for the menu, or pulled for a reply: its end is no tap
        # What the finger came down on: a message that comes meanwhile may give this widget another row to show, and
        # nobody is to take charge of, or to confirm, what they did not touch.
        self._pressed: bytes | None = None
        canvas = self.canvas
        self._band = Box(canvas)
        self._disc, self._letters = Box(canvas), Mark(canvas)
        self._shadow, self._box = Box(canvas), Box(canvas)
        self._name, self._body = Mark(canvas), Mark(canvas)
        self._blank, self._photo = Box(canvas), Picture(canvas)
        self._pill, self._pill_text = Box(canvas), Mark(canvas)
        self._track, self._progress = Box(canvas), Box(canvas)
        self._pen = Pen(canvas)
        self._shade, self._time, self._tick, self._retry = Box(canvas), Mark(canvas), Mark(canvas), Mark(canvas)
        self._choice = Mark(canvas)
        self._mark = ""
        self._pieces = [value for value in vars(self).values() if isinstance(value, Box | Mark | Picture)]

    # Touches.

    def on_touch_down(self, touch: Any) -> bool:
        """A right click asks at once, a finger that stays asks after a while."""
        if self.collide_point(*touch.pos):
            row = touch.ud.get(PRESSED, self.row)
            self._pressed = row and row.key
        if not self.collide_point(*touch.pos) or self.row is None or self.row.kind != "message":
            return bool(super().on_touch_down(touch))
        if getattr(touch, "button", "left") == "right":
            self._taps.asked(self.row)
            return True
        self._held = False
        self._hold = Clock.schedule_once(self._ask, HOLD_SECONDS)
        return bool(super().on_touch_down(touch))

    def on_touch_move(self, touch: Any) -> bool:
        """A bubble pulled to the right is replied to; a finger that moves does not ask."""
        if touch.grab_current is self and self.row is not None and not self._held:
            across, along = touch.x - touch.ox, touch.y - touch.oy
            if abs(across) + abs(along) > dp(PULL_DP) / 4:
                self._let_go()
            if across > dp(PULL_DP) > 3 * abs(along) and self.row.kind == "message":
                self._held = True
                if self._is_pressed():
                    self._taps.replied(self.row)
        return bool(super().on_touch_move(touch))

    def on_touch_up(self, touch: Any) -> bool:
        """The finger is gone."""
        if touch.grab_current is self:
            self._let_go()
        return bool(super().on_touch_up(touch))

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None

    def _ask(self, _dt: float) -> None:
        self._hold, self._held = None, True
        if self.row is not None and self._is_pressed():
            self._taps.asked(self.row)

    def activate(self) -> None:
        """Enter, by the keyboard: choose it where several are chosen, else what can be done with it."""
        if self.row is not None and (self._mark in ("chosen", "free") or self.row.kind != "message"):
            self._taps.tapped(self.row, "")
        else:
            self.ask()

    def ask(self) -> None:
        """What the right button does, by the keyboard."""
        if self.row is not None and self.row.kind == "message":
            self._taps.asked(self.row)

    def on_release(self) -> None:
        """Tell the screen which row was tapped, and what in it."""
        if self.row is not None and not self._held and self._is_pressed():
            touch = self.last_touch
            self._taps.tapped(self.row, "" if touch is None else self._part_at(*touch.pos))

    def _is_pressed(self) -> bool:
        return self.row is not None and self.row.key == self._pressed

    def _part_at(self, x: float, y: float) -> str:
        for name, left, bottom, width, height in self._pen.hits:
            if left <= x <= left + width and bottom <= y <= bottom + height:
                return name
        return ""

    def part_point(self, name: str) -> tuple[float, float] | None:
        """The middle of a button or quote in the bubble, in the list's coordinates; None where there is none."""
        for each, left, bottom, width, height in self._pen.hits:
            if each == name:
                return left + width / 2, bottom + height / 2
        return None

    def collide_point(self, x: float, y: float) -> bool:
        """Only the bubble itself answers to a finger, not the empty side of its row."""
        if not super().collide_point(x, y) or self.row is None or self.row.shape is None:
            return False
        if self._mark in ("chosen", "free"):
            return True
        left = self._left(self.row.shape)
        return bool(left <= x <= left + self.row.shape.width)

    def touch_point(self) -> tuple[float, float]:
        """A place of the bubble where nothing special is, in the list's coordinates: beside the hour."""
        if self.row is None or self.row.shape is None:
            return self.center
        shape = self.row.shape
        if shape.head or shape.tail:
            return self._left(shape) + dp(6), self.y + self._below(shape) + dp(10)
        return self._left(shape) + shape.width / 2, self.y + self._below(shape) + shape.height / 2

    def _below(self, shape: BubbleShape) -> float:
        return float(dp(REACTIONS_DP - 8)) if shape.reactions else 0.0

    def show(self, row: ChatRow) -> None:
        """Draw ``row`` at the widget's place and size."""
        self.row, self.kind, self.text = row, row.kind, row.text
        self.a11y_label = spoken(row)
        for piece in self._pieces:
            piece.hide()
        self._pen.clear()
        shape, message = row.shape, row.message
        if shape is None:
            return
        self._show_mark(row)
        if row.kind != "message" or message is None:
            self.test_id, self.state_name = f"{row.kind}-{row.key.hex()[:8]}", row.kind
            self._show_line(row, shape)
            return
        self.kind = message.kind
        self.test_id = f"message-{message.message_id.hex()[:8]}"
        self.state_name = message.tick.value if message.tick else ""
        self._show_bubble(row, shape, message)

    def _show_mark(self, row: ChatRow) -> None:
        """The band behind a row that is chosen or was jumped to, and the ring that chooses it."""
        self._mark = self._taps.mark_of(row)
        if self._mark in ("chosen", "lit"):
            self._band.put([*look.accent[:3], 0.16], self.x, self.y, self.width, self.height, 0)
        if self._mark in ("chosen", "free"):
            chosen = self._mark == "chosen"
            name = "check-circle" if chosen else "checkbox-blank-circle-outline"
            drawn = texture(icon(name), sp(24), look.accent if chosen else look.meta, font=ICONS)
            x = self.x + dp(EDGE_DP + AVATAR_DP / 2) if self.group else self.x + dp(EDGE_DP)
            self._choice.put(drawn, x - drawn.width / 2, self.center_y - drawn.height / 2)

    def _left(self, shape: BubbleShape) -> float:
        row = self.row
        if row is None or row.kind != "message" or row.message is None:
            return float(self.center_x - shape.width / 2)
        if row.message.mine:
            return float(self.right - dp(EDGE_DP) - shape.width)
        return float(self.x + dp(EDGE_DP) + (dp(AVATAR_DP + 8) if self.group else 0))

    def _show_line(self, row: ChatRow, shape: BubbleShape) -> None:
        fill, color = {
            "warning": (look.danger_soft, look.danger),
            "new": (look.mine, look.accent),
        }.get(row.kind, (look.soft, look.meta))
        x, y = self._left(shape), self.y + dp(8 if row.kind in ("day", "new") else 4)
        self._box.put(fill, x, y, shape.width, shape.height, min(shape.height / 2, dp(13)))
        if shape.text is None:
            return
        drawn = texture(shape.text.text, sp(SMALL_SP), color, dark=look.dark)
        self._body.put(drawn, x + dp(12), y + shape.height - dp(6) - drawn.height)

    def _show_bubble(self, row: ChatRow, shape: BubbleShape, message: MessageView) -> None:
        x, y, width, height = self._left(shape), self.y + self._below(shape), shape.width, shape.height
        room = width - 2 * dp(PAD_X_DP)
        round_, sharp = dp(16), dp(4)
        corners = (round_, sharp, round_, round_) if message.mine else (sharp, round_, round_, round_)
        corners = corners if row.first else (round_, round_, round_, round_)
        if not look.dark:
            self._shadow.put((0, 0.1, 0.09, 0.10), x, y - dp(1), width, height, *corners)
        self._box.put(look.mine if message.mine else look.theirs, x, y, width, height, *corners)
        top = y + height - dp(PAD_Y_DP)
        if row.first and self.group and not message.mine and self._mark in ("", "lit"):
            self._show_author(message, y + height)
        if shape.name is not None:
            color = look.person(author_key(message))[1]
            drawn = texture(shape.name.text, sp(SMALL_SP), color, bold=True, dark=look.dark)
            self._name.put(drawn, x + dp(PAD_X_DP), top - drawn.height)
            top -= shape.name.height + dp(2)
        top = self._show_parts(shape.head, x, top, room)
        if shape.photo is not None and message.photo is not None:
            top = self._show_photo(shape, message, x, top)
        if shape.text is not None:
            quiet = message.kind == "unreadable" or message.deleted_ms or (message.blocked and not row.unfolded)
            color = look.meta if quiet else look.text
            self._show_text(shape, shape.text.text, color, x + dp(PAD_X_DP), top)
            top -= shape.text.height + dp(GAP_DP)
        self._show_parts(shape.tail, x, top, room)
        if shape.reactions:
            self._show_reactions(shape, x, y, mine=message.mine)
        self._show_time(shape, message, x + width, y)

    def _show_text(self, shape: BubbleShape, text: str, color: Sequence[float], x: float, top: float) -> None:
        if not shape.spans:
            drawn = texture(text, sp(BODY_SP), color, dark=look.dark)
            self._body.put(drawn, x, top - drawn.height)
            return
        drawn, zones = rich_text.drawn(text, sp(BODY_SP), color, look.accent, shape.spans, look.dark)
        self._body.put(drawn, x, top - drawn.height)
        for place, left, above, right, below in zones:
            if shape.spans[place].kind == "me":
                tint = [*look.accent[:3], 0.18]
                self._pen.box(tint, x + left - dp(2), top - below, right - left + dp(4), below - above, dp(5))
            spare = max(0.0, (dp(HIT_DP) - (below - above)) / 2)  # a line is lower than a finger is wide
            self._pen.hits.append(
                (f"span-{place}", x + left, top - below - spare, right - left, below - above + 2 * spare)
            )

    def _show_parts(self, parts: Sequence[Part], x: float, top: float, room: float) -> float:
        for part in parts:
            part.draw(self._pen, x + dp(PAD_X_DP), top, room)
            top -= part.height + dp(GAP_DP)
        return top

    def _show_reactions(self, shape: BubbleShape, x: float, y: float, *, mine: bool) -> None:
        drawn = texture(shape.reactions, sp(SMALL_SP), look.text, dark=look.dark)
        width, high = drawn.width + dp(18), dp(REACTIONS_DP)
        left = x + shape.width - width - dp(10) if mine else x + dp(10)
        self._pen.box(look.ground, left - dp(2), y - high + dp(6), width + dp(4), high + dp(4), dp(15))
        self._pen.box(look.surface, left, y - high + dp(8), width, high, dp(13))
        self._pen.centred(shape.reactions, sp(SMALL_SP), look.text, left + width / 2, y - high / 2 + dp(8))
        self._pen.hits.append(("reactions", left, y - high + dp(8), width, high))

    def _show_author(self, message: MessageView, top: float) -> None:
        side, x = dp(AVATAR_DP), self.x + dp(EDGE_DP)
        name = message.author.display_name if message.author else "?"
        self._disc.put(look.person(author_key(message))[0], x, top - side, side, side, side / 2)
        drawn = texture(initials(name), dp(12), WHITE, bold=True)
        self._letters.put(drawn, x + side / 2 - drawn.width / 2, top - side / 2 - drawn.height / 2)

    def _show_photo(self, shape: BubbleShape, message: MessageView, x: float, top: float) -> float:
        photo = message.photo
        if photo is None or shape.photo is None:
            return top
        if shape.name is None and not shape.head:
            top += dp(PAD_Y_DP - 4)
        width, height = shape.width - dp(8), shape.photo[1] - dp(4)
        left, bottom = x + dp(4), top - shape.photo[1] + dp(2)
        high, low = (dp(13), dp(13) if shape.over else dp(6))

        def ready(image: Texture) -> None:
            if (
                self.row is not None
                and self.row.message is not None
                and self.row.message.message_id == message.message_id
            ):
                self._photo.put(image, left, bottom, width, height, high, high, low, low)

        self._blank.put(look.soft, left, bottom, width, height, high)
        if photo.thumbnail:
            pictures.show(message.message_id, photo.thumbnail, ready)
        drawn = texture(photo_pill(photo), sp(TINY_SP), WHITE)
        pill = sp(TINY_SP) + dp(11)
        self._pill.put(VEIL, left + dp(8), bottom + height - dp(8) - pill, drawn.width + dp(16), pill, pill / 2)
        self._pill_text.put(drawn, left + dp(16), bottom + height - dp(8) - pill / 2 - drawn.height / 2)
        if 0 < photo.progress < 1:
            bar = width - dp(24)
            self._track.put(VEIL, left + dp(12), bottom + dp(34), bar, dp(6), dp(3))
            self._progress.put(WHITE, left + dp(12), bottom + dp(34), max(dp(6), bar * photo.progress), dp(6), dp(3))
        return top - shape.photo[1] - dp(4)

    def _show_time(self, shape: BubbleShape, message: MessageView, right: float, y: float) -> None:
        ink = WHITE if shape.over else look.meta
        drawn = texture(shape.time, sp(TINY_SP), ink)
        tick = icon(TICKS[message.tick]) if message.mine and message.tick else ""
        tick_room = sp(18) if tick else 0
        x = right - dp(11) - drawn.width - tick_room - (dp(5) if shape.over else 0)
        base = y + dp(12 if shape.over else 6)
        if shape.retry is not None:
            words_drawn = texture(shape.retry.text, sp(SMALL_SP), look.danger)
            self._retry.put(words_drawn, right - shape.width + dp(PAD_X_DP), y + dp(7))
            base += shape.retry.height + dp(8)
        if shape.over:
            high = sp(TINY_SP) + dp(9)
            room = drawn.width + tick_room + dp(16)
            self._shade.put(VEIL, x - dp(8), base + drawn.height / 2 - high / 2, room, high, high / 2)
        self._time.put(drawn, x, base)
        if tick:
            color = look.danger if message.tick is Tick.FAILED else ink
            if message.tick is Tick.READ and not shape.over:
                color = look.read
            glyph = texture(tick, sp(15), color, font=ICONS)
            self._tick.put(glyph, x + drawn.width + sp(3), base + drawn.height / 2 - glyph.height / 2)


def author_key(message: MessageView) -> str:
    """What a person's colour follows."""
    if message.author is None:
        return ""
    return message.author.person_id.hex() or message.author.display_name


def spoken(row: ChatRow) -> str:
    """A row as one sentence, for whoever cannot see it."""
    message = row.message
    if message is None or row.kind != "message":
        return row.text
    who = words.say("list.me") if message.mine else author_line(message)
    return f"{who}: {row.text}"
