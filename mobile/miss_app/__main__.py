"""The ``miss`` command: one window on one profile."""

import argparse
import logging
import os
import sys
from pathlib import Path

from miss_app.device import Device


def parser() -> argparse.ArgumentParser:
    """The command line."""
    described = argparse.ArgumentParser(prog="miss", description="Secure messaging for health professionals.")
    described.add_argument("--profile", default="default", help="whose profile to open on this machine")
    described.add_argument("--invitation", default="", help="the miss:// link your establishment gave you")
    described.add_argument("--data", type=Path, help="the folder that holds the profiles")
    described.add_argument("--language", choices=("fr", "en"), default="fr", help="until the profile has its own")
    described.add_argument("--verbose", action="store_true", help="log what the engine does, without any content")
    return described


def main(arguments: list[str] | None = None) -> int:
    """Open the window and stay until it is closed; returns the exit status."""
    chosen = parser().parse_args(arguments)
    if chosen.profile in ("", ".", "..") or set(chosen.profile) & set('/\\:*?"<>|\0'):
        print(f"miss: {chosen.profile!r} cannot be the name of a profile.", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO if chosen.verbose else logging.WARNING)
    device = Device.here()
    data = chosen.data or device.data_folder()
    folder = data / chosen.profile
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    invitation = chosen.invitation or _invitation_beside(device)

    from miss_app.ui import window
    from miss_app.ui.window_state import WindowState

    state = WindowState(folder / "window.json")
    window.prepare(data / "kivy", headless=device.headless(), size=os.environ.get("MISS_WINDOW") or state.size)
    from miss_app.engine.thread import EngineThread
    from miss_app.ui import driver
    from miss_app.ui.app import MissApp

    if device.headless():
        window.calm()
    engine = EngineThread(folder, language=chosen.language, device_name=device.name(), keystore=device.secure_store())
    app = MissApp(engine, device, invitation, state)
    driver.start_if_asked()
    app.run()
    return 0


def _invitation_beside(device: Device) -> str:
    """The link in the invitation file an establishment may put beside the program, "" when there is none."""
    try:
        return device.invitation_file().read_text("utf-8").strip()[:2000]
    except (OSError, UnicodeDecodeError):
        return ""


if __name__ == "__main__":
    sys.exit(main())
