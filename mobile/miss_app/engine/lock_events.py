"""What the engine tells the screen about the lock: what waits behind it, and who asks to be opened."""

from dataclasses import dataclass

from miss_app.engine.events import Event


@dataclass(frozen=True)
class Waiting(Event):
    """So many messages arrived while the profile is locked; nobody can read them before it is unlocked."""

    count: int
    urgent: int = 0  # of them


@dataclass(frozen=True)
class UnlockQuestion:
    """Another device of this person that is locked and asks to be opened from this one."""

    device_id: bytes
    name: str = ""


@dataclass(frozen=True)
class UnlockAsked(Event):
    """Another device of this person asks to be opened; it shows digits that are to be typed here."""

    question: UnlockQuestion


@dataclass(frozen=True)
class UnlockAnswered(Event):
    """What became of this locked device's question: "refused" or "expired"; where it was approved the stage changes."""

    state: str
