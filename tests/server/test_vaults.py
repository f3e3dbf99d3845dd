"""What the server does for vaults: a share for ten proofs, a question to one's own devices, nothing for anybody else."""

import base64
import os
import threading

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from sqlalchemy import insert, select

from engines import copied
from miss_protocol import limits
from miss_protocol.errors import RemoteError
from miss_protocol.labels import ed25519_public, p256_public
from miss_protocol.mls.suite import PRODUCT_SUITE
from miss_protocol.notices import UnlockAsked, read_unlock
from miss_protocol.unlocking import UnlockApproval, UnlockRequest, verifier_of
from miss_server import devices, shares, unlock_requests
from miss_server.clock import now_ms
from miss_server.database import Database
from miss_server.shares import Release, ShareError
from miss_server.tables import devices as devices_table
from miss_server.vault_tables import vault_shares
from server.office import Device, Office, play

SHARE, PROOF, WRONG, KEEPER = (bytes([one]) * 32 for one in b"SPWK")


def with_device(engine: Database) -> int:
    with engine.transaction() as connection:
        values = {"device_id": b"d" * 16, "person_id": b"p" * 16, "name": "", "certificate": b"", "login_key": b""}
        values |= {"checked_how": "", "endorsed": False, "added_at_ms": 1}
        connection.execute(insert(devices_table).values(device=1, **values))
        shares.keep(connection, 1, SHARE, verifier_of(PROOF), KEEPER, 1, b"")
    return 1


def released(engine: Database, proof: bytes) -> Release:
    with engine.transaction() as connection:
        return shares.release(connection, 1, proof)


def test_a_share_is_given_for_its_proof_and_ten_wrong_ones_end_it(engine: Database) -> None:
    with_device(engine)
    assert released(engine, WRONG) == Release(None, 9)
    assert released(engine, PROOF) == Release(SHARE, 10), "a right one gives all tries back"
    for left in range(9, -1, -1):
        assert released(engine, WRONG) == Release(None, left)
    assert released(engine, PROOF) == Release(None, 0), "then the right one is of no use either"
    with engine.transaction() as connection:
        shares.renew_tries(connection, 1)
    assert released(engine, PROOF) == Release(SHARE, 10)


def test_tries_made_at_once_are_all_counted(engine: Database) -> None:
    with_device(engine)
    found: list[Release] = []
    threads = [threading.Thread(target=lambda: found.append(released(engine, WRONG))) for _ in range(14)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert sorted(one.tries_left for one in found) == [0, 0, 0, 0, 0, *range(1, 10)]
    assert released(engine, PROOF).share is None


def test_only_who_opened_the_vault_puts_another_share(engine: Database) -> None:
    with_device(engine)
    with engine.transaction() as connection:
        for shown in (b"", bytes(32), SHARE):
            with pytest.raises(ShareError, match="share-kept"):
                shares.keep(connection, 1, b"x" * 32, verifier_of(WRONG), b"y" * 32, 2, shown)
        assert shares.release(connection, 1, PROOF).share == SHARE
        shares.keep(connection, 1, b"x" * 32, verifier_of(WRONG), b"y" * 32, 2, KEEPER)
        assert shares.release(connection, 1, WRONG).share == b"x" * 32
        with pytest.raises(ShareError, match="share-unknown"):
            shares.release(connection, 2, PROOF)


def test_what_is_kept_neither_makes_a_proof_nor_outlives_the_device(engine: Database) -> None:
    with_device(engine)
    with engine.transaction() as connection:
        row = connection.execute(select(vault_shares)).one()
        assert PROOF not in b"".join(bytes(one) for one in row if isinstance(one, bytes | memoryview))
        devices.revoke(connection, b"d" * 16, "test", 2)
        assert connection.execute(select(vault_shares)).all() == []


def question(office: Office, device: Device, *, at_ms: int = 0, signed_by: Device | None = None) -> tuple[bytes, bytes]:
    """An encoded question, and the private half of its key."""
    private, public = PRODUCT_SUITE.hpke.generate()
    request = UnlockRequest(device.device_id, os.urandom(32), public, at_ms or now_ms())
    signed = request.sign(office.keyring.authority.server_id, (signed_by or device).login)
    return signed.encode(), private


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def asked(http: httpx.AsyncClient, encoded: bytes) -> httpx.Response:
    return await http.post("/v1/vault/requests", json={"request": text(encoded)})


@pytest.fixture(params=["sqlite", "postgresql"])
def either_office(request: pytest.FixtureRequest, tmp_path):
    url = "" if request.param == "sqlite" else copied(request.getfixturevalue("postgresql_server"))
    one = Office(tmp_path / "data", url)
    one.start()
    yield one
    one.stop()


def test_one_opens_a_device_from_another_of_ones_own(either_office: Office) -> None:
    """Asked, told, approved and taken once; by nobody else, for no other question; and the tries are all back."""
    office = either_office
    server_id = office.keyring.authority.server_id

    async def scene() -> None:
        desk = office.device()
        phone, hugo = office.device(desk.person_id), office.device()
        async with (
            await office.http(desk) as on_desk,
            await office.http(phone) as on_phone,
            await office.http(hugo) as on_hugo,
            office.wire(phone) as wire,
        ):
            body = {"share": SHARE.hex(), "verifier": verifier_of(PROOF).hex(), "keeper": KEEPER.hex()}
            assert (await on_desk.put("/v1/vault/share", json=body)).status_code == 200
            assert (await on_desk.put("/v1/vault/share", json=body)).status_code == 409
            for _ in range(limits.VAULT_TRIES):
                wrong = await on_desk.post("/v1/vault/share/release", json={"proof": WRONG.hex()})
                assert wrong.json()["share"] is None
            right = {"proof": PROOF.hex()}
            none_left = (await on_desk.post("/v1/vault/share/release", json=right)).json()
            assert none_left == {"share": None, "tries_left": 0}

            encoded, private = question(office, desk)
            assert (await asked(on_desk, encoded)).json() == {"asked": 1}
            (row,) = await wire.rows(1, phone.device_id)
            assert read_unlock(row.body) == UnlockAsked(desk.device_id)
            assert (await on_phone.get("/v1/vault/requests")).json() == {"requests": [text(encoded)]}
            for other in (on_hugo, on_desk):
                assert (await other.get("/v1/vault/requests")).json() == {"requests": []}
            assert (await on_desk.get("/v1/vault/requests/mine")).json()["state"] == "open"

            request, path = UnlockRequest.decode(encoded), f"/v1/vault/requests/{desk.device_id.hex()}/answer"
            good = UnlockApproval.make(request, server_id, b"r" * 32, phone.device_id, phone.signing).encode()
            elsewhere = UnlockRequest.decode(question(office, desk)[0])
            forged = [
                UnlockApproval.make(elsewhere, server_id, b"r" * 32, phone.device_id, phone.signing).encode(),
                UnlockApproval.make(request, server_id, b"r" * 32, phone.device_id, hugo.signing).encode(),
                UnlockApproval.make(request, server_id, b"r" * 32, hugo.device_id, phone.signing).encode(),
                good[:-1] + bytes([good[-1] ^ 1]),
                good[:40],
            ]
            for one in forged:
                assert (await on_phone.post(path, json={"approval": text(one)})).status_code == 422
            for other in (on_hugo, on_desk):
                assert (await other.post(path, json={"approval": text(good)})).status_code == 404
            assert (await on_phone.post(path, json={"approval": text(good)})).json() == {"answered": True}
            assert (await on_phone.post(path, json={"approval": ""})).status_code == 404, "answered once"

            taken = (await on_desk.get("/v1/vault/requests/mine?wait=5")).json()
            assert taken["state"] == "approved"
            approval = UnlockApproval.decode(base64.b64decode(taken["approval"]))
            approval.verify(request, server_id, ed25519_public(phone.signing))
            assert approval.open(request, server_id, private) == b"r" * 32
            assert (await on_desk.get("/v1/vault/requests/mine")).json()["state"] == "expired", "given once"
            assert (await on_desk.post("/v1/vault/share/release", json=right)).json()["share"] == SHARE.hex()

            encoded, _ = question(office, desk)
            await asked(on_desk, encoded)
            assert (await on_phone.post(path, json={"approval": ""})).json() == {"answered": True}
            assert (await on_desk.get("/v1/vault/requests/mine")).json() == {"state": "refused", "approval": ""}

    play(scene)


def test_a_question_is_ones_own_in_time_and_not_repeated_for_ever(shared_office: Office) -> None:
    office = shared_office

    async def scene() -> None:
        desk = office.device()
        phone, hugo = office.device(desk.person_id), office.device()
        late = now_ms() - (limits.UNLOCK_REQUEST_SECONDS + 60 * limits.CLOCK_TOLERANCE_MINUTES + 5) * 1000
        async with await office.http(desk) as http, await office.http(hugo) as alone:
            for encoded in (
                question(office, phone)[0],
                question(office, desk, signed_by=phone)[0],
                question(office, desk, at_ms=late)[0],
                b"",
            ):
                assert (await asked(http, encoded)).status_code == 422
            answer = await asked(alone, question(office, hugo)[0])
            assert (answer.status_code, answer.json()["reason"]) == (409, "no-other-device")
            found = [(await asked(http, question(office, desk)[0])).status_code for _ in range(10)]
            assert found[0] == 200
            assert found[-1] == 429

    play(scene)


def test_a_question_ends_after_two_minutes(engine: Database) -> None:
    with_device(engine)
    device = devices.Device(1, b"d" * 16, b"p" * 16, b"", b"", False)
    with engine.transaction() as connection:
        row = {"device": 1, "request": b"q", "opened_at_ms": 0, "approval": b"a"}
        connection.execute(insert(unlock_requests.unlock_requests).values(row))
        assert unlock_requests.standing(connection, device, 1000) == "approved"
        assert unlock_requests.take(connection, device, unlock_requests.OPEN_MS + 1) == unlock_requests.Answer(
            "expired"
        )


@pytest.mark.parametrize("swapped", ["device_id", "nonce", "key", "at_ms"])
def test_every_part_of_a_question_is_signed(swapped: str) -> None:
    login = ec.generate_private_key(ec.SECP256R1())
    request = UnlockRequest(bytes(16), bytes(32), bytes(32), 1000).sign(b"s" * 32, login)
    request.verify(b"s" * 32, p256_public(login), 1000)
    assert UnlockRequest.decode(request.encode()) == request
    values = vars(request) | {swapped: 2000 if swapped == "at_ms" else b"\x01" * len(getattr(request, swapped))}
    with pytest.raises(RemoteError, match="bad-signature"):
        UnlockRequest(**values).verify(b"s" * 32, p256_public(login), 1000)
    with pytest.raises(RemoteError, match="bad-signature"):
        request.verify(b"t" * 32, p256_public(login), 1000)
    private, public = PRODUCT_SUITE.hpke.generate()
    asked = UnlockRequest(bytes(16), bytes(32), public, 1000)
    approval = UnlockApproval.make(asked, b"s" * 32, b"r" * 32, bytes(16), ed25519.Ed25519PrivateKey.generate())
    with pytest.raises(RemoteError):
        approval.open(UnlockRequest(bytes(16), b"\x01" * 32, public, 1000), b"s" * 32, private)
