"""What the processor did meanwhile: for the server, for the generator, and for everybody else."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

SERVER_CPU, GENERATOR_CPU = 0, 1
QUIET_SHARE = 0.25
GENERATOR_LIMIT = 0.9  # above this share of its core the generator, not the server, may be what is slow


@dataclass
class Span:
    """A measured time; CPU figures are shares of one core."""

    seconds: float = 0.0
    server_cpu: float = 0.0
    generator_cpu: float = 0.0
    others_cpu: float = 0.0

    def record(self) -> dict[str, object]:
        return {
            "seconds": round(self.seconds, 3),
            "server_cpu": round(self.server_cpu, 3),
            "generator_cpu": round(self.generator_cpu, 3),
            "others_cpu": round(self.others_cpu, 3),
            "limit": "generator" if self.generator_cpu > max(GENERATOR_LIMIT, self.server_cpu) else "server",
        }


@contextmanager
def measured(server_seconds: Callable[[], float]) -> Iterator[Span]:
    """Measures the body; ``server_seconds`` tells the CPU seconds the server has used so far."""
    span = Span()
    start, server, own, all_cores = time.perf_counter(), server_seconds(), time.process_time(), _busy()
    yield span
    span.seconds = time.perf_counter() - start
    server, own = server_seconds() - server, time.process_time() - own
    span.server_cpu, span.generator_cpu = server / span.seconds, own / span.seconds
    span.others_cpu = max(0.0, (_busy() - all_cores - server - own) / span.seconds)


def _busy() -> float:
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0)


def wait_for_quiet(seconds_max: float) -> None:
    """Waits until others leave the processors alone, but not longer than this."""
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        with measured(lambda: 0.0) as span:
            time.sleep(1)
        if span.others_cpu < QUIET_SHARE:
            return


@contextmanager
def on_cpu(number: int) -> Iterator[None]:
    """Pins this process, and whatever it starts meanwhile, to one processor; where there is none, leaves it alone."""
    before = os.sched_getaffinity(0)
    if number in before:
        os.sched_setaffinity(0, {number})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies; 0 where there are none."""
    if not sorted_values:
        return 0.0
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]
