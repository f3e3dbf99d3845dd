"""What the engine tells the screen: immutable views of its state, and events that say which view changed."""

from dataclasses import dataclass
from enum import StrEnum

from miss_app.engine.model import Version
from miss_protocol import limits
from miss_protocol.acts import Answer, Level, Origin, Request, Taking
from miss_protocol.content import Consent


class Stage(StrEnum):
    """Where this profile stands between first start and conversation list."""

    INVITATION = "invitation"  # no server chosen yet
    IDENTITY = "identity"  # server known, nobody registered: ask for the claim, or offer to link
    BROWSER = "browser"  # the person signs in with Pro Santé Connect, in the system's browser
    CODE = "code"  # a code was sent to the listed mailbox, or is shown in the browser
    WAITING = "waiting"  # an operator decides
    REFUSED = "refused"  # the operator or the register said no
    LINKING = "linking"  # this new device shows its link code and waits for the trusted one
    PIN = "pin"  # certified, no PIN yet
    LOCKED = "locked"  # a vault exists and is closed
    OPEN = "open"  # unlocked
    REVOKED = "revoked"  # this device was removed


class Link(StrEnum):
    """The state of the connection to the server."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    ONLINE = "online"


class Tick(StrEnum):
    """How far a message of one's own has come."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True)
class ServerView:
    """The server behind the invitation: name as in the link, fingerprint in hex groups, who made its certificate."""

    name: str
    fingerprint: str
    issuer: str = ""


@dataclass(frozen=True)
class RegistrationView:
    """A registration under way.

    ``problem`` is a machine-readable reason ("" when there is none) which ``texts`` turns into a sentence;
    ``mailbox`` is masked ("m***@medecin.mssante.example"); ``via`` is "mailbox", "operator" or "psc";
    ``authorize`` is the address for the browser.
    """

    stage: Stage
    via: str = ""
    mailbox: str = ""
    problem: str = ""
    attempts_left: int = 5
    note: str = ""  # what the operator wrote on refusing
    authorize: str = ""
    until_ms: int = 0  # while the person's other devices may refuse: when this one takes their place


@dataclass(frozen=True)
class CharterView:
    """The charter and privacy notice in force, and whether this person has accepted that version."""

    version: str
    text: str
    accepted_at_ms: int = 0


@dataclass(frozen=True)
class WishesView:
    """Whether the directory leaves this person out, and who may write to them: "all", "establishment" or "known"."""

    unlisted: bool = False
    contact: str = "all"


@dataclass(frozen=True)
class PersonView:
    """A professional as the register names them, and whether they can be written to on MiSS."""

    person_id: bytes  # 16 bytes; empty when the person is not on MiSS
    display_name: str  # "Dr Camille Lefèvre"
    profession: str  # "Médecin", or the specialty
    place: str  # "CHU de Lille, Lille"
    reachable: bool
    checked_how: str = ""  # "mailbox", "operator"…
    checked_at_ms: int = 0
    invite: str = ""  # of who is not on MiSS: what invites them
    doubtful: bool = False  # a device of theirs is neither vouched for nor accepted here
    suspended: bool = False  # the register does not know them as practising


@dataclass(frozen=True)
class ProofView:
    """What a device of somebody's shows of its proof: how and when, and for how long its certificate is good.

    For a device that another one linked, ``first_how`` and ``first_at_ms`` are the check behind it, where known here.
    """

    how: str
    at_ms: int
    from_ms: int
    until_ms: int
    trusted: bool
    first_how: str = ""
    first_at_ms: int = 0


@dataclass(frozen=True)
class ClaimView:
    """Somebody proves to be this person, on a new device; it takes the place of all others then, unless refused."""

    registration_id: bytes
    until_ms: int
    device_name: str


@dataclass(frozen=True)
class MemberView:
    """One person in a conversation, with how many devices they have in it."""

    person: PersonView
    admin: bool
    me: bool
    devices: int


@dataclass(frozen=True)
class PhotoView:
    """A photo inside a message: thumbnail JPEG bytes, size in pixels and bytes, and what is on this device."""

    thumbnail: bytes
    width: int
    height: int
    size_bytes: int
    original_bytes: int  # before reduction; 0 when unknown
    here: bool  # the full picture is in the store
    progress: float = 0.0  # 0…1 of the upload or download under way


@dataclass(frozen=True)
class DocumentView:
    """A document inside a message: what it is called, and what is on this device."""

    name: str
    media_type: str
    size_bytes: int
    here: bool  # the whole document is in the store
    progress: float = 0.0  # 0…1 of the upload or download under way


@dataclass(frozen=True)
class QuoteView:
    """The message that a line replies to; ``author`` is None where it is not on this device."""

    message_id: bytes
    author: PersonView | None
    kind: str  # as of the message, or "deleted"
    text: str
    request: Request | None = None
    thumbnail: bytes = b""


@dataclass(frozen=True)
class ReactionView:
    """One emoji under a message, and who chose it."""

    emoji: str
    people: tuple[PersonView, ...]
    mine: bool


@dataclass(frozen=True)
class ChargeView:
    """Who is in charge of what a message asks, since when."""

    person: PersonView
    mine: bool
    at_ms: int


@dataclass(frozen=True)
class AnswerView:
    """One answer to a demand of confirmation."""

    person: PersonView
    at_ms: int
    answer: Answer


@dataclass(frozen=True)
class ReaderView:
    """How far a message of one's own has come with one person."""

    person: PersonView
    tick: Tick  # ACCEPTED, DELIVERED or READ


@dataclass(frozen=True)
class MessageView:
    """One line of a chat.

    ``kind`` is "text", "photo", "document", "request" (a demand of confirmation), "answer" (to the request that
    ``quote`` shows), "charge" (somebody takes charge of what ``quote`` shows, or not any more), "notice" (a grey line:
    someone joined, left, a device was added…), "warning" (a red line) or "unreadable" (a placeholder with its reason).
    For notices ``notice`` names the sentence in ``texts`` and ``names`` fills it.
    """

    message_id: bytes  # 16 bytes, unique in the conversation
    conversation_id: bytes
    kind: str
    mine: bool
    author: PersonView | None
    at_ms: int
    text: str = ""
    photo: PhotoView | None = None
    tick: Tick | None = None
    problem: str = ""  # reason when tick is FAILED or kind is "unreadable"
    notice: str = ""
    names: tuple[str, ...] = ()
    quote: QuoteView | None = None
    level: Level = Level.INFO
    reason: str = ""  # why it is urgent
    mentions: tuple[PersonView, ...] = ()
    origin: Origin | None = None  # of a forwarded message
    request: Request | None = None
    answer: Answer | None = None
    taking: Taking | None = None
    versions: tuple[Version, ...] = ()  # what it said before it was edited, oldest first
    deleted_ms: int = 0  # when its author took it back; 0: not
    reactions: tuple[ReactionView, ...] = ()
    charge: ChargeView | None = None
    answers: tuple[AnswerView, ...] = ()
    pinned: bool = False
    open: bool = False  # waits for somebody's answer or charge
    names_me: bool = False  # it mentions this person, and so is told of where the conversation is muted
    blocked: bool = False  # by somebody of whom this person wants nothing: folded, and never told
    handed_by: PersonView | None = None  # who handed it over, where it was said before this person came
    document: DocumentView | None = None
    consent: Consent = Consent.NONE  # why the photo may be shown, as its author says


@dataclass(frozen=True)
class ConversationView:
    """One row of the conversation list."""

    conversation_id: bytes  # 16 bytes
    direct: bool
    title: str  # the other person's name, or the group's title
    patient: str  # "" when the conversation is about nobody in particular
    last: MessageView | None
    unread: int
    active: bool  # False once this person left or was removed
    members: tuple[MemberView, ...] = ()
    birth_date: str = ""  # of the patient, "1941-03-07"
    identifier: str = ""  # of the patient: INS or record number
    retention_days: int = limits.RETENTION_DAYS_MAX
    open: int = 0  # how many messages wait for somebody's answer or charge
    draft: str = ""  # what this person has written and not sent, on whichever device
    pinned: bool = False
    archived: bool = False
    muted_until_ms: int = 0
    urgent: bool = False  # one of the open ones is urgent, and nobody is in charge
    blocked: bool = False  # with somebody of whom this person wants nothing: neither listed nor told
    open_own: int = 0  # how many of the open ones this person wrote: others are to act on them
    urgent_own: bool = False  # nothing urgent but this person's own is open
    mentions: int = 0  # messages not read yet that name this person: they count where the conversation is muted too
    unsaid: bool = False  # of two, just begun, and nobody has said anything in it yet: who looked is told to nobody


@dataclass(frozen=True)
class StorageView:
    """How much room the photos and documents of a conversation take on this device."""

    conversation: ConversationView
    files: int
    file_bytes: int


@dataclass(frozen=True)
class AvailabilityView:
    """Whether somebody is "available", "busy" or "away", until when, and who answers instead."""

    state: str = "available"
    until_ms: int = 0
    delegate: PersonView | None = None
    delegate_available: bool = True


@dataclass(frozen=True)
class ServiceView:
    """When and how help is to be had, "" where the server says nothing of it; how long devices may keep messages."""

    hours: str = ""
    telephone: str = ""
    mail: str = ""
    devices_days: int = limits.RETENTION_DAYS_MAX


@dataclass(frozen=True)
class PatientView:
    """A conversation on this device about a patient, about one who may be the same, or about a homonym."""

    conversation: ConversationView
    homonym: bool  # the same name, and another birth date or INS
    certain: bool  # the data say that it is the same


@dataclass(frozen=True)
class DeviceView:
    """One of this person's devices."""

    device_id: bytes
    name: str
    this: bool
    added_at_ms: int
    last_seen_ms: int
    checked_how: str = ""  # "mailbox", "operator", "linked"…


class Verified(StrEnum):
    """What the comparison of safety numbers with somebody is worth."""

    NOT = "not"  # never compared
    COMPARED = "compared"
    VOUCHED = "vouched"  # a device came since, and one that was compared vouches for it
    LAPSED = "lapsed"  # a device came since for which none of those vouches


@dataclass(frozen=True)
class SafetyView:
    """The safety number shared with somebody."""

    groups: tuple[str, ...]  # 12 of 5 digits
    qr: str  # what this person's QR code says
    verified: Verified
    compared_ms: int = 0  # when; 0: never


@dataclass(frozen=True)
class LinkView:
    """A new device that asks to be linked, as its request says."""

    device_name: str


@dataclass(frozen=True)
class UnknownDevice:
    """A device certified under this person's name that none of their trusted devices vouches for."""

    device_id: bytes
    certified_at_ms: int
    checked_how: str


@dataclass(frozen=True)
class Alarm:
    """What the log of certificates shows against this person or this server; ``problem`` names a sentence."""

    problem: str = ""
    unknown: tuple[UnknownDevice, ...] = ()

    @property
    def raised(self) -> bool:
        return bool(self.problem or self.unknown)


@dataclass(frozen=True)
class Event:
    """Something changed; the screen asks the client for the view it needs."""


@dataclass(frozen=True)
class StageChanged(Event):
    stage: Stage


@dataclass(frozen=True)
class RegistrationChanged(Event):
    registration: RegistrationView


@dataclass(frozen=True)
class IdentityClaimed(Event):
    """Who claims to be this person, on new devices; none where that is over."""

    claims: tuple[ClaimView, ...]


@dataclass(frozen=True)
class LinkChanged(Event):
    link: Link
    problem: str = ""  # why it is not online: "tls-unknown-authority", "proxy-refused", "server-away"…


@dataclass(frozen=True)
class ConversationChanged(Event):
    conversation: ConversationView


@dataclass(frozen=True)
class MessageAdded(Event):
    message: MessageView


@dataclass(frozen=True)
class MessageChanged(Event):
    message: MessageView


@dataclass(frozen=True)
class MessageRemoved(Event):
    """A line is gone: it was never sent, or the conversation keeps messages no longer."""

    conversation_id: bytes
    message_id: bytes


@dataclass(frozen=True)
class SomeoneTyping(Event):
    """A member is writing; worth showing for a few seconds."""

    conversation_id: bytes
    person: PersonView


@dataclass(frozen=True)
class LinkRequested(Event):
    """On the new device: the typed code to show. On the trusted one: the name of the device that asks."""

    code: str = ""
    device_name: str = ""


@dataclass(frozen=True)
class HistoryProgress(Event):
    """Messages go from one device to another: so many of so many; ``whom`` names the other device or person."""

    giving: bool
    whom: str
    done: int
    expected: int
    finished: bool = False


@dataclass(frozen=True)
class HistoryArrived(Event):
    """Older lines of a conversation have come: whoever shows it reads it again."""

    conversation_id: bytes


@dataclass(frozen=True)
class StateChanged(Event):
    """Something this person's devices share has changed: a draft, a pin, a setting…; ``name`` says which."""

    name: str


@dataclass(frozen=True)
class PersonArrived(Event):
    """Somebody this person invited is on MiSS; the conversation with them is open."""

    person: PersonView
    conversation_id: bytes


@dataclass(frozen=True)
class CharterAsked(Event):
    """The server has a charter that this person has not accepted yet."""

    charter: CharterView


@dataclass(frozen=True)
class Trouble(Event):
    """Something went wrong that no single message carries; ``problem`` names the sentence in ``texts``."""

    problem: str


@dataclass(frozen=True)
class IdentityAlarm(Event):
    """Somebody may be certified in this person's name, or the server has rewritten its log; empty once judged."""

    alarm: Alarm
