"""One person's engine in a process of its own: writes what the quota allows, until it is killed; starts where it was.

``python sender.py FOLDER CHAT NAME STRANGER QUOTA LOG``. The log tells the proof what was under way at a kill, and which
(epoch, leaf, generation) each submitted ciphertext used. STRANGER is a person id that the admin adds and removes now and
then, so that kills also hit commits; "-" for those who are not admin.
"""

import asyncio
import contextlib
import hashlib
import os
import random
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

from cast import PIN, FolderKeystore
from miss_app.engine import session
from miss_app.engine.client import Client
from miss_app.engine.events import PersonView
from miss_app.engine.outbox import Outbox
from miss_app.engine.session import Session
from miss_app.engine.store import Step
from miss_protocol.frames import Kind, Submit
from miss_protocol.mls import group as mls

UNDER_WAY_MAX = 12
COMMIT_EVERY = 7
POLL_SECONDS = 0.02
# A network that breaks every few seconds is the play here: who waited longer each time would wait half of it.
session.BACKOFF_SECONDS_MAX = 1.0


class Log:
    """Lines that are with the operating system before what they tell of goes on."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def write(self, *words: object) -> None:
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())


def watch(log: Log) -> None:
    """Have the engine's own steps logged: what is queued, sealed, submitted and landed."""
    seal, submit, delete, enqueue = mls.seal, Session.submit, Step.delete, Outbox.enqueue

    def logged_seal(group: mls.Group, *rest: Any, **more: Any) -> mls.Sealed:
        sealed = seal(group, *rest, **more)
        place = (group.group_id.hex(), group.epoch, group.my_leaf, sealed.generation)
        log.write("sealed", hashlib.sha256(sealed.message).hexdigest(), *place)
        return sealed

    async def logged_submit(self: Session, frame: Submit) -> None:
        if frame.kind is Kind.APPLICATION:
            log.write("submitted", hashlib.sha256(frame.body).hexdigest())
        await submit(self, frame)

    def logged_delete(self: Step, table: str, name: bytes) -> None:
        delete(self, table, name)
        if table == "outbox":
            self.after(lambda: log.write("landed", name.hex()))

    def logged_enqueue(self: Outbox, step: Step, item: Any, **more: Any) -> None:
        enqueue(self, step, item, **more)
        step.after(lambda: log.write("queued", item.message_id.hex()))

    mls.seal, Session.submit = logged_seal, logged_submit  # the proof's eyes
    Step.delete, Outbox.enqueue = logged_delete, logged_enqueue  # the same


async def write_on(client: Client, chat: bytes, name: str, stranger: bytes, quota: Path, log: Log) -> None:
    """Write the next of one's numbered texts whenever the quota allows."""
    written = sum(line.text.startswith(f"{name} ") for line in client.messages(chat, limit=100_000) if line.mine)
    account = client._account
    assert account is not None
    # A kill may come between a step and its line in this log: what waits is said anew.
    log.write("awake", *(item.message_id.hex() for item in account.outbox.items(chat)))
    log.write("said", written)
    while True:
        allowed = int(quota.read_text() or "0")
        if written >= allowed or len(account.outbox.items(chat)) >= UNDER_WAY_MAX:
            await asyncio.sleep(POLL_SECONDS)
            continue
        if stranger and written % COMMIT_EVERY == COMMIT_EVERY - 1:
            view = client.conversation(chat)
            inside = view is not None and any(member.person.person_id == stranger for member in view.members)
            if inside:
                await client.remove_person(chat, stranger)
            else:
                await client.add_people(chat, [PersonView(stranger, "Zoé Exemple", "Médecin", "", True)])
        await client.send_text(chat, f"{name} {written}")
        written += 1
        log.write("said", written)
        await asyncio.sleep(random.random() * 0.01)


async def main() -> None:
    folder, chat, name, stranger, quota, log_path = sys.argv[1:]
    log = Log(Path(log_path))
    watch(log)
    client = Client(Path(folder), on_event=lambda _: None, keystore=FolderKeystore())
    await client.start()
    await client.unlock(PIN)
    person = b"" if stranger == "-" else bytes.fromhex(stranger)
    with contextlib.suppress(asyncio.CancelledError):
        await write_on(client, bytes.fromhex(chat), name, person, Path(quota), log)


if __name__ == "__main__":
    asyncio.run(main())
