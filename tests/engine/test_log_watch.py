"""The certificate log as a client follows it, over real HTTP: each lie of a server is told until it is judged."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from engine.authority import Certified, Registrar
from miss_app.engine.events import Alarm, Event, IdentityAlarm
from miss_app.engine.http import Http
from miss_app.engine.log_watch import LogWatch
from miss_app.engine.people import People
from miss_app.engine.store import Store
from miss_protocol.certificate_log import Statement, book_of
from miss_protocol.invitation import Invitation
from protocol.log import Log, neighbour

TLS = ssl.create_default_context()
Twist = Callable[[Statement], Statement]


class Desk:
    """One device of Camille's, and a server that keeps a log as the test wants it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.registrar = Registrar()
        self.log = Log()
        self.log.authority, self.log.keys = self.registrar.authority, self.registrar.keys
        self.me = self.registrar.person("Camille")
        self.twist: Twist = lambda statement: statement
        self.requests = 0
        self.folder, self.port = folder, port
        self.log.issue(neighbour(self.me.person_id))
        self.phone = self.certified()
        self.told: list[Event] = []
        self.store = Store(folder / "store.db", bytes(32))
        self.people = People(self.store, self.phone.certificate)

    def certified(self, endorser: Certified | None = None, *, forged: bool = False) -> Certified:
        """A device of Camille's, in the log."""
        one = self.registrar.device(self.me, endorser, forged=forged)
        self.log.enter(one.certificate)
        return one

    @property
    def watch(self) -> LogWatch:
        return self._watch(Http(Invitation("127.0.0.1", self.port, bytes(32)), "fr", TLS))

    def _watch(self, http: Http) -> LogWatch:
        authority = self.registrar.authority
        return LogWatch(self.store, self.people, http, self.phone.certificate, lambda: authority, self.told.append)

    def check(self) -> Alarm:
        """A login; what the person is then told."""

        async def connected() -> None:
            http = Http(Invitation("127.0.0.1", self.port, bytes(32)), "fr", TLS)
            await self._watch(http).check()
            await http.close()

        self.told.clear()
        before = self.requests
        asyncio.run(connected())
        assert self.requests == before + 1
        alarm = self.watch.alarm()
        assert self.told == ([IdentityAlarm(alarm)] if alarm.raised else [])
        return alarm

    def answer(self, first: int) -> bytes:
        self.requests += 1
        return self.twist(self.log.statement(self.me.person_id, first)).encode()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            first = int(parse_qs(urlsplit(self.path).query)["first"][0])
            body = one.answer(first)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is to be said on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    one = Desk(tmp_path, server.server_address[1])
    yield one
    server.shutdown()
    server.server_close()
    one.store.close()


def test_ones_own_devices_are_no_alarm(desk: Desk) -> None:
    assert not desk.check().raised
    tablet = desk.certified(desk.phone)
    desk.certified(tablet)  # vouched for by one that was vouched for
    desk.log.issue(neighbour(desk.me.person_id))
    assert not desk.check().raised
    assert desk.people.believes(tablet.certificate)


def test_what_was_there_before_this_device_is_taken_as_it_is(desk: Desk) -> None:
    """A person who lost every device and registered anew finds the lost ones in the log."""
    earlier = desk.registrar.device(desk.me)
    book = desk.log.books[book_of(desk.me.person_id)]
    desk.log.enter(earlier.certificate)
    book.insert(0, book.pop())
    assert not desk.check().raised


@pytest.mark.parametrize("how", ["by nobody", "forged"])
def test_a_device_nobody_vouched_for_is_told_until_it_is_judged(desk: Desk, how: str) -> None:
    desk.check()
    foreign = desk.certified(desk.phone, forged=True) if how == "forged" else desk.certified()
    alarm = desk.check()
    assert [one.device_id for one in alarm.unknown] == [foreign.certificate.device_id]
    assert not alarm.problem
    assert desk.check() == alarm
    desk.store.close()
    desk.store = Store(desk.folder / "store.db", bytes(32))
    desk.people = People(desk.store, desk.phone.certificate)
    desk.watch.say()
    assert desk.told[-1] == IdentityAlarm(alarm)
    desk.watch.accept()
    assert desk.told[-1] == IdentityAlarm(Alarm())
    assert not desk.check().raised
    assert not desk.people.believes(foreign.certificate)  # the person knows it; no group takes it for theirs
    desk.certified()
    assert len(desk.check().unknown) == 1


def test_a_device_behind_this_one_is_told_at_the_first_login_too(desk: Desk) -> None:
    foreign = desk.certified()
    assert [one.device_id for one in desk.check().unknown] == [foreign.certificate.device_id]


def _removed(desk: Desk) -> None:
    desk.log.books[book_of(desk.me.person_id)].pop(0)
    desk.log.issue(neighbour(desk.me.person_id))


def _altered(desk: Desk) -> None:
    book = desk.log.books[book_of(desk.me.person_id)]
    book[0] = replace(book[0], fingerprint=bytes(32))
    desk.log.issue(neighbour(desk.me.person_id))


def _forked(desk: Desk) -> None:
    desk.log.books[book_of(desk.me.person_id)].pop()
    desk.log.issue(neighbour(desk.me.person_id))


def _rolled_back(desk: Desk) -> None:
    desk.log.books[book_of(desk.me.person_id)].pop()


def _forged(desk: Desk) -> None:
    desk.twist = lambda one: replace(one, head=replace(one.head, at_ms=one.head.at_ms + 1))


def _withheld(desk: Desk) -> None:
    desk.certified()
    desk.twist = lambda one: replace(one, certificates=())


def _hidden(desk: Desk) -> None:
    desk.certified()
    desk.twist = lambda one: replace(one, entries=(), certificates=())


def _renamed(desk: Desk) -> None:
    """The foreign entry is said to be somebody else's."""
    desk.certified()
    desk.twist = lambda one: replace(one, entries=(replace(one.entries[0], tag=bytes(16)),), certificates=())


@pytest.mark.parametrize(
    ("lie", "problem"),
    [
        (_removed, "log-rewritten"),
        (_altered, "log-rewritten"),
        (_forked, "log-rewritten"),
        (_rolled_back, "log-rolled-back"),
        (_forged, "log-forged"),
        (_withheld, "log-withheld"),
        (_hidden, "log-withheld"),
        (_renamed, "log-rewritten"),
    ],
)
def test_a_server_that_rewrites_its_log_is_told_on(desk: Desk, lie: Callable[[Desk], None], problem: str) -> None:
    desk.log.issue(neighbour(desk.me.person_id))
    assert not desk.check().raised
    followed = desk.store.get("profile", b"certificate log")
    lie(desk)
    assert desk.check().problem == problem
    assert desk.check().problem == problem  # until it is judged
    desk.twist = lambda statement: statement
    desk.watch.accept()
    assert followed is not None
    after = desk.check()  # the log is read anew, as it is now
    assert not after.problem
    assert len(after.unknown) == (lie in (_withheld, _hidden, _renamed))


def test_a_log_without_this_devices_own_certificate_is_told_on(desk: Desk) -> None:
    book = desk.log.books[book_of(desk.me.person_id)]
    book.pop()
    assert desk.check().problem == "log-withheld"


def test_what_is_no_statement_changes_nothing_but_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.check()
    tampered = desk.log.statement(desk.me.person_id, 2).encode()[:-1]

    def answer(first: int) -> bytes:
        desk.requests += 1
        return tampered

    monkeypatch.setattr(desk, "answer", answer)
    assert desk.check().problem == "log-forged"


def test_a_server_that_is_away_is_no_alarm(desk: Desk) -> None:
    desk.check()
    with_port = desk.port
    desk.port = 1  # nobody listens there

    async def connected() -> None:
        http = Http(Invitation("127.0.0.1", desk.port, bytes(32)), "fr", TLS)
        await desk._watch(http).check()
        await http.close()

    desk.told.clear()
    asyncio.run(connected())
    assert desk.told == []
    desk.port = with_port
    assert not desk.check().raised
