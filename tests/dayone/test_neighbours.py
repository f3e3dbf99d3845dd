"""New on MiSS nearby: who registered lately in the town, then the department; favourites stay over a restart."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from cast import Device, Scene, play, until
from dayone.town import Town, enter
from miss_app.engine.events import WishesView
from miss_app.engine.problems import Problem
from miss_server.neighbours import department


@pytest.mark.parametrize(
    ("postcode", "expected"),
    [
        ("59000", "59"),
        ("13001", "13"),
        ("97400", "974"),
        ("98800", "988"),
        ("20000", "200"),
        ("20600", "206"),
        ("", ""),
    ],
)
def test_departments(postcode: str, expected: str) -> None:
    assert department(postcode) == expected


def test_who_is_new_nearby(town: Town, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        people = await enter(scene, far="south", next="harbour", close="island", hidden="island", me="island")
        _, neighbour, close, hidden, me = people
        await hidden.client.presence.set_wishes(WishesView(unlisted=True))

        async def near() -> list[str]:
            return [one.display_name for one in await me.client.presence.new_near()]

        # The town first, then the department; neither oneself, nor who is far, nor who is unlisted.
        assert await near() == [close.view.display_name, neighbour.view.display_name]
        engine = create_engine(f"sqlite:///{town.folder / 'miss.db'}", connect_args={"timeout": 30})
        with engine.begin() as connection:
            month = {"m": 30 * 86_400_000, "p": close.view.person_id}
            connection.execute(
                text("UPDATE people SET created_at_ms = created_at_ms - :m - 1000 WHERE person_id = :p"), month
            )
        assert await near() == [neighbour.view.display_name]
        # Favourites are this person's own, and stay.
        found = (await me.client.presence.new_near())[0]
        await me.client.presence.set_favourite(found, True)
        await me.client.presence.set_favourite(found, True)
        with pytest.raises(Problem, match="person-not-reachable"):
            await me.client.presence.set_favourite(
                type(found)(b"", found.display_name, found.profession, found.place, False), True
            )
        await me.restart()
        assert [one.person_id for one in me.client.presence.favourites()] == [neighbour.view.person_id]
        # Another device of the same person has them too.
        tablet = scene.device("tablet", me.who)
        await tablet.link_from(me, days=30)

        def marked(device: Device) -> list[bytes]:
            return [one.person_id for one in device.client.presence.favourites()]

        await until(lambda: marked(tablet) == [neighbour.view.person_id], "the tablet shows the favourite")
        await tablet.client.presence.set_favourite(found, False)
        await until(lambda: marked(me) == [], "the mark is taken back everywhere")

    play(town, tmp_path, acts)
