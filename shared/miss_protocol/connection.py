"""The websocket dialogue as a state machine, the same class at both ends: frames out as bytes, bytes in as frames.

Rule 1: everything that decides who may say what, and when, is in the table below.
Rule 2: the table is read in the same way for what is sent and for what is received.
"""

from collections.abc import Iterable
from enum import StrEnum

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.frames import (
    Accepted,
    Acknowledge,
    Attended,
    Challenge,
    Deliver,
    Diverged,
    Drained,
    Frame,
    Gap,
    Login,
    Progress,
    Ready,
    Refused,
    Reports,
    Submit,
    Ticket,
    TicketPlease,
    Typing,
    Typist,
    decode,
    encode,
)


class Role(StrEnum):
    CLIENT = "client"
    SERVER = "server"


class State(StrEnum):
    """How far the dialogue has come."""

    NEW = "new"  # the server speaks first
    CHALLENGED = "challenged"  # the client signs
    CLAIMED = "claimed"  # the server checks the signature
    OPEN = "open"


# (state, who speaks) -> frame type -> next state. What is not here is out of turn.
TURNS: dict[tuple[State, Role], dict[type[Frame], State]] = {
    (State.NEW, Role.SERVER): {Challenge: State.CHALLENGED},
    (State.CHALLENGED, Role.CLIENT): {Login: State.CLAIMED},
    (State.CLAIMED, Role.SERVER): {Ready: State.OPEN},
    (State.OPEN, Role.CLIENT): {
        Submit: State.OPEN,
        Acknowledge: State.OPEN,
        TicketPlease: State.OPEN,
        Reports: State.OPEN,
        Typing: State.OPEN,
        Attended: State.OPEN,
    },
    (State.OPEN, Role.SERVER): {
        Accepted: State.OPEN,
        Refused: State.OPEN,
        Deliver: State.OPEN,
        Progress: State.OPEN,
        Drained: State.OPEN,
        Gap: State.OPEN,
        Ticket: State.OPEN,
        Diverged: State.OPEN,
        Typist: State.OPEN,
    },
}


class Connection:
    """One end of one websocket.

    Args:
        role: which end this is.
    """

    __slots__ = ("_peer", "_role", "state")

    def __init__(self, role: Role) -> None:
        self._role = role
        self._peer = Role.SERVER if role is Role.CLIENT else Role.CLIENT
        self.state = State.NEW

    def send(self, *frames: Frame) -> bytes:
        """The websocket message that says these frames.

        Raises:
            LocalError: ``out-of-turn``.
        """
        self.state = self._after(frames, self._role, LocalError)
        return encode(*frames)

    def receive(self, message: bytes | str) -> list[Frame]:
        """The frames of one websocket message.

        Raises:
            RemoteError: ``malformed``, ``too-large``, ``unknown-frame`` or ``out-of-turn``; the caller closes.
        """
        if isinstance(message, str):
            raise RemoteError("malformed", "a text message")
        frames = decode(message)
        self.state = self._after(frames, self._peer, RemoteError)
        return frames

    def _after(self, frames: Iterable[Frame], speaker: Role, error: type[LocalError] | type[RemoteError]) -> State:
        state = self.state
        turns = TURNS.get((state, speaker), {})
        for frame in frames:
            following = turns.get(type(frame))
            if following is None:
                raise error("out-of-turn", f"{type(frame).__name__} from the {speaker} while {state}")
            if following is not state:
                state, turns = following, TURNS.get((following, speaker), {})
        return state
