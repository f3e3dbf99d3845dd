"""The life of key packages: fifty for one use and one of last resort, spent, forgotten, and made anew."""

import asyncio
import sqlite3
from pathlib import Path

from cast import PIN, Device, Post, Scene, play, until
from miss_app.engine.events import Stage
from miss_protocol import limits
from miss_protocol.mls import group as mls

LAST_RESORT = 0x000A


def at_server(post: Post, one: Device) -> dict[bool, set[bytes]]:
    """The key packages of a device that the server has, by whether they are of last resort."""
    account = one.client._account
    assert account is not None
    database = sqlite3.connect(f"file:{post.folder / 'miss.db'}?mode=ro", uri=True)
    query = "SELECT last_resort, body FROM key_packages JOIN devices USING (device) WHERE device_id = ?"
    rows = database.execute(query, (account.membership.certificate.device_id,)).fetchall()
    database.close()
    return {kind: {bytes(body) for last, body in rows if bool(last) is kind} for kind in (False, True)}


def use_up(post: Post, one: Device) -> None:
    """As if others had taken all that may be used once."""
    account = one.client._account
    assert account is not None
    database = sqlite3.connect(post.folder / "miss.db", timeout=30)
    with database:
        device = "(SELECT device FROM devices WHERE device_id = ?)"
        delete = f"DELETE FROM key_packages WHERE NOT last_resort AND device = {device}"
        assert database.execute(delete, (account.membership.certificate.device_id,)).rowcount > 0
    database.close()


def at_device(one: Device) -> dict[bool, set[bytes]]:
    """The key packages whose private halves a device has."""
    account = one.client._account
    assert account is not None
    found = [mls.KeyPackageSecrets.decode(row.body) for row in account.store.all_rows("key_packages")]
    kept: dict[bool, set[bytes]] = {False: set(), True: set()}
    for secrets in found:
        kept[any(extension.type == LAST_RESORT for extension in secrets.decoded.extensions)].add(secrets.key_package)
    return kept


def test_each_is_used_once_and_the_last_resort_only_when_nothing_else_is_left(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia = await scene.enter("camille", "hugo", "nadia")
        first = at_server(post, hugo)
        assert (len(first[False]), len(first[True])) == (limits.KEY_PACKAGES_TARGET, 1)
        assert at_device(hugo) == first, "the private half of each is at the device"

        direct = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(direct, "un")
        await hugo.reads(direct, "un")
        left = at_server(post, hugo)
        assert (len(left[False]), left[True]) == (limits.KEY_PACKAGES_TARGET - 1, first[True])
        assert at_device(hugo) == left, "the private half of the used one is gone"

        await asyncio.to_thread(use_up, post, hugo)
        team = await nadia.client.create_group("Équipe", "", [await nadia.find(hugo)])
        await nadia.client.send_text(team, "deux")
        await hugo.reads(team, "deux")
        assert at_server(post, hugo) == {False: set(), True: first[True]}
        assert at_device(hugo)[True] == first[True], "others may use it at the same time"

        await hugo.restart()
        await until(lambda: len(at_server(post, hugo)[False]) == limits.KEY_PACKAGES_TARGET, "fifty fresh ones")
        fresh = at_server(post, hugo)
        assert not fresh[False] & first[False]
        assert len(fresh[True]) == 1
        assert not fresh[True] & first[True], "a last resort that was used is replaced"
        assert first[True] <= at_device(hugo)[True], "a welcome that is on its way still opens"
        care = await camille.client.create_group("Soins", "", [await camille.find(one) for one in (hugo, nadia)])
        await camille.client.send_text(care, "trois")
        await hugo.reads(care, "trois")

    play(post, tmp_path, acts)


def test_a_device_just_linked_leaves_one_for_each_conversation_and_fifty(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        there = await camille.find(hugo)
        talks = [await camille.client.create_group(f"Équipe {number}", "", [there]) for number in range(12)]
        for talk in talks:
            await until(lambda talk=talk: hugo.client.conversation(talk), "the teams exist")
        tablet = scene.device("tablette", camille.who)
        await tablet.client.start()
        await tablet.client.use_invitation(tablet.invitation)
        await camille.client.link_device(await tablet.client.start_linking(), pin=PIN, days=None)
        account = camille.client._account
        assert account is not None
        await until(lambda: account.own_stream.record() and not account.store.all_rows("outbox"), "her own stream too")
        await until(lambda: tablet.client.stage() is Stage.PIN, "linked")
        await tablet.enter()
        for talk in talks:
            await until(lambda talk=talk: tablet.client.conversation(talk), "the tablet is in")
        await until(lambda: len(at_server(post, tablet)[False]) == limits.KEY_PACKAGES_TARGET, "fifty are left")
        left = at_server(post, tablet)
        assert at_device(tablet) == left, "each of the others was used once"

    play(post, tmp_path, acts)
