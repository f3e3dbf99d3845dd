"""What waited while this device was away: many rows in one step, so that the disk is written once for all of them.

Between a login and the end of the backlog rows are gathered, nearly as many as the server sends without an answer. A
run of messages among them is stored in one step; where anything in it goes wrong, it is taken back and gone through
row by row.
"""

from collections.abc import Callable, Sequence
from itertools import groupby

from miss_protocol import limits
from miss_protocol.frames import Deliver, Kind

# The server waits for an answer when a window of rows is out: fewer than that are gathered, so that it comes.
GATHERED_ROWS_MAX = limits.DELIVER_WINDOW_FRAMES * 7 // 8


class Backlog:
    """The rows of one login, until the server says that there are no more.

    Args:
        take: takes one row in a step of its own.
        take_run: takes messages in one step; False where they are to be taken one by one.
    """

    def __init__(self, take: Callable[[Deliver], None], take_run: Callable[[Sequence[Deliver]], bool]) -> None:
        self._take = take
        self._take_run = take_run
        self._rows: list[Deliver] = []
        self._gathering = False

    def begin(self) -> None:
        """A login: what comes now waited."""
        self._rows.clear()
        self._gathering = True

    def end(self) -> None:
        """The backlog is in: from now on each row is taken as it comes."""
        self.flush()
        self._gathering = False

    def drop(self) -> None:
        """The connection fell: what was not taken was not acknowledged either, and comes again."""
        self._rows.clear()

    def add(self, row: Deliver) -> None:
        """A row has come; StoreFailure where it, or one gathered before it, could not be stored."""
        if not self._gathering:
            self._take(row)
            return
        self._rows.append(row)
        if len(self._rows) >= GATHERED_ROWS_MAX:
            self.flush()

    def flush(self) -> None:
        """Take what was gathered, in order; StoreFailure leaves the rest to come again."""
        rows, self._rows = self._rows, []
        for messages, run in groupby(rows, key=lambda row: row.kind is Kind.APPLICATION):
            together = list(run)
            if messages and len(together) > 1 and self._take_run(together):
                continue
            for row in together:
                self._take(row)
