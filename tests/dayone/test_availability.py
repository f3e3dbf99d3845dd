"""Who is busy or away is told before anybody writes, to strangers too, with who answers instead; to nobody else."""

from pathlib import Path

import pytest

from cast import Device, Scene, play
from dayone.town import Town, enter
from miss_app.engine.events import AvailabilityView, WishesView
from miss_app.engine.problems import Problem
from miss_server import availability
from miss_server.availability import Availability

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def now(one: Device) -> int:
    account = one.client._account
    assert account is not None
    return account.clock.now_ms()


async def told(one: Device, other: Device) -> AvailabilityView | None:
    found = await one.client.availability.of([other.view.person_id])
    return found.get(other.view.person_id)


def test_a_stranger_is_told_and_sent_to_the_delegate(town: Town, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia = await enter(scene, camille="hospital", hugo="practice", nadia="south")
        mine = camille.client.availability
        assert await mine.mine() == AvailabilityView()
        assert await told(nadia, camille) is None
        until = now(camille) + 3 * DAY_MS
        said = await mine.set("away", until, hugo.view.person_id)
        assert (said.state, said.until_ms, said.delegate.person_id) == ("away", until, hugo.view.person_id)
        seen = await told(nadia, camille)
        assert (seen.state, seen.until_ms, seen.delegate_available) == ("away", until, True)
        assert seen.delegate.display_name == hugo.view.display_name
        # The delegate is written to in one go.
        chat = await nadia.client.open_direct(seen.delegate)
        await nadia.client.send_text(chat, "Dr Exemple est absente : pouvez-vous regarder ?")
        await hugo.reads(chat, "Dr Exemple est absente : pouvez-vous regarder ?")
        # A delegate who is away too is told as such, and one who is busy no more is available.
        await hugo.client.availability.set("busy", now(hugo) + HOUR_MS)
        assert not (await told(nadia, camille)).delegate_available
        assert (await told(nadia, hugo)).state == "busy"
        await hugo.client.availability.set("available")
        assert await told(nadia, hugo) is None
        assert (await told(nadia, camille)).delegate_available
        # Of somebody unlisted, strangers are told nothing; nor do they see them as somebody's delegate.
        await hugo.client.presence.set_wishes(WishesView(unlisted=True))
        assert (await told(nadia, camille)).delegate.person_id == hugo.view.person_id  # they have talked
        assert (await told(camille, camille)).delegate is None
        await camille.client.presence.set_wishes(WishesView(unlisted=True))
        assert await told(nadia, camille) is None
        assert (await told(camille, camille)).state == "away"
        # Both devices of a person say the same.
        desk = scene.device("camille desk", camille.who)
        await desk.link_from(camille)
        assert (await desk.client.availability.mine()).until_ms == until
        await desk.client.availability.set("available")
        assert (await mine.mine()).state == "available"

    play(town, tmp_path, acts)


def test_what_cannot_be_is_refused_with_a_reason(town: Town, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await enter(scene, camille="hospital", hugo="coast")
        mine, at = camille.client.availability, now(camille)
        for until in (0, at - 1, at + 367 * DAY_MS):
            with pytest.raises(Problem, match="until-wrong"):
                await mine.set("away", until)
        for nobody in (camille.view.person_id, b"x" * 16):
            with pytest.raises(Problem, match="delegate-not-reachable"):
                await mine.set("away", at + HOUR_MS, nobody)
        await hugo.client.presence.set_wishes(WishesView(contact="known"))
        with pytest.raises(Problem, match="delegate-not-reachable"):
            await mine.set("away", at + HOUR_MS, hugo.view.person_id)
        assert await mine.mine() == AvailabilityView()
        # Who leaves MiSS answers for nobody any more, and is away no more.
        await hugo.client.presence.set_wishes(WishesView())
        await mine.set("away", at + HOUR_MS, hugo.view.person_id)
        await hugo.client.availability.set("busy", at + HOUR_MS)
        gone = hugo.view.person_id
        await hugo.client.presence.leave_miss("271828")
        assert (await mine.mine()).delegate is None
        assert await camille.client.availability.of([gone]) == {}

    play(town, tmp_path, acts)


def test_a_time_that_has_passed_is_told_to_nobody(tmp_path: Path) -> None:
    from server.office import Office

    office = Office(tmp_path / "data")
    office.start()
    try:
        one, other = office.device(), office.device()
        office.person(one.person_id, "99700000101")
        office.in_database(availability.keep, one.person_id, Availability("busy", 2_000), 1_000)

        def seen(at_ms: int) -> int:
            return len(office.in_database(availability.told, other.person_id, [one.person_id], at_ms))

        assert [seen(at) for at in (1_000, 1_999, 2_000, 9_000)] == [1, 1, 0, 0]
        assert office.in_database(availability.of_person, one.person_id, 9_000) == Availability()
    finally:
        office.stop()
