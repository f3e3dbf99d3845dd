"""A PostgreSQL of its own for a test: made in a folder, reached by a socket file, ended by its pid."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

START_SECONDS_MAX = 60


def programs() -> Path:
    """Where the server's programs are: beside ``postgres`` on the path, or where Debian puts them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    beside = shutil.which("initdb")
    assert beside, "PostgreSQL is missing: apt-get install postgresql"
    return Path(beside).parent


def _account(folder: Path) -> list[str]:
    """How a command runs as PostgreSQL's account where this is root, which it refuses; the folder becomes that account's."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@contextmanager
def cluster(*, durable: bool = True) -> Iterator[str]:
    """Runs a server until the block ends; its URL, without a database's name.

    Args:
        durable: commits reach the disk, as in real use; tests that end no process need not wait for it.
    """
    folder = Path(tempfile.mkdtemp(prefix="miss-pg"))
    lax = [] if durable else ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]
    try:
        _make(folder)
        with _running(folder, lax) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make(folder: Path) -> None:
    subprocess.run(
        [*_account(folder), programs() / "initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-N",
         "-D", folder / "data"],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip


@contextmanager
def _running(folder: Path, settings: Sequence[str]) -> Iterator[str]:
    with (folder / "log").open("ab") as log:
        running = subprocess.Popen(
            [*_account(folder), programs() / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=", *settings],
            stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip
    try:
        until = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
                break
            except psycopg.OperationalError:
                assert running.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.05)
        yield f"postgresql://postgres@/{{name}}?host={folder}"
    finally:
        running.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
        running.wait(START_SECONDS_MAX)


class Archiving:
    """A server whose log is archived: it can be backed up, and restored beside itself."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url

    def back_up(self) -> None:
        """A base backup, as the operator's page says."""
        command = [programs() / "pg_basebackup", "-h", self.folder, "-U", "postgres", "-D", self.folder / "base"]
        subprocess.run(
            [*_account(self.folder), *command, "-X", "none", "-c", "fast"],
            check=True,
            capture_output=True,
            cwd=self.folder,
        )

    def archive(self) -> None:
        """Archives the log as far as it is written, as happens by itself once a minute."""
        with psycopg.connect(self.url.format(name="postgres"), autocommit=True) as connection:
            [(written,)] = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchall()
        until = time.monotonic() + START_SECONDS_MAX
        while not (self.folder / "archive" / written).exists():
            assert time.monotonic() < until, (self.folder / "log").read_text()
            time.sleep(0.05)

    @contextmanager
    def restored(self) -> Iterator[str]:
        """A server on a new folder, from the backup and the archive, as the operator's page says; its URL."""
        folder = Path(tempfile.mkdtemp(prefix="miss-pg-restored"))
        try:
            new = folder / "data"
            subprocess.run([*_account(folder), "cp", "-a", self.folder / "base", new], check=True)
            with (new / "postgresql.auto.conf").open("a") as settings:
                settings.write(f"restore_command = 'cp {self.folder}/archive/%f %p'\narchive_mode = off\n")
            (new / "recovery.signal").touch()
            with _running(folder, []) as url:
                until = time.monotonic() + START_SECONDS_MAX
                with psycopg.connect(url.format(name="postgres"), autocommit=True) as connection:
                    while connection.execute("SELECT pg_is_in_recovery()").fetchone() != (False,):
                        assert time.monotonic() < until, (folder / "log").read_text()
                        time.sleep(0.05)
                yield url
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def archiving() -> Iterator[Archiving]:
    """Runs a server that archives its log until the block ends; ended, its folder is there for ``restored``."""
    folder = Path(tempfile.mkdtemp(prefix="miss-pg"))
    try:
        _make(folder)
        (folder / "archive").mkdir()
        _account(folder / "archive")
        command = f"test ! -f {folder}/archive/%f && cp %p {folder}/archive/%f"
        with _running(folder, ["-c", "archive_mode=on", "-c", f"archive_command={command}"]) as url:
            yield Archiving(folder, url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(url: str, template: str = "template1") -> str:
    """The URL of a new database of that server: empty, or a copy of another."""
    name = f"miss_{secrets.token_hex(6)}"
    with psycopg.connect(url.format(name="postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')  # names of ours
    return url.format(name=name)
