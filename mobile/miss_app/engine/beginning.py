"""Conversations begun: a group of one leaf, and the intents that bring the others in, written in one step."""

from collections.abc import Sequence

from miss_app.engine.account import Account, new_id
from miss_app.engine.conversations import with_members
from miss_app.engine.events import PersonView
from miss_app.engine.model import Act, Conversation, Item
from miss_app.engine.patients import Patient
from miss_app.engine.problems import Problem
from miss_app.engine.saying import say
from miss_app.engine.store import Step
from miss_app.engine.teams import check_days, subject_of
from miss_protocol.acts import Retention
from miss_protocol.frames import ID_BYTES, Class


def begin_direct(account: Account, person: PersonView) -> bytes:
    """The conversation with a person, begun where there is none; Problem("person-not-reachable")."""
    known = account.conversations.direct_with(person.person_id)
    if known is not None and known.active:
        return known.conversation_id
    check_reachable(account, [person])
    conversation_id = new_id()
    group = account.membership.begin_direct(conversation_id, person.person_id)
    record = Conversation(conversation_id, True, person.person_id, at_ms=account.clock.now_ms())
    with account.store.step() as step:
        account.conversations.save_group(step, conversation_id, group)
        _begin(account, step, with_members(record, group, account.people.me, 0), [person])
    return conversation_id


def begin_group(
    account: Account, title: str, patient: Patient, people: Sequence[PersonView], days: int | None = None
) -> bytes:
    """A care team with these people.

    Args:
        days: how long devices keep its messages, said in the chat; None for as long as they may, unsaid.

    Raises:
        Problem: ``group-title-missing``, ``group-empty``, ``person-not-reachable``, ``text-too-long``,
            ``retention-unknown``, ``patient-missing``, ``birth-date-wrong`` or ``ins-wrong``.
    """
    subject = subject_of(title, patient, account.clock.now_ms())
    if days is not None:
        check_days(days)
    if not people:
        raise Problem("group-empty")
    check_reachable(account, people)
    conversation_id = new_id()
    group = account.membership.begin_group(conversation_id)
    record = Conversation(
        conversation_id,
        False,
        title=subject.title,
        patient=subject.patient,
        at_ms=account.clock.now_ms(),
        birth_date=subject.birth_date,
        identifier=subject.identifier,
    )
    with account.store.step() as step:
        account.conversations.save_group(step, conversation_id, group)
        _begin(account, step, with_members(record, group, account.people.me, 0), people)
        say(account, step, conversation_id, new_id(), subject, Class.SILENT)
        if days is not None:
            say(account, step, conversation_id, new_id(), Retention(days), Class.SILENT)
    return conversation_id


def _begin(account: Account, step: Step, record: Conversation, people: Sequence[PersonView]) -> None:
    """The creation, then the commit that adds everybody's devices, one's own others among them."""
    conversation_id = record.conversation_id
    for person in people:
        account.people.introduce(step, person)
    account.conversations.save(step, record)
    account.outbox.enqueue(step, Item(new_id(), conversation_id, Act.CREATE, priority=Class.SILENT))
    persons = (*(one.person_id for one in people), account.people.me)
    account.outbox.enqueue(step, Item(new_id(), conversation_id, Act.ADD, persons=persons))
    account.messages.tell_conversation(step, conversation_id)


def check_reachable(account: Account, people: Sequence[PersonView]) -> None:
    """Raises Problem("person-not-reachable") unless all of them are on MiSS, and somebody else."""
    for one in people:
        if not one.reachable or len(one.person_id) != ID_BYTES or one.person_id == account.people.me:
            raise Problem("person-not-reachable")
