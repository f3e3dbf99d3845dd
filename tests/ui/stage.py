"""A scene for the widget tests: an object with the engine's surface that answers from what the test put in it.

It proves nothing about the engine; it lets a screen be drawn and touched with known views.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from miss_app.engine.attachments import Draft
from miss_app.engine.documents import save_copy
from miss_app.engine.events import (
    Alarm,
    CharterView,
    ConversationView,
    DeviceView,
    Event,
    IdentityAlarm,
    IdentityClaimed,
    Link,
    LinkView,
    MessageAdded,
    MessageView,
    PersonView,
    ProofView,
    ReaderView,
    RegistrationView,
    SafetyView,
    ServerView,
    Stage,
    StageChanged,
    Tick,
    Verified,
    WishesView,
)
from miss_app.engine.folding import fold
from miss_app.engine.patients import Patient
from miss_app.engine.problems import Problem
from miss_app.engine.reach import QuietHours, ReachView
from miss_app.engine.saying import PLAIN, Manner
from miss_app.engine.search import Found
from miss_app.engine.vault import Guard
from miss_protocol.content import Consent
from ui.staged_rooms import Rooms, StagedAssistance, StagedAvailability, StagedStorage, StagedTeams

NOW_MS = 1_779_280_320_000  # 20 May 2026, 14:32 in Paris


class OwnDevices:
    """What the screens may ask about devices."""

    def __init__(self, scene: "Scene") -> None:
        self._scene = scene

    async def look(self, shown: str) -> LinkView:
        self._scene._did("look", shown)
        return self._scene.now_asking

    async def rename(self, device_id: bytes, name: str) -> None:
        self._scene._did("rename_device", device_id, name)

    async def revoke(self, device_id: bytes, *, pin: str) -> None:
        self._scene._did("revoke", device_id, pin)


class Reached:
    """What the screens may ask about notifications."""

    def __init__(self, scene: "Scene") -> None:
        self._scene = scene
        self.now = ReachView(
            "",
            NOW_MS - 86_400_000,
            NOW_MS - 3_900_000,
            "sent",
            "m***@medecin.mssante.example",
            0,
            True,
            QuietHours(),
            120,
        )
        self.now_sound = True
        self.attended = 0

    def quiet(self) -> QuietHours:
        return self.now.quiet

    def quiet_now(self) -> bool:
        return False

    def sound(self) -> bool:
        return self.now_sound

    def set_sound(self, wanted: bool) -> None:
        self.now_sound = wanted

    async def attend(self) -> None:
        self.attended += 1

    async def standing(self) -> ReachView:
        self._scene._did("reach")
        return self.now

    async def set_quiet(self, quiet: QuietHours) -> ReachView:
        self._scene._did("set_quiet", quiet)
        self.now = replace(self.now, quiet=quiet)
        return self.now

    async def set_mails(self, wanted: bool) -> ReachView:
        self._scene._did("set_mails", wanted)
        self.now = replace(self.now, mails=wanted)
        return self.now


class Door:
    """What the screens may ask of the lock."""

    def __init__(self, scene: "Scene") -> None:
        self._scene = scene
        self.now_guard = Guard.SERVER
        self.now_approvable = False
        self.now_wait = 0.0

    def guard(self) -> Guard:
        return self.now_guard

    def approvable(self) -> bool:
        return self.now_approvable

    def wait_seconds(self) -> float:
        return self.now_wait

    async def best_guard(self) -> Guard:
        return self.now_guard

    async def choose_words(self, typed: str, drawn: str) -> None:
        self._scene._did("choose_words", typed, drawn)
        self._scene._go(Stage.OPEN)

    async def ask_approval(self) -> str:
        self._scene._did("ask_approval")
        return "4821"

    async def stop_asking(self) -> None:
        self._scene._did("stop_asking")

    async def wipe(self) -> None:
        self._scene._did("wipe")
        self._scene._go(Stage.INVITATION)

    async def approve(self, device_id: bytes, code: str) -> None:
        self._scene._did("approve", device_id, code)

    async def refuse(self, device_id: bytes) -> None:
        self._scene._did("refuse", device_id)


class Safety:
    """What the screens may ask about safety numbers; ``other`` is what the other person's code says."""

    GROUPS = (
        "61014",
        "21262",
        "28764",
        "62770",
        "30220",
        "58930",
        "19002",
        "57934",
        "60078",
        "05549",
        "12176",
        "44267",
    )

    def __init__(self, scene: "Scene") -> None:
        self._scene = scene
        self.now = Verified.NOT
        self.problem = ""
        self.other = "MISS:SAFETY:" + "B" * 103

    def verified(self, person_id: bytes) -> Verified:
        return self.now

    async def number(self, person_id: bytes) -> SafetyView:
        if self.problem:
            raise Problem(self.problem)
        at_ms = 0 if self.now is Verified.NOT else NOW_MS - 9 * 86_400_000
        return SafetyView(self.GROUPS, "MISS:SAFETY:" + "A" * 103, self.now, at_ms)

    async def compare(self, person_id: bytes, shown: str) -> SafetyView:
        self._scene._did("compare", shown)
        if shown != self.other:
            raise Problem("safety-differs")
        return await self.mark(person_id, True)

    async def mark(self, person_id: bytes, on: bool) -> SafetyView:
        self._scene._did("mark", on)
        self.now = Verified.COMPARED if on else Verified.NOT
        return await self.number(person_id)


class Scene:
    """What the screens may ask; ``asked`` records every verb with its arguments, ``refuse`` makes verbs fail."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.on_wake: Callable[[], None] = lambda: None
        self.client = self
        self.own_devices = OwnDevices(self)
        self.door = Door(self)
        self.presence = self
        self.reach = Reached(self)
        self.proof = self
        self.rooms = Rooms()
        self.now_group: tuple[Patient, int] = (Patient(), 0)
        self.safety = Safety(self)
        self.now_blocked: list[PersonView] = []
        self.now_open_chat = b""
        self.asked: list[tuple[Any, ...]] = []
        self.refuse: dict[str, Problem] = {}
        self.now_stage = Stage.INVITATION
        self.now_link = Link.ONLINE
        self.now_doubtful: list[PersonView] = []
        self.now_proofs: list[ProofView] = []
        self.now_ways: tuple[str, ...] = ("mailbox", "psc", "voucher")
        self.now_registration: RegistrationView | None = None
        self.now_server: ServerView | None = None
        self.now_me: PersonView | None = None
        self.now_settings: dict[str, str] = {"theme": "light", "language": "fr"}
        self.now_charter = CharterView("2026-11-22", "CHARTE D’UTILISATION\n\n1. MiSS sert à parler d’un patient.")
        self.now_wishes = WishesView()
        self.now_favourites: list[PersonView] = []
        self.now_near: list[PersonView] = []
        self.now_colleagues: list[PersonView] = []
        self.people: list[PersonView] = []
        self.talks: list[ConversationView] = []
        self.lines: dict[bytes, list[MessageView]] = {}
        self.pictures: dict[bytes, bytes] = {}
        self.written: list[str] = []  # what stands in the person's own files
        self.my_devices: list[DeviceView] = []
        self.now_asking = LinkView("Poste de soins")
        self.now_link_code = "K7M29XQ4DR5T"
        self.now_link_qr = "MISS:LINK:K7M29XQ4DR5T:" + "A" * 52
        self.now_readers: dict[bytes, list[ReaderView]] = {}
        self.proofs_of: dict[bytes, list[ProofView]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scene", daemon=True)
        self._number = 0

    # The thread's surface.

    def start(self) -> None:
        if not self._thread.is_alive():
            self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def call(self, coroutine: Coroutine[Any, Any, Any]) -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def tell(self, event: Event) -> None:
        self.events.put(event)
        self.on_wake()

    # What is read at once.

    def approvals(self) -> Door:
        return self.door

    def stage(self) -> Stage:
        return self.now_stage

    def link(self) -> Link:
        return self.now_link

    def registration(self) -> RegistrationView | None:
        return self.now_registration

    def server(self) -> ServerView | None:
        return self.now_server

    def me(self) -> PersonView | None:
        return self.now_me

    def link_code(self) -> str:
        return self.now_link_code if self.now_stage is Stage.LINKING else ""

    def settings(self) -> dict[str, str]:
        return dict(self.now_settings)

    def conversations(self) -> list[ConversationView]:
        return list(self.talks)

    def conversation(self, conversation_id: bytes) -> ConversationView | None:
        return next((each for each in self.talks if each.conversation_id == conversation_id), None)

    def messages(self, conversation_id: bytes, *, before: bytes | None = None, limit: int = 60) -> list[MessageView]:
        lines = self.lines.get(conversation_id, [])
        if before is not None:
            place = next(place for place, line in enumerate(lines) if line.message_id == before)
            lines = lines[:place]
        return lines[-limit:]

    # Verbs.

    def _did(self, *what: Any) -> None:
        self.asked.append(what)
        if what[0] in self.refuse:
            raise self.refuse[what[0]]

    def _go(self, stage: Stage) -> None:
        self.now_stage = stage
        self.tell(StageChanged(stage))

    async def use_invitation(self, link: str) -> None:
        self._did("use_invitation", link)
        self._go(Stage.IDENTITY)

    async def charter(self) -> CharterView:
        self._did("charter")
        return self.now_charter

    async def charter_standing(self) -> CharterView:
        self._did("charter_standing")
        return self.now_charter

    async def wishes(self) -> WishesView:
        return self.now_wishes

    async def set_wishes(self, wanted: WishesView) -> WishesView:
        self._did("set_wishes", wanted)
        self.now_wishes = wanted
        return wanted

    async def leave_miss(self, pin: str) -> None:
        self._did("leave_miss", pin)
        self._go(Stage.INVITATION)

    def favourites(self) -> list[PersonView]:
        return list(self.now_favourites)

    async def set_favourite(self, person: PersonView, chosen: bool) -> None:
        self._did("set_favourite", person.display_name, chosen)
        self.now_favourites = [one for one in self.now_favourites if one != person] + ([person] if chosen else [])

    async def colleagues(self, words: str = "") -> list[PersonView]:
        wanted = words.casefold()
        return [each for each in self.now_colleagues if wanted in each.display_name.casefold()]

    async def new_near(self) -> list[PersonView]:
        return list(self.now_near)

    async def invite(self, person: PersonView) -> str:
        self._did("invite", person.invite)
        return "mailed"

    async def accept_charter(self, version: str) -> None:
        self._did("accept_charter", version)

    async def claim(
        self, rpps: str, family_name: str, given_name: str, profession: str, *, charter_version: str = ""
    ) -> None:
        self._did("claim", rpps, family_name, given_name, profession, charter_version)
        self.now_registration = RegistrationView(Stage.CODE, "mailbox", "c***@medecin.mssante.example")
        self._go(Stage.CODE)

    async def ways(self) -> tuple[str, ...]:
        self._did("ways")
        return self.now_ways

    async def claim_in_browser(self, *, charter_version: str = "") -> str:
        self._did("claim_in_browser", charter_version)
        self.now_registration = RegistrationView(Stage.BROWSER, "psc", authorize="https://psc.example/auth")
        self._go(Stage.BROWSER)
        return "https://psc.example/auth"

    async def claim_vouched(
        self, voucher: str, family_name: str, given_name: str, *, charter_version: str = ""
    ) -> None:
        self._did("claim_vouched", voucher, family_name, given_name, charter_version)
        self._go(Stage.PIN)

    async def enter_code(self, code: str) -> None:
        self._did("enter_code", code)
        self._go(Stage.PIN)

    async def send_code_again(self) -> None:
        self._did("send_code_again")

    async def start_over(self) -> None:
        self._did("start_over")
        self._go(Stage.IDENTITY)

    async def start_linking(self) -> str:
        self._did("start_linking")
        self._go(Stage.LINKING)
        return self.now_link_code

    def link_qr(self) -> str:
        return self.now_link_qr if self.now_stage is Stage.LINKING else ""

    async def link_device(self, code: str, *, pin: str, days: int | None = 0) -> DeviceView:
        self._did("link_device", code, pin, days)
        return DeviceView(b"d" * 16, "Poste de soins", False, NOW_MS, NOW_MS)

    async def devices(self) -> list[DeviceView]:
        self._did("devices")
        return list(self.my_devices)

    def doubtful(self, conversation_id: bytes) -> list[PersonView]:
        return [] if self.talks[0].conversation_id != conversation_id else list(self.now_doubtful)

    async def confirm(self, persons: list[PersonView]) -> None:
        self._did("confirm", [each.display_name for each in persons])
        self.now_doubtful = []

    def proofs(self, person_id: bytes) -> list[ProofView]:
        return list(self.now_proofs) or self.proofs_of.get(person_id, [])

    async def refuse_claim(self, registration_id: bytes) -> None:
        self._did("refuse_claim", registration_id)
        self.tell(IdentityClaimed(()))

    async def accept_alarm(self) -> None:
        self._did("accept_alarm")
        self.tell(IdentityAlarm(Alarm()))

    async def choose_pin(self, pin: str) -> None:
        self._did("choose_pin", pin)
        self._go(Stage.OPEN)

    async def unlock(self, pin: str) -> None:
        self._did("unlock", pin)
        self._go(Stage.OPEN)

    async def lock(self) -> None:
        self._did("lock")
        self._go(Stage.LOCKED)

    async def search_people(self, words: str, *, profession: str = "", place: str = "") -> list[PersonView]:
        self._did("search_people", words, profession, place)
        wanted = words.casefold()
        return [each for each in self.people if wanted in each.display_name.casefold()]

    async def open_direct(self, person: PersonView) -> bytes:
        self._did("open_direct", person.person_id)
        return next(each.conversation_id for each in self.talks if each.direct)

    async def create_group(
        self, title: str, patient: Patient, people: list[PersonView], *, days: int | None = None
    ) -> bytes:
        self.now_group = (patient, days)
        self._did("create_group", title, patient.name, [each.display_name for each in people])
        return self.talks[0].conversation_id

    async def add_people(self, conversation_id: bytes, people: list[PersonView], *, days: int | None = None) -> None:
        self._did("add_people", conversation_id, [each.display_name for each in people], days)

    async def remove_person(self, conversation_id: bytes, person_id: bytes) -> None:
        self._did("remove_person", conversation_id, person_id)

    async def leave(self, conversation_id: bytes) -> None:
        self._did("leave", conversation_id)

    async def send_text(self, conversation_id: bytes, text: str, manner: Manner = PLAIN) -> bytes:
        self._did("send_text", conversation_id, text, *([] if manner == PLAIN else [manner]))
        message = self.new_message(conversation_id, "text", text=text, mine=True, tick=Tick.QUEUED)
        self.lines.setdefault(conversation_id, []).append(message)
        self.tell(MessageAdded(message))
        return message.message_id

    async def retry(self, conversation_id: bytes, message_id: bytes) -> None:
        self._did("retry", conversation_id, message_id)

    async def hurry(self) -> None:
        self._did("hurry")

    async def typing(self, conversation_id: bytes) -> None:
        self._did("typing", conversation_id)

    def search(self, text: str, *, inside: bytes | None = None) -> Found:
        wanted = fold(text).split()

        def holds(said: str) -> bool:
            return all(word in fold(said) for word in wanted)

        named = (
            one
            for one in self.talks
            if holds(" ".join((one.title, one.patient, *(each.person.display_name for each in one.members))))
        )
        lines = (one for talk in self.lines.values() for one in talk if one.text and holds(one.text))
        found = [one for one in lines if inside is None or one.conversation_id == inside]
        return Found(tuple(named) if inside is None else (), tuple(reversed(found)), True)

    @property
    def passages(self) -> "Passages":
        return Passages(self)

    @property
    def preferences(self) -> "StagedDeeds":
        return StagedDeeds(self)

    @property
    def attachments(self) -> "StagedAttachments":
        return StagedAttachments(self)

    @property
    def deeds(self) -> "StagedDeeds":
        return StagedDeeds(self)

    @property
    def teams(self) -> StagedTeams:
        return StagedTeams(self.talks, self._did)

    @property
    def availability(self) -> StagedAvailability:
        return StagedAvailability(self.rooms, self.people, self._did)

    @property
    def storage(self) -> StagedStorage:
        return StagedStorage(self.rooms, self._did)

    @property
    def assistance(self) -> StagedAssistance:
        return StagedAssistance(self.rooms, self._did)

    async def mark_read(self, conversation_id: bytes, *message_id: bytes) -> None:
        self._did("mark_read", conversation_id, *message_id)

    async def set_setting(self, name: str, value: str, *, everywhere: bool = True) -> None:
        self._did("set_setting", name, value)
        self.now_settings[name] = value

    # Putting things on the stage.

    def new_message(self, conversation_id: bytes, kind: str, **fields: Any) -> MessageView:
        self._number += 1
        fields.setdefault("author", None)
        fields.setdefault("mine", False)
        fields.setdefault("at_ms", NOW_MS + self._number)
        return MessageView(self._number.to_bytes(4, "big") + b"m" * 12, conversation_id, kind, **fields)

    def change(self, message: MessageView, **fields: Any) -> MessageView:
        changed = replace(message, **fields)
        lines = self.lines[message.conversation_id]
        lines[lines.index(message)] = changed
        return changed


class Passages:
    """Where to read in the lines of a scene."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def _place(self, talk: bytes, message_id: bytes) -> int:
        lines = self._scene.lines.get(talk, [])
        return next((at for at, one in enumerate(lines) if one.message_id == message_id), -1)

    def before(self, talk: bytes, message_id: bytes | None, limit: int) -> list[MessageView]:
        return self._scene.messages(talk, before=message_id, limit=limit)

    def after(self, talk: bytes, message_id: bytes, limit: int) -> list[MessageView]:
        at = self._place(talk, message_id) + 1
        return self._scene.lines.get(talk, [])[at : at + limit] if at else []

    def around(self, talk: bytes, message_id: bytes, limit: int) -> list[MessageView]:
        at = self._place(talk, message_id)
        lines = self._scene.lines.get(talk, [])
        return [] if at < 0 else lines[max(0, at - limit // 2) : at + limit // 2 + 1]

    def first_unread(self, talk: bytes) -> bytes | None:
        view, lines = self._scene.conversation(talk), self._scene.lines.get(talk, [])
        unread = [one for one in lines if not one.mine and one.author is not None]
        return unread[-min(len(unread), view.unread)].message_id if view and view.unread and unread else None

    def at(self, talk: bytes, at_ms: int) -> bytes | None:
        lines = self._scene.lines.get(talk, [])
        return next((one.message_id for one in lines if one.at_ms >= at_ms), lines[-1].message_id if lines else None)

    def span(self, talk: bytes) -> tuple[int, int]:
        lines = self._scene.lines.get(talk, [])
        return (lines[0].at_ms, lines[-1].at_ms) if lines else (0, 0)

    def pinned(self, talk: bytes) -> list[MessageView]:
        return [one for one in self._scene.lines.get(talk, []) if one.pinned]

    def open_ones(self) -> list[MessageView]:
        every = [one for lines in self._scene.lines.values() for one in lines if one.open]
        return sorted(every, key=lambda one: one.at_ms)

    def in_charge(self) -> list[MessageView]:
        return [one for lines in self._scene.lines.values() for one in lines if one.charge and one.charge.mine]


class StagedAttachments:
    """What the screens may ask about photos and documents."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def send_photos(
        self, conversation_id: bytes, drafts: list[Draft], *, consent: Consent | bool = False
    ) -> list[bytes]:
        self._scene._did("send_photos", conversation_id, drafts, consent)
        return [b"p" * 16 for _ in drafts]

    async def send_document(self, conversation_id: bytes, data: bytes, *, file_name: str, caption: str = "") -> bytes:
        self._scene._did("send_document", conversation_id, data, file_name, caption)
        return b"d" * 16

    async def opened(self, conversation_id: bytes, message_id: bytes) -> bytes:
        self._scene._did("opened", conversation_id, message_id)
        return self._scene.pictures[message_id]

    async def save_copy(self, conversation_id: bytes, message_id: bytes, folder: Path) -> Path:
        self._scene._did("save_copy", conversation_id, message_id, folder)
        name = next(
            one.document.name for talk in self._scene.lines.values() for one in talk if one.document is not None
        )
        return save_copy(folder, name, self._scene.pictures[message_id])


class StagedDeeds:
    """Notes every deed: ``("react", conversation, message, …)``."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def __getattr__(self, name: str) -> Any:
        async def deed(*what: Any, **how: Any) -> bytes:
            self._scene._did(name, *what, *how.values())
            return b"e" * 16

        return deed

    def open_chat(self) -> bytes:
        return self._scene.now_open_chat

    async def set_open_chat(self, conversation_id: bytes) -> None:
        self._scene.now_open_chat = conversation_id

    def is_blocked(self, person_id: bytes) -> bool:
        return any(one.person_id == person_id for one in self._scene.now_blocked)

    def blocked_people(self) -> list[PersonView]:
        return list(self._scene.now_blocked)

    def readers(self, _conversation_id: bytes, message_id: bytes) -> list[ReaderView]:
        found = self._scene.now_readers.get(message_id)
        return found or [ReaderView(one, Tick.READ) for one in self._scene.people[:2]]

    def open_ones(self, conversation_id: bytes) -> list[MessageView]:
        return [one for one in self._scene.lines.get(conversation_id, []) if one.open]
