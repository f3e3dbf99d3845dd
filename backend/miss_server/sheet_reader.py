"""Reads a workbook's first sheet from standard input, within bounds, and writes its rows as JSON: a process of its own.

What it reads is hostile, and what reads it is a library in another language: it may ask for all memory, or stop short.
"""

import io
import json
import resource
import sys
from datetime import date, datetime

UNREADABLE = 3
MEMORY_BYTES_MAX = 768 * 1024 * 1024
SECONDS_MAX = 30
CELLS_MAX = 5_000_000


def main() -> int:
    """0 with the rows on standard output, 3 where it is no workbook; any other end means that it is too large."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from python_calamine import CalamineError, CalamineWorkbook  # within the bounds

    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
        sheet = workbook.get_sheet_by_index(0)
    except (CalamineError, ValueError, IndexError, OSError):
        return UNREADABLE
    if sheet.total_height * sheet.total_width > CELLS_MAX:
        return 1
    rows = [[text_of(cell) for cell in row] for row in sheet.iter_rows()]
    json.dump(rows, sys.stdout)
    return 0


def text_of(cell: object) -> str:
    """A cell as a person reads it: a whole number without a decimal point, a day as day/month/year."""
    if isinstance(cell, bool):
        return "oui" if cell else "non"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime | date):
        return f"{cell:%d/%m/%Y}"
    return str(cell)


if __name__ == "__main__":
    sys.exit(main())
