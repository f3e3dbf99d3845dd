"""What a distributor starts when a push arrives: MiSS's engine on a profile, which nobody has unlocked yet.

``python woken.py FOLDER FILE``: writes what a notification may say into FILE; when somebody writes the PIN into FILE.pin,
it unlocks and writes what the chat shows.
"""

import asyncio
import json
import sys
from pathlib import Path

from cast import FolderKeystore
from miss_app.engine import alerts
from miss_app.engine.client import Client
from miss_app.engine.events import Stage
from miss_app.engine.lock_events import Waiting


async def main(folder, file):
    events = []
    client = Client(folder, on_event=events.append, keystore=FolderKeystore())

    def say(**what):
        with file.open("a") as out:
            out.write(json.dumps(what, ensure_ascii=False) + "\n")

    await client.start()
    say(stage=str(client.stage()))
    while not any(isinstance(one, Waiting) for one in events):
        await asyncio.sleep(0.05)
    waiting = [one for one in events if isinstance(one, Waiting)][-1]
    alert = alerts.of_waiting(waiting.count, waiting.urgent, (0, 0), quiet=client.reach.quiet_now())
    say(count=waiting.count, urgent=waiting.urgent, alert=repr(alert))
    pin = file.with_suffix(".pin")
    while not pin.exists():
        await asyncio.sleep(0.05)
    await client.unlock(pin.read_text())
    assert client.stage() is Stage.OPEN
    talk = client.conversations()[0]
    say(unread=talk.unread, texts=[one.text for one in client.messages(talk.conversation_id)])
    await asyncio.sleep(1)  # what was taken is acknowledged
    await client.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
