"""A server in this process whose clock the test moves, with the cast's register."""

import asyncio
import subprocess
import sys

from cast import Post
from identity.extract import mailbox_lines, people_lines, write
from miss_server import unread_mail
from miss_server.caretaker import Caretaker
from miss_server.clock import now_ms
from miss_server.reach import Reach
from server.office import Office


class NearPost(Post):
    """A post whose server runs in a thread: its rounds can be made by hand, as of any time.

    Args:
        database: the URL of a PostgreSQL database, "" for a file.
    """

    def __init__(self, folder, people=24, database="", settings=""):
        super().__init__(folder, people)
        folder.mkdir()
        (folder / "miss.toml").write_text(settings)
        self.office = Office(folder, database)
        self.office.port = self._port

    def start(self):
        self.office.start()
        load = ["register", "load", "--data", str(self.folder)]
        files = [
            write(self.folder.with_name("people.txt"), people_lines(self.people)),
            write(self.folder.with_name("mailboxes.txt"), mailbox_lines(self.people)),
        ]
        if self.office.database_url:
            text = (self.folder / "miss.toml").read_text()
            (self.folder / "miss.toml").write_text(f'database = "{self.office.database_url}"\n{text}')
        command = [sys.executable, "-m", "miss_server", *load, *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        self.server_id = self._read_server_id()

    def stop(self):
        self.office.stop()

    def kill(self):
        self.office.stop()

    # With moved time.

    async def reach_after(self, minutes):
        """So much time passes over what is stored; then people are reached, as the server's own rounds would do."""
        state = self.office.app.state
        await asyncio.sleep(0.5)  # what was said last is acknowledged and written
        one = Reach(state.database, state.doorbell, state.sender, state.mail, state.reach._settings, now_ms)
        one._moved |= set(await state.database.read(_all_streams))
        await one.go_round()
        await state.database.run(_age, minutes * 60_000)
        one._noted_ms = 0
        await one.go_round()

    async def forget_at(self, ahead_ms):
        """What the caretaker forgets, as of then."""
        state = self.office.app.state
        await Caretaker(state.database, state.blobs, state.settings, lambda: now_ms() + ahead_ms).go_round()

    def mails(self, mailbox):
        """The unread mails to this mailbox."""
        found = [path.read_text() for path in sorted(self.folder.glob("outbox/*.eml"))]
        return [one for one in found if mailbox in one and unread_mail.SUBJECT in one]


def _all_streams(connection):
    return list(connection.exec_driver_sql("SELECT stream FROM streams").scalars())


def _age(connection, by_ms):
    for table, column in (
        ("rows", "at_ms"),
        ("devices", "attended_at_ms"),
        ("devices", "last_seen_ms"),
        ("unread_streams", "due_at_ms"),
        ("unread_mails", "mailed_at_ms"),
        ("push_endpoints", "pushed_at_ms"),
        ("push_queue", "next_at_ms"),
    ):
        connection.exec_driver_sql(f"UPDATE {table} SET {column} = {column} - {by_ms}")
