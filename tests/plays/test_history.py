"""What was said before a device came, or before a person did: handed over, whole, in order, once."""

import io
import random
import time
from pathlib import Path

from PIL import Image

from cast import Device, Post, Scene, play, until
from miss_app.engine.events import HistoryProgress, MessageView, Tick
from proofs.devices import fill


def picture(seed: int) -> bytes:
    """A small invented photo, each another one."""
    chance = random.Random(seed)
    image = Image.frombytes("RGB", (64, 48), chance.randbytes(64 * 48 * 3))
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


def shown(one: Device, chat: bytes) -> list[tuple[bytes, str, str, bool, bytes]]:
    """What a person sees, in order, but for grey lines."""
    spoken = [line for line in one.lines(chat) if line.kind in ("text", "photo", "unreadable")]
    return [(line.message_id, line.kind, line.text, line.mine, _author(line)) for line in spoken]


def _author(line: MessageView) -> bytes:
    return b"" if line.author is None else line.author.person_id


async def finished(one: Device, giving: bool) -> None:
    def last() -> bool:
        found = [e for e in one.events if isinstance(e, HistoryProgress) and e.giving is giving]
        return bool(found) and found[-1].finished

    await until(last, f"{one.name}: the handover is finished")


def test_a_linked_device_has_everything_in_order_and_once(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        direct = await camille.client.open_direct(await camille.find(hugo))
        for number in range(12):
            await (camille if number % 3 else hugo).client.send_text(direct, f"texte {number}") if number else None
            if not number:
                await camille.client.send_text(direct, "premier")
                await hugo.reads(direct, "premier")
        await camille.client.send_photo(direct, picture(1), file_name="a.jpg", caption="une photo")
        await until(lambda: len(shown(hugo, direct)) == 13, "everything was said")
        await until(lambda: len(shown(camille, direct)) == 13, "and heard")
        await hugo.client.mark_read(direct)
        last = camille.lines(direct)[-1].message_id
        await camille.ticks(direct, last, Tick.READ)
        tablet = scene.device("tablette", camille.who)
        await tablet.link_from(camille, days=0)
        await until(lambda: shown(tablet, direct) == shown(camille, direct), "the same lines")
        for one, giving in ((tablet, False), (camille, True)):
            await finished(one, giving)
        photo = next(line for line in tablet.lines(direct) if line.kind == "photo")
        assert photo.photo is not None
        assert photo.photo.here
        assert await tablet.client.photo(direct, photo.message_id) == await camille.client.photo(
            direct, photo.message_id
        )
        await tablet.ticks(direct, last, Tick.READ)
        assert [line.tick for line in tablet.lines(direct) if line.kind != "notice"] == [
            line.tick for line in camille.lines(direct) if line.kind != "notice"
        ]
        views = [one.client.conversation(direct) for one in (camille, tablet)]
        assert [(view.unread, view.title) for view in views if view] == [(3, hugo.view.display_name)] * 2
        await hugo.client.send_text(direct, "après")
        await until(lambda: shown(tablet, direct) == shown(camille, direct), "and what follows")
        assert len(tablet.client.conversations()) == 1, "the own stream is nobody's conversation"
        # Nothing is left behind on either side: no key, no parcel, no promise with a gift to give.
        for one in (camille, tablet):
            account = one.client._account
            assert account is not None
            assert account.store.all_rows("parcels") == []
            assert account.store.rows("handovers", b"gift") == []
            for shelf in (b"fetch", b"photo", b"tally"):
                assert account.store.rows("arrivals", shelf) == []

    play(post, tmp_path, acts)


def test_where_nothing_was_chosen_keys_and_settings_come_and_no_message(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        direct = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(direct, "avant")
        await hugo.reads(direct, "avant")
        await camille.client.preferences.set_draft(direct, "brouillon")
        tablet = scene.device("tablette", camille.who)
        await tablet.link_from(camille, days=None)
        await until(lambda: tablet.client.conversation(direct), "the tablet is in")
        await hugo.client.send_text(direct, "après")
        await tablet.reads(direct, "après")
        await until(lambda: tablet.client.preferences.draft(direct) == "brouillon", "the shared state comes")
        await finished(tablet, False)
        assert shown(tablet, direct) == shown(camille, direct)[1:]
        account = tablet.client._account
        assert account is not None
        kept = b"".join(row.body for table in ("messages", "blobs") for row in account.store.all_rows(table))
        assert b"avant" not in kept

    play(post, tmp_path, acts)


def test_a_newcomer_gets_what_the_one_who_adds_them_chose(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo, nadia, ines = await scene.enter("camille", "hugo", "nadia", "ines")
        group = await camille.client.create_group("Équipe plaies", "Mme T.", [await camille.find(hugo)])
        await until(lambda: hugo.client.conversation(group), "Hugo is in")
        await camille.client.send_text(group, "de Camille")
        await hugo.reads(group, "de Camille")
        await hugo.client.send_text(group, "de Hugo")
        await hugo.client.send_photo(group, picture(2), file_name="b.jpg", caption="le talon", consent=True)
        await until(lambda: len(shown(camille, group)) == 3, "said")
        await camille.client.add_people(group, [await camille.find(nadia)], days=7)
        await until(
            lambda: [line[2] for line in shown(nadia, group)] == [line[2] for line in shown(camille, group)], ""
        )
        spoken = [line for line in nadia.lines(group) if line.kind in ("text", "photo")]
        assert [line.handed_by and line.handed_by.person_id for line in spoken] == [camille.view.person_id] * 3
        assert [_author(line) for line in spoken] == [_author(line) for line in camille.lines(group) if line.text]
        assert [line.at_ms for line in spoken] == [
            line.at_ms for line in camille.lines(group) if line.kind in ("text", "photo")
        ]
        await finished(nadia, False)
        photo = await nadia.client.photo(group, spoken[-1].message_id)
        assert photo == await hugo.client.photo(group, shown(hugo, group)[-1][0])
        for one in (camille, hugo, nadia):
            await until(lambda one=one: "history-days" in one.notices(group), f"{one.name} is told")
        # From now on: her store holds nothing older.
        await camille.client.add_people(group, [await camille.find(ines)])
        await until(lambda: ines.client.conversation(group), "Inès is in")
        await hugo.client.send_text(group, "bienvenue")
        await ines.reads(group, "bienvenue")
        account = ines.client._account
        assert account is not None
        kept = b"".join(
            row.body for table in ("messages", "arrivals", "blobs") for row in account.store.all_rows(table)
        )
        assert b"bienvenue" in kept
        for older in (b"de Camille", b"de Hugo", b"le talon"):
            assert older not in kept

    play(post, tmp_path, acts)


def test_who_is_added_at_seven_has_the_last_seven_days_with_photos(post: Post, tmp_path: Path) -> None:
    """One message an hour, a photo now and then; what is older than seven days stays where it is."""

    async def acts(scene: Scene) -> None:
        camille, hugo, nadia = await scene.enter("camille", "hugo", "nadia")
        group = await camille.client.create_group("Équipe plaies", "Mme T.", [await camille.find(hugo)])
        await camille.client.send_text(group, "ce matin")
        await hugo.reads(group, "ce matin")
        account = camille.client._account
        assert account is not None
        hour = 3_600_000
        first_ms = account.clock.now_ms() - 200 * hour + hour // 2
        author = hugo.view.person_id
        fill(account, group, 200, 6, author=author, first_ms=first_ms, each_ms=hour, edge=1_000)
        began = time.monotonic()
        await camille.client.add_people(group, [await camille.find(nadia)], days=7)
        await until(lambda: nadia.client.conversation(group), "Nadia is in")
        added = time.monotonic()
        await until(lambda: len(shown(nadia, group)) == 169, "the last seven days")

        def photos_here() -> int:
            return sum(line.photo is not None and line.photo.here for line in nadia.lines(group))

        await until(lambda: photos_here() == 5, "with their photos")
        last = time.monotonic()
        print(
            f"\nadded: 169 messages, 5 photos, {last - added:.2f} s after her Add, {last - began:.2f} s after the tap"
        )
        assert last - added < 10, "she begins her round"
        assert [line[0] for line in shown(nadia, group)] == [line[0] for line in shown(camille, group)][32:]

    play(post, tmp_path, acts)
