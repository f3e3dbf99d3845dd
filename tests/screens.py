"""Renders every screen into a folder, phone and desktop, to be looked at: ``python tests/screens.py [FOLDER]``."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
SIZES = {"phone": ("820x1700", "2"), "desktop": ("1280x840", "1")}


def main() -> int:
    """Render in one process a size, because density is fixed when Kivy is imported."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "out/screens").resolve()
    if len(sys.argv) > 2:
        render(sys.argv[2], folder, sys.argv[3:])
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    status = 0
    for device, (_size, density) in SIZES.items():
        environment = {
            **os.environ,
            "SDL_VIDEODRIVER": "offscreen",
            "KIVY_METRICS_DENSITY": density,
            "KIVY_METRICS_FONTSCALE": "1",
            "TZ": "Europe/Paris",
        }
        status |= subprocess.run(
            [sys.executable, __file__, str(folder), device], env=environment, check=False
        ).returncode
    return status


def render(device: str, folder: Path, only: list[str]) -> None:
    """Render every scene for ``device``; ``only`` names some of them."""
    sys.path.insert(0, str(HERE))
    time.tzset()
    from miss_app.ui import window

    window.prepare(Path(tempfile.mkdtemp(prefix="miss-ui-")), headless=True, size=SIZES[device][0])
    from ui.scenes import SCENES, play

    for name, theme, language in SCENES:
        if only and not any(word in name for word in only):
            continue
        path = folder / f"{device}-{name}{'' if theme == 'light' else '-dark'}{'' if language == 'fr' else '-en'}.png"
        play(name, theme, language, path)
        print(path.name, flush=True)


if __name__ == "__main__":
    sys.exit(main())
