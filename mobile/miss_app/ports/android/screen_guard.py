"""Keeps the window out of screenshots, recordings and the list of recent apps on Android (FLAG_SECURE)."""

from typing import Any

FLAG_SECURE = 0x2000  # WindowManager.LayoutParams.FLAG_SECURE


class AndroidScreenGuard:
    """A ``ScreenGuard``; the flag is set on Android's own UI thread, where alone a window may be touched."""

    def __init__(self) -> None:
        self._running: list[Any] = []  # Java holds no reference to what it is given

    def guard(self, on: bool) -> None:
        """From now on, or not any more."""
        from android.runnable import Runnable
        from jnius import autoclass

        activity = autoclass("org.kivy.android.PythonActivity").mActivity

        def set_flag() -> None:
            window = activity.getWindow()
            if on:
                window.addFlags(FLAG_SECURE)
            else:
                window.clearFlags(FLAG_SECURE)

        self._running = [Runnable(set_flag)]
        self._running[0]()
