"""What an operator watches: counts and times of this process, in the format of Prometheus, on an address of their own.

The hot path only adds to plain whole numbers; they become metrics when somebody asks. Nothing here names a person, a
device or a conversation: figures and reasons only.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, time

from prometheus_client import CollectorRegistry, GCCollector, Histogram, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from miss_server import journal

_SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_SUBMISSIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class MetricsAddressError(Exception):
    """The address for metrics is taken, or another machine's."""


class Meters:
    """The counts of one process.

    Args:
        folder: whose disk's free room is told.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.accepted = 0
        self.delivered = 0
        self.refused: Counter[str] = Counter()  # rows, by reason
        self.closed: Counter[str] = Counter()  # sockets, by reason
        self.answered: Counter[str] = Counter()  # requests, by the first digit of their status
        self.sockets: Callable[[], int] = lambda: 0
        self.waiting: Callable[[], int] = lambda: 0
        self.slowed = 0
        self.pushed: Counter[str] = Counter()  # pushes, by what came of them
        self.mailed: Counter[str] = Counter()  # mails about unread messages, the same
        self.reached_at = time()  # when this node, or another whose duty it is, last looked whom to reach
        self.rounded_at = time()  # when the caretaker last made a round
        self.registry = CollectorRegistry()
        self.registry.register(self)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._stages = Histogram(
            "miss_stage_seconds",
            "How long rows spend in a stage: waiting for the writer, being judged and written, being committed to "
            "disk, being answered and delivered.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.wait, self.write, self.commit, self.tell = (
            self._stages.labels(stage).observe for stage in ("wait", "write", "commit", "tell")
        )
        self.batch = Histogram(
            "miss_batch_submissions",
            "How many submissions share a transaction.",
            buckets=_SUBMISSIONS,
            registry=self.registry,
        ).observe

    def slow(self) -> None:
        """Somebody who sends faster than they may has to wait."""
        self.slowed += 1

    def collect(self) -> Iterator[Metric]:
        """The plain numbers, as they stand now."""
        yield CounterMetricFamily("miss_accepted", "Rows stored and answered Accepted.", self.accepted)
        yield CounterMetricFamily("miss_delivered", "Rows sent to devices.", self.delivered)
        yield _counted("miss_refused", "Rows refused.", "reason", self.refused)
        yield _counted("miss_sockets_closed", "Sockets that the server closed.", "reason", self.closed)
        yield _counted("miss_requests", "HTTP requests answered.", "status", self.answered)
        yield _counted("miss_pushes", "Pushes to devices that are away.", "outcome", self.pushed)
        yield _counted("miss_unread_mails", "Mails about messages nobody has seen.", "outcome", self.mailed)
        yield _counted("miss_failures", "What should not have happened.", "event", journal.FAILURES)
        yield CounterMetricFamily("miss_slowed", "Messages of devices that send faster than they may.", self.slowed)
        yield GaugeMetricFamily("miss_sockets", "Devices connected here.", self.sockets())
        yield GaugeMetricFamily("miss_queue_submissions", "Submissions that wait for the writer.", self.waiting())
        yield GaugeMetricFamily("miss_disk_free_bytes", "Room on the data folder's disk.", _free(self._folder))
        age = time() - self.rounded_at
        yield GaugeMetricFamily("miss_round_age_seconds", "Since the caretaker last forgot what is due.", age)
        reached = time() - self.reached_at
        yield GaugeMetricFamily("miss_reach_age_seconds", "Since it was last looked who is to be woken.", reached)

    def serve(self, host: str, port: int) -> tuple[Callable[[], None], int]:
        """Answers whoever asks at that address, from a thread of its own.

        Returns:
            what ends it, and the port.

        Raises:
            MetricsAddressError: it cannot listen there.
        """
        try:
            server, thread = start_http_server(port, host, self.registry)
        except OSError as error:
            raise MetricsAddressError(f"{host}:{port}") from error

        def end() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return end, server.server_port


class Watch:
    """How long a batch took, stage by stage."""

    __slots__ = ("_meters", "_since")

    def __init__(self, meters: Meters, waited_since: float) -> None:
        self._meters = meters
        now = perf_counter()
        meters.wait(now - waited_since)
        self._since = now

    def lap(self, stage: Callable[[float], None]) -> None:
        """A stage has ended, and the next begins."""
        now = perf_counter()
        stage(now - self._since)
        self._since = now


def _counted(name: str, words: str, label: str, counts: Counter[str]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, words, labels=[label])
    for value, count in list(counts.items()):
        family.add_metric([value], count)
    return family


def _free(folder: Path) -> float:
    try:
        return float(shutil.disk_usage(folder).free)
    except OSError:
        return 0.0
