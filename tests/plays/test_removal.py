"""A device is revoked: the registrar asks, a member commits, and nobody writes to it any more."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from cast import Device, Post, Scene, play, until
from miss_server.removals import LOOK_SECONDS
from plays.test_devices import members, second
from plays.test_group import persons, team


def device_id(one: Device) -> bytes:
    account = one.client._account
    assert account is not None
    return account.membership.certificate.device_id


def revoke(post: Post, one: Device) -> None:
    """The operator's verb, beside the running server."""
    command = [sys.executable, "-m", "miss_server", "revoke", "--data", str(post.folder), device_id(one).hex()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_revoked_device_leaves_every_conversation(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        direct = await nadia.client.open_direct(await nadia.find(hugo))
        await nadia.client.send_text(direct, "bonjour")
        await hugo.reads(direct, "bonjour")
        revoke(post, hugo)
        for one in (camille, nadia):
            await until(lambda one=one: len(persons(one, chat)) == 2, f"{one.name} sees Hugo gone")
            assert one.notices(chat).count("person-withdrawn") == 1
            assert "person-left" not in one.notices(chat), "he did not leave by himself"
        await until(lambda: len(persons(nadia, direct)) == 1, "and from the direct conversation")
        await nadia.client.send_text(chat, "sans lui")
        await camille.reads(chat, "sans lui")
        await hugo.offline()
        assert "sans lui" not in hugo.said(chat)

    play(post, tmp_path, acts)


def silence(post: Post, device: bytes, days: int) -> None:
    """As if that device had not been connected for so long."""
    database = sqlite3.connect(post.folder / "miss.db", timeout=30)
    with database:
        at_ms = time.time_ns() // 1_000_000 - days * 86_400_000
        update = "UPDATE devices SET last_seen_ms = ? WHERE device_id = ?"
        assert database.execute(update, (at_ms, device)).rowcount == 1
    database.close()


def test_a_device_silent_for_ninety_days_goes_and_may_be_added_again(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        hers = device_id(nadia)
        await nadia.client.stop()
        await asyncio.to_thread(silence, post, hers, 89)
        await camille.client.send_text(chat, "encore là")
        await hugo.reads(chat, "encore là")
        await asyncio.sleep(2 * LOOK_SECONDS)  # time for the registrar to look
        assert len(persons(camille, chat)) == 3, "89 days are no reason"
        await asyncio.to_thread(silence, post, hers, 91)
        for one in (camille, hugo):
            await until(lambda one=one: len(persons(one, chat)) == 2, f"{one.name} sees Nadia's device gone")
            assert one.notices(chat).count("person-withdrawn") == 1
        await camille.client.send_text(chat, "sans elle")
        await nadia.begin()
        await until(lambda: nadia.notices(chat)[-1:] == ["you-were-withdrawn"], "she is told why")
        assert "sans elle" not in nadia.said(chat)
        await camille.client.add_people(chat, [await camille.find(nadia)])
        await until(lambda: len(persons(nadia, chat)) == 3, "she is in again")
        await camille.client.send_text(chat, "bon retour")
        await until(lambda: nadia.said(chat)[-1:] == ["bon retour"], "and reads")

    play(post, tmp_path, acts)


def test_who_wants_to_write_removes_first(post: Post, tmp_path: Path) -> None:
    """All members are away when the device is revoked; whoever comes back with something to say commits it."""

    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, chat = await team(scene)
        for one in (camille, nadia):
            await one.client.stop()
        revoke(post, hugo)
        await hugo.offline()
        await nadia.begin()
        await nadia.client.send_text(chat, "je suis seule à être là")
        await until(lambda: len(persons(nadia, chat)) == 2, "Nadia removed the device")
        await camille.begin()
        await camille.reads(chat, "je suis seule à être là")
        assert len(persons(camille, chat)) == 2

    play(post, tmp_path, acts)


def test_a_revoked_second_device_goes_and_the_person_stays(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        tablet = await second(scene, camille, "tablette")
        direct = await hugo.client.open_direct(await hugo.find(camille))
        await hugo.client.send_text(direct, "à tous tes appareils")
        await tablet.reads(direct, "à tous tes appareils")
        revoke(post, tablet)
        for one in (camille, hugo):
            await until(
                lambda one=one: members(one, direct).get(camille.view.person_id) == 1,
                f"{one.name} sees the tablet gone",
            )
        assert "device-withdrawn" in hugo.notices(direct)
        await camille.client.send_text(direct, "depuis le téléphone")
        await hugo.reads(direct, "à tous tes appareils", "depuis le téléphone")

    play(post, tmp_path, acts)
