"""One device's engine in a process of its own, until it is killed: ``python holder.py FOLDER LOG``.

The log says when it is awake, and how far the handover under way is.
"""

import asyncio
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from cast import PIN, FolderKeystore
from miss_app.engine.client import Client
from miss_app.engine.events import Event, HistoryProgress, Trouble


async def main() -> None:
    folder, log_path = sys.argv[1:]
    log = os.open(log_path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def hear(event: Event) -> None:
        if isinstance(event, HistoryProgress):
            os.write(log, f"{'finished' if event.finished else 'progress'} {event.done} {event.expected}\n".encode())
        elif isinstance(event, Trouble):
            os.write(log, f"trouble {event.problem}\n".encode())

    client = Client(Path(folder), on_event=hear, keystore=FolderKeystore())
    await client.start()
    await client.unlock(PIN)
    os.write(log, b"awake\n")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
