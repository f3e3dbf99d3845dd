"""From an invitation to an open profile: what is refused on the way, what waits, and what survives a restart."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from cast import PIN, SECONDS_MAX, Device, Post, Scene, fictional, free_port, play, until
from miss_app.engine.events import Link, LinkChanged, Stage, StageChanged
from miss_app.engine.problems import Problem
from miss_app.engine.thread import EngineThread
from miss_protocol.invitation import Invitation


def operator(post: Post, *words: str) -> str:
    """One of the operator's commands on the running server."""
    done = subprocess.run(
        [sys.executable, "-m", "miss_server", *words, "--data", str(post.folder)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_invitations_that_lead_nowhere(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille = scene.device("camille", post.someone())
        client = camille.client
        await client.start()
        assert client.stage() is Stage.INVITATION
        link = camille.invitation
        other = link[:-1] + ("0" if link[-1] != "0" else "1")
        away = Invitation("127.0.0.1", free_port(), post.server_id).link()
        for typed, reason in (
            ("", "invitation-malformed"),
            ("https://example.org", "invitation-malformed"),
            (link[:-1], "invitation-malformed"),
            (other, "fingerprint-mismatch"),
            (away, "server-away"),
        ):
            with pytest.raises(Problem) as refused:
                await client.use_invitation(typed)
            assert refused.value.reason == reason, typed
            assert client.stage() is Stage.INVITATION
        await client.use_invitation(f"  {link}\n")
        assert client.stage() is Stage.IDENTITY
        server = client.server()
        assert server is not None
        assert server.fingerprint.replace(" ", "") == post.server_id.hex()

    play(post, tmp_path, acts)


def test_claims_that_are_refused_and_a_wrong_code(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille = scene.device("camille", post.someone())
        client, who = camille.client, camille.who
        await client.start()
        await client.use_invitation(camille.invitation)
        for rpps, family, reason in (
            ("123", who.family, "number-malformed"),
            (fictional(500).rpps, who.family, "unknown-number"),
            (who.rpps, "Toutautre", "name-differs"),
        ):
            with pytest.raises(Problem) as refused:
                await camille.claim(rpps, family, who.given, who.jobs[0].profession)
            assert refused.value.reason == reason
            assert refused.value.sentence
            assert client.stage() is Stage.IDENTITY
        await camille.claim(who.rpps, who.family, who.given, who.jobs[0].profession)
        assert client.stage() is Stage.CODE
        view = client.registration()
        assert view is not None
        assert (view.via, view.attempts_left) == ("mailbox", 5)
        assert "***" in view.mailbox
        with pytest.raises(Problem, match="code-wrong"):
            await client.enter_code("0000-0000")
        view = client.registration()
        assert view is not None
        assert view.attempts_left == 4
        # The program ends and starts again in the middle.
        await client.stop()
        camille.client = client = camille._make()
        await client.start()
        assert client.stage() is Stage.CODE
        await client.enter_code(await post.code_for(who.mailbox))
        assert client.stage() is Stage.PIN
        with pytest.raises(Problem, match="pin-too-short"):
            await client.choose_pin("1234")
        await client.stop()
        assert (camille.folder / "pending").stat().st_mode & 0o777 == 0o600
        camille.client = client = camille._make()
        await client.start()
        assert client.stage() is Stage.PIN
        await camille.enter()
        assert not (camille.folder / "pending").exists()
        assert client.stage() is Stage.OPEN

    play(post, tmp_path, acts)


def test_a_pin_whose_making_was_interrupted_is_chosen_again(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille = scene.device("camille", post.someone())
        await camille.register()
        # As if the process had died after the vault and the store were made, before the waiting keys were erased.
        pending = (camille.folder / "pending").read_bytes()
        await camille.client.choose_pin("000111")
        await camille.client.stop()
        (camille.folder / "pending").write_bytes(pending)
        camille.client = camille._make()
        await camille.client.start()
        assert camille.client.stage() is Stage.PIN
        await camille.enter()
        await camille.restart()
        await camille.online()

    play(post, tmp_path, acts)


def test_the_operator_approves_one_and_refuses_another(tmp_path: Path) -> None:
    post = Post(tmp_path / "server", people=8)
    post.start()

    async def acts(scene: Scene) -> None:
        near = {"camille": post.someone(), "hugo": post.someone()}
        devices: dict[str, Device] = {}
        for name, who in near.items():
            one = devices[name] = scene.device(name, who)
            await one.client.start()
            await one.client.use_invitation(one.invitation)
            # A near match: one letter of the first name is missing.
            await one.claim(who.rpps, who.family, who.given[:-1], who.jobs[0].profession)
            assert one.client.stage() is Stage.WAITING
            waits = one.client.registration()
            assert waits is not None
            assert waits.problem == "near-match"  # so that the screen says why it waits
        waiting = await asyncio.to_thread(operator, post, "registrations")
        assert near["camille"].rpps in waiting
        ids = {name: registration(one) for name, one in devices.items()}
        for name in ("essai", "second"):
            proof = ("--proof", "carte professionnelle vue", "--operator", name)
            await asyncio.to_thread(operator, post, "approve", ids["camille"], *proof)
        await asyncio.to_thread(operator, post, "refuse", ids["hugo"], "--reason", "carte illisible", "--operator", "x")
        await until(lambda: devices["camille"].client.stage() is Stage.PIN, "Camille is approved")
        await until(lambda: devices["hugo"].client.stage() is Stage.REFUSED, "Hugo is refused")
        view = devices["hugo"].client.registration()
        assert view is not None
        assert "carte illisible" in view.note
        assert view.problem != "near-match"
        await devices["hugo"].client.start_over()
        assert devices["hugo"].client.stage() is Stage.IDENTITY
        await devices["camille"].enter()

    try:
        play(post, tmp_path, acts)
    finally:
        post.stop()


def registration(one: Device) -> str:
    pending = one.client._profile.pending()
    assert pending is not None
    return pending.registration


def test_a_second_process_on_the_same_profile_is_refused(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        (camille,) = await scene.enter("camille")
        second = camille._make()
        await second.start()
        assert second.stage() is Stage.LOCKED
        with pytest.raises(Problem, match="profile-in-use"):
            await second.unlock(PIN)
        assert camille.client.link() is Link.ONLINE
        assert not any(isinstance(e, LinkChanged) and e.problem == "elsewhere" for e in camille.events)
        await second.stop()

    play(post, tmp_path, acts)


def test_a_revoked_device_is_told(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        (camille,) = await scene.enter("camille")
        account = camille.client._account
        assert account is not None
        await asyncio.to_thread(operator, post, "revoke", account.certificate.device_id.hex())
        await until(lambda: camille.client.stage() is Stage.REVOKED, "told that it is revoked")

    play(post, tmp_path, acts)


def test_the_engine_runs_in_a_thread_of_its_own(post: Post, tmp_path: Path) -> None:
    woken: list[int] = []
    engine = EngineThread(tmp_path / "camille", language="en", device_name="pc")
    engine.on_wake = lambda: woken.append(1)
    engine.start()
    try:
        assert engine.client.stage() is Stage.INVITATION
        link = Invitation("127.0.0.1", post.address[1], post.server_id).link()
        engine.call(engine.client.use_invitation(link)).result(SECONDS_MAX)
        assert engine.events.get(timeout=SECONDS_MAX) == StageChanged(Stage.IDENTITY)
        assert woken
        engine.call(engine.client.set_setting("theme", "dark")).result(SECONDS_MAX)
        assert engine.client.settings() == {"language": "en", "theme": "dark"}
        with pytest.raises(Problem, match="locked"):
            engine.call(engine.client.devices()).result(SECONDS_MAX)
    finally:
        engine.stop()
    assert not engine._thread.is_alive()
