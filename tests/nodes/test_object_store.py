"""Sealed photos in an object store: what holds for a folder holds there, also when pieces reach different nodes."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from miss_protocol import limits
from miss_server import config
from miss_server.blobs import BlobError, Blobs, Piece, Storage
from miss_server.clock import now_ms
from miss_server.config import ConfigError
from miss_server.object_store import ObjectBlobs
from moto_server import bucket
from server.office import Office, play
from server.test_http import (  # noqa: F401 - run here once more
    put,
    test_a_photo_goes_up_in_pieces_resumes_and_comes_down,
    test_two_devices_send_the_same_photo_and_one_sends_rubbish,
)

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with bucket("photos") as one:
        yield one


def settled(folder: Path, endpoint: str) -> Path:
    """A data folder whose photos are in the store."""
    folder.mkdir(exist_ok=True)
    (folder / "s3-keys").write_text("identifiant\nsecret\n")
    (folder / "miss.toml").write_text(
        f'blobs = "s3://photos/miss"\n[s3]\nendpoint = "{endpoint}"\nkeys_file = "s3-keys"\n'
    )
    return folder


@pytest.fixture(scope="module")
def shared_office(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server for this module."""
    one = Office(settled(tmp_path_factory.mktemp("s3") / "data", endpoint))
    one.start()
    yield one
    one.stop()
    assert not (one.folder / "blobs").exists()


@pytest.fixture(params=["folder", "store"])
def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> list[Storage]:
    """What two nodes have in common."""
    if request.param == "folder":
        return [Blobs(tmp_path), Blobs(tmp_path)]
    settings = config.load(settled(tmp_path, request.getfixturevalue("endpoint"))).s3
    assert settings is not None
    return [ObjectBlobs(settings), ObjectBlobs(settings)]


def test_pieces_reach_different_nodes_and_the_last_one_completes_the_photo(nodes: list[Storage]) -> None:
    device, blob, step = os.urandom(16), os.urandom(1_000), 100
    name = hashlib.sha256(blob).digest()
    with ThreadPoolExecutor(2) as threads:
        for at in range(0, 1_000, step):
            piece = Piece(at, 1_000, blob[at : at + step])
            answers = list(threads.map(lambda node, piece=piece: node.put(device, name, piece), nodes))
            assert all(answer in ((at + step == 1_000, at + step), (True, 1_000)) for answer in answers)
            if at + step < 1_000:
                assert [node.have(device, name) for node in nodes] == [at + step] * 2
    for node in nodes:
        assert node.have(device, name) is None
        found = node.find(name)
        assert found is not None
        assert found.size == 1_000
        assert (found.path.read_bytes() if found.path else found.read(0, 1_000)) == blob  # type: ignore[misc]  # one of both


def test_a_photo_that_arrived_altered_is_begun_anew(nodes: list[Storage]) -> None:
    device, blob = os.urandom(16), os.urandom(300)
    name = hashlib.sha256(blob).digest()
    assert nodes[0].put(device, name, Piece(0, 300, bytes(200))) == (False, 200)
    with pytest.raises(BlobError, match="blob-altered"):
        nodes[1].put(device, name, Piece(200, 300, blob[200:]))
    assert nodes[0].find(name) is None
    with pytest.raises(BlobError, match="blob-elsewhere") as refused:
        nodes[0].put(device, name, Piece(200, 300, blob[200:]))
    assert refused.value.have == 0
    assert nodes[1].put(device, name, Piece(0, 300, blob)) == (True, 300)
    with pytest.raises(BlobError, match="too-large"):
        nodes[0].put(device, name, Piece(0, limits.BLOB_BYTES_MAX + 1, b"x"))


def test_old_photos_and_abandoned_pieces_are_forgotten(nodes: list[Storage]) -> None:
    device, blob = os.urandom(16), os.urandom(10)
    name = hashlib.sha256(blob).digest()
    assert nodes[0].put(device, name, Piece(0, 10, blob)) == (True, 10)
    assert nodes[0].put(device, bytes(32), Piece(0, 9, b"part")) == (False, 4)
    assert nodes[1].forget(now_ms() - 37 * DAY_MS, now_ms() - 2 * DAY_MS) == 0
    nodes[1].forget(now_ms() - 37 * DAY_MS, now_ms() + 5_000)
    assert nodes[0].have(device, bytes(32)) is None
    assert nodes[0].find(name) is not None
    nodes[1].forget(now_ms() + 5_000, now_ms() - 2 * DAY_MS)
    assert nodes[0].find(name) is None


def test_ranges_of_a_photo(shared_office: Office) -> None:
    async def scene() -> None:
        blob = os.urandom(limits.BLOB_PIECE_BYTES + 50)
        name, step = hashlib.sha256(blob).hexdigest(), limits.BLOB_PIECE_BYTES
        async with await shared_office.http(shared_office.device()) as http:
            assert (await put(http, blob, 0, step - 1)).status_code == 202
            assert (await put(http, blob, step, len(blob) - 1)).status_code == 201

            async def wish(asked: str) -> httpx.Response:
                return await http.get(f"/v1/blobs/{name}", headers={"Range": asked})

            for asked, first, last in (("bytes=5-", 5, len(blob) - 1), ("bytes=7-999999999", 7, len(blob) - 1)):
                answer = await wish(asked)
                assert (answer.status_code, answer.content) == (206, blob[first : last + 1])
                assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(blob)}"
            assert (await wish(f"bytes={len(blob)}-")).status_code == 416
            for asked in ("bytes=9-3", "bytes=x-y", "rows=1-2", "bytes=0-1,4-5"):
                answer = await wish(asked)
                assert answer.status_code in (200, 416), asked

    play(scene)


@pytest.mark.parametrize(
    "text",
    ['blobs = "photos"', 'blobs = "s3://"', 'blobs = "s3://b"\n[s3]\nendpoint = "http://elsewhere"', "[s3]\nregion = 'x'",
     'blobs = "s3://b"\n[s3]\nkeys_file = "not there"'],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "miss.toml").write_text(text + "\n")
    with pytest.raises(ConfigError):
        config.load(tmp_path)
