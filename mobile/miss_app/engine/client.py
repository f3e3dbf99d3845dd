"""A person's verbs on one device: what the screens, the tests and the bots call."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from miss_app.engine import people as directory
from miss_app.engine.account import Account, new_id
from miss_app.engine.approvals import Approvals
from miss_app.engine.assistance import Assistance
from miss_app.engine.attachments import Attachments, Draft
from miss_app.engine.availability import Availabilities
from miss_app.engine.beginning import begin_direct, begin_group, check_reachable
from miss_app.engine.deeds import Deeds, speak
from miss_app.engine.door import Door
from miss_app.engine.events import (
    ConversationView,
    DeviceView,
    Event,
    Link,
    MessageView,
    PersonView,
    RegistrationView,
    ServerView,
    Stage,
    StateChanged,
)
from miss_app.engine.key_shares import KeyShares
from miss_app.engine.model import Act, Conversation, Item
from miss_app.engine.onboarding import Onboarding
from miss_app.engine.own_devices import OwnDevices
from miss_app.engine.passages import Passages
from miss_app.engine.patients import Patient
from miss_app.engine.preferences import Preferences
from miss_app.engine.presence import Presence
from miss_app.engine.problems import Problem
from miss_app.engine.profile import Profile
from miss_app.engine.proof import Proof
from miss_app.engine.reach import Reach
from miss_app.engine.safety import Safety
from miss_app.engine.saying import PLAIN, Manner, said_again, say
from miss_app.engine.search import Found
from miss_app.engine.storage import Storage
from miss_app.engine.teams import Teams
from miss_app.engine.vault import Vault
from miss_app.policy import NONE, Policy
from miss_app.ports.interfaces import SecureStore
from miss_protocol import content as contents
from miss_protocol import limits


class Client:
    """A person's verbs on one device.

    The ``async`` methods run on the engine's own loop; the plain ones may be called from any thread.

    Args:
        folder: the profile's own.
        language: ``fr`` or ``en`` until the profile has a setting.
        on_event: hears every event, on the engine's thread.
        device_name: what the person's other devices will call this one.
        keystore: of the operating system, where it has one.
        shared: whether several people use this machine under one account.
        policy: what the machine's establishment decided.
    """

    def __init__(
        self,
        folder: Path,
        *,
        language: str = "fr",
        on_event: Callable[[Event], None],
        device_name: str = "",
        keystore: SecureStore | None = None,
        shared: bool = False,
        policy: Policy = NONE,
    ) -> None:
        self._profile = Profile(folder)
        self._first_language = language
        self._policy = policy
        self._on_event = on_event
        shares = KeyShares(keystore, lambda: shared)
        self.door = Door(self._profile, Vault(self._profile.vault_path), shares, self._language, self._hear)
        self._onboarding = Onboarding(self._profile, device_name, self._language, self.door.tell)
        self.door.onboarding, self.door.prepare = self._onboarding, self._prepare
        opened = self.door.open_account
        self.deeds = Deeds(self._account_and_record)
        self.attachments = Attachments(self._account_and_record)
        self.teams = Teams(self._account_and_record, opened)
        self.availability = Availabilities(opened)
        self.storage = Storage(self._account_and_record, opened)
        self.assistance = Assistance(opened, self.link, folder)
        self.passages = Passages(self._account_and_record, opened)
        self.own_devices = OwnDevices(opened, self.door.confirm)
        self.preferences = Preferences(opened)
        self.presence = Presence(self._profile, self._onboarding, self.door, self.door.tell)
        self.proof = Proof(self._onboarding, opened)
        self.reach = Reach(self._profile, opened, self.preferences)
        self.safety = Safety(opened)

    def _prepare(self, account: Account) -> None:
        account.greet, account.keep_server = self._greet, self._profile.set_server
        account.server_sheet.days_max = self._policy.messages_days
        self.reach.begin()

    def _greet(self) -> None:
        self.presence.greet()
        self.reach.resume()

    @property
    def _account(self) -> Account | None:
        return self.door.account

    # Life.

    async def start(self) -> None:
        """Find out where this profile stands, and go on from there."""
        await self.door.start()

    async def stop(self) -> None:
        await self.door.stop()

    def stage(self) -> Stage:
        return self.door.stage

    def link(self) -> Link:
        return self.door.link

    def registration(self) -> RegistrationView | None:
        pending = self._profile.pending()
        return None if pending is None else pending.view()

    def link_code(self) -> str:
        """The typed code that this new device shows while it waits to be linked; "" otherwise."""
        return self._onboarding.link_codes()[0]

    def link_qr(self) -> str:
        return self._onboarding.link_codes()[1]

    def server(self) -> ServerView | None:
        found = self._profile.server()
        if found is None:
            return None
        fingerprint = found.invitation.server_id.hex()
        issuer = "" if self._account is None else self._account.session.issuer
        return ServerView(
            found.name, " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4)), issuer
        )

    def me(self) -> PersonView | None:
        account = self._account
        return None if account is None else account.people.view(account.certificate.person_id)

    def _hear(self, event: Event) -> None:
        self.assistance.hear(event)
        if self._account is not None:
            self._account.search.hear(event)
            if isinstance(event, StateChanged) and (setting := self.preferences.setting(event.name)) is not None:
                self._profile.set_setting(*setting)
        self._on_event(event)

    def _language(self) -> str:
        return self.settings()["language"]

    # Becoming a device.

    async def use_invitation(self, link: str) -> None:
        await self._onboarding.use_invitation(link, self._policy.check_invitation)

    async def claim(
        self, rpps: str, family_name: str, given_name: str, profession: str, *, charter_version: str = ""
    ) -> None:
        await self._onboarding.claim(rpps, family_name, given_name, profession, charter_version=charter_version)

    async def enter_code(self, code: str) -> None:
        await self._onboarding.enter_code(code)

    async def send_code_again(self) -> None:
        await self._onboarding.send_code_again()

    async def start_over(self) -> None:
        await self._onboarding.start_over()

    async def start_linking(self) -> str:
        return await self._onboarding.start_linking()

    async def link_device(self, code: str, *, pin: str, days: int | None = 0) -> DeviceView:
        return await self.own_devices.link(code, pin=pin, days=days)

    async def devices(self) -> list[DeviceView]:
        return await self.own_devices.listed()

    # The PIN.

    async def choose_pin(self, pin: str) -> None:
        self._policy.check_pin(pin)
        await self.door.choose(pin)

    async def unlock(self, pin: str) -> None:
        await self.door.unlock(pin)

    async def lock(self) -> None:
        await self.door.lock()

    def approvals(self) -> Approvals:
        """Other devices of this person that ask to be opened from this one; Problem("locked")."""
        return self.door.open_account().approvals

    async def accept_alarm(self) -> None:
        """The devices that ``IdentityAlarm`` named are this person's own, or what it said was understood."""
        self.door.open_account().log_watch.accept()

    # Reading.

    async def search_people(self, words: str, *, profession: str = "", place: str = "") -> list[PersonView]:
        return await directory.search(self.door.open_account().http, words, profession, place)

    def conversations(self) -> list[ConversationView]:
        """Newest first, pinned ones before, archived ones after; none with somebody who is blocked."""
        account = self._account
        if account is None:
            return []
        with account.store.lock:
            if account.store.closed:  # locked meanwhile, from the engine's thread
                return []
            records = [one for one in account.conversations.all() if not one.moved_to and not one.own]
            records.sort(key=lambda one: one.at_ms, reverse=True)
            views = [account.messages.conversation_view(one) for one in records]
            views = [one for one in views if not one.blocked]
            return sorted(views, key=lambda one: (one.archived, not one.pinned))

    def conversation(self, conversation_id: bytes) -> ConversationView | None:
        account = self._account
        if account is None:
            return None
        with account.store.lock:
            if account.store.closed:
                return None
            record = account.conversations.get(conversation_id)
            if record is not None and record.moved_to:
                record = account.conversations.get(record.moved_to)
            return None if record is None else account.messages.conversation_view(record)

    def search(self, words: str, *, inside: bytes | None = None) -> Found:
        """What on this device holds all the words; ``inside`` looks into one conversation alone."""
        account = self._account
        if account is None:
            return Found((), (), True)
        with account.store.lock:
            if account.store.closed:
                return Found((), (), True)
            among = account.conversations.all() if inside is None else []
            found = account.search.find(words, among, inside=inside)
            conversations = tuple(one for one in found.conversations if not one.blocked)
            return replace(
                found, conversations=conversations, messages=tuple(m for m in found.messages if not m.blocked)
            )

    def messages(self, conversation_id: bytes, *, before: bytes | None = None, limit: int = 60) -> list[MessageView]:
        """Oldest first, ending before a message."""
        return self.passages.before(conversation_id, before, limit)

    async def photo(self, conversation_id: bytes, message_id: bytes) -> bytes:
        """JPEG bytes, downloaded where they are not here; Problem("photo-not-there-yet") or ("photo-gone")."""
        return await self.attachments.opened(conversation_id, message_id)

    # Conversations.

    async def open_direct(self, person: PersonView) -> bytes:
        """The conversation with a person, begun where there is none.

        Raises:
            Problem: ``person-not-reachable``, or ``not-contactable`` where they do not wish it.
        """
        account = self.door.open_account()
        known = account.conversations.direct_with(person.person_id)
        if self.door.link is Link.ONLINE and (known is None or not known.active):
            await directory.check_contactable(account.http, person)
        return begin_direct(account, person)

    async def create_group(
        self, title: str, patient: str | Patient, people: Sequence[PersonView], *, days: int | None = None
    ) -> bytes:
        """A care team, perhaps about a patient; Problem as ``begin_group``."""
        about = Patient(patient) if isinstance(patient, str) else patient
        return begin_group(self.door.open_account(), title, about, people, days)

    async def add_people(
        self, conversation_id: bytes, people: Sequence[PersonView], *, days: int | None = None
    ) -> None:
        """Add people.

        Args:
            days: how far back this device hands over to them what was said; 0 for everything, None for nothing.
        """
        account = self.door.open_account()
        record = self._record(account, conversation_id)
        check_reachable(account, people)
        with account.store.step() as step:
            for person in people:
                account.people.introduce(step, person)
            persons = tuple(one.person_id for one in people)
            item = Item(new_id(), record.conversation_id, Act.ADD, persons=persons)
            account.outbox.enqueue(step, replace(item, hand_over=days is not None, days=days or 0))

    async def remove_person(self, conversation_id: bytes, person_id: bytes) -> None:
        account = self.door.open_account()
        record = self._record(account, conversation_id)
        with account.store.step() as step:
            account.outbox.enqueue(step, Item(new_id(), record.conversation_id, Act.REMOVE, persons=(person_id,)))

    async def leave(self, conversation_id: bytes) -> None:
        """Go, with all of one's devices: the others are removed, then this one proposes to go."""
        account = self.door.open_account()
        record = self._record(account, conversation_id)
        others = account.membership.own_other_devices(account.conversations.group(record.conversation_id))
        with account.store.step() as step:
            if others:
                account.outbox.enqueue(step, Item(new_id(), record.conversation_id, Act.REMOVE, devices=others))
            account.outbox.enqueue(step, Item(new_id(), record.conversation_id, Act.LEAVE))
            account.conversations.save(step, replace(record, leaving=True))
            account.messages.tell_conversation(step, record.conversation_id)

    # Messages.

    async def send_text(self, conversation_id: bytes, text: str, manner: Manner = PLAIN) -> bytes:
        """Queue a text; it shows at once and goes when it can.

        Raises:
            Problem: ``text-too-long``, ``text-empty``, or ``reason-missing`` for an urgent one that does not say why.
        """
        account, record = self._account_and_record(conversation_id)
        if not text.strip():
            raise Problem("text-empty")
        if len(text) > limits.TEXT_CHARACTERS_MAX:
            raise Problem("text-too-long")
        return speak(account, record, contents.Text(text), manner)

    async def send_photo(
        self, conversation_id: bytes, data: bytes, *, file_name: str, caption: str = "", **options: Any
    ) -> bytes:
        """Make a photo small and clean, seal it, queue it; ``options`` and problems as ``Attachments.send_photos``."""
        draft = Draft(data, file_name, caption, full=options.pop("full", False))
        return (await self.attachments.send_photos(conversation_id, [draft], **options))[0]

    async def retry(self, conversation_id: bytes, message_id: bytes) -> None:
        """Queue a failed message again, under the same id."""
        account = self.door.open_account()
        record = self._record(account, conversation_id)
        message = account.messages.find(record.conversation_id, message_id)
        if message is None or not message.failed:
            return
        body, manner = said_again(message)
        with account.store.step() as step:
            say(account, step, record.conversation_id, message_id, body, manner=manner)
            account.messages.change(step, replace(message, failed=False, problem=""))

    async def hurry(self) -> None:
        """The person came to the front: connect now, not after the waiting time."""
        self.door.hurry()

    async def typing(self, conversation_id: bytes) -> None:
        """The person is writing here; the others see it for a few seconds."""
        account, record = self._account_and_record(conversation_id)
        await account.session.typing(record.conversation_id)

    async def mark_read(self, conversation_id: bytes, message_id: bytes = b"") -> None:
        """The person has seen a conversation down to that message, else down to its end."""
        account = self.door.open_account()
        account.receipts.mark_read(self._record(account, conversation_id).conversation_id, message_id)
        await self.reach.attend()

    def _account_and_record(self, conversation_id: bytes) -> tuple[Account, Conversation]:
        account = self.door.open_account()
        return account, self._record(account, conversation_id)

    def _record(self, account: Account, conversation_id: bytes) -> Conversation:
        """The record of a conversation, or of the one it moved to; Problem("conversation-unknown")."""
        record = account.conversations.get(conversation_id)
        if record is not None and record.moved_to:
            record = account.conversations.get(record.moved_to)
        if record is None:
            raise Problem("conversation-unknown")
        return record

    # Settings.

    def settings(self) -> dict[str, str]:
        """``theme`` and ``language``; readable before the PIN."""
        found = self._profile.settings()
        return {"language": self._first_language, **found}

    async def set_setting(self, name: str, value: str, *, everywhere: bool = True) -> None:
        """Keep a setting; on this person's other devices too, where it is not of this one alone."""
        self._profile.set_setting(name, value)
        if everywhere and self._account is not None:
            self.preferences.share_setting(name, value)
