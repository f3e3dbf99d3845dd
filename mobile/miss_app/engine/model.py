"""What the store holds about conversations, messages and people, as records."""

from dataclasses import dataclass
from enum import StrEnum

from miss_protocol import limits
from miss_protocol.acts import Answer, Level, Origin, Request, Taking
from miss_protocol.content import Consent
from miss_protocol.frames import Class, Kind

NUMBER_SHIFT = 16  # a message's place is its row number and, for lines that share a row, a small count
LINE_MAX = (1 << NUMBER_SHIFT) - 1
QUEUED_PLACE = 1 << 62  # what has no row number yet comes after everything that has one


class Act(StrEnum):
    """What an item of the outbox wants done."""

    CREATE = "create"
    ADD = "add"  # people or devices, by a commit
    REMOVE = "remove"  # leaves, by a commit
    CLEAR = "clear"  # commit the leaves that others proposed
    RENEW = "renew"  # this device's own keys, by a commit
    REJOIN = "rejoin"  # come back in the place of one's own old leaf, by an external commit
    RESET = "reset"  # a new group in the old one's place
    NAME_ADMIN = "name-admin"  # people, by a commit
    RESIGN_ADMIN = "resign-admin"  # this person, by a commit
    LEAVE = "leave"  # propose to go
    CONTENT = "content"  # an application message


COMMITS = (Act.ADD, Act.REMOVE, Act.CLEAR, Act.RENEW, Act.NAME_ADMIN, Act.RESIGN_ADMIN)
RETURNS = (Act.REJOIN, Act.RESET)  # the ways back into a conversation whose thread was lost


class Stage(StrEnum):
    """How far an item of the outbox has come; its row in the stream ends it."""

    INTENT = "intent"
    READY = "ready"  # sealed or staged, saved: the very bytes to send
    ACCEPTED = "accepted"  # has a number; waits for its own row


@dataclass(frozen=True)
class Mark:
    """How far a person has come in a conversation: row numbers delivered and read."""

    person_id: bytes
    delivered: int
    read: int


@dataclass(frozen=True)
class Member:
    """A person in a conversation, as of its last epoch."""

    person_id: bytes
    admin: bool
    devices: int


@dataclass(frozen=True)
class Conversation:
    """One conversation on this device.

    ``position`` is the number of the last row taken; it moves in the same step as what the row changed. ``reason`` says
    why a conversation is not active: ``left``, ``removed``, ``moved``, ``cannot-follow`` or ``store-from-the-past``.
    """

    conversation_id: bytes
    direct: bool
    peer: bytes = b""
    title: str = ""
    patient: str = ""
    position: int = 0
    active: bool = True
    reason: str = ""
    moved_to: bytes = b""
    unread: int = 0
    read: int = 0  # by this person, on whichever device
    read_said: int = 0  # what the others were told of it
    at_ms: int = 0
    marks: tuple[Mark, ...] = ()
    leaving: bool = False
    members: tuple[Member, ...] = ()
    pending: bool = False  # somebody's leave waits to be committed
    renew_at_ms: int = 0  # when this device's keys are to be made anew; 0: not known
    birth_date: str = ""  # of the patient
    identifier: str = ""  # of the patient: INS or record number
    retention_days: int = limits.RETENTION_DAYS_MAX  # how long devices keep its messages
    own: bool = False  # this person's devices among themselves; never shown
    taken_out: tuple[bytes, ...] = ()  # people whose devices the registrar had removed, and who are not back
    retention_said: bool = False  # somebody decided it, and the chat shows by whom


@dataclass(frozen=True)
class PhotoPart:
    """The photo of a message; its pixels are a sealed blob."""

    blob: bytes
    key: bytes
    blob_bytes: int
    width: int
    height: int
    picture_bytes: int
    original_bytes: int
    thumbnail: bytes


@dataclass(frozen=True)
class DocumentPart:
    """The document of a message; its bytes are a sealed blob."""

    blob: bytes
    key: bytes
    blob_bytes: int
    file_bytes: int
    media_type: str
    name: str


@dataclass(frozen=True)
class Reacted:
    """A person's emoji on a message."""

    person_id: bytes
    emoji: str


@dataclass(frozen=True)
class Version:
    """What a message said before it was edited."""

    text: str
    until_ms: int


@dataclass(frozen=True)
class Charged:
    """One change of who is in charge; the last one says who is now."""

    person_id: bytes
    taking: Taking
    at_ms: int


@dataclass(frozen=True)
class Answered:
    """One answer to a demand of confirmation."""

    person_id: bytes
    at_ms: int
    answer: Answer


@dataclass(frozen=True)
class Message:
    """One line of a chat, with what acts about it have left on it (``acts`` folds them in stream order)."""

    message_id: bytes
    conversation_id: bytes
    kind: str  # text, photo, document, request, answer, charge, notice, warning, unreadable
    mine: bool
    author: bytes  # person id, empty for notices
    at_ms: int
    number: int = 0  # 0 while it has none
    text: str = ""
    photo: PhotoPart | None = None
    problem: str = ""
    failed: bool = False
    notice: str = ""
    names: tuple[str, ...] = ()
    reply_to: bytes = b""
    level: Level = Level.INFO
    reason: str = ""
    mentions: tuple[bytes, ...] = ()
    origin: Origin | None = None
    request: Request | None = None
    answer: Answer | None = None  # what this line answers to ``reply_to``
    versions: tuple[Version, ...] = ()
    deleted_ms: int = 0
    reactions: tuple[Reacted, ...] = ()
    charges: tuple[Charged, ...] = ()
    answers: tuple[Answered, ...] = ()
    pinned: bool = False
    taking: Taking | None = None  # what this line says of being in charge of ``reply_to``
    handed_by: bytes = b""  # who handed it over, where it was sealed before this person came
    document: DocumentPart | None = None
    consent: bool = False  # the patient agrees to the photo, as its author says
    basis: Consent = Consent.NONE  # why the photo may be shown, where a later version of the store says it

    @property
    def consented(self) -> Consent:
        """Why the photo may be shown, as its author says."""
        return self.basis or Consent(self.consent)

    @property
    def attached(self) -> PhotoPart | DocumentPart | None:
        """What of this line is a sealed blob."""
        return self.photo or self.document

    @property
    def in_charge(self) -> bytes:
        """The person in charge, empty where nobody is."""
        last = self.charges[-1] if self.charges else None
        return b"" if last is None or last.taking is Taking.RELEASE else last.person_id

    @property
    def open(self) -> bool:
        """A demand that nobody has answered, or something urgent that nobody has taken charge of."""
        asks = self.request is not None and not self.answers
        waits = self.level is Level.URGENT and not self.in_charge
        return (asks or waits) and not self.deleted_ms


@dataclass(frozen=True)
class Orphan:
    """An act whose message is not here yet."""

    content: bytes
    author: bytes
    at_ms: int


@dataclass(frozen=True)
class Item:
    """Something to be sent, from the wish to its row in the stream.

    ``message_id`` names the act and stays the same however often it is sealed again. ``after_epoch`` is the epoch to
    wait for before it is; ``packages`` are key packages already fetched, which are not fetched again.
    """

    message_id: bytes
    conversation_id: bytes
    act: Act
    stage: Stage = Stage.INTENT
    kind: Kind = Kind.APPLICATION
    priority: Class = Class.NORMAL
    content: bytes = b""
    persons: tuple[bytes, ...] = ()
    devices: tuple[bytes, ...] = ()
    packages: tuple[bytes, ...] = ()
    epoch: int = 0
    body: bytes = b""
    welcome: bytes = b""
    after_epoch: int = 0
    refusals: int = 0
    number: int = 0
    read: int = 0  # for a read receipt: the number it says
    group_info: bytes = b""  # of the epoch that a commit begins
    hand_over: bool = False  # for an add: the newcomers get what was said before, ``days`` back
    days: int = 0  # 0: everything


@dataclass(frozen=True)
class Loss:
    """A conversation whose thread this device lost, and what was tried in the last day.

    ``reason`` is why; ``digest`` the one that others do not share, where that is why. ``open`` is False once the
    thread was found: what was tried still counts. ``given_up``: the last rung is reached.
    """

    conversation_id: bytes
    reason: str
    since_ms: int
    open: bool = True
    rejoins: int = 0
    resets: int = 0
    given_up: bool = False
    digest: bytes = b""


@dataclass(frozen=True)
class Latecomer:
    """A person or device to be added once it has left key packages."""

    conversation_id: bytes
    person_id: bytes
    device_id: bytes = b""
    hand_over: bool = False
    days: int = 0


@dataclass(frozen=True)
class Card:
    """A person as their device certificates name them."""

    person_id: bytes
    display_name: str
    profession: str
    place: str
    checked_how: str
    checked_at_ms: int
    gone: bool = False  # left MiSS for good
    suspended: bool = False  # the register does not know them as practising
    as_of_ms: int = 0  # when the certificate that says so was issued


@dataclass(frozen=True)
class Pin:
    """A device's key as it was first seen; ``trusted`` is False where nobody known vouched for it."""

    person_id: bytes
    device_id: bytes
    signature_key: bytes
    trusted: bool
    certificate: bytes


@dataclass(frozen=True)
class Upload:
    """A sealed photo or document on its way to the server."""

    blob: bytes
    conversation_id: bytes
    message_id: bytes


# The kinds that somebody said, and that count as unread.
SPOKEN = ("text", "photo", "document", "request", "answer", "charge")


def place_of(number: int, line: int = 0) -> int:
    """Where a line of row ``number`` stands in the chat."""
    return number << NUMBER_SHIFT | line


def number_at(place: int) -> int:
    """The row whose line stands at a place."""
    return place >> NUMBER_SHIFT
