"""A device linked by its QR code, named, ended; codes that are wrong, old, used or altered."""

import io
import sqlite3
import time
from pathlib import Path

import pytest
import segno

from cast import PIN, Device, Post, Scene, play, until
from miss_app import qr_reader
from miss_app.engine import onboarding
from miss_app.engine.events import RegistrationChanged, Stage
from miss_app.engine.problems import Problem
from miss_app.engine.profile import Profile
from miss_app.engine.turns import Turns
from miss_protocol import linking


def picture_of(text: str) -> bytes:
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="png", scale=5, border=4)
    return out.getvalue()


def test_a_device_is_linked_by_a_picture_of_its_qr_code_then_named_then_ended(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        direct = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(direct, "bonjour")
        await hugo.reads(direct, "bonjour")
        tablet = scene.device("tablette", camille.who)
        await tablet.client.start()
        await tablet.client.use_invitation(tablet.invitation)
        await tablet.client.start_linking()
        shown = qr_reader.read(picture_of(tablet.client.link_qr()), "capture.png")
        assert (await camille.client.own_devices.look(shown)).device_name == "tablette"
        with pytest.raises(Problem, match="pin-wrong"):
            await camille.client.link_device(shown, pin="000000")
        assert tablet.client.stage() is Stage.LINKING
        began = time.monotonic()
        await camille.client.link_device(shown, pin=PIN, days=None)
        with pytest.raises(Problem, match="link-expired"):  # a code serves once
            await camille.client.link_device(shown, pin=PIN)
        await until(lambda: tablet.client.stage() is Stage.PIN, "linked")
        await tablet.enter()
        await until(lambda: tablet.client.conversation(direct), "the tablet is in")
        seconds = time.monotonic() - began
        print(f"\nlinked: {seconds:.2f} s from the PIN on the phone to the conversation on the tablet, its PIN chosen")
        assert seconds < 60
        mine = next(one for one in await tablet.client.devices() if one.this)
        assert (mine.name, mine.checked_how) == ("tablette", "linked")
        await camille.client.own_devices.rename(mine.device_id, "  Tablette du service ")
        assert "Tablette du service" in [one.name for one in await camille.client.devices()]
        for name, reason in (("  ", "device-name-empty"), ("x" * 61, "text-too-long")):
            with pytest.raises(Problem, match=reason):
                await camille.client.own_devices.rename(mine.device_id, name)
        with pytest.raises(Problem):  # somebody else's device
            await hugo.client.own_devices.rename(mine.device_id, "à moi")
        with pytest.raises(Problem):
            await hugo.client.own_devices.revoke(mine.device_id, pin=PIN)
        with pytest.raises(Problem, match="pin-wrong"):
            await camille.client.own_devices.revoke(mine.device_id, pin="000000")
        assert len(await camille.client.devices()) == 2
        await camille.client.own_devices.revoke(mine.device_id, pin=PIN)
        await until(lambda: tablet.client.stage() is Stage.REVOKED, "the tablet is told")
        assert len(await camille.client.devices()) == 1
        await hugo.client.send_text(direct, "après")
        await camille.reads(direct, "bonjour", "après")

        def devices() -> int:
            view = hugo.client.conversation(direct)
            members = () if view is None else view.members
            return sum(one.devices for one in members if one.person.person_id == camille.view.person_id)

        await until(lambda: devices() == 1, "the tablet is out")

    play(post, tmp_path, acts)


def test_a_code_that_has_expired_is_shown_no_more_and_another_serves(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onboarding, "LINK_WAIT_SECONDS", 1)

    async def acts(scene: Scene) -> None:
        (camille,) = await scene.enter("camille")
        tablet = scene.device("tablette", camille.who)
        await tablet.client.start()
        await tablet.client.use_invitation(tablet.invitation)
        old = await tablet.client.start_linking()
        with sqlite3.connect(post.folder / "miss.db", timeout=30) as database:
            changed = database.execute("update links set opened_at_ms = opened_at_ms - 600001").rowcount
        database.close()
        assert changed
        await until(lambda: "link-expired" in problems(tablet), "the new device is told")
        assert tablet.client.link_code() == tablet.client.link_qr() == ""
        with pytest.raises(Problem, match="link-expired"):
            await camille.client.link_device(old, pin=PIN)
        await camille.client.link_device(await tablet.client.start_linking(), pin=PIN, days=None)
        await until(lambda: tablet.client.stage() is Stage.PIN, "linked by another code")

    play(post, tmp_path, acts)


def test_a_device_that_comes_as_another_goes_shows_the_same_lines(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def acts(scene: Scene) -> None:
        phone, hugo = await scene.enter("téléphone", "hugo")
        direct = await phone.client.open_direct(await phone.find(hugo))
        await phone.client.send_text(direct, "bonjour")
        await hugo.reads(direct, "bonjour")
        tablet = scene.device("tablette", phone.who)
        await tablet.link_from(phone, days=0)
        await tablet.reads(direct, "bonjour")
        monkeypatch.setattr(Turns, "wait", lambda *_args: None)  # nobody commits the leave by turn
        gone = next(one.device_id for one in await phone.client.devices() if not one.this)
        await phone.client.own_devices.revoke(gone, pin=PIN)
        account = phone.client._account
        assert account is not None
        await until(lambda: account.conversations.get(direct).pending, "it waits to go")
        computer = scene.device("ordinateur", phone.who)
        await computer.link_from(phone, days=0)
        await computer.reads(direct, "bonjour")
        seen = [line.notice for line in phone.client.messages(direct) if line.notice]
        assert seen == ["device-added", "device-withdrawn", "device-added"]
        await until(
            lambda: [line.notice for line in computer.client.messages(direct) if line.notice] == seen, "the same"
        )

    play(post, tmp_path, acts)


def problems(one: Device) -> list[str]:
    return [event.registration.problem for event in one.events if isinstance(event, RegistrationChanged)]


def test_a_qr_code_of_other_keys_endorses_nothing(post: Post, tmp_path: Path) -> None:
    """The typed half leads to the waiting request, the hash is another request's: as if the server had swapped it."""

    async def acts(scene: Scene) -> None:
        (camille,) = await scene.enter("camille")
        tablet = scene.device("tablette", camille.who)
        await tablet.client.start()
        await tablet.client.use_invitation(tablet.invitation)
        code = await tablet.client.start_linking()
        pending = Profile(tablet.folder).pending()
        assert pending is not None
        altered = linking.qr_of(pending.request + b"x", post.server_id, code)
        for verb in (camille.client.own_devices.look(altered), camille.client.link_device(altered, pin=PIN)):
            with pytest.raises(Problem, match="link-key-swapped"):
                await verb
        for wrong in (
            "MISS:LINK:",
            altered[:-1],
            "miss://serveur.example#00",
            code[:-1] + ("0" if code[-1] != "0" else "1"),
        ):
            with pytest.raises(Problem, match="link-code-wrong"):
                await camille.client.own_devices.look(wrong)
        assert len(await camille.client.devices()) == 1
        assert tablet.client.stage() is Stage.LINKING

    play(post, tmp_path, acts)


@pytest.mark.parametrize("data", [b"", b"no picture", picture_of("x")[:120]])
def test_a_file_that_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(Problem, match="photo-"):
        qr_reader.read(data, "capture.png")
