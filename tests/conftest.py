"""What every test run says last, how many of the official RFC 9420 vectors passed; and the databases of both engines."""

import os

# Before anything imports Kivy, whichever test is collected first: xclip needs a display, SDL's own clipboard does not.
os.environ.setdefault("KIVY_CLIPBOARD", "sdl2")

from engines import engine as engine  # the environment comes first
from engines import postgresql_server as postgresql_server  # the same
from mls import vectors  # the same

_passed: set[str] = set()


def pytest_configure(config):
    config.addinivalue_line("markers", "official_vectors: a case of the official RFC 9420 test vectors")


def pytest_runtest_logreport(report):
    if report.when == "call" and report.passed and "official_vectors" in report.keywords:
        _passed.add(report.nodeid)


def pytest_unconfigure(config):
    if hasattr(config, "workerinput"):
        return  # one of the processes that share the tests: the one that gathers their reports says it
    count = f"{len(_passed)} of {vectors.TOTAL}" if _passed else "NOT RUN"
    config.get_terminal_writer().line(f"official vectors: {count}")
