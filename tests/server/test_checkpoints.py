"""The write-ahead log is copied beside the writer: it begins anew, holds up nobody, and loses nothing."""

import sqlite3
import time
from pathlib import Path

import pytest

from miss_server import checkpoints
from miss_server.checkpoints import Checkpoints

PAGE = 4_096


def _written(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"wal_autocheckpoint={checkpoints.WRITER_PAGES}"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, body BLOB)")
    return connection


def _begun(folder: Path) -> tuple[Path, sqlite3.Connection, Checkpoints]:
    """A database, whoever writes into it, and the thread that copies, which runs."""
    file = folder / "db"
    writer, copying = _written(file), Checkpoints(file)
    copying.start()
    return file, writer, copying


def _wait_for_copy(file: Path, marker: bytes) -> None:
    until = time.monotonic() + 60
    while marker not in file.read_bytes():
        assert time.monotonic() < until, "it was never copied"
        time.sleep(0.02)


def _log_pages(file: Path) -> int:
    return Path(f"{file}-wal").stat().st_size // PAGE


def test_the_log_begins_anew_whenever_the_writer_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "AFTER_WRITES", 100)
    file, writer, copying = _begun(tmp_path)
    for burst in range(10):
        for number in range(200):
            writer.execute("INSERT INTO rows (body) VALUES (?)", (b"%d-%d." % (burst, number) + bytes(1_024),))
            copying.noted(1)
        _wait_for_copy(file, b"%d-199." % burst)
    copying.stop()
    assert _log_pages(file) < 1_500, "without it: a page or two of each of the two thousand commits"
    copy = tmp_path / "copy"
    copy.write_bytes(file.read_bytes())  # without its log
    with sqlite3.connect(copy) as alone:
        assert alone.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_beside_a_writer_that_never_rests_the_log_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "AFTER_WRITES", 50)
    monkeypatch.setattr(checkpoints, "WRITER_PAGES", 500)
    file, writer, copying = _begun(tmp_path)
    for _ in range(2_000):
        writer.execute("INSERT INTO rows (body) VALUES (?)", (bytes(1_024),))
        copying.noted(1)
    copying.stop()
    assert _log_pages(file) < 1_500
    assert writer.execute("SELECT count(*) FROM rows").fetchone()[0] == 2_000


def test_a_little_is_copied_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "AFTER_SECONDS", 0.05)
    file, writer, copying = _begun(tmp_path)
    writer.execute("INSERT INTO rows (body) VALUES (?)", (b"one",))
    copying.noted(1)
    _wait_for_copy(file, b"one")
    copying.stop()


def test_a_log_that_cannot_be_copied_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checkpoints, "AFTER_SECONDS", 0.02)
    file = tmp_path / "db"
    writer = _written(file)
    told: list[str] = []
    monkeypatch.setattr(checkpoints.journal, "failure", lambda event, error: told.append(event))
    copying = Checkpoints(file)
    real = copying._copy
    broken = sqlite3.connect(":memory:")
    broken.close()
    monkeypatch.setattr(copying, "_copy", lambda connection: real(connection if told else broken))
    copying.start()
    until = time.monotonic() + 60
    while b"again" not in file.read_bytes() and time.monotonic() < until:
        writer.execute("INSERT INTO rows (body) VALUES (?)", (b"again",))
        copying.noted(1)
        time.sleep(0.05)
    copying.stop()
    assert told == ["checkpoint-failed"]
    assert b"again" in file.read_bytes()
