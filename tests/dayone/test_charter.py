"""The charter: nobody registers without it, its version and date are kept, another version is asked about again."""

import asyncio
import base64
import re
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text

from cast import Device, Scene, play, until
from dayone.town import Town
from identity.post_office import device_request
from miss_app.engine.events import CharterAsked, Stage
from miss_app.engine.problems import Problem
from miss_server import charter, config
from miss_server.app import create_app
from miss_server.config import ConfigError
from miss_server.server_texts import say

ACCEPTANCES = "SELECT version, accepted_at_ms FROM charter_acceptances WHERE person_id = :me ORDER BY accepted_at_ms"
OTHER = "Version 2027-01-01\n\nUne autre charte."
OTHER_ENGLISH = "Version 2027-01-01\n\nOther terms."


def acceptances(town: Town, person_id: bytes) -> list[tuple[str, int]]:
    engine = create_engine(f"sqlite:///{town.folder / 'miss.db'}")
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(ACCEPTANCES), {"me": person_id})]


def asked(device: Device) -> list[CharterAsked]:
    return [one for one in device.events if isinstance(one, CharterAsked)]


def test_both_texts_are_whole_and_of_one_version() -> None:
    found = charter.load()
    assert found.french.startswith("CHARTE")
    assert found.english.startswith("TERMS")
    for words in ("30 jours", "37 jours", "liste rouge", "CNIL"):
        assert words in found.french
    assert not re.search(r" [:;?!]", found.french), "a sign stays with its word"
    assert found.text("fr") == found.french != found.english == found.text("en")


@pytest.mark.parametrize(
    ("french", "english", "reason"),
    [
        (OTHER, None, "charter-halved"),
        (OTHER, OTHER_ENGLISH.replace("2027", "2028"), "charter-halved"),
        ("Une charte sans version", OTHER_ENGLISH, "file-malformed"),
        ("Version 2027-01-01\n\n  \n", OTHER_ENGLISH, "file-malformed"),
    ],
)
def test_texts_that_do_not_fit_are_refused(tmp_path: Path, french: str, english: str | None, reason: str) -> None:
    (tmp_path / "charter.fr.txt").write_text(french)
    if english is not None:
        (tmp_path / "charter.en.txt").write_text(english)
    with pytest.raises(ConfigError) as refused:
        charter.load(tmp_path)
    assert refused.value.reason == reason


def test_a_server_with_texts_that_do_not_fit_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "charter.fr.txt").write_text(OTHER)
    with pytest.raises(ConfigError) as refused:
        create_app(config.load(tmp_path))
    for language in ("fr", "en"):
        said = say(refused.value.reason, language, setting=refused.value.setting, value=refused.value.value)
        assert "charter.en.txt" in said


def test_a_stranger_reads_it_and_accepts_nothing(town: Town) -> None:
    address = f"http://{town.address[0]}:{town.address[1]}"
    with httpx.Client(base_url=address, timeout=30) as http:
        assert http.get("/v1/charter", headers={"Accept-Language": "en"}).json()["text"].startswith("TERMS")
        assert http.get("/v1/charter/acceptance").status_code == 401
        said = http.post("/v1/charter/acceptance", json={"version": charter.load().version})
        assert said.status_code == 401
        body = {"rpps": town.people[0].rpps, "family_name": "x", "given_name": "y", "profession": "10"}
        body["request"] = base64.b64encode(device_request()[1]).decode()
        refused = http.post("/v1/registrations", json=body)
        assert (refused.status_code, refused.json()["reason"]) == (422, "charter-missing")


def test_nobody_registers_without_it_and_a_new_version_asks_again(town: Town, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille = scene.device("camille", town.at("practice"))
        client, who = camille.client, camille.who
        await client.start()
        await client.use_invitation(camille.invitation)
        for version, reason in (("", "charter-missing"), ("1999-01-01", "charter-changed")):
            with pytest.raises(Problem) as refused:
                await client.claim(who.rpps, who.family, who.given, who.jobs[0].profession, charter_version=version)
            assert (refused.value.reason, client.stage()) == (reason, Stage.IDENTITY)
            assert "charte" in refused.value.sentence
        await camille.register()
        await camille.enter()
        first, me = charter.load().version, camille.view.person_id
        assert [version for version, _ in acceptances(town, me)] == [first]
        assert (await client.presence.charter_standing()).accepted_at_ms == acceptances(town, me)[0][1]
        assert asked(camille) == []
        # The operator has other terms from now on.
        (town.folder / "charter.fr.txt").write_text(OTHER)
        (town.folder / "charter.en.txt").write_text(OTHER_ENGLISH)
        await asyncio.to_thread(town.stop)
        await asyncio.to_thread(town.start)
        await until(lambda: asked(camille), "the other charter")
        shown = asked(camille)[0].charter
        assert (shown.version, shown.text, shown.accepted_at_ms) == ("2027-01-01", "Une autre charte.", 0)
        with pytest.raises(Problem, match="charter-changed"):
            await client.presence.accept_charter(first)
        assert [version for version, _ in acceptances(town, me)] == [first]
        await client.presence.accept_charter("2027-01-01")
        before = acceptances(town, me)
        await client.presence.accept_charter("2027-01-01")  # twice is once, and the first date holds
        assert acceptances(town, me) == before
        assert sorted(version for version, _ in before) == [first, "2027-01-01"]
        assert (await client.presence.charter_standing()).accepted_at_ms

    try:
        play(town, tmp_path, acts)
    finally:
        for language in ("fr", "en"):
            (town.folder / f"charter.{language}.txt").unlink(missing_ok=True)
        town.stop()
        town.start()
