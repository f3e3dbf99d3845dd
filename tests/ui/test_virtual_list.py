"""The list draws only what is seen, stays at the end when it was there, and does not jump when older rows come."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from kivy.base import EventLoop
from kivy.core.window import Window
from kivy.graphics.opengl import glFinish
from kivy.uix.widget import Widget

from miss_app.ui.virtual_list import VirtualList


@dataclass
class Line:
    number: int
    height: float = 0.0


class LineView(Widget):
    number = -1

    def show(self, row: Line) -> None:
        self.number = row.number


def measure(row: Any, width: float) -> None:
    row.height = 30 + row.number % 5 * 10 + (20 if width < 300 else 0)


def pump(frames: int = 4) -> None:
    for _ in range(frames):
        EventLoop.idle()
        glFinish()


@pytest.fixture
def chat() -> Iterator[VirtualList]:
    EventLoop.ensure_window()
    if EventLoop.status != "started":
        EventLoop.start()
    made = VirtualList(LineView, measure, from_bottom=True)
    made.size_hint, made.size = (None, None), (400, 600)
    Window.add_widget(made)
    pump()
    yield made
    Window.remove_widget(made)


def seen(chat: VirtualList) -> list[int]:
    return [view.number for view in chat.live_views]


def place(chat: VirtualList, number: int) -> float:
    view = next(view for view in chat.live_views if view.number == number)
    return view.to_window(*view.pos)[1]


def test_a_chat_opens_on_its_newest_row_with_a_handful_of_widgets(chat: VirtualList) -> None:
    chat.set_rows([Line(number) for number in range(5000)])
    pump()
    assert seen(chat)[-1] == 4999
    assert len(chat.live_views) < 30
    assert chat.at_bottom()


def test_a_new_row_is_followed_only_from_the_end(chat: VirtualList) -> None:
    chat.set_rows([Line(number) for number in range(200)])
    pump()
    chat.append([Line(200)])
    pump()
    assert seen(chat)[-1] == 200
    chat.scroll_y = 0.5
    pump()
    before = seen(chat)
    top = place(chat, before[3])
    chat.append([Line(201)])
    pump()
    assert before[3] in seen(chat)
    assert abs(place(chat, before[3]) - top) < 1


def test_older_rows_do_not_move_what_is_read(chat: VirtualList) -> None:
    chat.set_rows([Line(number) for number in range(1000, 1100)])
    chat.scroll_y = 0.9
    pump()
    number = seen(chat)[2]
    top = place(chat, number)
    chat.prepend([Line(each) for each in range(940, 1000)])
    pump()
    assert abs(place(chat, number) - top) < 1


def test_another_width_is_measured_again_and_stays_at_the_end(chat: VirtualList) -> None:
    chat.set_rows([Line(number) for number in range(300)])
    pump()
    tall = chat.content_height
    chat.width = 280
    pump()
    assert chat.content_height == tall + 300 * 20
    assert seen(chat)[-1] == 299


def test_a_replaced_row_keeps_the_end_in_sight(chat: VirtualList) -> None:
    chat.set_rows([Line(number) for number in range(50)])
    pump()
    chat.replace(49, Line(54))
    pump()
    assert seen(chat)[-1] == 54
    assert chat.at_bottom()


def test_few_rows_stand_at_the_bottom_and_none_leave_none(chat: VirtualList) -> None:
    chat.set_rows([Line(0), Line(1)])
    pump()
    assert place(chat, 1) < 30
    chat.set_rows([])
    pump()
    assert seen(chat) == []
