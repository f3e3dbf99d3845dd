"""The stretch of a chat that is in memory: a page at first, more as the reader goes up or down, another after a jump.

However long the conversation, a few hundred lines are held: what lies far from the reader is let go and read again from
the store when they come back to it.
"""

from dataclasses import replace
from typing import Any

from kivy.clock import Clock, ClockEvent

from miss_app.engine.events import ConversationView, MessageView
from miss_app.ui import chat_rows
from miss_app.ui.chat_rows import ChatRow
from miss_app.ui.virtual_list import VirtualList

PAGE_MESSAGES = 60
HELD_MESSAGES = 900  # more are let go at the far end, a third at a time
LIT_S = 1.6  # how long a place one has jumped to is marked


class ChatPages:
    """The lines of one chat screen and the rows of its list, which it keeps alike.

    Args:
        screen: the chat; asked for its client, its conversation and whether two people are in it.
    """

    def __init__(self, screen: Any, rows: VirtualList) -> None:
        self._screen = screen
        self._list = rows
        self.lines: list[MessageView] = []
        self.whole_above = True  # nothing older is in the store
        self.whole_below = True  # nothing newer
        self.lit = b""  # the line one has jumped to, for a moment
        self._fetching = False
        self._opening: ClockEvent | None = None
        self._first_unread: bytes | None = None
        self._darken = Clock.create_trigger(lambda _dt: self._set_lit(b""), LIT_S)

    # Reading.

    def open(self, conversation: ConversationView) -> None:
        """The newest page, or the one around the first line that is not read."""
        self._first_unread = self._passages.first_unread(self._here) if conversation.unread else None
        self.load_end()
        if self._first_unread is None:
            return
        if self.row_of(self._first_unread) is None:
            self._take(self._passages.around(self._here, self._first_unread, PAGE_MESSAGES), end=False)
        self._show_unread()

    def _show_unread(self) -> None:
        """Put the line "new messages" near the top, unless all that follows it fits below."""
        place = next((at for at, row in enumerate(self._list.rows) if row.kind == "new"), None)  # type: ignore[attr-defined]  # every row is a ChatRow
        if place is not None:  # once the list has its size, unless a jump was asked for meanwhile
            self._opening = Clock.schedule_once(lambda _dt: self._list.show_row(place, 0.2))

    def load_end(self) -> None:
        """The newest page."""
        lines = self._passages.before(self._here, None, PAGE_MESSAGES)
        self._take(lines, end=True)

    def _take(self, lines: list[MessageView], *, end: bool) -> None:
        self.lines = list(lines)
        first, last = (lines[0].message_id, lines[-1].message_id) if lines else (b"", b"")
        self.whole_above = not lines or not self._passages.before(self._here, first, 1)
        self.whole_below = end or not lines or not self._passages.after(self._here, last, 1)
        self.redraw()

    def read_again(self) -> None:
        """Lines have come between or above those that are shown."""
        if not self.lines:
            self.load_end()
            return
        middle = self.lines[len(self.lines) // 2].message_id
        size = max(PAGE_MESSAGES, len(self.lines))
        whole_below = self.whole_below
        found = self._passages.around(self._here, middle, size)
        newer = self._passages.after(self._here, found[-1].message_id, size) if found and whole_below else []
        self.lines = [*found, *newer]
        self.whole_above = not self.lines or not self._passages.before(self._here, self.lines[0].message_id, 1)
        self.redraw(keep_place=True)

    def go_to(self, message_id: bytes, at: float = 0.5) -> bool:
        """Show a line, ``at`` saying where in the height; False where it is not on this device."""
        if self._opening is not None:
            self._opening.cancel()
        if self.row_of(message_id) is None:
            lines = self._passages.around(self._here, message_id, PAGE_MESSAGES)
            if not lines:
                return False
            self._take(lines, end=False)
        place = self.row_of(message_id)
        if place is None:
            return False
        if at < 0.5:  # with the day or the separator above it
            place = max(0, place - 1)
        self._list.show_row(place, at)
        self._set_lit(message_id)
        self._darken()
        return True

    def go_to_day(self, at_ms: int) -> None:
        """Show the first line of a day, or of the next one that has some."""
        found = self._passages.at(self._here, at_ms)
        if found is not None:
            self.go_to(found, 0.1)

    def go_to_end(self) -> None:
        """Show the newest line."""
        if not self.whole_below:
            self.load_end()
        self._list.scroll_to_end()

    def scrolled(self) -> None:
        """Fetch what comes next where the reader is near one of the ends."""
        if self._fetching or self._list.content_height <= self._list.height:
            return
        self._fetching = True  # rows that are put in or taken out scroll the list themselves
        try:
            if self._list.at_top():
                self._fetch_older()
            if not self.whole_below and self._list.hidden_below() < self._list.height:
                self._fetch_newer()
        finally:
            self._fetching = False

    def _fetch_older(self) -> None:
        if self.whole_above or not self.lines:
            return
        older = self._passages.before(self._here, self.lines[0].message_id, PAGE_MESSAGES)
        self.whole_above = len(older) < PAGE_MESSAGES
        if not older:
            return
        first = self.lines[0]
        self.lines[0:0] = older
        # The day above the first row may now belong to an older one: that row is made again.
        joint = self._rows_after(older[-1], first)
        if len(joint) == 1 and self._kind(0) == "day":
            self._list.cut(1, len(self._list.rows))
        self._list.prepend(self._rows(older))
        if len(self.lines) > HELD_MESSAGES:
            del self.lines[HELD_MESSAGES * 2 // 3 :]
            self.whole_below = False
            last = self.row_of(self.lines[-1].message_id)
            if last is not None:
                self._list.cut(0, last + 1)

    def _fetch_newer(self) -> None:
        if not self.lines:
            return
        newer = self._passages.after(self._here, self.lines[-1].message_id, PAGE_MESSAGES)
        self.whole_below = len(newer) < PAGE_MESSAGES
        rows = [
            row
            for before, message in zip([self.lines[-1], *newer], newer, strict=False)
            for row in self._rows_after(before, message)
        ]
        self.lines += newer
        self._list.append(rows, follow=False)
        spare = len(self.lines) - HELD_MESSAGES * 2 // 3
        if len(self.lines) > HELD_MESSAGES:
            del self.lines[:spare]
            self.whole_above = False
            first = self.row_of(self.lines[0].message_id)
            if first is not None:
                self._list.cut(first, len(self._list.rows))

    # What the engine tells.

    def added(self, message: MessageView) -> bool:
        """A new line; False where it is not shown, because the reader is far above it."""
        if any(each.message_id == message.message_id for each in self.lines[-PAGE_MESSAGES:]):
            self.changed(message)
            return True
        if not self.whole_below:
            return False
        before = self.lines[-1] if self.lines else None
        self.lines.append(message)
        self._list.append(self._rows_after(before, message))
        return True

    def changed(self, message: MessageView) -> None:
        """A line says something else, or has come further."""
        for place in range(len(self.lines) - 1, -1, -1):
            if self.lines[place].message_id == message.message_id:
                self.lines[place] = message
                break
        else:
            return
        index = self.row_of(message.message_id)
        row = None if index is None else self._list.rows[index]
        if index is not None and isinstance(row, ChatRow):
            text = chat_rows.notice(message) if row.kind in ("notice", "warning") else chat_rows.body(message)
            late = chat_rows.is_late(message, self._screen.app.now_ms())
            self._list.replace(index, replace(row, text=text, message=message, late=late, shape=None))

    def removed(self, message_id: bytes) -> None:
        """A line is gone."""
        if any(one.message_id == message_id for one in self.lines):
            self.lines = [one for one in self.lines if one.message_id != message_id]
            self.redraw(keep_place=True)

    def look_at_clock(self) -> None:
        """Say of what has not arrived that it is late."""
        now_ms = self._screen.app.now_ms()
        for message in self.lines[-PAGE_MESSAGES:]:
            index = self.row_of(message.message_id) if chat_rows.is_late(message, now_ms) else None
            row = None if index is None else self._list.rows[index]
            if index is not None and isinstance(row, ChatRow) and not row.late:
                self._list.replace(index, replace(row, late=True, shape=None))

    def last_seen(self) -> MessageView | None:
        """The newest line in sight."""
        for view in reversed(self._list.live_views):
            row = getattr(view, "row", None)
            if isinstance(row, ChatRow) and row.message is not None:
                return row.message
        return None

    # Drawing.

    def redraw(self, *, keep_place: bool = False) -> None:
        """Every row anew."""
        self._list.set_rows(self._rows(self.lines), keep_place=keep_place)

    def unfold(self, row: ChatRow) -> None:
        """Show the whole of a long text."""
        index = self.row_of(row.key)
        if index is not None:
            self._list.replace(index, replace(row, unfolded=True, shape=None))

    def row_of(self, message_id: bytes) -> int | None:
        """Where in the list a line stands."""
        for index in range(len(self._list.rows) - 1, -1, -1):
            row = self._list.rows[index]
            if isinstance(row, ChatRow) and row.key == message_id:
                return index
        return None

    def clear(self) -> None:
        """Hold nothing."""
        self._darken.cancel()
        self.lines = []
        self._list.clear()

    def _set_lit(self, message_id: bytes) -> None:
        self.lit = message_id
        self._list.redraw()

    def _kind(self, index: int) -> str:
        row = self._list.rows[index]
        return row.kind if isinstance(row, ChatRow) else ""

    def _rows(self, lines: list[MessageView]) -> list[ChatRow]:
        direct, now_ms = self._screen.direct, self._screen.app.now_ms()
        return chat_rows.rows_of(lines, direct=direct, now_ms=now_ms, first_unread=self._first_unread)

    def _rows_after(self, before: MessageView | None, message: MessageView) -> list[ChatRow]:
        fresh = message.message_id == self._first_unread
        direct, now_ms = self._screen.direct, self._screen.app.now_ms()
        return chat_rows.rows_after(before, message, direct=direct, now_ms=now_ms, fresh=fresh)

    @property
    def _passages(self) -> Any:
        return self._screen.app.client.passages

    @property
    def _here(self) -> bytes:
        found: bytes = self._screen.conversation_id
        return found
