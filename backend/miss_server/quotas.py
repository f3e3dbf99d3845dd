"""How much one device may send and one conversation may hold: nobody's storm delays the others or fills the disk.

Messages are never refused for their number: a device that sends faster than its bucket fills is read more slowly, so
that it alone waits. That bucket is in each node's memory, for a device has one connection, and a message must not fail
where a store does not answer. What is uploaded is counted in the database, by all nodes together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from miss_server.config import ConfigError, Settings

MIB = 1024 * 1024
DAY_MS = 86_400_000
UPLOAD_TOKEN_BYTES = 64 * 1024  # a smaller piece counts as much: each is written, and may leave a file
FULL_LOOK_TAKES = 4_096
VALUE_MAX = 1 << 31


@dataclass(frozen=True)
class Quotas:
    """The section ``[quotas]`` of miss.toml."""

    messages_a_second: int = 50  # of a device, in the long run
    messages_at_once: int = 3_000  # what was written while away, or a device that joins every conversation
    uploads_mib_a_day: int = 2_048  # of a device; as much may come at once
    conversation_mib: int = 256  # messages that wait for somebody

    @property
    def conversation_bytes(self) -> int:
        return self.conversation_mib * MIB

    @property
    def upload_tokens(self) -> int:
        """How many pieces of ``UPLOAD_TOKEN_BYTES`` a device may upload a day."""
        return self.uploads_mib_a_day * MIB // UPLOAD_TOKEN_BYTES

    @property
    def upload_token_ms(self) -> int:
        """How long until one more may come."""
        return max(1, DAY_MS // self.upload_tokens)


NAMES = frozenset(Quotas.__dataclass_fields__)


def of(settings: Settings) -> Quotas:
    """The quotas in force.

    Raises:
        ConfigError: one that cannot be used.
    """
    for name, value in settings.quotas.items():
        if type(value) is not int or not 0 < value < VALUE_MAX:
            raise ConfigError("setting-malformed", f"quotas.{name}", value)
    return Quotas(**settings.quotas)


def upload_tokens(size: int) -> int:
    """What a piece of this many bytes counts as."""
    return max(1, -(-size // UPLOAD_TOKEN_BYTES))


class Pace:
    """How fast each device sends: a bucket of messages, filled steadily.

    Args:
        slowed: told of each message after which somebody has to wait.
        now: a clock in seconds that only goes forward.
    """

    def __init__(
        self, quotas: Quotas, slowed: Callable[[], None] = lambda: None, now: Callable[[], float] = monotonic
    ) -> None:
        self._every = 1 / quotas.messages_a_second
        self._burst = quotas.messages_at_once * self._every
        self._now = now
        self._full_at: dict[int, float] = {}
        self._takes = 0
        self._slowed = slowed

    def take(self, device: int) -> float:
        """A message of this device is taken: how many seconds it is to wait before the next."""
        now = self._now()
        full_at = max(self._full_at.get(device, 0.0), now) + self._every
        self._full_at[device] = full_at
        self._takes += 1
        if self._takes >= FULL_LOOK_TAKES:
            self._forget(now)
        wait = full_at - now - self._burst
        if wait <= 0:
            return 0.0
        self._slowed()
        return wait

    def _forget(self, now: float) -> None:
        """Buckets that are full again need not be kept."""
        self._takes = 0
        self._full_at = {device: at for device, at in self._full_at.items() if at > now}
