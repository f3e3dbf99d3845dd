"""Inviting: one mail a month that tells nothing, refused for ever by its link; who asked is told of the arrival."""

import asyncio
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text

from cast import Device, Scene, play, until
from dayone.town import Town, enter
from identity.extract import Someone
from miss_app.engine.events import PersonArrived, PersonView, WishesView
from miss_app.engine.problems import Problem
from miss_server import invites

MONTH_MS = 30 * 86_400_000


def mails_to(town: Town, mailbox: str) -> list[EmailMessage]:
    """The invitations to a mailbox, codes apart."""
    found = []
    for path in sorted(town.folder.glob("outbox/*.eml")):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        if mail["To"] == mailbox and "Invitation" in str(mail["Subject"]):
            found.append(mail)
    return found


def run(town: Town, statement: str, **values: object) -> list[tuple[object, ...]]:
    engine = create_engine(f"sqlite:///{town.folder / 'miss.db'}", connect_args={"timeout": 30})
    with engine.begin() as connection:
        done = connection.execute(text(statement), values)
        return [tuple(row) for row in done] if done.returns_rows else []


def pepper(town: Town) -> bytes:
    return (town.folder / "keys" / "pepper").read_bytes()


async def seen(device: Device, who: Someone) -> PersonView:
    found = await device.client.search_people(f"{who.given} {who.family}", place=who.jobs[0].place)
    return next(
        one for one in found if (one.display_name, one.reachable) == (f"Dr {who.given} {who.family.title()}", False)
    )


async def refused(device: Device, person: PersonView, reason: str) -> None:
    with pytest.raises(Problem) as problem:
        await device.client.presence.invite(person)
    assert problem.value.reason == reason
    assert problem.value.sentence


def refusal_link(mail: EmailMessage) -> str:
    found = re.search(r"http\S+/invites/\S+", mail.get_content())
    assert found is not None
    assert mail["List-Unsubscribe"].strip() == f"<{found[0]}>"
    return found[0]


def test_one_mail_a_month_and_the_conversation_opens_on_arrival(town: Town, tmp_path: Path) -> None:
    guest = town.at("coast")

    async def acts(scene: Scene) -> None:
        camille, hugo = await enter(scene, camille="hospital", hugo="practice")
        person = await seen(camille, guest)
        assert (person.reachable, person.person_id) == (False, b"")
        assert await camille.client.presence.invite(person) == "mailed"
        mail = await until(lambda: mails_to(town, guest.mailbox), "the invitation")
        said = mail[0].get_content()
        assert re.search(r"miss://127\.0\.0\.1:\d+#[0-9a-f]{64}", said)
        for one in (camille.who, hugo.who, guest):  # it names nobody, not even its reader
            for word in (one.family, one.given, one.rpps):
                assert word.lower() not in said.lower().replace(guest.mailbox, "")
        # Whoever invites within the month is noted, without a further mail.
        assert await camille.client.presence.invite(person) == "noted"
        assert await hugo.client.presence.invite(await seen(hugo, guest)) == "noted"
        assert len(mails_to(town, guest.mailbox)) == 1
        # A month later there is a second one, with the same link.
        run(town, "UPDATE invite_mails SET mailed_at_ms = mailed_at_ms - :m WHERE rpps = :r", m=MONTH_MS, r=guest.rpps)
        assert await hugo.client.presence.invite(await seen(hugo, guest)) == "mailed"
        await until(lambda: len(mails_to(town, guest.mailbox)) == 2, "the second invitation")
        assert refusal_link(mails_to(town, guest.mailbox)[0]) == refusal_link(mails_to(town, guest.mailbox)[1])
        # The guest comes: both inviters are told, one of them after a restart, and the conversation is open.
        await hugo.close()
        newcomer = scene.device("guest", guest)
        await newcomer.register()
        await newcomer.enter()
        await hugo.begin()
        me = newcomer.view.person_id
        for one in (camille, hugo):
            news = await until(
                lambda one=one: [event for event in one.events if isinstance(event, PersonArrived)],
                f"{one.name} is told",
            )
            assert [event.person.person_id for event in news] == [me]
            assert one.notices(news[0].conversation_id) == ["person-arrived"]
            message = f"Bienvenue, dit {one.name}"
            await one.client.send_text(news[0].conversation_id, message)
            await newcomer.reads(news[0].conversation_id, message)
        assert run(town, "SELECT * FROM invites WHERE rpps = :r", r=guest.rpps) == []
        await refused(camille, person, "already-here")

    play(town, tmp_path, acts)


def test_refused_for_ever_by_the_link(town: Town, tmp_path: Path) -> None:
    guest = town.at("south")

    async def acts(scene: Scene) -> None:
        camille, hugo = await enter(scene, camille="hospital", hugo="practice")
        assert await camille.client.presence.invite(await seen(camille, guest)) == "mailed"
        link = refusal_link((await until(lambda: mails_to(town, guest.mailbox), "the invitation"))[0])
        async with httpx.AsyncClient(timeout=60) as browser:
            # Whoever follows links (a mail filter) refuses nothing.
            asked = await browser.get(link)
            assert asked.status_code == 200
            assert '<form method="post">' in asked.text
            for header in ("content-security-policy", "referrer-policy", "cache-control"):
                assert asked.headers[header]
            assert "http" not in asked.text
            assert await hugo.client.presence.invite(await seen(hugo, guest)) == "noted"
            # Forged, cut and empty links refuse nothing either.
            for forged in (link[:-1], link[:-4] + "AAAA", link.rpartition("/")[0] + "/" + "A" * 43, link + "%00"):
                assert (await browser.get(forged)).status_code == 404
                assert (await browser.post(forged)).status_code == 404
            assert run(town, "SELECT refused_at_ms FROM invite_mails WHERE rpps = :r", r=guest.rpps) == [(None,)]
            english = await browser.post(link, headers={"Accept-Language": "en"})
            assert (english.status_code, "never receive" in english.text) == (200, True)
            before = run(town, "SELECT refused_at_ms FROM invite_mails WHERE rpps = :r", r=guest.rpps)
            assert before[0][0]
            one_click = await browser.post(link, data={"List-Unsubscribe": "One-Click"})  # RFC 8058; twice is once
            assert one_click.status_code == 200
            assert run(town, "SELECT refused_at_ms FROM invite_mails WHERE rpps = :r", r=guest.rpps) == before
        run(town, "UPDATE invite_mails SET mailed_at_ms = 0 WHERE rpps = :r", r=guest.rpps)
        for one in (camille, hugo):
            await refused(one, await seen(one, guest), "invite-refused")
        assert run(town, "SELECT * FROM invites WHERE rpps = :r", r=guest.rpps) == []
        assert len(mails_to(town, guest.mailbox)) == 1

    play(town, tmp_path, acts)


def test_who_cannot_be_invited(town: Town, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await enter(scene, camille="hospital", hugo="coast")
        guest = await seen(camille, town.at("coast"))
        cast = await seen(hugo, town.people[-1])
        for forged in ("A", "A" * 60, guest.invite[:-4] + "AAAA", cast.invite):  # the last is another person's search
            await refused(camille, replace(guest, invite=forged), "invite-unknown")
        here = invites.refer(pepper(town), camille.view.person_id, hugo.who.rpps)
        nobody = invites.refer(pepper(town), camille.view.person_id, "99700000018")
        await refused(camille, replace(guest, invite=here), "already-here")
        await refused(camille, replace(guest, invite=nobody), "invite-unknown")
        with pytest.raises(Problem, match="person-not-reachable"):
            await camille.client.presence.invite(replace(guest, invite=""))
        # Who does not wish to be found looks like anybody invited, and gets no mail.
        await hugo.client.presence.set_wishes(WishesView(unlisted=True))
        unseen = replace(guest, invite=here)
        assert await camille.client.presence.invite(unseen) == "mailed"
        assert await camille.client.presence.invite(unseen) == "noted"
        assert mails_to(town, hugo.who.mailbox) == []
        host, port = town.address
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=60) as stranger:
            assert (await stranger.post("/v1/invites", json={"invite": guest.invite})).status_code == 401
        # So many a day, and no more.
        now = time.time_ns() // 1_000_000
        for number in range(20):
            run(
                town,
                "INSERT INTO invites (rpps, inviter, invited_at_ms) VALUES (:rpps, :me, :now)",
                rpps=f"x{number}",
                me=camille.view.person_id,
                now=now,
            )
        await refused(camille, guest, "too-many-invites")
        assert mails_to(town, town.people[0].mailbox) == []

    play(town, tmp_path, acts)


def test_many_at_once_mail_once(town: Town, tmp_path: Path) -> None:
    guest = town.at("practice")

    async def acts(scene: Scene) -> None:
        (camille,) = await enter(scene, camille="practice")
        account = camille.client._account
        assert account is not None
        ticket = await account.session.ticket(False)
        person = await seen(camille, guest)
        host, port = town.address

        def ask(_: int) -> str:
            answer = httpx.post(
                f"http://{host}:{port}/v1/invites",
                json={"invite": person.invite},
                headers={"Authorization": f"Bearer {ticket}"},
                timeout=60,
            )
            return str(answer.json()["state"])

        with ThreadPoolExecutor(12) as pool:
            states = await asyncio.to_thread(lambda: list(pool.map(ask, range(12))))
        assert sorted(states) == ["mailed"] + ["noted"] * 11
        await until(lambda: mails_to(town, guest.mailbox), "the invitation")
        assert len(mails_to(town, guest.mailbox)) == 1

    play(town, tmp_path, acts)
