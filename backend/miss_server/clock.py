"""The machine's clock, as every other module takes it: milliseconds since 1970."""

import time


def now_ms() -> int:
    """Now, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
