"""Batches of two nodes in the same streams at once: one order without a gap, an id once, one winner an epoch."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Connection, insert, select

from engines import copied
from miss_protocol.frames import Class, Kind, Refusal, Refused, Submit
from miss_server.conversations import Submission, Taken, Verdict, accept
from miss_server.handshakes import Judgement
from miss_server.postgresql import PostgresqlDatabase
from miss_server.tables import claims, memberships, public_groups, rows, streams
from server.office import opaque

STREAMS, ROUNDS, EACH = 5, 15, 20


def test_two_nodes_write_the_same_streams(postgresql_server: str) -> None:
    url = copied(postgresql_server)
    databases = [PostgresqlDatabase(url), PostgresqlDatabase(url)]
    ids = [os.urandom(16) for _ in range(STREAMS)]
    with databases[0].transaction() as connection:
        for stream_id in ids:
            _begin(connection, stream_id)
    start = threading.Barrier(2)
    shared = [[os.urandom(16) for _ in range(ROUNDS)] for _ in ids]  # ids that both nodes submit, as retries do

    def node(at: int) -> list[Verdict]:
        """What one writer does; the streams in another order than the other one's."""
        verdicts: list[Verdict] = []
        start.wait()
        for turn in range(ROUNDS):
            batch = []
            for which in range(STREAMS) if at else reversed(range(STREAMS)):
                frames = [opaque(ids[which], 1, bytes([at]) * 8) for _ in range(EACH)]
                frames.append(opaque(ids[which], 1, b"retried", shared[which][turn]))
                batch += [
                    _submission(frame, 1 if frame.message_id == shared[which][turn] else 2 + at) for frame in frames
                ]
            with databases[at].batch() as connection:
                verdicts += accept(connection, batch)
        return verdicts

    with ThreadPoolExecutor(2) as threads:
        answers = [one for some in threads.map(node, range(2)) for one in some]
    assert all(isinstance(one, Taken) for one in answers)
    with databases[0].snapshot() as connection:
        for which in range(STREAMS):
            numbers = list(
                connection.scalars(select(rows.c.number).where(rows.c.stream == which + 1).order_by(rows.c.number))
            )
            assert numbers == list(range(1, ROUNDS * (2 * EACH + 1) + 1))
        times = connection.execute(select(rows.c.stream, rows.c.at_ms).order_by(rows.c.stream, rows.c.number)).all()
        assert len(connection.execute(select(claims)).all()) == len(times)
    told = [one.answer for one in answers if isinstance(one, Taken)]
    for which in range(STREAMS):
        for message_id in shared[which]:
            assert len({one.number for one in told if one.message_id == message_id}) == 1
    for database in databases:
        database.close()


def test_one_commit_an_epoch_wins_whichever_node_it_came_to(postgresql_server: str) -> None:
    url = copied(postgresql_server)
    databases = [PostgresqlDatabase(url), PostgresqlDatabase(url)]
    stream_id = os.urandom(16)
    with databases[0].transaction() as connection:
        _begin(connection, stream_id)
    start = threading.Barrier(2)
    epochs = 40

    def node(at: int) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for epoch in range(1, epochs + 1):
            frames = [
                Submit(os.urandom(16), stream_id, Kind.COMMIT, Class.SILENT, named, b"c", b"", b"i")
                for named in (epoch, epoch - 1, epoch + 5)
            ]
            judged = Judgement(epoch, state=b"s", epoch=epoch + 1)
            start.wait()
            with databases[at].batch() as connection:
                verdicts += accept(connection, [_submission(one, 2 + at, judged) for one in frames])
        return verdicts

    with ThreadPoolExecutor(2) as threads:
        answers = [one for some in threads.map(node, range(2)) for one in some]
    won = [one.answer for one in answers if isinstance(one, Taken)]
    assert sorted(one.number for one in won) == list(range(1, epochs + 1))
    lost = [one for one in answers if isinstance(one, Refused)]
    assert len(lost) == 5 * epochs
    assert {one.reason for one in lost} == {Refusal.STALE}
    for database in databases:
        database.close()


def test_a_duty_is_one_nodes_and_passes_to_another_when_it_ends(postgresql_server: str) -> None:
    url = copied(postgresql_server)
    databases = [PostgresqlDatabase(url), PostgresqlDatabase(url)]
    duties = [database.duty(1) for database in databases]
    assert [duty.held() for duty in duties] == [True, False]
    assert [duty.held() for duty in reversed(duties)] == [False, True]
    duties[0].let_go()
    _comes(lambda: [duty.held() for duty in reversed(duties)] == [True, False])
    with databases[0].transaction() as connection:  # as when its server is restarted
        ended = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        connection.exec_driver_sql(
            f"{ended} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    _comes(lambda: not duties[1].held())
    _comes(lambda: sum(duty.held() for duty in duties) == 1)
    for database in databases:
        database.close()


def _comes(condition: Callable[[], bool]) -> None:
    """A lock goes with its connection, as soon as the database has noticed that it ended."""
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def _begin(connection: Connection, stream_id: bytes) -> None:
    values = {"stream_id": stream_id, "kind": "group", "head": 0, "epoch": 1, "version": 1, "created_at_ms": 1}
    stream = connection.execute(insert(streams).values(values).returning(streams.c.stream)).scalar_one()
    connection.execute(insert(public_groups).values(stream=stream, version=1, state=b"s"))
    for device in (1, 2, 3):
        connection.execute(insert(memberships).values(stream=stream, device=device, added=1))


def _submission(frame: Submit, device: int, judgement: Judgement | None = None) -> Submission:
    return Submission(device, bytes(16), bytes(16), frame, lambda _: None, judgement)
