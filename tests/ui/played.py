"""What the engine of the main person showed at the end of the play, kept for the scenes of the same run."""

import os
import pickle
from dataclasses import dataclass, field
from pathlib import Path

from miss_app.engine.events import (
    CharterView,
    ConversationView,
    DeviceView,
    LinkView,
    MessageView,
    PersonView,
    ProofView,
    ReaderView,
    RegistrationView,
    ServerView,
    WishesView,
)

VARIABLE = "MISS_PLAYED"  # names the file that the play wrote


@dataclass
class Played:
    """Every view was the answer of an engine that had lived through the play over real sockets."""

    server: ServerView
    registration: RegistrationView  # as it stood while the code was on its way
    charter: CharterView
    ways: tuple[str, ...]
    me: PersonView
    people: list[PersonView]
    favourites: list[PersonView]
    near: list[PersonView]
    colleagues: list[PersonView]
    wishes: WishesView
    devices: list[DeviceView]
    asking: LinkView  # what the workstation's request said to the phone
    link_code: str
    link_qr: str
    talks: list[ConversationView]
    lines: dict[bytes, list[MessageView]]
    pictures: dict[bytes, bytes] = field(default_factory=dict)
    proofs: dict[bytes, list[ProofView]] = field(default_factory=dict)
    readers: dict[bytes, list[ReaderView]] = field(default_factory=dict)
    acts: ConversationView | None = None  # the team in which every act has left its trace

    def person(self, name: str) -> PersonView | None:
        """Somebody by their name."""
        everybody = [self.me, *self.people, *self.colleagues]
        return next((one for one in everybody if one.display_name == name), None)

    def write(self, path: Path) -> None:
        """Keep it."""
        path.write_bytes(pickle.dumps(self))


def _read() -> Played | None:
    name = os.environ.get(VARIABLE)
    if not name:
        return None
    found = pickle.loads(Path(name).read_bytes())
    assert isinstance(found, Played)
    return found


PLAYED = _read()
