"""Ten thousand messages for a device that comes back to a team of two hundred: at most 20 MB written to catch up."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from engine.backlog import Team, written_bytes

LEAVES, ROWS, BYTES_MAX = 200, 10_000, 20_000_000


def run(seed: int) -> dict[str, object]:
    """The proof; it needs no chance. Bytes are those the process gave to the operating system to write."""
    del seed
    with tempfile.TemporaryDirectory(prefix="miss-catch-up-") as made:
        return asyncio.run(_catch_up(Path(made)))


async def _catch_up(folder: Path) -> dict[str, object]:
    team = Team(folder, LEAVES)
    await team.account.take(team.welcome)
    rows = list(team.rows(ROWS))
    before, began = written_bytes(), time.process_time()
    await team.take(rows)
    seconds, written = time.process_time() - began, written_bytes() - before
    said = len(team.said())
    await team.account.stop()
    closed = written_bytes() - before
    return {
        "passed": said == ROWS and closed <= BYTES_MAX,
        "leaves": LEAVES,
        "messages": ROWS,
        "read": said,
        "written_bytes": written,
        "written_bytes_with_the_store_closed": closed,
        "processor_seconds": round(seconds, 1),
    }
