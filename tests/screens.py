"""Renders every screen as a picture, to be looked at: ``python tests/screens.py [FOLDER] [DEVICE…] [WORD…]``.

DEVICE (phone, desktop, tablet, tablet-wide, large) and WORD (a part of a scene's name) choose some; ``--theme`` and
``--language`` too. What is wrong with a picture is printed; the exit status is then 1, and 2 where one was not drawn at all.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from ui import sheets  # noqa: E402  # the path comes first
from ui.looks import DEVICES, LANGUAGES, THEMES  # noqa: E402  # the path comes first

AT_ONCE = 2


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    line = argparse.ArgumentParser(description=__doc__)
    line.add_argument("folder", nargs="?", type=Path, default=HERE.parent / "out/screens")
    line.add_argument("words", nargs="*")
    line.add_argument("--theme", choices=THEMES, action="append")
    line.add_argument("--language", choices=LANGUAGES, action="append")
    line.add_argument("--played", type=Path, help="take the views of an earlier run's play")
    line.add_argument("--here", choices=DEVICES, help=argparse.SUPPRESS)
    chosen = line.parse_intermixed_args(arguments)
    chosen.folder = chosen.folder.resolve()
    chosen.devices = [word for word in chosen.words if word in DEVICES]
    chosen.words = [word for word in chosen.words if word not in DEVICES]
    return chosen


def main() -> int:
    """Render in processes of their own: a screen's density is fixed when Kivy is imported."""
    chosen = parsed()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if chosen.here:
        render(chosen)
        return 0
    played = chosen.played or play(chosen.folder)
    jobs = []
    for language in chosen.language or LANGUAGES:
        for device, shape in DEVICES.items():
            if (not chosen.devices or device in chosen.devices) and (language == "fr" or not shape.key_only):
                jobs.append((device, language))
    jobs.sort(key=lambda job: DEVICES[job[0]].key_only)  # the long ones first
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda job: _in_a_process(chosen, played, *job), jobs))
    wrong, undrawn = sum(one for one, _ in found), sum(one for _, one in found)
    made = sheets.write(chosen.folder)
    print(f"{len(made)} contact sheets in {chosen.folder / 'sheets'}")
    print(f"{wrong} findings in {chosen.folder}")
    return 2 if undrawn else 1 if wrong else 0


def play(folder: Path) -> Path:
    """Play on engines what the pictures show; where their views were kept."""
    stage, began = folder / "play", time.monotonic()
    shutil.rmtree(stage, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "ui.play", str(stage)], cwd=HERE, check=True)
    print(f"played in {time.monotonic() - began:.0f} s", flush=True)
    return stage / "played"


def _in_a_process(chosen: argparse.Namespace, played: Path, device: str, language: str) -> tuple[int, int]:
    """One device in one language; how much was found wrong, and how many pictures could not be drawn."""
    themes = [f"--theme={theme}" for theme in chosen.theme or THEMES]
    command = [sys.executable, __file__, str(chosen.folder), *chosen.words, f"--here={device}"]
    environment = {
        **os.environ,
        "SDL_VIDEODRIVER": "offscreen",
        "KIVY_METRICS_DENSITY": str(DEVICES[device].density),
        "KIVY_METRICS_FONTSCALE": "1",
        "LP_NUM_THREADS": "1",
        "TZ": "Europe/Paris",
        "MISS_PLAYED": str(played),
    }
    wrong, undrawn, pictures, began = 0, 0, 0, time.monotonic()
    command += [f"--language={language}", *themes]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            name, findings = json.loads(line)
            pictures += 1
            wrong += len(findings)
            undrawn += any(finding.startswith("Traceback") for finding in findings)
            for finding in findings:
                print(f"{name}: {finding}", flush=True)
    print(f"{device} {language}: {pictures} pictures in {time.monotonic() - began:.0f} s", flush=True)
    return wrong, undrawn + (process.returncode != 0)


def render(chosen: argparse.Namespace) -> None:
    """Render on one device in this process, a line of JSON a picture."""
    time.tzset()
    from miss_app.ui import window

    os.environ["HOME"] = tempfile.mkdtemp(prefix="miss-home-")  # no picture shows this machine's own folders
    width, height = DEVICES[chosen.here].size
    window.prepare(Path(tempfile.mkdtemp(prefix="miss-ui-")), headless=True, size=f"{width}x{height}")
    from kivy.config import Config

    Config.set("graphics", "maxfps", "0")
    from ui.render import pictures

    themes, languages = chosen.theme or THEMES, chosen.language or LANGUAGES
    for found in pictures(chosen.here, chosen.folder, only=chosen.words, themes=themes, languages=languages):
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    sys.exit(main())
