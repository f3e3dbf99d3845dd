"""The rooms of a scene for patients, availability, storage and help: they answer from what the test put in it."""

from collections.abc import Callable, Collection
from datetime import date
from typing import Any

from miss_app.engine.events import (
    AvailabilityView,
    ConversationView,
    PatientView,
    PersonView,
    ServiceView,
    StorageView,
)
from miss_app.engine.patients import Kinship, Patient, checked, is_named, kinship

TODAY = date(2026, 5, 20)
Did = Callable[..., None]


class Rooms:
    """What tests put on a stage for these rooms."""

    def __init__(self) -> None:
        self.availability: dict[bytes, AvailabilityView] = {}
        self.mine = AvailabilityView()
        self.storage: list[StorageView] = []
        self.service = ServiceView(
            "du lundi au vendredi, de 8 h à 18 h", "03 20 00 00 00", "assistance@exemple.example"
        )
        self.number = "K7M2-9XQ4"
        self.facts = [
            ("version", "0.1.0"),
            ("system", "Linux 6.1 x86_64"),
            ("python", "3.11.7"),
            ("link", "online"),
            ("conversations", "8 / 9"),
            ("waiting", "content-ready 1"),
            ("uploads", "1"),
            ("lost", "0"),
            ("space", "214 MB / 18200 MB"),
            ("problems", "server-away, tls-unknown-authority"),
        ]


class StagedTeams:
    """Deciding in conversations, noted; patients compared as the engine does."""

    def __init__(self, talks: list[ConversationView], did: Did) -> None:
        self._talks = talks
        self._did = did

    def check(self, patient: Patient) -> Patient:
        return checked(patient, TODAY)

    def about(self, patient: Patient, *, but: bytes = b"") -> list[PatientView]:
        found = []
        for one in self._talks:
            near = kinship(patient, _patient(one))
            if one.patient and near is not Kinship.OTHER and one.conversation_id != but:
                found.append(PatientView(one, near is Kinship.HOMONYM, near is Kinship.SAME))
        return sorted(found, key=lambda one: one.homonym)

    def strangers_in(self, conversation_id: bytes, text: str) -> list[ConversationView]:
        here = next((one for one in self._talks if one.conversation_id == conversation_id), None)
        if here is None or not here.patient:
            return []
        others = [one for one in self._talks if kinship(_patient(here), _patient(one)) is Kinship.OTHER]
        return [one for one in others if one.patient and is_named(_patient(one), text)]

    def __getattr__(self, name: str) -> Any:
        async def deed(*what: Any, **how: Any) -> None:
            self._did(name, *what, *how.values())

        return deed


class StagedAvailability:
    """Who is away, as the test says."""

    def __init__(self, rooms: Rooms, people: list[PersonView], did: Did) -> None:
        self._rooms = rooms
        self._people = people
        self._did = did

    async def mine(self) -> AvailabilityView:
        return self._rooms.mine

    async def set(self, state: str, until_ms: int = 0, delegate: bytes = b"") -> AvailabilityView:
        self._did("set_availability", state, until_ms, delegate)
        named = next((one for one in self._people if one.person_id == delegate), None)
        self._rooms.mine = AvailabilityView(state, until_ms, named if delegate else None)
        return self._rooms.mine

    async def of(self, persons: Collection[bytes]) -> dict[bytes, AvailabilityView]:
        return {one: self._rooms.availability[one] for one in persons if one in self._rooms.availability}


class StagedStorage:
    """What takes room, as the test says."""

    def __init__(self, rooms: Rooms, did: Did) -> None:
        self._rooms = rooms
        self._did = did

    async def used(self) -> list[StorageView]:
        return list(self._rooms.storage)

    async def free(self, conversation_id: bytes) -> int:
        self._did("free", conversation_id)
        gone = [one for one in self._rooms.storage if one.conversation.conversation_id == conversation_id]
        self._rooms.storage = [one for one in self._rooms.storage if one not in gone]
        return sum(one.file_bytes for one in gone)


class StagedAssistance:
    """Help, as the test says."""

    def __init__(self, rooms: Rooms, did: Did) -> None:
        self._rooms = rooms
        self._did = did

    def service(self) -> ServiceView:
        return self._rooms.service

    def facts(self) -> list[tuple[str, str]]:
        return list(self._rooms.facts)

    async def report(self, text: str) -> str:
        self._did("report", text)
        return self._rooms.number


def _patient(view: ConversationView) -> Patient:
    return Patient(view.patient, view.birth_date, view.identifier)
