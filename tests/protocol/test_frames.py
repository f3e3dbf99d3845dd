"""Frames, turns and contents: round trips, and refusals of what is malformed."""

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miss_protocol import acts, content, frames, limits, sealing, terms
from miss_protocol.connection import Connection, Role, State
from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.frames import Class, Kind, Refusal

I = bytes(range(16))  # noqa: E741
J = bytes(range(16, 32))
N = bytes(range(32))

SAMPLES = [
    frames.Challenge(N, N, 1, 5),
    frames.Login(I, N, 1, b"signature"),
    frames.Ready(7, 3, (frames.StreamHead(I, 9, 8), frames.StreamHead(J, 1, 0))),
    frames.Submit(I, J, Kind.APPLICATION, Class.URGENT, 4, b"body"),
    frames.Submit(I, J, Kind.COMMIT, Class.SILENT, 4, b"body", b"welcome", b"group info"),
    frames.Submit(I, J, Kind.RESET, Class.SILENT, 4, b"body", b"welcome", b"group info"),
    frames.Accepted(I, J, 12, 99),
    frames.Refused(I, J, Refusal.STALE, 5, bytes(16), "détail"),
    frames.Deliver(I, 3, Kind.WELCOME, Class.NORMAL, 5, 6, b"body"),
    frames.Acknowledge(frames.positions([(I, 3), (J, 4)])),
    frames.Progress(I, frames.positions([(J, 4)])),
    frames.Drained(),
    frames.Gap(I, 1, 7),
    frames.TicketPlease(),
    frames.Ticket("token", 600_000),
    frames.Reports((frames.Report(I, 1, 2**40, N), frames.Report(J, 0, 3, b""))),
    frames.Diverged(I, 1, 2**40),
    frames.Typing(I),
    frames.Typist(I, J),
    frames.Attended(),
]


FROM_CLIENTS = (frames.Submit, frames.Acknowledge, frames.TicketPlease, frames.Reports, frames.Typing, frames.Attended)


def test_every_frame_has_a_sample():
    assert {type(s) for s in SAMPLES} == set(frames.FRAMES.values())


def test_round_trip_one_by_one_and_together():
    for sample in SAMPLES:
        assert frames.decode(frames.encode(sample)) == [sample]
    assert frames.decode(frames.encode(*SAMPLES)) == SAMPLES


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: type(s).__name__)
def test_truncated_frames_are_refused(sample):
    data = frames.encode(sample)
    for cut in range(len(data)):
        with pytest.raises(RemoteError):
            frames.decode(data[:cut])


def test_trailing_bytes_inside_a_body_are_refused():
    data = frames.encode(frames.Gap(I, 1, 7))
    longer = data[:2] + bytes((data[2] + 1,)) + data[3:] + b"x"
    with pytest.raises(RemoteError, match="malformed"):
        frames.decode(longer)


def test_unknown_frames():
    assert frames.decode((0x0099).to_bytes(2, "big") + b"\x01x" + frames.encode(frames.Drained())) == [frames.Drained()]
    with pytest.raises(RemoteError, match="unknown-frame"):
        frames.decode((0x8099).to_bytes(2, "big") + b"\x01x")


def test_bodies_above_their_limit_are_refused():
    big = frames.Submit(I, J, Kind.APPLICATION, Class.NORMAL, 0, bytes(limits.APPLICATION_BODY_BYTES_MAX + 1))
    with pytest.raises(RemoteError, match="too-large"):
        frames.decode(frames.encode(big))
    with pytest.raises(RemoteError, match="too-large"):
        frames.decode(bytes(limits.WEBSOCKET_MESSAGE_BYTES_MAX + 1))
    with pytest.raises(RemoteError, match="too-large"):
        frames.decode(frames.encode(frames.Submit(I, J, Kind.APPLICATION, Class.NORMAL, 0, b"", b"welcome")))
    info = frames.Submit(I, J, Kind.COMMIT, Class.SILENT, 0, b"", b"", bytes(limits.GROUP_INFO_BYTES_MAX + 1))
    with pytest.raises(RemoteError, match="too-large"):
        frames.decode(frames.encode(info))
    many = tuple(frames.Report(I, 0, 0, b"") for _ in range(limits.ACKNOWLEDGE_STREAMS_MAX + 1))
    with pytest.raises(RemoteError, match="too-large"):
        frames.decode(frames.encode(frames.Reports(many)))
    with pytest.raises(RemoteError, match="too-large"):
        frames.decode(frames.encode(frames.Reports((frames.Report(I, 0, 0, bytes(33)),))))


def test_nobody_submits_what_only_the_server_delivers():
    for kind in (Kind.WELCOME, Kind.OWN, Kind.NOTICE):
        with pytest.raises(RemoteError, match="malformed"):
            frames.decode(frames.encode(frames.Submit(I, J, kind, Class.NORMAL, 0, b"")))


@given(st.binary(max_size=400))
@settings(max_examples=300, derandomize=True)
def test_garbage_is_refused_or_stepped_over(data):
    for reader in (frames.decode, content.decode, terms.Terms.decode):
        try:
            reader(data)
        except RemoteError:
            pass


def test_bits_flipped_never_escape_as_another_error():
    chance = random.Random(7)
    for sample in SAMPLES * 20:
        data = bytearray(frames.encode(sample))
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        try:
            frames.decode(bytes(data))
        except RemoteError:
            pass


class Pair:
    """Two ends with a wire between."""

    def __init__(self) -> None:
        self.client, self.server = Connection(Role.CLIENT), Connection(Role.SERVER)

    def say(self, role: Role, *said: frames.Frame) -> None:
        here, there = (self.client, self.server) if role is Role.CLIENT else (self.server, self.client)
        assert there.receive(here.send(*said)) == list(said)
        assert here.state is there.state


def test_the_dialogue():
    pair = Pair()
    pair.say(Role.SERVER, SAMPLES[0])
    pair.say(Role.CLIENT, SAMPLES[1])
    pair.say(Role.SERVER, SAMPLES[2], frames.Drained())
    assert pair.server.state is State.OPEN
    pair.say(Role.CLIENT, *(one for one in SAMPLES if isinstance(one, FROM_CLIENTS)))
    pair.say(Role.SERVER, *(one for one in SAMPLES[3:] if not isinstance(one, FROM_CLIENTS)))


@pytest.mark.parametrize("said", SAMPLES, ids=lambda s: type(s).__name__)
def test_out_of_turn_before_login(said):
    server = Connection(Role.SERVER)
    with pytest.raises(RemoteError, match="out-of-turn"):
        server.receive(frames.encode(said))
    assert server.state is State.NEW
    if not isinstance(said, frames.Challenge):
        with pytest.raises(LocalError, match="out-of-turn"):
            server.send(said)


def test_text_messages_are_refused():
    with pytest.raises(RemoteError, match="malformed"):
        Connection(Role.CLIENT).receive("hello")


PHOTO = content.Photo(N, N, 1000, 1600, 1200, 900, 4_000_000, "image/jpeg", b"\xff\xd8thumb", "légende")


DOSAGE = acts.Dosage("Apixaban", "2,5 mg", "per os", "matin et soir")


@pytest.mark.parametrize(
    "body",
    [
        content.Text("Bonjour 👏"),
        PHOTO,
        content.Read(9),
        content.Subject("Équipe", "Mme T.", "1941-03-07", "IPP 12"),
        acts.Reaction("👍"),
        acts.Deletion(),
        acts.Charge(acts.Taking.TAKE_OVER),
        acts.Request("Je passe ce soir ?"),
        acts.Request("", DOSAGE),
        acts.Answer(acts.Verdict.CONFIRMED, DOSAGE),
        acts.Answer(acts.Verdict.CALL_ME, None, "au 12"),
        acts.Retention(30),
        acts.Pinned(True),
    ],
)
def test_contents_round_trip(body):
    text = isinstance(body, content.Text)
    said = content.Content(
        I,
        77,
        body,
        "" if text else "repli",
        J,
        I if text or isinstance(body, acts.Deletion) else None,
        99,
        acts.Urgency(acts.Level.URGENT, "fièvre"),
        (J, I),
        acts.Origin("Dr Fictif", 5),
    )
    assert content.decode(content.encode(said)) == said


def part(kind, body):
    return kind.to_bytes(2, "big") + len(body).to_bytes(1, "big") + body


@pytest.mark.parametrize(
    "parts",
    [
        part(acts.REACTION, b"\x01x"),  # about nothing
        part(acts.CHARGE, b"\x01"),
        part(acts.DELETION, b""),
        part(acts.DELETION, b"x") + part(content.REPLACES, I),
        part(acts.CHARGE, b"\x04") + part(content.IN_REPLY_TO, I),
        part(acts.CHARGE, b"\x00") + part(content.IN_REPLY_TO, I),
        part(acts.ANSWER, b"\x01\x00\x00") + part(content.IN_REPLY_TO, I),  # confirms without saying what
        part(acts.ANSWER, b"\x03\x01\x01a\x01b\x00\x00\x00") + part(content.IN_REPLY_TO, I),
        part(acts.ANSWER, b"\x06\x00\x00") + part(content.IN_REPLY_TO, I),
        part(acts.REQUEST, b"\x00\x00"),  # asks nothing
        part(acts.REQUEST, b"\x00\x01\x01 \x01b\x00\x00"),  # no drug
        part(acts.RETENTION, b"\x00\x00"),
        part(acts.RETENTION, b"\x01\x6e"),
        part(acts.PINNED, b"\x02") + part(content.IN_REPLY_TO, I),
        part(acts.REACTION, b"\x11" + b"x" * 17) + part(content.IN_REPLY_TO, I),
        part(acts.PINNED, b"\x01") + part(content.IN_REPLY_TO, I) + part(content.REPLACES, J),
        part(content.TEXT, b"x") + part(content.URGENCY, b"\x03\x00"),
        part(content.TEXT, b"x") + part(content.MENTIONS, b"\x20" + I + I),
        part(content.TEXT, b"x") + part(content.IN_REPLY_TO, I[:15]),
    ],
)
def test_acts_that_are_malformed(parts):
    with pytest.raises(RemoteError):
        content.decode(I + bytes(8) + parts)


def test_unknown_critical_content_shows_its_fallback():
    known = content.encode(content.Content(I, 77, content.Text("repli")))
    said = content.decode(known + (0x8077).to_bytes(2, "big") + b"\x03abc")
    assert said.body == content.Unknown(0x8077, b"abc")
    assert said.fallback == "repli"


def test_unknown_optional_content_is_stepped_over():
    known = content.encode(content.Content(I, 77, content.Text("texte")))
    assert content.decode(known + (0x0077).to_bytes(2, "big") + b"\x03abc").body == content.Text("texte")


def test_contents_that_are_empty_or_too_long():
    with pytest.raises(RemoteError, match="malformed"):
        content.decode(I + bytes(8))
    with pytest.raises(LocalError, match="text-too-long"):
        content.encode(content.Content(I, 0, content.Text("x" * (limits.TEXT_CHARACTERS_MAX + 1))))


def test_blobs():
    plaintext = os.urandom(5000)
    sealed = sealing.seal_blob(plaintext)
    assert sealing.open_blob(sealed.ciphertext, sealed.name, sealed.key) == plaintext
    altered = sealed.ciphertext[:-1] + bytes((sealed.ciphertext[-1] ^ 1,))
    for ciphertext, name, key in ((altered, sealed.name, sealed.key), (sealed.ciphertext, sealed.name, N), (b"", N, N)):
        with pytest.raises(RemoteError, match="blob-altered"):
            sealing.open_blob(ciphertext, name, key)


def test_terms():
    one = terms.Terms(terms.GROUP, frozenset({I, J}), 1)
    assert terms.Terms.decode(one.encode()) == one
    with pytest.raises(RemoteError):
        terms.Terms.decode(terms.Terms(terms.DIRECT, frozenset({I})).encode() + b"x")
