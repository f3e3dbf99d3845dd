"""Judges what came of every message: lost, doubled, altered, never sent, out of order.

A message that was sent and not answered is *unknown*: it may or may not be there, once, under its id. What was answered
must be there. Every reader of a stream must have read the same rows, without a gap.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

WRONGS = ("lost", "doubled", "altered", "ghosts", "order", "unequal", "gaps")
Tag = bytes  # sender and counter, sealed in the body


@dataclass
class Log:
    """What one device has stored of a stream: the tag of each row."""

    cursor: int = 0
    tags: dict[int, Tag] = field(default_factory=dict)


class Oracle:
    """Hears every operation's beginning and end."""

    def __init__(self) -> None:
        self.sent: dict[Tag, bytes] = {}  # tag -> stream
        self.answered: dict[Tag, int] = {}  # tag -> number
        self.changed_answers = 0
        self.logs: dict[tuple[int, bytes], Log] = defaultdict(Log)  # (device, stream)
        self.redelivered = 0
        self.altered = 0
        self.gaps = 0  # of a fresh connection: rows that the server thinks were read

    def begins(self, tag: Tag, stream: bytes) -> None:
        self.sent[tag] = stream

    def ends(self, tag: Tag, number: int) -> None:
        """Answered; again with another number is a fault."""
        known = self.answered.setdefault(tag, number)
        self.changed_answers += known != number

    def hears(self, device: int, stream: bytes, number: int, tag: Tag) -> bool:
        """A row arrives; False where it is ahead of the next one, and the device is to read again."""
        log = self.logs[device, stream]
        if number <= log.cursor:
            self.redelivered += 1
            self.altered += log.tags.get(number, tag) != tag
            return True
        if number > log.cursor + 1:
            return False
        log.cursor = number
        log.tags[number] = tag
        return True

    def verdict(self, readers: dict[bytes, list[int]]) -> dict[str, int]:
        """The counts, once everything has come to rest.

        Args:
            readers: stream -> the devices that read it.
        """
        found: Counter[str] = Counter(altered=self.altered + self.changed_answers, gaps=self.gaps)
        deliveries = 0
        for stream, devices in readers.items():
            logs = [list(self.logs[device, stream].tags.items()) for device in devices]
            longest = max(logs, key=len)
            deliveries += sum(map(len, logs))
            found["unequal"] += sum(one != longest for one in logs)
            tags = Counter(tag for _, tag in longest)
            found["doubled"] += sum(count - 1 for count in tags.values())
            found["ghosts"] += sum(self.sent.get(tag) != stream for tag in tags)
            last: dict[bytes, bytes] = {}
            for _, tag in longest:
                sender, counter = tag[:4], tag[4:]
                found["order"] += counter <= last.get(sender, b"")
                last[sender] = max(counter, last.get(sender, b""))
            at = {tag: number for number, tag in longest}
            acknowledged = {tag: number for tag, number in self.answered.items() if self.sent[tag] == stream}
            found["lost"] += sum(tag not in at for tag in acknowledged)
            found["altered"] += sum(at.get(tag, number) != number for tag, number in acknowledged.items())
        return {
            "messages": len(self.sent),
            "acknowledged": len(self.answered),
            "deliveries": deliveries,
            "redelivered": self.redelivered,
            **{name: found[name] for name in WRONGS},
        }
