"""Two people compare their safety number; what that is worth on all their devices, and when it falls."""

import asyncio
from pathlib import Path

import pytest

from cast import Device, Post, Scene, play, until
from miss_app.engine.events import Stage, Verified
from miss_app.engine.problems import Problem
from plays.test_onboarding import operator


def verified(one: Device, other: Device) -> Verified:
    return one.client.safety.verified(other.view.person_id)


async def comes(one: Device, person_id: bytes, worth: Verified) -> None:
    await until(lambda: one.client.safety.verified(person_id) is worth, f"{one.name}: {worth}")


def test_numbers_are_compared_kept_everywhere_and_fall_with_a_device_nobody_vouches_for(
    post: Post, tmp_path: Path
) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia = await scene.enter("camille", "hugo", "nadia")
        hugo_id, camille_id = hugo.view.person_id, camille.view.person_id
        tablet = scene.device("tablette", camille.who)
        await tablet.link_from(camille)
        with pytest.raises(Problem, match="safety-no-conversation"):
            await camille.client.safety.number(hugo_id)
        direct = await camille.client.open_direct(await camille.find(hugo))
        other = await camille.client.open_direct(await camille.find(nadia))
        await camille.client.send_text(direct, "bonjour")
        await camille.client.send_text(other, "bonjour")
        for one, chat in ((hugo, direct), (tablet, direct), (nadia, other), (tablet, other)):
            await one.reads(chat, "bonjour")
        views = [
            await camille.client.safety.number(hugo_id),
            await tablet.client.safety.number(hugo_id),
            await hugo.client.safety.number(camille_id),
        ]
        assert len({view.groups for view in views}) == 1, "all read the same"
        assert views[0].verified is Verified.NOT
        # Somebody else's code is another number, one's own proves nothing, and what is no code is said to be none.
        hers = await nadia.client.safety.number(camille_id)
        for shown, reason in ((hers.qr, "differs"), (views[0].qr, "differs"), ("MISS:LINK:X", "code-wrong")):
            with pytest.raises(Problem, match=f"safety-{reason}"):
                await camille.client.safety.compare(hugo_id, shown)
        assert verified(camille, hugo) is Verified.NOT
        assert (await camille.client.safety.compare(hugo_id, views[2].qr)).verified is Verified.COMPARED
        await comes(tablet, hugo_id, Verified.COMPARED)
        assert verified(tablet, nadia) is Verified.NOT
        # A device that a compared one vouches for keeps the mark, and says so; the number is another one.
        desktop = scene.device("poste", hugo.who)
        await desktop.link_from(hugo)
        for one in (camille, tablet):
            await comes(one, hugo_id, Verified.VOUCHED)
        await until(lambda: desktop.client.conversation(direct), "the desktop is in")
        after = await camille.client.safety.number(hugo_id)
        assert after.groups != views[0].groups
        assert after.compared_ms == (await tablet.client.safety.number(hugo_id)).compared_ms > 0
        assert after.groups == (await desktop.client.safety.number(camille_id)).groups
        assert (await tablet.client.safety.mark(hugo_id, True)).verified is Verified.COMPARED
        await comes(camille, hugo_id, Verified.COMPARED)
        # Hugo loses both and registers anew: the mark falls on each of Camille's devices.
        anew = scene.device("hugo-bis", hugo.who)
        await anew.prove()
        pending = anew.client._profile.pending()
        assert pending is not None
        for name in ("Alix", "Dominique"):
            await asyncio.to_thread(operator, post, "shorten", pending.registration[:8], "--operator", name)
        await until(lambda: anew.client.stage() is Stage.PIN, "certified")
        await anew.enter()
        for one in (camille, tablet):
            await comes(one, hugo_id, Verified.LAPSED)
            with pytest.raises(Problem, match="person-unconfirmed"):
                await one.client.send_text(direct, "qui est là ?")
        # Made sure of on one device is made sure of on both; and he is let in again, with a line that says so.
        await tablet.client.proof.confirm(tablet.client.proof.doubtful(direct))
        await until(lambda: not camille.client.proof.doubtful(direct), "the phone is told")
        await until(lambda: anew.client.conversation(direct), "Hugo is back")
        for one in (camille, tablet):
            await until(lambda one=one: "person-back" in one.notices(direct), "it says that he is back")
            assert "device-unendorsed" not in one.notices(direct)
        await camille.client.send_text(direct, "te revoilà")
        await anew.reads(direct, "te revoilà")
        assert verified(camille, anew) is Verified.LAPSED, "made sure of is not compared"
        shown = (await anew.client.safety.number(camille_id)).qr
        assert (await camille.client.safety.compare(hugo_id, shown)).verified is Verified.COMPARED
        assert (await camille.client.safety.mark(hugo_id, False)).verified is Verified.NOT
        await comes(tablet, hugo_id, Verified.NOT)

    play(post, tmp_path, acts)
