"""How long a person waits for their devices: ``python tests/bench_devices.py [--messages N]``.

Unlocking a store of many messages (until the list of conversations is there; the index of words fills afterwards), being
linked, and changing from one person to the next on a workstation, through its real windows. JSON, then a table.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
sys.path.append(str(Path(__file__).resolve().parent))

from tests.demo.window import DESKTOP, Window

from cast import PIN, Device, Post, Scene, until
from miss_app.engine import vault
from miss_app.engine.events import Stage
from proofs.devices import fill
from workstation.people import settle
from workstation.test_lock import lock, sit_down, unlock

MESSAGES = 50_000
GOALS = {"unlock_s": 1.5, "switch_s": 3.0, "link_s": 60.0, "lock_screen_s": 1.0}
WAITING_SECONDS = 20.0  # until the process in waiting has loaded


async def _engine(post: Post, folder: Path, messages: int) -> dict[str, float]:
    scene = Scene(post, folder)
    camille, hugo = await scene.enter("camille", "hugo")
    chat = await camille.client.open_direct(await camille.find(hugo))
    await camille.client.send_text(chat, "un")
    await hugo.reads(chat, "un")
    account = camille.client._account
    assert account is not None
    fill(account, chat, messages, 0)
    await camille.client.stop()
    camille.client = camille._make()
    await camille.client.start()
    began = time.monotonic()
    await camille.client.unlock(PIN)
    assert camille.client.conversations()
    assert camille.client.messages(chat)
    unlocked = time.monotonic() - began
    opened = camille.client._account
    assert opened is not None
    await until(lambda: opened.search.complete, "every word is in the index", 300)
    indexed = time.monotonic() - began
    await camille.online()
    linked = await _link(scene, camille)
    await scene.close()
    return {"unlock_s": unlocked, "index_s": indexed, "link_s": linked}


async def _link(scene: Scene, camille: Device) -> float:
    tablet = scene.device("tablette", camille.who)
    await tablet.client.start()
    await tablet.client.use_invitation(tablet.invitation)
    began = time.monotonic()
    await camille.client.link_device(await tablet.client.start_linking(), pin=PIN, days=None)
    await until(lambda: tablet.client.stage() is Stage.PIN, "accepted")
    await tablet.enter()
    return time.monotonic() - began


def _windows(post: Post, folder: Path) -> dict[str, float]:
    """Lock, somebody else sits down, types, and has their list."""
    _, people = settle(post, folder)
    window = Window("poste", folder, DESKTOP)
    try:
        window.open()
        sit_down(window, people["vert"])
        window.type("unlock-pin", people["vert"].pin)
        unlock(window, people["vert"])
        time.sleep(WAITING_SECONDS)
        began = time.monotonic()
        locked = lock(window, "other-person")
        sit_down(window, people["bleu"])
        window.type("unlock-pin", people["bleu"].pin)
        window.tap("unlock-go")
        window.until(people["bleu"].friend, prefix="conversation-", patience_s=60)
        return {"lock_screen_s": locked, "switch_s": time.monotonic() - began}
    finally:
        window.close()


def main() -> int:
    """Measure once, print; the exit status is 1 where a goal is missed."""
    line = argparse.ArgumentParser(description=__doc__)
    line.add_argument("--messages", type=int, default=MESSAGES)
    chosen = line.parse_args()
    vault.ARGON2_MEMORY_KIB = 64 * 1024  # what a person's vault costs
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        post = Post(folder / "server", people=16)
        post.start()
        try:
            found = asyncio.run(_engine(post, folder / "engine", chosen.messages))
            found |= _windows(post, folder / "windows")
        finally:
            post.stop()
    print(json.dumps({"messages": chosen.messages} | {name: round(value, 2) for name, value in found.items()}))
    for name, value in found.items():
        goal = GOALS.get(name)
        print(f"{name:16} {value:8.2f}" + ("" if goal is None else f"   goal {goal}"))
    return 1 if any(value > GOALS.get(name, value) for name, value in found.items()) else 0


if __name__ == "__main__":
    sys.exit(main())
