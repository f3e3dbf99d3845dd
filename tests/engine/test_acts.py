"""What acts leave on a message: the fold, its refusals, and that it is the same however a device came to it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miss_app.engine import records
from miss_app.engine.acts import leave
from miss_app.engine.model import Message
from miss_protocol import acts
from miss_protocol.acts import Answer, Charge, Deletion, Dosage, Level, Pinned, Reaction, Request, Taking, Verdict
from miss_protocol.content import Content, Text

ANNE, BRUNO, CHLOE = (bytes([number]) * 16 for number in (1, 2, 3))
ASKED = Dosage("Apixaban", "2,5 mg", "per os", "le soir")
OTHER = Dosage("Apixaban", "5 mg", "per os", "le soir")


def text(author=ANNE, **fields):
    return replace(Message(b"m" * 16, b"c" * 16, "text", False, author, 1_000, 1, "Bonjour"), **fields)


def request(dosage=ASKED):
    return text(kind="request", text="", request=Request("" if dosage else "Je passe ?", dosage))


def act(body):
    return Content(b"a" * 16, 0, body, "", b"m" * 16)


def after(message, *deeds):
    for at, (author, body) in enumerate(deeds):
        message = leave(message, act(body), author, at)
    return message


def test_an_edit_keeps_what_was_said():
    edited = after(text(), (ANNE, Text("Bonsoir")), (ANNE, Text("Bonne nuit")))
    assert edited.text == "Bonne nuit"
    assert [(one.text, one.until_ms) for one in edited.versions] == [("Bonjour", 0), ("Bonsoir", 1)]


@pytest.mark.parametrize(
    ("message", "author", "body"),
    [
        (text(), BRUNO, Text("autre chose")),
        (text(), BRUNO, Deletion()),
        (request(), ANNE, Text("autre dose")),
        (text(deleted_ms=5, text=""), ANNE, Text("revient")),
        (text(deleted_ms=5, text=""), BRUNO, Reaction("👍")),
        (text(), BRUNO, Reaction("")),
        (text(), BRUNO, Charge(Taking.RELEASE)),
        (text(), BRUNO, Answer(Verdict.YES)),  # nothing was asked
        (request(), ANNE, Answer(Verdict.CONFIRMED, ASKED)),  # by who asked
        (request(), BRUNO, Answer(Verdict.YES)),  # a dosage is not answered by yes
        (request(None), BRUNO, Answer(Verdict.CONFIRMED, ASKED)),
        (text(kind="notice"), BRUNO, Reaction("👍")),
    ],
)
def test_an_act_without_effect_leaves_the_very_message(message, author, body):
    assert leave(message, act(body), author, 9) is message


def test_a_deletion_leaves_only_that_there_was_something():
    gone = after(text(kind="photo", reason="fièvre", level=Level.URGENT), (BRUNO, Reaction("👍")), (ANNE, Deletion()))
    assert gone == Message(b"m" * 16, b"c" * 16, "text", False, ANNE, 1_000, 1, deleted_ms=1)
    assert b"Bonjour" not in records.encode(gone)


def test_the_first_who_takes_charge_holds_until_release_or_taking_over():
    message = after(text(), (BRUNO, Charge(Taking.TAKE)), (CHLOE, Charge(Taking.TAKE)))
    assert message.in_charge == BRUNO
    message = after(message, (CHLOE, Charge(Taking.RELEASE)))
    assert message.in_charge == BRUNO
    message = after(message, (CHLOE, Charge(Taking.TAKE_OVER)))
    assert message.in_charge == CHLOE
    message = after(message, (CHLOE, Charge(Taking.RELEASE)))
    assert message.in_charge == b""
    assert [one.taking for one in message.charges] == [Taking.TAKE, Taking.TAKE_OVER, Taking.RELEASE]


def test_what_is_urgent_is_open_until_somebody_takes_charge():
    urgent = text(level=Level.URGENT, reason="désaturation")
    assert urgent.open
    assert not after(urgent, (BRUNO, Charge(Taking.TAKE))).open
    assert not text(level=Level.TODAY).open


def test_a_confirmation_of_another_dosage_is_a_correction():
    answered = after(request(), (BRUNO, Answer(Verdict.CONFIRMED, OTHER)), (CHLOE, Answer(Verdict.CONFIRMED, ASKED)))
    assert [one.answer for one in answered.answers] == [
        Answer(Verdict.CORRECTED, OTHER),
        Answer(Verdict.CONFIRMED, ASKED),
    ]
    assert request().open
    assert not answered.open


PEOPLE = st.sampled_from([ANNE, BRUNO, CHLOE])
BODIES = st.one_of(
    st.sampled_from(["", "👍", "❤️"]).map(Reaction),
    st.sampled_from(list(Taking)).map(Charge),
    st.sampled_from([Answer(Verdict.CONFIRMED, ASKED), Answer(Verdict.CORRECTED, OTHER), Answer(Verdict.CALL_ME)]),
    st.sampled_from(["un", "deux"]).map(Text),
    st.booleans().map(Pinned),
    st.just(Deletion()),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from([text(), request(), text(level=Level.URGENT)]), st.lists(st.tuples(PEOPLE, BODIES), max_size=12))
def test_a_message_stored_between_any_two_acts_comes_to_the_same(message, deeds):
    stored = message
    for at, (author, body) in enumerate(deeds):
        stored = leave(records.decode(Message, records.encode(stored)), act(body), author, at)
    assert stored == after(message, *deeds)
    assert len({one.person_id for one in stored.reactions}) == len(stored.reactions)
    assert all(one.person_id != stored.author for one in stored.answers)
    if stored.deleted_ms:
        assert (stored.text, stored.reactions, stored.charges, stored.answers) == ("", (), (), ())
        assert stored.request is None


def test_every_act_of_the_protocol_is_folded_or_is_the_conversations():
    folded = {Reaction, Deletion, Charge, Answer, Pinned}
    assert set(acts.ACTS.values()) - folded == {acts.Retention, acts.Request}
