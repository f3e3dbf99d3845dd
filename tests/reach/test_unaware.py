"""Nobody is left unaware: with moved time each sentence is on the right screen, and nothing that leaves says anything."""

import asyncio
import time

import pytest

from cast import PIN, play, until
from engines import copied
from miss_app.engine.lock_events import Waiting
from miss_app.engine.reach import QuietHours
from miss_app.engine.saying import Manner
from miss_app.ui.chat_rows import notice
from miss_app.ui.texts import words
from miss_protocol.acts import Level, Urgency
from reach.near_post import NearPost

DAY_MS = 86_400_000
CANARY = "Zéphyrine Canari, lit 12"


@pytest.fixture(params=["sqlite", "postgresql"])
def post(request, tmp_path):
    url = copied(request.getfixturevalue("postgresql_server")) if request.param == "postgresql" else ""
    one = NearPost(tmp_path / "server", 8, url)
    one.start()
    yield one
    one.stop()


def sentence(device, conversation_id, name):
    """What the chat shows of a notice."""
    return [notice(one) for one in device.lines(conversation_id) if one.notice == name]


def test_one_mail_where_nobody_has_seen_it(post, tmp_path):
    async def acts(scene):
        camille, hugo = await scene.enter("camille", "hugo")
        mailbox = hugo.who.mailbox
        assert (await hugo.client.reach.standing()).mailbox.endswith("@medecin.mssante.example")
        talk = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(talk, "Bonjour")
        await hugo.reads(talk, "Bonjour")
        hugo.client.reach._said = 0.0  # 20 seconds later
        await hugo.client.mark_read(talk)
        await post.reach_after(31)
        assert post.mails(mailbox) == [], "he has seen it"

        # Locked, his device takes what comes; nobody sees it.
        await hugo.client.lock()
        await camille.client.send_text(talk, CANARY)
        await until(lambda: Waiting(1) in hugo.events, "it waits behind the lock")
        await post.reach_after(29)
        assert post.mails(mailbox) == []
        await post.reach_after(2)
        (mail,) = post.mails(mailbox)
        for word in (CANARY, "Canari", camille.who.family, camille.who.given, hugo.who.family, "lit 12"):
            assert word.lower() not in mail.lower(), "nothing of what, of whom, or to whom by name"
        await post.reach_after(70)
        assert len(post.mails(mailbox)) == 1, "the last mail told of it"
        await camille.client.send_text(talk, "Encore")
        await post.reach_after(70)
        assert len(post.mails(mailbox)) == 1, "who does not come is told once a day"
        await post.reach_after(24 * 60)
        assert len(post.mails(mailbox)) == 2

        # He comes and has seen all. Then what he does not see is told of, but once an hour; and not where he said no.
        await hugo.client.unlock(PIN)
        await hugo.reads(talk, "Bonjour", CANARY, "Encore")
        await hugo.online()
        await post.reach_after(25 * 60)
        assert len(post.mails(mailbox)) == 2
        await hugo.client.lock()
        await camille.client.send_text(talk, "De nouveau")
        await post.reach_after(31)
        assert len(post.mails(mailbox)) == 3
        await hugo.client.unlock(PIN)
        await hugo.reads(talk, "Bonjour", CANARY, "Encore", "De nouveau")
        await hugo.online()
        await asyncio.sleep(0.5)
        await hugo.client.lock()
        await camille.client.send_text(talk, "Tout de suite après")
        await post.reach_after(31)
        assert len(post.mails(mailbox)) == 3, "at most one an hour"
        await post.reach_after(30)
        assert len(post.mails(mailbox)) == 4
        await hugo.client.unlock(PIN)
        await hugo.online()
        assert not (await hugo.client.reach.set_mails(False)).mails
        await hugo.client.lock()
        await camille.client.send_text(talk, "Et encore")
        await post.reach_after(50 * 60)
        assert len(post.mails(mailbox)) == 4

    play(post, tmp_path, acts)


def test_urgent_after_five_minutes_and_quiet_hours_hold_the_rest(post, tmp_path):
    async def acts(scene):
        camille, hugo, nadia = await scene.enter("camille", "hugo", "nadia")
        now = time.localtime()
        minute = now.tm_hour * 60 + now.tm_min
        quiet = QuietHours((minute - 10) % 1_440, (minute + 180) % 1_440)
        assert (await hugo.client.reach.set_quiet(quiet)).quiet == quiet
        assert hugo.client.reach.quiet_now()
        team = await camille.client.create_group("Équipe", "", [await camille.find(hugo), await camille.find(nadia)])
        await until(lambda: nadia.client.conversation(team) and hugo.client.conversation(team), "they are in")
        await hugo.client.lock()
        await nadia.client.lock()
        await camille.client.send_text(team, "Rien ne presse")
        await post.reach_after(31)
        assert len(post.mails(nadia.who.mailbox)) == 1
        assert post.mails(hugo.who.mailbox) == [], "quiet hours hold it"
        await camille.client.send_text(team, CANARY, Manner(urgency=Urgency(Level.URGENT, "Détresse")))
        await post.reach_after(4)
        assert post.mails(hugo.who.mailbox) == []
        await post.reach_after(2)
        assert len(post.mails(hugo.who.mailbox)) == 1, "an urgency passes"
        assert len(post.mails(nadia.who.mailbox)) == 1, "at most one an hour, also of what is urgent"
        await post.reach_after(60)
        assert len(post.mails(nadia.who.mailbox)) == 2
        mails = post.mails(hugo.who.mailbox) + post.mails(nadia.who.mailbox)
        assert not any(word in one for word in ("Détresse", "Canari", "urgent", "Équipe") for one in mails)

        # His quiet hours end: what waited is told.
        await hugo.client.unlock(PIN)
        await hugo.online()
        await asyncio.sleep(0.5)
        await hugo.client.lock()
        await camille.client.send_text(team, "Toujours rien qui presse")
        await post.reach_after(90)
        assert len(post.mails(hugo.who.mailbox)) == 1
        await hugo.client.door.unlock(PIN)
        account = hugo.client._account
        body = {"quiet_from": 0, "quiet_until": 0, "offset_minutes": 0, "mails": True}
        await hugo.online()
        await account.http.json("PUT", "/v1/reach", json=body, ticket=True)
        await hugo.client.lock()
        await camille.client.send_text(team, "Bonjour")
        await post.reach_after(90)
        assert len(post.mails(hugo.who.mailbox)) == 2

    play(post, tmp_path, acts)


def test_what_expires_undelivered_is_told_to_both(post, tmp_path):
    async def acts(scene):
        camille, hugo, nadia = await scene.enter("camille", "hugo", "nadia")
        team = await camille.client.create_group("Équipe", "", [await camille.find(hugo), await camille.find(nadia)])
        await until(lambda: nadia.client.conversation(team) and hugo.client.conversation(team), "they are in")
        await hugo.close()
        for text in ("Un", "Deux", CANARY):
            await camille.client.send_text(team, text)
        await nadia.reads(team, "Un", "Deux", CANARY)
        await nadia.client.send_text(team, "Vu")
        await camille.reads(team, "Un", "Deux", CANARY, "Vu")
        await asyncio.sleep(0.5)
        await post.forget_at(29 * DAY_MS)
        assert sentence(camille, team, "not-delivered") == []
        await post.forget_at(31 * DAY_MS)
        name = hugo.who.family.title()
        await until(lambda: sentence(camille, team, "not-delivered"), "who wrote is told")
        await until(lambda: sentence(nadia, team, "not-delivered"), "and who answered")
        words.speak("fr")
        (said,) = sentence(camille, team, "not-delivered")
        assert said.startswith("3 messages n’ont pas été remis à ")
        assert name in said
        assert "\u00a0: expirés le " in said
        (said,) = sentence(nadia, team, "not-delivered")
        assert said.startswith("1 message n’a pas été remis à ")
        words.speak("en")
        assert sentence(nadia, team, "not-delivered")[0].startswith("1 message was not delivered to ")
        words.speak("fr")
        await post.forget_at(32 * DAY_MS)  # said once

        # He comes back: never a silent gap.
        await hugo.begin()
        await hugo.online()
        await until(lambda: sentence(hugo, team, "expired"), "he reads what he missed")
        (said,) = sentence(hugo, team, "expired")
        assert said.startswith("4 messages ont expiré avant que vous ne les receviez\u00a0: demandez-les à ")
        assert camille.who.family.title() in said
        assert nadia.who.family.title() in said
        await until(lambda: "gap" in hugo.notices(team), "and where they were")
        assert hugo.said(team) == []
        assert len(sentence(camille, team, "not-delivered")) == len(sentence(nadia, team, "not-delivered")) == 1
        await camille.client.send_text(team, "Te revoilà")
        await hugo.reads(team, "Te revoilà")

    play(post, tmp_path, acts)
