"""What is decided in a conversation: its title and patient, how long messages stay, who its admins are."""

from collections.abc import Callable
from datetime import UTC, date, datetime

from miss_app.engine.account import Account, new_id
from miss_app.engine.events import ConversationView, PatientView
from miss_app.engine.model import Act, Conversation, Item
from miss_app.engine.patients import Kinship, Patient, checked, corrects, is_named, kinship, patient_of
from miss_app.engine.problems import Problem
from miss_app.engine.saying import say
from miss_protocol import content as contents
from miss_protocol import limits
from miss_protocol.acts import Retention
from miss_protocol.frames import Class


class Teams:
    """What a person decides in the conversations they are an admin of, and what they know of patients here.

    Every deciding verb raises Problem: ``not-admin``, ``conversation-unknown`` or ``locked``.

    Args:
        account: the open account, and a conversation's record by its id, or the Problem.
        open_account: the open account, or Problem("locked").
    """

    def __init__(
        self, account: Callable[[bytes], tuple[Account, Conversation]], open_account: Callable[[], Account]
    ) -> None:
        self._account = account
        self._open = open_account

    # Deciding.

    async def call(self, conversation_id: bytes, title: str, patient: Patient, *, another: bool = False) -> None:
        """What a conversation is called, and whom it is about.

        Args:
            another: the person knows that these are not the same patient's data, and wants it so.

        Raises:
            Problem: ``group-title-missing``, ``text-too-long``, ``patient-missing``, ``birth-date-wrong``,
                ``ins-wrong``, or ``another-patient`` where that is unsaid.
        """
        account, record = self._as_admin(conversation_id)
        subject = subject_of(title, patient, account.clock.now_ms())
        before, after = patient_of(record), Patient(subject.patient, subject.birth_date, subject.identifier)
        if before.name and after.name and not another and not corrects(before, after):
            raise Problem("another-patient")
        with account.store.step() as step:
            say(account, step, record.conversation_id, new_id(), subject, Class.SILENT)

    async def keep(self, conversation_id: bytes, days: int) -> None:
        """How long devices keep this conversation's messages. Problem("retention-unknown")."""
        account, record = self._as_admin(conversation_id)
        check_days(days)
        with account.store.step() as step:
            say(account, step, record.conversation_id, new_id(), Retention(days), Class.SILENT)

    async def name_admin(self, conversation_id: bytes, person_id: bytes) -> None:
        """This member decides too from now on. Problem("person-not-in")."""
        account, record = self._as_admin(conversation_id)
        if record.direct or not any(one.person_id == person_id for one in record.members):
            raise Problem("person-not-in")
        self._want(account, Item(new_id(), record.conversation_id, Act.NAME_ADMIN, persons=(person_id,)))

    async def resign(self, conversation_id: bytes) -> None:
        """Be an admin no more. Problem("last-admin") where nobody else is one."""
        account, record = self._as_admin(conversation_id)
        if record.direct or not any(one.admin and one.person_id != account.people.me for one in record.members):
            raise Problem("last-admin")
        self._want(account, Item(new_id(), record.conversation_id, Act.RESIGN_ADMIN))

    def _as_admin(self, conversation_id: bytes) -> tuple[Account, Conversation]:
        account, record = self._account(conversation_id)
        if not any(one.admin and one.person_id == account.people.me for one in record.members):
            raise Problem("not-admin")
        return account, record

    def _want(self, account: Account, item: Item) -> None:
        with account.store.step() as step:
            account.outbox.enqueue(step, item)

    # Patients on this device.

    def check(self, patient: Patient) -> Patient:
        """What is typed, as it will be said. Problem("patient-missing"), ("birth-date-wrong") or ("ins-wrong")."""
        return checked(patient, _today(self._open().clock.now_ms()))

    def about(self, patient: Patient, *, but: bytes = b"") -> list[PatientView]:
        """The conversations here about a patient, about one who may be the same, and about one of the same name.

        Args:
            but: leave this conversation out.
        """
        account = self._open()
        found = []
        with account.store.lock:
            for record in _shown(account):
                near = kinship(patient, patient_of(record))
                if near is not Kinship.OTHER and record.conversation_id != but:
                    view = account.messages.conversation_view(record)
                    found.append(PatientView(view, near is Kinship.HOMONYM, near is Kinship.SAME))
        return sorted(found, key=lambda one: (one.homonym, not one.certain, one.conversation.title.casefold()))

    def strangers_in(self, conversation_id: bytes, text: str) -> list[ConversationView]:
        """Where a conversation is about a patient: those here about another one, whom the text names."""
        account, here = self._account(conversation_id)
        if not here.patient or not text.strip():
            return []
        found: dict[Patient, Conversation] = {}
        with account.store.lock:
            for record in _shown(account):
                other = patient_of(record)
                named = kinship(patient_of(here), other) is Kinship.OTHER and is_named(other, text)
                if named and not is_named(patient_of(here), other.name):
                    found.setdefault(other, record)
            return [account.messages.conversation_view(record) for record in found.values()]


def subject_of(title: str, patient: Patient, now_ms: int) -> contents.Subject:
    """What a person typed, fit to be sealed; Problem as ``Teams.call``."""
    title = title.strip()
    if not title:
        raise Problem("group-title-missing")
    if len(title) > limits.TITLE_CHARACTERS_MAX:
        raise Problem("text-too-long")
    found = checked(patient, _today(now_ms))
    return contents.Subject(title, found.name, found.birth_date, found.identifier)


def check_days(days: int) -> None:
    """Raises Problem("retention-unknown") unless devices may keep messages that long."""
    if not 1 <= days <= limits.RETENTION_DAYS_MAX:
        raise Problem("retention-unknown")


def _shown(account: Account) -> list[Conversation]:
    return [one for one in account.conversations.all() if one.patient and not one.own and not one.moved_to]


def _today(now_ms: int) -> date:
    return datetime.fromtimestamp(now_ms / 1000, UTC).date()
