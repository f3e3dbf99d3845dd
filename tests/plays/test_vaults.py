"""Vaults whose share is elsewhere: with the server or the system's keystore; opened by PIN, phrase or another device."""

import shutil
from pathlib import Path

import pytest

from cast import PIN, Device, Post, Scene, play, until
from miss_app.engine.client import Client
from miss_app.engine.events import Stage
from miss_app.engine.lock_events import UnlockAnswered, UnlockAsked, Waiting
from miss_app.engine.passphrase import new_phrase
from miss_app.engine.problems import Problem
from miss_app.engine.vault import Guard, Vault
from miss_app.ports.keyring_store import KeyringStore
from miss_protocol import limits
from ports.desktop import session


async def without_keystore(scene: Scene, *names: str) -> list[Device]:
    """People whose machine has no keystore: the server keeps their share."""
    devices = [scene.device(name, scene.post.someone(), keystore=None) for name in names]
    for one in devices:
        await one.register()
        await one.enter()
    return devices


async def refused(one: Device, typed: str, reason: str, tries_left: int | None = None) -> None:
    with pytest.raises(Problem) as problem:
        await one.client.unlock(typed)
    assert (problem.value.reason, problem.value.tries_left) == (reason, tries_left)
    assert one.client.stage() is Stage.LOCKED


def test_the_server_gives_its_share_for_the_pin_alone(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await without_keystore(scene, "camille", "hugo")
        assert camille.client.door.guard() is Guard.SERVER
        chat = await camille.client.open_direct(await camille.find(hugo))
        await camille.client.send_text(chat, "un")
        await hugo.reads(chat, "un")
        assert camille.client.preferences.open_chat() == b""
        await camille.client.preferences.set_open_chat(chat)
        await camille.client.lock()
        await refused(camille, "000000", "pin-wrong", limits.VAULT_TRIES - 1)
        await hugo.client.send_text(chat, "deux")
        await until(lambda: Waiting(1) in camille.events, "one message waits")

        camille.cable.pull()  # no network: said plainly, and the try does not count
        for _ in range(5):
            await refused(camille, PIN, "share-away")
        camille.cable.plug()
        await camille.client.unlock(PIN)
        await camille.reads(chat, "un", "deux")

        with pytest.raises(Problem, match="pin-wrong"):
            await camille.client.door.confirm("000000")
        camille.cable.pull()
        await camille.client.door.confirm(PIN)  # asked again while open: no server is needed
        camille.cable.plug()

        await camille.restart()  # as every morning
        assert camille.client.preferences.open_chat() == chat
        await camille.reads(chat, "un", "deux")
        await camille.client.stop()
        copy = tmp_path / "copy"
        shutil.copytree(camille.folder, copy)
        thief = Vault(copy / "vault")
        with pytest.raises(Problem, match="pin-wrong"):
            thief.open(thief.attempt(PIN))

    play(post, tmp_path, acts)


def test_ten_wrong_pins_and_only_another_device_opens_it(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from miss_app.engine import vault

    monkeypatch.setattr(vault, "wait_after", lambda _: 0.0)

    async def acts(scene: Scene) -> None:
        (desk,) = await without_keystore(scene, "camille")
        await refuse_alone(desk)
        phone = scene.device("téléphone", desk.who)
        await phone.link_from(desk)
        await shared_key(phone, desk)
        await desk.client.lock()
        for left in reversed(range(1, limits.VAULT_TRIES)):
            await refused(desk, "000000", "pin-wrong", left)
        await refused(desk, "000000", "tries-used-up")
        await refused(desk, PIN, "tries-used-up")

        # Refused on the phone; then asked again, wrong digits, right ones.
        await desk.client.door.ask_approval()
        question = await asked_on(phone)
        await phone.client.approvals().refuse(question)
        await until(lambda: UnlockAnswered("unlock-refused") in desk.events, "it is refused")
        code = await desk.client.door.ask_approval()
        question = await asked_on(phone)
        wrong = str((int(code) + 1) % 10_000).zfill(4)
        with pytest.raises(Problem, match="unlock-code-wrong"):
            await phone.client.approvals().approve(question, wrong)
        assert desk.client.stage() is Stage.LOCKED
        await phone.client.approvals().approve(question, code)
        await until(lambda: desk.client.stage() is Stage.OPEN, "the phone opened it")
        await desk.online()
        await desk.client.lock()
        await desk.client.unlock(PIN)  # the tries are back

        # A phone that has ended knows nothing that opens it any more.
        before = phone_key(phone, desk)
        await desk.client.own_devices.revoke(phone_id(phone), pin=PIN)
        await desk.client.lock()
        await desk.client.unlock(PIN)
        with pytest.raises(Problem, match="approval-unfit"):
            Vault(desk.folder / "vault").open_approved(before)

    play(post, tmp_path, acts)


async def refuse_alone(desk: Device) -> None:
    await desk.client.lock()
    with pytest.raises(Problem, match="no-other-device"):
        await desk.client.door.ask_approval()
    await desk.client.unlock(PIN)


def phone_key(phone: Device, desk: Device) -> bytes:
    """What the phone holds to open the desk by."""
    account, other = phone.client._account, desk.client._profile.credentials()
    assert other is not None
    return b"" if account is None else account.states.get(f"unlock/{other.device_id.hex()}")


def phone_id(phone: Device) -> bytes:
    credentials = phone.client._profile.credentials()
    assert credentials is not None
    return credentials.device_id


async def shared_key(phone: Device, desk: Device) -> None:
    """Two devices know each other, and one holds a key to the other."""
    await until(lambda: phone_key(phone, desk), "the phone holds a key to the desk")
    await until(lambda: phone_id(phone) in desk.client.door.open_account().people.own_devices(), "it is believed")


async def asked_on(phone: Device) -> bytes:
    def look() -> bytes:
        waiting = phone.client.approvals().questions()
        return waiting[-1].device_id if waiting else b""

    found = await until(look, "the phone shows the question")
    assert any(isinstance(one, UnlockAsked) and one.question.name == "camille" for one in phone.events)
    return found


def test_a_phrase_opens_without_any_server(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille = scene.device("camille", scene.post.someone(), keystore=None)
        await camille.register()
        phrase = new_phrase()
        await camille.client.door.choose(phrase, Guard.PHRASE)
        await camille.online()
        await camille.client.lock()
        camille.cable.pull()
        await refused(camille, PIN, "phrase-length")
        await camille.client.unlock(phrase)
        assert camille.client.stage() is Stage.OPEN
        camille.cable.plug()

    play(post, tmp_path, acts)


def test_a_share_that_nobody_keeps_leaves_everything_as_it_was(post: Post, tmp_path: Path) -> None:
    """The server goes away while the PIN is chosen: nothing is half made, and it works when the server is back."""

    async def acts(scene: Scene) -> None:
        camille = scene.device("camille", scene.post.someone(), keystore=None)
        await camille.register()
        camille.cable.pull()
        with pytest.raises(Problem, match="server-away"):
            await camille.client.choose_pin(PIN)
        assert camille.client.stage() is Stage.PIN
        assert not (camille.folder / "vault").exists()
        camille.cable.plug()
        await camille.enter()
        await camille.restart()
        await camille.online()

    play(post, tmp_path, acts)


def test_a_real_keystore_keeps_it_and_without_it_the_pin_opens_nothing(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session(tmp_path) as desktop:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.bus)
        desktop.keyring()

        async def acts(scene: Scene) -> None:
            camille = scene.device("camille", scene.post.someone(), keystore=KeyringStore())
            await camille.register()
            await camille.enter()
            assert camille.client.door.guard() is Guard.KEYSTORE
            await camille.client.lock()
            camille.cable.pull()  # offline unlocking is what the keystore is for
            await camille.client.unlock(PIN)
            await camille.client.lock()
            place = Vault(camille.folder / "vault").place()
            share = KeyringStore().get(place)
            assert share is not None
            KeyringStore().erase(place)
            await refused(camille, PIN, "keystore-emptied")
            monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
            await refused(camille, PIN, "keystore-refused")
            monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.bus)
            KeyringStore().put(place, share)
            await camille.client.unlock(PIN)
            camille.cable.plug()

        play(post, tmp_path, acts)


def test_several_people_share_a_machine_and_none_trusts_its_keystore(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille = scene.device("camille", scene.post.someone())
        shared = Client(camille.folder, on_event=camille.events.append, keystore=camille.keystore, shared=True)
        assert await shared.door.best_guard() is Guard.SERVER
        assert await camille.client.door.best_guard() is Guard.KEYSTORE

    play(post, tmp_path, acts)
