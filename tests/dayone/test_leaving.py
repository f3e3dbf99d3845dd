"""Leaving MiSS: devices end, contacts are told, the account is forgotten, and nothing is left on the device."""

from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text

from cast import PIN, Device, Scene, play, until
from dayone.town import Town, enter
from miss_app.engine.events import Stage
from miss_app.engine.problems import Problem

ABOUT_PEOPLE = ("people", "registrations", "charter_acceptances", "wishes")


def database_says(town: Town, query: str, **values: object) -> list[tuple[object, ...]]:
    engine = create_engine(f"sqlite:///{town.folder / 'miss.db'}")
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def kept_files(device: Device) -> list[str]:
    return sorted(path.name for path in device.folder.rglob("*") if path.is_file())


def test_who_leaves_is_gone_from_everywhere(town: Town, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia = await enter(scene, camille="hospital", hugo="practice", nadia="south")
        tablet = scene.device("tablet", camille.who)
        await tablet.link_from(camille)
        seen, name = await hugo.find(camille), camille.view.display_name
        talk = await hugo.client.open_direct(seen)
        await hugo.client.send_text(talk, "Bonjour")
        await camille.reads(talk, "Bonjour")
        team = await hugo.client.create_group("Équipe", "", [seen, await hugo.find(nadia)])
        await hugo.client.send_text(team, "À tous")
        await camille.reads(team, "À tous")
        await nadia.reads(team, "À tous")
        me = camille.view.person_id
        # A wrong PIN changes nothing, nor does naming somebody else.
        with pytest.raises(Problem, match="pin-wrong"):
            await camille.client.presence.leave_miss("000000")
        account = camille.client._account
        assert account is not None
        for person in (hugo.view.person_id.hex(), "", me.hex().upper()):
            with pytest.raises(Problem, match="malformed"):
                await account.http.json("POST", "/v1/leaving", json={"person": person}, ticket=True)
        assert database_says(town, "SELECT display_name FROM people WHERE person_id = :me", me=me) == [(name,)]
        assert not (camille.folder / "leaving").exists()
        await camille.client.presence.leave_miss(PIN)
        assert camille.client.stage() is Stage.INVITATION
        assert kept_files(camille) in ([], ["settings.json"])
        assert Stage.REVOKED not in [getattr(one, "stage", None) for one in camille.events]
        # The other device of the same person has ended too.
        await until(lambda: tablet.client.stage() is Stage.REVOKED, "the tablet has ended")
        # Whoever shared a conversation reads it, once, and is not let write into the void.
        for one in (hugo, nadia):
            await until(lambda one=one: "person-gone" in one.notices(team), f"{one.name} is told")
        await until(lambda: "person-gone" in hugo.notices(talk), "the direct conversation says it")
        view = hugo.client.conversation(talk)
        assert view is not None
        assert not view.active
        await until(
            lambda: len(getattr(hugo.client.conversation(team), "members", ())) == 2, "her leaves are out of the team"
        )
        assert "person-left" not in hugo.notices(team)
        line = next(one for one in hugo.lines(team) if one.notice == "person-gone")
        assert line.names == (name,)
        assert hugo.said(talk) == ["Bonjour"]
        # The server knows nobody of that id or number any more, but for the acts.
        for table in ABOUT_PEOPLE:
            column = "rpps" if table in ("people", "registrations") else "person_id"
            value = camille.who.rpps if column == "rpps" else me
            assert database_says(town, f"SELECT * FROM {table} WHERE {column} = :value", value=value) == [], table
        devices = database_says(
            town, "SELECT name, length(certificate), revoked_at_ms FROM devices WHERE person_id = :me", me=me
        )
        assert [row[:2] for row in devices] == [("", 0), ("", 0)]
        assert all(row[2] for row in devices)
        acts_kept = database_says(town, "SELECT who, about FROM registrar_acts WHERE what = 'left'")
        hers = [one for one in acts_kept if me.hex() in one[1] or camille.who.rpps in one[1]]  # others leave here too
        assert hers == [("person", f"{me.hex()} RPPS {camille.who.rpps}")]
        found = await nadia.client.search_people(camille.who.family, place=camille.who.jobs[0].town)
        assert [one.reachable for one in found if one.display_name == name] in ([], [False])
        with pytest.raises(Problem, match="person-not-reachable"):
            await nadia.client.open_direct(seen)
        # The same number registers again, as somebody new, on the same device.
        again = scene.device("again", camille.who)
        await again.register()
        await again.enter()
        assert again.view.person_id != me

    play(town, tmp_path, acts)


def test_a_lost_answer_is_made_good_at_the_next_connection(town: Town, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await enter(scene, camille="coast", hugo="coast")
        # The server is away: nothing has changed, and being let in again ends the wish.
        camille.cable.pull()
        await camille.offline()
        with pytest.raises(Problem):
            await camille.client.presence.leave_miss(PIN)
        assert (camille.folder / "leaving").exists()
        camille.cable.plug()
        await camille.online()
        await until(lambda: not (camille.folder / "leaving").exists(), "the wish is taken back")
        # The answer is lost: the device learns that it has ended, and forgets everything by itself.
        account = hugo.client._account
        assert account is not None
        hugo.client._profile.set_leaving(True)
        ticket, me = await account.session.ticket(False), hugo.view.person_id.hex()
        host, port = town.address
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=60) as elsewhere:
            said = await elsewhere.post(
                "/v1/leaving", json={"person": me}, headers={"Authorization": f"Bearer {ticket}"}
            )
            assert said.json() == {"left": True}
            again = await elsewhere.post(
                "/v1/leaving", json={"person": me}, headers={"Authorization": f"Bearer {ticket}"}
            )
            assert (again.status_code, again.json()["reason"]) == (403, "revoked")
        await until(lambda: hugo.client.stage() is Stage.INVITATION, "everything is forgotten")
        assert kept_files(hugo) in ([], ["settings.json"])

    play(town, tmp_path, acts)
