"""A PostgreSQL of its own for a test: made in a folder, reached by a socket file, ended by its pid."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
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


@contextmanager
def cluster(*, durable: bool = True) -> Iterator[str]:
    """Runs a server until the block ends; its URL, without a database's name.

    Args:
        durable: commits reach the disk, as in real use; tests that end no process need not wait for it.
    """
    folder = Path(tempfile.mkdtemp(prefix="miss-pg"))
    account: list[str] = []
    if os.geteuid() == 0:  # initdb refuses root
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        account = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    binaries, data = programs(), folder / "data"
    subprocess.run(
        [*account, binaries / "initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-N", "-D", data],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    lax = [] if durable else ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            [*account, binaries / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", *lax],
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
        shutil.rmtree(folder, ignore_errors=True)


def new_database(url: str, template: str = "template1") -> str:
    """The URL of a new database of that server: empty, or a copy of another."""
    name = f"miss_{secrets.token_hex(6)}"
    with psycopg.connect(url.format(name="postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')  # names of ours
    return url.format(name=name)
