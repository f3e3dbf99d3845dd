"""The ``miss`` command: a small process that starts the others, and the window that each of those opens."""

import argparse
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from miss_app.device import Device
from miss_app.starter import SEAT_OPTION, WAITING_OPTION, Seat, Starter, Turn

if TYPE_CHECKING:
    from miss_app.engine.thread import EngineThread
    from miss_app.workstation import Workstation


def parser() -> argparse.ArgumentParser:
    """The command line."""
    described = argparse.ArgumentParser(prog="miss", description="Secure messaging for health professionals.")
    described.add_argument("--profile", default="", help="whose profile to open; else the machine's people choose")
    described.add_argument("--invitation", default="", help="the miss:// link your establishment gave you")
    described.add_argument("--data", type=Path, help="the folder that holds the profiles")
    described.add_argument("--language", choices=("fr", "en"), default="fr", help="until the profile has its own")
    described.add_argument("--verbose", action="store_true", help="log what the engine does, without any content")
    described.add_argument("--one-process", action="store_true", help="do not end the process at the lock")
    described.add_argument(SEAT_OPTION, action="store_true", help=argparse.SUPPRESS)
    described.add_argument(WAITING_OPTION, action="store_true", help=argparse.SUPPRESS)
    return described


def main(arguments: list[str] | None = None) -> int:
    """Open the window and stay until it is closed; returns the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    chosen = parser().parse_args(given)
    if chosen.profile:
        from miss_app.workstation import is_profile  # here: the starter stays small

        if not is_profile(chosen.profile):
            print(f"miss: {chosen.profile!r} cannot be the name of a profile.", file=sys.stderr)
            return 2
    device = Device.here()
    if chosen.seat or chosen.one_process or not device.desktop:
        return _window(chosen, device, Seat() if chosen.seat else None)
    return Starter(given).run()


def _window(chosen: argparse.Namespace, device: Device, seat: Seat | None) -> int:
    """Load everything, wait for the turn where there is a seat to wait for, then show the window."""
    gc.disable()  # what is loaded now stays: looking through it for waste again and again only delays the first frame
    import logging

    from miss_app.policy import read as read_policy
    from miss_app.workstation import Workstation

    logging.basicConfig(level=logging.INFO if chosen.verbose else logging.WARNING)
    policy = read_policy(device.policy_file())
    policy.set_proxy()
    workstation = Workstation(policy.data_folder or chosen.data or device.data_folder(), policy)

    from miss_app.ui import window
    from miss_app.ui.window_state import WindowState

    state = WindowState(workstation.data / "window.json")
    size = os.environ.get("MISS_WINDOW") or state.size
    window.prepare(workstation.data / "kivy", headless=device.headless(), size=size, hidden=seat is not None)
    from miss_app.engine.thread import EngineThread
    from miss_app.ui import driver, screens
    from miss_app.ui.app import MissApp
    from miss_app.ui.place import Place
    from miss_app.ui.texts import words

    gc.freeze()
    gc.enable()
    if chosen.waiting:
        screens.load_all()
    turn = Turn() if seat is None else seat.wait()
    if turn is None:
        return 0  # the starter ended before this process had its turn
    if seat is not None:
        seat.watch()
        state.read()  # whoever sat here before has moved the window since this process was loaded
        if turn.locked and not os.environ.get("MISS_WINDOW"):
            window.show(state.width, state.height, state.place)
        else:
            window.show()
    if device.headless():
        window.calm()

    def engine(profile: str) -> "EngineThread":
        folder = workstation.folder(profile)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return EngineThread(
            folder,
            language=chosen.language,
            device_name=device.name(),
            keystore=device.secure_store(),
            shared=workstation.rule().shared,
            policy=policy,
        )

    place = Place(workstation, seat, engine, fixed=bool(chosen.profile))
    profile = first_profile(chosen.profile, workstation, turn)
    words.speak(chosen.language)
    first = place.sit(profile) if profile else None
    link = policy.invitation or chosen.invitation or _invitation_beside(device)
    app = MissApp(first, device, link, state, place)
    driver.start_if_asked()
    app.run()
    if seat is not None:
        os._exit(seat.status)  # at once: nothing that is torn down in order may keep a key alive for a moment more
    return 0


def first_profile(asked: str, workstation: "Workstation", turn: Turn) -> str:
    """Whose window opens first; "" where somebody has to choose."""
    if asked:
        return asked
    vaults = [one.profile for one in workstation.vaults()]
    if turn.locked and not turn.choose and workstation.last() in vaults:
        return workstation.last()
    if len(vaults) > 1 or turn.choose:
        return ""
    return vaults[0] if vaults else workstation.new_profile()


def _invitation_beside(device: Device) -> str:
    """The link in the invitation file an establishment may put beside the program, "" when there is none."""
    try:
        return device.invitation_file().read_text("utf-8").strip()[:2000]
    except (OSError, UnicodeDecodeError):
        return ""


if __name__ == "__main__":
    sys.exit(main())
