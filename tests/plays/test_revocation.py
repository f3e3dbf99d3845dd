"""A device that is ended, its store and keys kept aside before: no way in, no photo, no word. And how many there may be."""

import asyncio
import shutil
import sqlite3
import time
from pathlib import Path

import httpx
import pytest

from cast import PIN, Device, FolderKeystore, Post, Scene, play, store_key, until
from miss_app.engine.conversations import Conversations
from miss_app.engine.events import Link, LinkChanged, Stage
from miss_app.engine.problems import Problem
from miss_app.engine.store import Store
from miss_app.engine.vault import Vault
from miss_protocol import content as contents
from miss_protocol import limits
from miss_protocol.errors import MissError
from miss_protocol.frames import Kind
from miss_protocol.mls import group as mls
from plays.test_history import picture


def rows_after(post: Post, chat: bytes, number: int) -> list[tuple[Kind, bytes]]:
    """What the server keeps of a conversation after a row, as it came."""
    query = "SELECT rows.kind, body FROM rows JOIN streams USING (stream) WHERE stream_id = ? AND number > ? ORDER BY number"
    database = sqlite3.connect(f"file:{post.folder / 'miss.db'}?mode=ro", uri=True)
    found = [(Kind(kind), bytes(body)) for kind, body in database.execute(query, (chat, number))]
    database.close()
    return found


def age_links(post: Post, minutes: int) -> None:
    """As if every code had been shown so much earlier."""
    database = sqlite3.connect(post.folder / "miss.db", timeout=30)
    with database:
        assert database.execute("UPDATE links SET opened_at_ms = opened_at_ms - ?", (minutes * 60_000,)).rowcount > 0
    database.close()


def blobs(one: Device, chat: bytes) -> list[bytes]:
    account = one.client._account
    assert account is not None
    found = (account.messages.find(chat, line.message_id) for line in one.lines(chat))
    return [line.photo.blob for line in found if line is not None and line.photo is not None]


async def asked(post: Post, blob: bytes, ticket: str) -> int:
    """What the server answers to who asks for a photo with this ticket."""
    async with httpx.AsyncClient(base_url="http://{}:{}".format(*post.address)) as http:
        headers = {"Authorization": f"Bearer {ticket}"}
        return (await http.get(f"/v1/blobs/{blob.hex()}", headers=headers)).status_code


async def comes(post: Post, blob: bytes, ticket: str) -> None:
    """A photo is given to who has this ticket, as soon as it was uploaded."""
    async with asyncio.timeout(30):
        while await asked(post, blob, ticket) != 200:
            await asyncio.sleep(0.05)


async def shows_a_code(scene: Scene, first: Device, name: str) -> str:
    """A new machine of the same person, ready to be linked."""
    new = scene.device(name, first.who)
    await new.client.start()
    await new.client.use_invitation(new.invitation)
    return await new.client.start_linking()


def test_what_was_kept_of_a_device_before_it_was_ended_opens_nothing(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        direct = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(direct, "bonjour")
        await hugo.reads(direct, "bonjour")
        tablet = scene.device("tablette", camille.who)
        await tablet.link_from(camille, days=0)
        await tablet.reads(direct, "bonjour")
        await hugo.client.send_photo(direct, picture(1), file_name="a.jpg", caption="avant", consent=True)
        await tablet.reads(direct, "bonjour", "avant")
        # Everything of it is put aside: its files, its keys, the keystore's share, the ticket of its connection.
        account = tablet.client._account
        assert account is not None
        place, key = Vault(tablet.folder / "vault").place(), store_key(tablet.folder)
        share, ticket = FolderKeystore().get(place), await account.session.ticket(renew=True)
        assert share is not None
        device_id = account.certificate.device_id
        copies = [tmp_path / "gardé", tmp_path / "gardé encore"]
        with account.store.lock:
            record = account.conversations.get(direct)
            for copy in copies:
                shutil.copytree(tablet.folder, copy)
        assert record is not None

        # As long as the device is one of hers its ticket serves.
        await comes(post, blobs(hugo, direct)[0], ticket)
        await hugo.client.send_text(direct, "pendant")
        await camille.reads(direct, "bonjour", "avant", "pendant")

        began = time.monotonic()
        await camille.client.own_devices.revoke(device_id, pin=PIN)
        await until(lambda: tablet.client.link() is not Link.ONLINE, "the socket is closed")
        closed = time.monotonic() - began
        assert closed < 5, "a second on a machine that does nothing else"
        await until(lambda: tablet.client.stage() is Stage.REVOKED, "the tablet is told")
        await until(lambda: len(devices_seen(hugo, direct)) == 2 and sum(devices_seen(hugo, direct)) == 2, "it is out")
        await hugo.client.send_text(direct, "après")
        await hugo.client.send_photo(direct, picture(2), file_name="b.jpg", caption="photo", consent=True)
        await camille.reads(direct, "bonjour", "avant", "pendant", "après", "photo")

        # No photo, neither of before nor of afterwards.
        assert len(blobs(hugo, direct)) == 2
        hers = camille.client._account
        assert hers is not None
        for blob in blobs(hugo, direct):
            await comes(post, blob, await hers.session.ticket())
            assert await asked(post, blob, ticket) == 403

        # No word: the kept keys open what was sealed before they were taken out, and nothing since.
        store = Store(copies[0] / "store.db", key)
        group = Conversations(store).group(direct)
        assert group is not None
        opened, closed_to_it, ended, rules = [], 0, False, account.membership.rules(None)
        for kind, body in rows_after(post, direct, record.position):
            if kind is Kind.PROPOSAL and not ended:
                group = mls.receive_proposal(group, body, rules).group
            elif kind is Kind.COMMIT and not ended:
                received = mls.receive_commit(group, body, rules)
                ended = received.group is None
                group = group if received.group is None else received.group
            elif kind is Kind.APPLICATION:
                try:
                    plain = mls.open_message(group, body)
                except MissError:
                    closed_to_it += 1
                    continue
                group = plain.group
                said = contents.decode(plain.plaintext).body
                opened += [said.text] if isinstance(said, contents.Text) else []
        store.close()
        assert ended, "the commit that takes it out is the last it can follow"
        assert (opened, closed_to_it) == (["pendant"], 2)

        # No way in: the whole device, started again from what was kept, is told before any PIN is typed.
        FolderKeystore().put(place, share)
        again = scene.device(copies[1].name, camille.who)
        began = time.monotonic()
        await again.client.start()
        await until(lambda: again.client.stage() is Stage.REVOKED, "refused at the door")
        await until(lambda: not (copies[1] / "store.db").exists(), "and emptied")
        refused = time.monotonic() - began
        assert Link.ONLINE not in [event.link for event in again.events if isinstance(event, LinkChanged)]
        print(
            f"\nended: its socket closed after {closed:.2f} s; a copy of it was refused and emptied in {refused:.2f} s"
        )

    play(post, tmp_path, acts)


def devices_seen(one: Device, chat: bytes) -> list[int]:
    """How many devices each member has, as this one sees it."""
    view = one.client.conversation(chat)
    return [] if view is None else [member.devices for member in view.members]


def test_a_code_serves_ten_minutes_and_a_person_has_eight_devices(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        (camille,) = await scene.enter("camille")
        code = await shows_a_code(scene, camille, "trop tard")
        age_links(post, limits.LINK_MINUTES)
        for verb in (camille.client.own_devices.look(code), camille.client.link_device(code, pin=PIN)):
            with pytest.raises(Problem, match="link-expired"):
                await verb
        for number in range(2, limits.DEVICES_PER_PERSON_MAX + 1):
            await camille.client.link_device(await shows_a_code(scene, camille, f"appareil {number}"), pin=PIN)
        assert len(await camille.client.devices()) == limits.DEVICES_PER_PERSON_MAX == 8
        ninth = await shows_a_code(scene, camille, "le neuvième")
        with pytest.raises(Problem, match="too-many-devices") as refused:
            await camille.client.link_device(ninth, pin=PIN)
        assert "Retirez-en un" in refused.value.sentence
        devices = await camille.client.devices()
        await camille.client.own_devices.revoke(devices[-1].device_id, pin=PIN)
        await camille.client.link_device(ninth, pin=PIN)  # the same code serves still: it was not used
        assert len(await camille.client.devices()) == limits.DEVICES_PER_PERSON_MAX

    play(post, tmp_path, acts)
