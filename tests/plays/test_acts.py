"""Acts about messages, over real sockets: everybody, on every device, comes to see the same."""

import asyncio
from pathlib import Path

import pytest

from cast import Device, Post, Scene, play, until
from engine.photo_files import with_gps
from miss_app.engine.events import MessageRemoved, MessageView, SomeoneTyping, Tick
from miss_app.engine.problems import Problem
from miss_app.engine.saying import Manner
from miss_protocol.acts import Dosage, Level, Taking, Urgency, Verdict
from miss_protocol.content import Consent
from plays.test_group import fetch, team

DOSAGE = Dosage("Apixaban", "2,5 mg", "per os", "le soir")


def line(one: Device, chat: bytes, message: bytes) -> MessageView:
    return next(view for view in one.lines(chat) if view.message_id == message)


async def see(devices: list[Device], chat: bytes, message: bytes, what: str, test) -> None:
    for one in devices:
        await until(
            lambda one=one: any(v.message_id == message and test(v) for v in one.lines(chat)), f"{one.name}: {what}"
        )


def traces(one: Device, chat: bytes) -> list[tuple[object, ...]]:
    """All that acts leave, as everybody must see it."""
    return [
        (
            view.message_id,
            view.kind,
            view.text,
            view.versions,
            view.deleted_ms,
            [(r.emoji, [p.person_id for p in r.people]) for r in view.reactions],
            None if view.charge is None else (view.charge.person.person_id, view.charge.at_ms),
            [(a.person.person_id, a.answer) for a in view.answers],
            view.pinned,
            view.open,
        )
        for view in one.lines(chat)
        if view.kind not in ("notice", "warning")
    ]


def test_reply_react_edit_and_take_back(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        everybody = [camille, hugo, nadia]
        first = await camille.client.send_text(chat, "Pansement refait")
        await see(everybody, chat, first, "the first text", lambda v: v.text == "Pansement refait")
        reply = await hugo.client.send_text(chat, "Merci", Manner(reply_to=first, mentions=(camille.view.person_id,)))
        await see(
            everybody, chat, reply, "the quote", lambda v: v.quote is not None and v.quote.text == "Pansement refait"
        )
        assert line(nadia, chat, reply).mentions[0].person_id == camille.view.person_id
        await nadia.client.deeds.react(chat, first, "👍")
        assert line(nadia, chat, first).reactions[0].mine  # at once, before the stream says so
        await hugo.client.mark_read(chat)
        wanted = [(hugo.view.person_id, Tick.READ), (nadia.view.person_id, Tick.DELIVERED)]
        await until(
            lambda: [(one.person.person_id, one.tick) for one in camille.client.deeds.readers(chat, first)] == wanted,
            "who has read it",
        )
        await hugo.client.deeds.react(chat, first, "👍")
        await hugo.client.deeds.react(chat, first, "❤️")
        await see(everybody, chat, first, "two reactions", lambda v: {r.emoji for r in v.reactions} == {"👍", "❤️"})
        await camille.client.deeds.edit(chat, first, "Pansement refait à 7 h")
        await see(everybody, chat, first, "the edit", lambda v: [o.text for o in v.versions] == ["Pansement refait"])
        await see(everybody, chat, reply, "the quote edited", lambda v: v.quote.text == "Pansement refait à 7 h")
        with pytest.raises(Problem, match="not-yours"):
            await hugo.client.deeds.edit(chat, first, "Faux")
        with pytest.raises(Problem, match="not-yours"):
            await hugo.client.deeds.delete(chat, first)
        await camille.client.deeds.pin(chat, first)
        await see(everybody, chat, first, "the pin", lambda v: v.pinned)
        await camille.client.deeds.delete(chat, first)
        await see(everybody, chat, first, "the deletion", lambda v: bool(v.deleted_ms) and not v.text)
        await see(everybody, chat, reply, "the quote gone", lambda v: v.quote.kind == "deleted" and not v.quote.text)
        with pytest.raises(Problem, match="message-deleted"):
            await nadia.client.deeds.react(chat, first, "👍")
        assert [one.client.conversation(chat).unread for one in (nadia, hugo)] == [2, 0]  # acts in silence
        assert traces(camille, chat) == traces(hugo, chat) == traces(nadia, chat)

    play(post, tmp_path, acts)


def test_what_is_urgent_waits_for_one_who_takes_charge(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        everybody = [camille, hugo, nadia]
        with pytest.raises(Problem, match="reason-missing"):
            await nadia.client.send_text(chat, "Venez", Manner(urgency=Urgency(Level.URGENT, " ")))
        urgent = await nadia.client.send_text(chat, "SpO2 84 %", Manner(urgency=Urgency(Level.URGENT, "Désaturation")))
        await see(everybody, chat, urgent, "urgent", lambda v: v.level is Level.URGENT and v.open)
        assert [one.message_id for one in hugo.client.deeds.open_ones(chat)] == [urgent]
        # Both at once: the stream decides, and who came second sees who is in charge.
        await asyncio.gather(
            camille.client.deeds.take_charge(chat, urgent), hugo.client.deeds.take_charge(chat, urgent)
        )
        await see(everybody, chat, urgent, "in charge", lambda v: v.charge is not None and not v.open)
        for one in everybody:
            await until(lambda one=one: sum(v.kind == "charge" for v in one.lines(chat)) == 1, f"{one.name}: one line")
        holder = line(nadia, chat, urgent).charge.person.person_id
        first, second = (camille, hugo) if holder == camille.view.person_id else (hugo, camille)
        assert any(isinstance(event, MessageRemoved) for event in second.events)
        with pytest.raises(Problem, match="already-in-charge"):
            await second.client.deeds.take_charge(chat, urgent)
        await second.client.deeds.take_charge(chat, urgent, over=True)
        here = second.view.person_id
        await see(everybody, chat, urgent, "taken over", lambda v: v.charge.person.person_id == here)
        await first.client.deeds.release(chat, urgent)  # not in charge: nothing
        await second.client.deeds.release(chat, urgent)
        await see(everybody, chat, urgent, "open again", lambda v: v.charge is None and v.open)
        said = [v.taking for v in nadia.lines(chat) if v.kind == "charge"]
        assert said == [Taking.TAKE, Taking.TAKE_OVER, Taking.RELEASE]
        assert traces(camille, chat) == traces(hugo, chat) == traces(nadia, chat)

    play(post, tmp_path, acts)


def test_a_dosage_is_confirmed_by_repeating_it(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        everybody = [camille, hugo, nadia]
        with pytest.raises(Problem, match="dosage-incomplete"):
            await nadia.client.deeds.ask(chat, dosage=Dosage("Apixaban", ""))
        asked = await nadia.client.deeds.ask(chat, dosage=DOSAGE)
        await see(everybody, chat, asked, "the demand", lambda v: v.open and v.request.dosage == DOSAGE)
        with pytest.raises(Problem, match="own-request"):
            await nadia.client.deeds.answer(chat, asked, Verdict.CONFIRMED)
        with pytest.raises(Problem, match="wrong-answer"):
            await hugo.client.deeds.answer(chat, asked, Verdict.YES)
        hugo.cable.pull()
        await hugo.offline()
        answer = await hugo.client.deeds.answer(chat, asked, Verdict.CONFIRMED)
        assert not line(hugo, chat, asked).open  # on his own screen, at once
        await hugo.restart()
        assert not line(hugo, chat, asked).open  # and after a restart without network
        assert line(camille, chat, asked).open
        hugo.cable.plug()
        await see(everybody, chat, asked, "confirmed", lambda v: [a.answer.dosage for a in v.answers] == [DOSAGE])
        await see(everybody, chat, answer, "said", lambda v: v.quote.message_id == asked and v.answer.dosage == DOSAGE)
        question = await nadia.client.deeds.ask(chat, question="Je passe à 18 h ?")
        await see(everybody, chat, question, "the question", lambda v: v.open)
        counted = [one.client.conversation(chat) for one in (nadia, camille)]
        assert [(one.open, one.open_own) for one in counted if one is not None] == [(1, 1), (1, 0)]
        await camille.client.deeds.answer(chat, question, Verdict.CALL_ME, note="au poste 12")
        await see(everybody, chat, question, "answered", lambda v: not v.open)
        assert nadia.client.deeds.open_ones(chat) == []
        assert traces(camille, chat) == traces(hugo, chat) == traces(nadia, chat)

    play(post, tmp_path, acts)


def line_of(one: Device, chat: bytes, text: str) -> bytes:
    return next(view.message_id for view in one.lines(chat) if view.text == text)


def test_forwarding_asks_before_it_leaves_the_team(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        (outsider,) = await scene.enter("ines")
        path = with_gps(tmp_path)
        photo = await camille.client.send_photo(
            chat, path.read_bytes(), file_name=path.name, caption="talon", consent=True
        )
        await hugo.reads(chat, "talon")
        inside = await hugo.client.open_direct(await hugo.find(nadia))
        outside = await hugo.client.open_direct(await hugo.find(outsider))
        await hugo.client.deeds.forward(chat, photo, inside)
        await nadia.reads(inside, "talon")
        with pytest.raises(Problem, match="leaves-the-team"):
            await hugo.client.deeds.forward(chat, photo, outside)
        with pytest.raises(Problem, match="consent-missing"):  # given for those who got it first
            await hugo.client.deeds.forward(chat, photo, outside, leaving_team=True)
        told = Consent.TRUSTED_PERSON
        sent = await hugo.client.deeds.forward(chat, photo, outside, leaving_team=True, consent=told)
        await outsider.reads(outside, "talon")
        seen = line(outsider, outside, sent)
        assert seen.consent is told
        await outsider.restart()
        await outsider.online()
        assert line(outsider, outside, sent).consent is told, "and it is kept"
        assert line(nadia, inside, line_of(nadia, inside, "talon")).consent is Consent.AGREED, "it was theirs already"
        assert seen.origin is not None
        assert seen.origin.author == camille.view.display_name
        theirs = await fetch(outsider, outside, sent)
        assert theirs == await hugo.client.photo(chat, photo)

    play(post, tmp_path, acts)


def test_who_is_writing_is_seen_by_the_others_and_stored_by_nobody(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        position = camille.client._account.conversations.get(chat).position
        for _ in range(5):
            await hugo.client.typing(chat)  # more often than is told
        for one in (camille, nadia):
            seen = lambda one=one: [e for e in one.events if isinstance(e, SomeoneTyping)]  # noqa: E731
            await until(seen, f"{one.name} sees that Hugo writes")
            assert [(e.conversation_id, e.person.person_id) for e in seen()] == [(chat, hugo.view.person_id)]
        await camille.client.send_text(chat, "Je lis")
        await hugo.reads(chat, "Je lis")
        assert not any(isinstance(event, SomeoneTyping) for event in hugo.events)
        assert hugo.client._account.conversations.get(chat).position == position + 1

    play(post, tmp_path, acts)


def test_what_is_pinned_muted_archived_and_begun_is_so_on_every_device(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, _, chat = await team(scene)
        desk = scene.device("camille desk", camille.who)
        await desk.link_from(camille)
        await until(lambda: desk.client.conversation(chat) is not None, "the desk has the conversation")
        await camille.client.preferences.pin(chat, True)
        await camille.client.preferences.mute(chat, 1 << 40)
        await camille.client.preferences.archive(chat, True)
        await camille.client.preferences.set_draft(chat, "Bonjour, je")

        def kept(one: Device) -> tuple[bool, bool, bool, str]:
            view = one.client.conversation(chat)
            return view.pinned, view.muted_until_ms > 0, view.archived, view.draft

        await until(lambda: kept(desk) == (True, True, True, "Bonjour, je"), "the desk keeps the same")
        await desk.client.preferences.mute(chat, 0)
        await hugo.client.send_text(chat, "Du nouveau")
        for one in (camille, desk):
            await until(lambda one=one: kept(one) == (True, False, False, "Bonjour, je"), f"{one.name}: in sight again")
        await desk.client.preferences.set_draft(chat, "")
        await until(lambda: kept(camille)[3] == "", "the draft is gone everywhere")

    play(post, tmp_path, acts)
