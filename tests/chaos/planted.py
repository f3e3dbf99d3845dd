"""Runs a server with one fault in it that the oracle has to find: ``python -m chaos.planted FAULT serve …``."""

import sys
import time
from typing import Any

from miss_server import conversations, cursors, database, socket
from miss_server.__main__ import main

FAULTS = ("answer-before-commit", "cursor-too-early", "second-delivery")


def plant(fault: str) -> None:
    """Breaks this process's server in one way."""
    if fault == "answer-before-commit":
        accept = conversations.accept

        def hasty(connection: Any, batch: Any) -> Any:
            verdicts = accept(connection, batch)
            for one, verdict in zip(batch, verdicts, strict=True):
                if isinstance(verdict, conversations.Taken):
                    loop = writer._loop
                    loop.call_soon_threadsafe(one.answer, verdict)
            time.sleep(0.03)  # the disk takes its time: who is killed now has promised too much
            return verdicts

        start = database.Database.start
        writer: Any = None

        def begin(self: Any, _accept: Any, committed: Any, *rest: Any) -> None:
            nonlocal writer

            def silent(batch: Any, verdicts: Any) -> None:
                for one in batch:
                    one.answer = lambda _verdict: None  # it was answered before
                committed(batch, verdicts)

            start(self, hasty, silent, *rest)
            writer = self._writer

        database.Database.start = begin  # type: ignore[method-assign]  # the fault is planted from outside
    elif fault == "cursor-too-early":
        send = socket.Socket._send_row

        def eager(self: Any, one: Any, number: int, frame: bytes) -> None:
            send(self, one, number, frame)
            self._office.cursors.move(self.device, self.device_id, one.stream, one.stream_id, number)

        socket.Socket._send_row = eager  # type: ignore[method-assign]  # the fault is planted from outside
        cursors.FLUSH_SECONDS = 0.02
    elif fault == "second-delivery":
        read = conversations._read

        def forgetful(ledger: Any, batch: Any) -> None:
            read(ledger, batch)
            ledger.claims.clear()
            for device, message_id in {(one.device, one.frame.message_id) for one in batch}:
                ledger.connection.exec_driver_sql(
                    "DELETE FROM claims WHERE device = ? AND message_id = ?", (device, message_id)
                )

        conversations._read = forgetful
    else:
        raise SystemExit(f"no such fault: {fault}")


if __name__ == "__main__":
    plant(sys.argv[1])
    del sys.argv[1]
    sys.argv[0] = "miss-server"
    sys.exit(main())
