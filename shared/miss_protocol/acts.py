"""Acts about what was said: reactions, deletions, taking charge, demands of confirmation and what is answered.

An act names the message it is about in ``in_reply_to`` (a deletion in ``replaces``, as an edit does): the target is a
term of the content, not a field of the act. Every act is critical: who does not know it shows its plain-text fallback.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, Self

from miss_protocol import limits
from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Reader, Writer

CRITICAL = 0x8000
REACTION = CRITICAL | 0x05
DELETION = CRITICAL | 0x06
CHARGE = CRITICAL | 0x07
REQUEST = CRITICAL | 0x08
ANSWER = CRITICAL | 0x09
RETENTION = CRITICAL | 0x0A
PINNED = CRITICAL | 0x0B


class Level(IntEnum):
    """How soon a message wants to be seen."""

    INFO = 0
    TODAY = 1
    URGENT = 2


class Taking(IntEnum):
    """What a person does about being in charge."""

    TAKE = 1  # has effect while nobody is
    RELEASE = 2  # has effect for who is
    TAKE_OVER = 3  # knowingly, from who is


class Verdict(IntEnum):
    """What an answer says of a demand of confirmation."""

    CONFIRMED = 1
    CORRECTED = 2
    YES = 3
    NO = 4
    CALL_ME = 5


class Act(Protocol):
    """A body about another message, or about the conversation."""

    def write(self, out: Writer) -> None:
        """Append the body's bytes."""

    @classmethod
    def read(cls, data: Reader) -> Self:
        """The body again; RemoteError where it is malformed or too large."""


def bounded(text: str, characters_max: int, what: str) -> str:
    """The text; RemoteError("too-large") where it has more characters."""
    if len(text) > characters_max:
        raise RemoteError("too-large", what)
    return text


def _one_of(kind: type[IntEnum], value: int) -> int:
    try:
        return kind(value)
    except ValueError as error:
        raise RemoteError("malformed", kind.__name__) from error


@dataclass(frozen=True)
class Reaction:
    """One person's emoji on a message; empty takes it back."""

    emoji: str

    def write(self, out: Writer) -> None:
        out.text(self.emoji)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(bounded(data.text(), limits.EMOJI_CHARACTERS_MAX, "emoji"))


@dataclass(frozen=True)
class Deletion:
    """The author takes a message back; that there was one stays visible."""

    def write(self, out: Writer) -> None:
        """Nothing: the content's ``replaces`` says which."""

    @classmethod
    def read(cls, _data: Reader) -> Self:
        return cls()


@dataclass(frozen=True)
class Charge:
    """Taking charge of what a message asks: distinct from having read it."""

    taking: Taking

    def write(self, out: Writer) -> None:
        out.u8(self.taking)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(Taking(_one_of(Taking, data.u8())))


@dataclass(frozen=True)
class Dosage:
    """A prescription in four words: drug and dose always, route and rhythm where they are said."""

    drug: str
    dose: str
    route: str = ""
    rhythm: str = ""

    def write(self, out: Writer) -> None:
        out.text(self.drug).text(self.dose).text(self.route).text(self.rhythm)

    @classmethod
    def read(cls, data: Reader) -> Self:
        words = [bounded(data.text(), limits.DOSAGE_CHARACTERS_MAX, "dosage") for _ in range(4)]
        if not words[0].strip() or not words[1].strip():
            raise RemoteError("malformed", "a dosage without drug or dose")
        return cls(*words)


@dataclass(frozen=True)
class Request:
    """A demand of confirmation: of a dosage, or of a question that is answered in a word."""

    question: str = ""
    dosage: Dosage | None = None

    def write(self, out: Writer) -> None:
        out.text(self.question).optional(self.dosage, lambda w, dosage: dosage.write(w))

    @classmethod
    def read(cls, data: Reader) -> Self:
        question = bounded(data.text(), limits.QUESTION_CHARACTERS_MAX, "question")
        dosage = data.optional(Dosage.read)
        if dosage is None and not question.strip():
            raise RemoteError("malformed", "a demand that asks nothing")
        return cls(question, dosage)


@dataclass(frozen=True)
class Answer:
    """What somebody answers: it repeats the dosage that it confirms, or says the right one."""

    verdict: Verdict
    dosage: Dosage | None = None
    note: str = ""

    def write(self, out: Writer) -> None:
        out.u8(self.verdict).optional(self.dosage, lambda w, dosage: dosage.write(w)).text(self.note)

    @classmethod
    def read(cls, data: Reader) -> Self:
        verdict = Verdict(_one_of(Verdict, data.u8()))
        dosage = data.optional(Dosage.read)
        if (verdict in (Verdict.CONFIRMED, Verdict.CORRECTED)) != (dosage is not None):
            raise RemoteError("malformed", "an answer that does not say what it confirms")
        return cls(verdict, dosage, bounded(data.text(), limits.QUESTION_CHARACTERS_MAX, "note"))


@dataclass(frozen=True)
class Retention:
    """How long devices keep the messages of this conversation, in days."""

    days: int

    def write(self, out: Writer) -> None:
        out.u16(self.days)

    @classmethod
    def read(cls, data: Reader) -> Self:
        days = data.u16()
        if not 1 <= days <= limits.RETENTION_DAYS_MAX:
            raise RemoteError("malformed", "retention")
        return cls(days)


@dataclass(frozen=True)
class Pinned:
    """A message kept at hand for everybody, or not any more."""

    on: bool

    def write(self, out: Writer) -> None:
        out.u8(self.on)

    @classmethod
    def read(cls, data: Reader) -> Self:
        value = data.u8()
        if value > 1:
            raise RemoteError("malformed", "pinned")
        return cls(bool(value))


ACTS: dict[int, type[Reaction | Deletion | Charge | Request | Answer | Retention | Pinned]] = {
    REACTION: Reaction,
    DELETION: Deletion,
    CHARGE: Charge,
    REQUEST: Request,
    ANSWER: Answer,
    RETENTION: Retention,
    PINNED: Pinned,
}
AnyAct = Reaction | Deletion | Charge | Request | Answer | Retention | Pinned
CODES: dict[type, int] = {kind: code for code, kind in ACTS.items()}


@dataclass(frozen=True)
class Urgency:
    """How soon, and why: a reason is asked for what is urgent."""

    level: Level
    reason: str = ""

    def write(self, out: Writer) -> None:
        out.u8(self.level).text(self.reason)

    @classmethod
    def read(cls, data: Reader) -> Self:
        level = Level(_one_of(Level, data.u8()))
        return cls(level, bounded(data.text(), limits.REASON_CHARACTERS_MAX, "reason"))


@dataclass(frozen=True)
class Origin:
    """Where a forwarded message comes from, as who forwards it says."""

    author: str
    at_ms: int

    def write(self, out: Writer) -> None:
        out.text(self.author).u64(self.at_ms)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(bounded(data.text(), limits.NAME_CHARACTERS_MAX, "origin"), data.u64())
