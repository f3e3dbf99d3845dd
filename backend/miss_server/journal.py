"""The server's log: one JSON object a line on standard error, without names, addresses, contents or keys."""

import json
import logging
import sys
from collections import Counter
from typing import IO

FAILURES: Counter[str] = Counter()  # how often each was written, for who watches the figures
_LOGGER = logging.getLogger("miss_server")


class _Lines(logging.Formatter):
    """Writes a record as one JSON object; of an exception, its type and places, never its words."""

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", None)
        line: dict[str, object] = {
            "at_ms": int(record.created * 1000),
            "level": record.levelname.lower(),
            "event": record.getMessage() if fields is not None else record.name,
        }
        line.update(fields or {})
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["where"] = _places(record)
        return json.dumps(line, ensure_ascii=False)


def _places(record: logging.LogRecord) -> list[str]:
    trace = record.exc_info[2] if record.exc_info else None
    places: list[str] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-8:]


def start(out: IO[str] | None = None) -> None:
    """Sends every log line of this process, the libraries' included, through the one format."""
    lines = logging.StreamHandler(out or sys.stderr)
    lines.setFormatter(_Lines())
    root = logging.getLogger()
    root.handlers[:] = [lines]
    root.setLevel(logging.WARNING)
    _LOGGER.setLevel(logging.INFO)


def write(event: str, *, level: int = logging.INFO, **fields: object) -> None:
    """One line: what happened, with figures and reasons only."""
    _LOGGER.log(level, "%s", event, extra={"fields": fields})


def failure(event: str, error: BaseException) -> None:
    """One line for what should not have happened: the error's type and where it was raised."""
    FAILURES[event] += 1
    _LOGGER.error("%s", event, exc_info=error, extra={"fields": {}})
