"""Notifications by a real daemon (dunst) on a real bus: shown, replaced, tapped, taken away; and none where none is."""

import asyncio
import json
import subprocess

import pytest

from miss_app.device import Device
from miss_app.ports.desktop_notices import DesktopNotices
from miss_app.ports.interfaces import Shown
from ports.desktop import session, until


@pytest.fixture
def desktop(tmp_path, monkeypatch):
    with session(tmp_path) as one:
        one.screen()
        one.start(["dunst"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        one.wait_for("org.freedesktop.Notifications")
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", one.bus)
        yield one


def count(desktop, what):
    return int(desktop.run("dunstctl", "count", what).strip() or 0)


def history(desktop):
    """What dunst has shown and taken away, newest first."""
    found = json.loads(desktop.run("dunstctl", "history"))["data"][0]
    return [{name: one[name]["data"] for name in ("appname", "summary", "body")} for one in found]


def test_shown_replaced_tapped_and_taken_away(desktop):
    async def scene():
        notices, taps = DesktopNotices("linux"), []
        assert await notices.show(Shown("MiSS", "Nouveau message"), lambda: taps.append(1))
        await asyncio.to_thread(until, lambda: count(desktop, "displayed") == 1)
        assert await notices.show(
            Shown("MiSS", "2 nouveaux messages, dont un urgent", urgent=True), lambda: taps.append(2)
        )
        await asyncio.to_thread(until, lambda: count(desktop, "displayed") == 1 and history(desktop) != [])
        assert history(desktop)[0] == {
            "appname": "MiSS",
            "summary": "MiSS",
            "body": "Nouveau message",
        }
        # The person taps it: the program hears of this one, on the loop it runs on.
        desktop.run("dunstctl", "action", "0")
        for _ in range(3_000):
            if taps:
                break
            await asyncio.sleep(0.01)
        assert taps == [2]
        await notices.clear()  # as the window does that comes up: it is gone for this program already
        desktop.run("dunstctl", "close-all")  # a tap by its command does not close it, as one by the mouse does
        await asyncio.to_thread(until, lambda: count(desktop, "displayed") == 0)
        assert "urgent" in history(desktop)[0]["body"]
        assert await notices.show(Shown("MiSS", "Nouveau message", sound=True), lambda: None)
        await asyncio.to_thread(until, lambda: count(desktop, "displayed") == 1)
        await notices.clear()
        await asyncio.to_thread(until, lambda: count(desktop, "displayed") == 0)
        await notices.clear()

    asyncio.run(scene())


def test_the_number_on_the_icon_is_said(desktop):
    heard = desktop.folder / "heard"
    with heard.open("wb") as out:
        desktop.start(["dbus-monitor", "--session", "interface='com.canonical.Unity.LauncherEntry'"], stdout=out)
    until(lambda: b"NameAcquired" in heard.read_bytes() or heard.stat().st_size > 0)

    async def scene():
        notices = DesktopNotices("linux")
        for number in (3, 3, 0):
            await notices.badge(number)
        await asyncio.to_thread(until, lambda: heard.read_bytes().count(b"member=Update") == 2)
        said = heard.read_bytes()
        assert b"application://miss.desktop" in said
        assert b"int64 3" in said
        assert b"int64 0" in said

    asyncio.run(scene())


def test_where_there_is_no_such_thing_it_says_so(tmp_path, monkeypatch):
    async def scene():
        notices = DesktopNotices("linux")
        assert not await notices.show(Shown("MiSS", "Nouveau message"), lambda: None)
        await notices.clear()
        await notices.badge(1)

    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    asyncio.run(scene())
    with session(tmp_path) as bare:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bare.bus)
        asyncio.run(scene())
    monkeypatch.setenv("SDL_VIDEODRIVER", "offscreen")
    assert Device("linux").notifier() is None
    assert Device("android").notifier() is None
