"""Identities over time: a new registration that waits, its red line and what follows; certificates renewed; suspended."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from cast import Device, Post, Scene, play, until
from identity.extract import people_lines, write
from miss_app.engine import certificate
from miss_app.engine.events import IdentityClaimed, Stage, Tick
from miss_app.engine.people import certificate_of_leaf
from miss_app.engine.problems import Problem
from plays.test_devices import members
from plays.test_onboarding import operator


async def shorten(post: Post, one: Device) -> None:
    """Two operators end the wait."""
    pending = one.client._profile.pending()
    assert pending is not None
    for name in ("Alix", "Dominique"):
        await asyncio.to_thread(operator, post, "shorten", pending.registration[:8], "--operator", name)


def test_who_registers_again_is_confirmed_before_anything_is_said_to_them(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia = await scene.enter("camille", "hugo", "nadia")
        group = await hugo.client.create_group("Équipe", "", [await hugo.find(camille), await hugo.find(nadia)])
        direct = await hugo.client.open_direct(await hugo.find(camille))
        await hugo.client.send_text(direct, "bonjour")
        await camille.reads(direct, "bonjour")
        await until(lambda: len(members(nadia, group)) == 3, "all are in")
        anew = scene.device("camille-bis", camille.who)
        await anew.prove()
        view = anew.client.registration()
        assert view is not None
        assert (anew.client.stage(), view.until_ms > 0) == (Stage.WAITING, True)
        [claim] = await until(lambda: camille.client.proof.claims(), "the old device is told")
        assert (claim.until_ms, claim.device_name) == (view.until_ms, "camille-bis")
        assert any(isinstance(one, IdentityClaimed) and one.claims for one in camille.events)
        assert hugo.client.proof.doubtful(direct) == []
        await shorten(post, anew)
        await until(lambda: camille.client.stage() is Stage.REVOKED, "the old device ends")
        await until(lambda: anew.client.stage() is Stage.PIN, "the new one is certified")
        await anew.enter()
        for one, chat in ((hugo, direct), (hugo, group), (nadia, group)):
            await until(lambda one=one, chat=chat: "person-registered-again" in one.notices(chat), "a red line")
        await until(lambda: len(members(hugo, group)) == 2, "the old device is taken out")
        await until(lambda: len(members(hugo, direct)) == 1, "everywhere")
        with pytest.raises(Problem, match="person-unconfirmed"):
            await hugo.client.send_text(direct, "c'est toi ?")
        assert hugo.said(direct) == ["bonjour"]
        [doubtful] = hugo.client.proof.doubtful(direct)
        assert (doubtful.person_id, doubtful.doubtful) == (anew.view.person_id, True)
        await hugo.client.proof.confirm([doubtful])
        assert hugo.client.proof.doubtful(direct) == []
        for chat in (direct, group):
            await until(lambda chat=chat: members(hugo, chat).get(anew.view.person_id) == 1, "let in again")
            await until(lambda chat=chat: "person-back" in hugo.notices(chat), "and said so")
            assert "device-unendorsed" not in hugo.notices(chat), "said once"
        await hugo.client.send_text(direct, "c'est toi !")
        await anew.reads(direct, "c'est toi !")
        # Nadia has made sure of nobody: what she writes to the team waits for that.
        with pytest.raises(Problem, match="person-unconfirmed"):
            await nadia.client.send_text(group, "qui est là ?")
        await nadia.client.proof.confirm(nadia.client.proof.doubtful(group))
        await nadia.client.send_text(group, "toute l'équipe")
        await anew.reads(group, "toute l'équipe")

    play(post, tmp_path, acts)


def test_the_old_device_says_that_it_is_somebody_else(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        thief = scene.device("voleur", camille.who)
        await thief.prove()
        [claim] = await until(lambda: camille.client.proof.claims(), "the old device is told")
        with pytest.raises(Problem, match="waiting-unknown"):
            await hugo.client.proof.refuse_claim(claim.registration_id)
        await camille.client.proof.refuse_claim(claim.registration_id)
        assert camille.client.proof.claims() == []
        await until(lambda: thief.client.stage() is Stage.REFUSED, "it ends")
        view = thief.client.registration()
        assert view is not None
        assert view.problem == "refused-by-owner"
        direct = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(direct, "toujours moi")
        await hugo.reads(direct, "toujours moi")

    play(post, tmp_path, acts)


def test_what_waits_for_somebody_in_doubt_goes_once_they_are_confirmed(post: Post, tmp_path: Path) -> None:
    """A message queued before the doubt arose does not leave for the new device unasked."""

    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        direct = await hugo.client.open_direct(await hugo.find(camille))
        await hugo.client.send_text(direct, "un")
        await camille.reads(direct, "un")
        account = hugo.client._account
        assert account is not None
        [pin] = [one for one in account.people.pins() if one.person_id == camille.view.person_id]

        def stand(trusted: bool) -> None:
            """As a device of Camille's that nobody vouches for was met, or was not."""
            account.people._pins[pin.device_id] = replace(pin, trusted=trusted)
            account.people._weigh(pin.person_id)

        hugo.cable.pull()
        await hugo.offline()
        queued = await hugo.client.send_text(direct, "deux")
        stand(False)
        hugo.cable.plug()
        await hugo.online()
        await hugo.client.mark_read(direct)
        with pytest.raises(Problem, match="person-unconfirmed"):
            await hugo.client.send_text(direct, "trois")
        assert hugo.said(direct) == ["un", "deux"]
        await hugo.ticks(direct, queued, Tick.QUEUED)
        await hugo.client.proof.confirm([await hugo.find(camille)])
        await camille.reads(direct, "un", "deux")

    play(post, tmp_path, acts)


def test_a_new_name_is_in_the_certificate_and_with_the_contacts(tmp_path: Path) -> None:
    """The register changes a name, and knows somebody else no more."""
    post = Post(tmp_path / "server", people=24)
    post.start()

    async def acts(scene: Scene) -> None:
        camille, hugo, nadia = await scene.enter("camille", "hugo", "nadia")
        group = await hugo.client.create_group("Équipe", "", [await hugo.find(camille), await hugo.find(nadia)])
        await until(lambda: len(members(nadia, group)) == 3, "all are in")
        account = camille.client._account
        assert account is not None
        before = account.certificate
        people = [one for one in post.people if one.rpps != nadia.who.rpps]
        people = [replace(one, family="NOUVEAU NOM") if one.rpps == camille.who.rpps else one for one in people]
        extract = write(tmp_path / "newer.txt", people_lines(people))
        await asyncio.to_thread(operator, post, "register", "load", str(extract))
        await until(lambda: account.certificate.professional.family_name == "NOUVEAU NOM", "renewed")
        after = account.certificate
        assert (after.device_id, after.signature_key, after.login_key, after.person_id) == (
            before.device_id,
            before.signature_key,
            before.login_key,
            before.person_id,
        )
        assert after.professional.checked_at_ms == before.professional.checked_at_ms
        await until(lambda: "person-suspended" in hugo.notices(group), "Hugo hears of Nadia")
        assert [one.person.suspended for one in hugo.client.conversation(group).members].count(True) == 1
        # It rides the next commit of Camille's device.
        record = account.conversations.get(group)
        assert record is not None
        with account.store.step() as step:
            account.conversations.save(step, replace(record, renew_at_ms=1))
        account.renewal.resume()
        named = "Dr Camille Nouveau Nom"
        person_id = camille.view.person_id
        await until(
            lambda: (
                hugo.client.conversation(group).members
                and named in [one.person.display_name for one in hugo.client.conversation(group).members]
            ),
            "Hugo sees the new name",
        )
        leaf = hugo.client._account.conversations.group(group).roster()
        shown = [one for one in map(certificate_of_leaf, leaf.values()) if one.person_id == person_id]
        assert [one.der for one in shown] == [after.der]
        # Whoever adds Camille from now on is given the new certificate.
        [found] = await hugo.client.search_people("Nouveau Nom", profession="", place="")
        direct = await hugo.client.open_direct(found)
        await hugo.client.send_text(direct, "bienvenue")
        await camille.reads(direct, "bienvenue")
        await camille.restart()
        await camille.online()
        assert camille.client.me().display_name == named
        assert camille.client._account.certificate.der == after.der
        assert not certificate.is_due(camille.client._account)

    try:
        play(post, tmp_path, acts)
    finally:
        post.stop()
