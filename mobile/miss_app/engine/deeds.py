"""What a person does about messages: react, edit, take back, forward, take charge, ask, answer, pin."""

import asyncio
from collections.abc import Callable

from miss_app.engine.account import Account, new_id
from miss_app.engine.acts import checked_answer
from miss_app.engine.attachments import resealed, send_sealed
from miss_app.engine.events import MessageView, ReaderView
from miss_app.engine.hearing import heard
from miss_app.engine.model import Conversation, Message
from miss_app.engine.patients import corrects, patient_of
from miss_app.engine.problems import Problem
from miss_app.engine.saying import PLAIN, Manner, say
from miss_protocol import content as contents
from miss_protocol import limits
from miss_protocol.acts import (
    Answer,
    Charge,
    Deletion,
    Dosage,
    Origin,
    Pinned,
    Reaction,
    Request,
    Taking,
    Verdict,
)
from miss_protocol.content import Consent
from miss_protocol.frames import Class
from miss_protocol.sealing import seal_blob


def speak(account: Account, record: Conversation, body: contents.Body, manner: Manner = PLAIN) -> bytes:
    """Say something that is a line of the chat; its message id."""
    manner.check()
    message_id = new_id()
    with account.store.step() as step:
        content = say(account, step, record.conversation_id, message_id, body, manner=manner)
        if content.target is not None:
            account.traces.queued(step, content, record.conversation_id)
        line = heard(content, record.conversation_id, account.people.me, True, content.sent_at_ms, 0)
        account.messages.add(step, line)
    return message_id


class Deeds:
    """What a person does about messages.

    Every verb raises Problem: ``message-unknown`` where the message is not on this device any more,
    ``message-deleted``, ``conversation-unknown`` or ``locked``.

    Args:
        account: the open account, and a conversation's record by its id, or the Problem.
    """

    def __init__(self, account: Callable[[bytes], tuple[Account, Conversation]]) -> None:
        self._account = account

    def _message(self, conversation_id: bytes, message_id: bytes) -> tuple[Account, Conversation, Message]:
        account, record = self._account(conversation_id)
        message = account.messages.find(record.conversation_id, message_id)
        if message is None:
            raise Problem("message-unknown")
        message = account.messages.overlay(message)
        if message.deleted_ms:
            raise Problem("message-deleted")
        return account, record, message

    def _act(
        self,
        account: Account,
        message: Message,
        body: contents.Body,
        *,
        reply_to: bytes | None = None,
        replaces: bytes | None = None,
    ) -> None:
        """Queue a silent act; the message shows it at once."""
        manner = Manner(reply_to)
        with account.store.step() as step:
            content = say(
                account, step, message.conversation_id, new_id(), body, Class.SILENT, manner, replaces=replaces
            )
            account.traces.queued(step, content, message.conversation_id)

    async def react(self, conversation_id: bytes, message_id: bytes, emoji: str) -> None:
        """One's emoji on a message, in place of the one before; "" takes it back. Problem("emoji-too-long")."""
        account, _, message = self._message(conversation_id, message_id)
        if len(emoji) > limits.EMOJI_CHARACTERS_MAX:
            raise Problem("emoji-too-long")
        self._act(account, message, Reaction(emoji), reply_to=message_id)

    async def edit(self, conversation_id: bytes, message_id: bytes, text: str) -> None:
        """Say it better; what it said before stays visible. Problem("not-yours"), ("text-empty"), ("text-too-long")."""
        account, _, message = self._message(conversation_id, message_id)
        if not message.mine or message.kind not in ("text", "photo", "document"):
            raise Problem("not-yours")
        most = limits.TEXT_CHARACTERS_MAX if message.attached is None else limits.CAPTION_CHARACTERS_MAX
        if not text.strip():
            raise Problem("text-empty")
        if len(text) > most:
            raise Problem("text-too-long")
        self._act(account, message, contents.Text(text), replaces=message_id)

    async def delete(self, conversation_id: bytes, message_id: bytes) -> None:
        """Take back what one wrote; that there was something stays visible. Problem("not-yours")."""
        account, _, message = self._message(conversation_id, message_id)
        if not message.mine:
            raise Problem("not-yours")
        if message.failed:
            with account.store.step() as step:
                account.messages.remove(step, message)
            return
        self._act(account, message, Deletion(), replaces=message_id)

    async def forward(
        self,
        conversation_id: bytes,
        message_id: bytes,
        target: bytes,
        *,
        leaving_team: bool = False,
        other_patient: bool = False,
        consent: Consent = Consent.NONE,
    ) -> bytes:
        """The same in another conversation, under one's own name, saying where it comes from.

        Args:
            consent: to a photo's being shown there; what was said of it counts for those who have it already.

        Raises:
            Problem: ``leaves-the-team`` where it is about a patient and somebody there is not in the team here, unless
                ``leaving_team`` says that the person has decided; ``other-patient`` where the conversation there is
                about another one, unless ``other_patient`` does; ``consent-missing`` where a patient's photo gets to
                others than those here; ``not-forwardable``; or as ``Transfers.opened``.
        """
        account, record, message = self._message(conversation_id, message_id)
        _, there = self._account(target)
        if message.kind not in ("text", "photo", "document"):
            raise Problem("not-forwardable")
        team = {one.person_id for one in record.members}
        others = _readers(account, there) - team
        if record.patient and not leaving_team and others:
            raise Problem("leaves-the-team")
        about, whom = patient_of(record), patient_of(there)
        if about.name and whom.name and not other_patient and not corrects(whom, about):
            raise Problem("other-patient")
        if message.photo is not None and (record.patient or message.consented) and others and not consent:
            raise Problem("consent-missing")
        origin = message.origin or Origin(account.people.name(message.author), message.at_ms)
        manner = Manner(origin=origin, consent=consent or message.consented)
        if message.attached is None:
            return speak(account, there, contents.Text(message.text), manner)
        data = await account.transfers.opened(message)
        sealed = await asyncio.to_thread(seal_blob, data)  # a key of its own: who is there can open this one only
        return send_sealed(account, there, resealed(message, sealed), sealed, manner)

    async def take_charge(self, conversation_id: bytes, message_id: bytes, *, over: bool = False) -> None:
        """ "Je prends en charge"; ``over`` knowingly takes over from who is. Problem("already-in-charge")."""
        account, record, message = self._message(conversation_id, message_id)
        if message.in_charge == account.people.me:
            return
        if message.in_charge and not over:
            raise Problem("already-in-charge")
        body = Charge(Taking.TAKE_OVER if message.in_charge else Taking.TAKE)
        speak(account, record, body, Manner(message_id))

    async def release(self, conversation_id: bytes, message_id: bytes) -> None:
        """Not in charge any more; nothing where one is not."""
        account, record, message = self._message(conversation_id, message_id)
        if message.in_charge == account.people.me:
            speak(account, record, Charge(Taking.RELEASE), Manner(message_id))

    async def ask(
        self,
        conversation_id: bytes,
        *,
        question: str = "",
        dosage: Dosage | None = None,
        manner: Manner = PLAIN,
    ) -> bytes:
        """A demand of confirmation. Problem("question-empty"), ("dosage-incomplete") or ("text-too-long")."""
        account, record = self._account(conversation_id)
        if dosage is not None:
            _check_dosage(dosage)
        elif not question.strip():
            raise Problem("question-empty")
        if len(question) > limits.QUESTION_CHARACTERS_MAX:
            raise Problem("text-too-long")
        return speak(account, record, Request(question, dosage), manner)

    async def answer(
        self,
        conversation_id: bytes,
        message_id: bytes,
        verdict: Verdict,
        *,
        dosage: Dosage | None = None,
        note: str = "",
    ) -> bytes:
        """Answer a demand: a confirmation repeats the dosage asked about, a correction says the right one.

        Raises:
            Problem: ``own-request``, ``wrong-answer``, ``dosage-incomplete`` or ``text-too-long``.
        """
        account, record, message = self._message(conversation_id, message_id)
        if message.mine:
            raise Problem("own-request")
        if verdict is Verdict.CONFIRMED and message.request is not None:
            dosage = message.request.dosage
        if dosage is not None:
            _check_dosage(dosage)
        if len(note) > limits.QUESTION_CHARACTERS_MAX:
            raise Problem("text-too-long")
        said = Answer(verdict, dosage, note)
        fits = (verdict in (Verdict.CONFIRMED, Verdict.CORRECTED)) == (dosage is not None)
        if not fits or checked_answer(message, account.people.me, said) is None:
            raise Problem("wrong-answer")
        return speak(account, record, said, Manner(message_id))

    async def pin(self, conversation_id: bytes, message_id: bytes, on: bool = True) -> None:
        """Keep a message at hand for everybody, or not any more."""
        account, _, message = self._message(conversation_id, message_id)
        if message.pinned != on:
            self._act(account, message, Pinned(on), reply_to=message_id)

    def readers(self, conversation_id: bytes, message_id: bytes) -> list[ReaderView]:
        """Who has read a message of one's own, who has received it, and who has not."""
        account, _, message = self._message(conversation_id, message_id)
        with account.store.lock:
            return account.messages.readers(message)

    def open_ones(self, conversation_id: bytes) -> list[MessageView]:
        """What waits for somebody's answer or charge, oldest first."""
        account, record = self._account(conversation_id)
        with account.store.lock:
            found = [account.messages.view(one) for one in account.messages.open_ones(record.conversation_id)]
            return [one for one in found if one.open]


def _readers(account: Account, record: Conversation) -> set[bytes]:
    """Who reads what is said in a conversation now, those included whose addition is still on its way."""
    coming = {person for item in account.outbox.items(record.conversation_id) for person in item.persons}
    return {one.person_id for one in record.members} | coming | ({record.peer} - {b""})


def _check_dosage(dosage: Dosage) -> None:
    words = (dosage.drug, dosage.dose, dosage.route, dosage.rhythm)
    if not dosage.drug.strip() or not dosage.dose.strip():
        raise Problem("dosage-incomplete")
    if any(len(word) > limits.DOSAGE_CHARACTERS_MAX for word in words):
        raise Problem("text-too-long")
