"""A device certified in somebody's name is told to that person at the next login, by their own devices alone."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from cast import Device, Post, Scene, play, until
from miss_app.engine.events import IdentityAlarm
from miss_protocol.enrolment import CertificateRequest
from miss_server import authority, certificate_log, devices
from miss_server.clock import now_ms
from miss_server.config import load
from miss_server.postgresql import open_database


def certified_by_an_insider(post: Post, victim: Device) -> bytes:
    """A device of somebody else's, in the victim's name: what a bribed operator could do. Its id."""
    settings = load(post.folder)
    keyring, database = authority.load(settings.keys), open_database(settings)
    signing, login = ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
    request = CertificateRequest.sign(os.urandom(16), "téléphone", signing, login)
    account = victim.client._account
    assert account is not None
    who, at = account.certificate.professional, now_ms()
    with database.transaction() as connection:
        issued = certificate_log.issue(connection, keyring.authority, keyring.keys.issuing, who, request, at)
        devices.enrol(connection, issued, request.device_name, at)
    database.close()
    return request.device_id


def alarms(device: Device) -> list[IdentityAlarm]:
    return [event for event in device.events if isinstance(event, IdentityAlarm)]


async def checked(device: Device) -> None:
    """The log was read since this program started."""
    account = device.client._account
    assert account is not None
    await until(lambda: account.store.get("profile", b"certificate log"), f"{device.name} reads the log")


def test_only_the_person_is_told_and_only_of_what_nobody_vouched_for(post: Post, tmp_path: Path) -> None:
    async def acts(scene: Scene) -> None:
        camille, hugo = await scene.enter("camille", "hugo")
        tablet = scene.device("tablette", camille.who)
        await tablet.link_from(camille)
        for one in (camille, hugo, tablet):
            await one.restart()
            await one.online()
            await checked(one)
            assert alarms(one) == []
        foreign = certified_by_an_insider(post, camille)
        for one in (camille, tablet):
            await one.restart()
            await until(lambda one=one: alarms(one), f"{one.name} is told")
            assert {unknown.device_id for event in alarms(one) for unknown in event.alarm.unknown} == {foreign}
        await camille.client.accept_alarm()
        assert not alarms(camille)[-1].alarm.raised
        await hugo.restart()
        await hugo.online()
        camille.events.clear()
        await camille.restart()
        await camille.online()
        await checked(camille)
        assert alarms(camille) == alarms(hugo) == []

    play(post, tmp_path, acts)
