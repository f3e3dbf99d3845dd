"""The share of a vault's key that a copied disk lacks: kept by the operating system, or by the server.

Who must open MiSS without any network takes the operating system's keystore, or a pass-phrase: a share of the server's
is not to be had without the server, and no copy of it is left on the disk, where whoever copies the disk would find it.
"""

import asyncio
import secrets
from collections.abc import Callable

from miss_app.engine.http import Http
from miss_app.engine.problems import Problem
from miss_app.engine.vault import Guard, Stretched
from miss_app.ports.interfaces import SecureStore
from miss_protocol.unlocking import SHARE_BYTES, verifier_of

PLACE = "vault/"


class KeyShares:
    """Where this machine's shares are.

    Args:
        keystore: of the operating system, None where it has none.
        shared: whether several people use this machine under one account: a keystore opens to all of them.
    """

    def __init__(self, keystore: SecureStore | None, shared: Callable[[], bool]) -> None:
        self._keystore = keystore
        self._shared = shared

    async def best(self) -> Guard:
        """What protects a PIN best on this machine."""
        if self._keystore is None or self._shared() or not await asyncio.to_thread(self._keystore.usable):
            return Guard.SERVER
        return Guard.KEYSTORE

    def _system(self) -> SecureStore:
        if self._keystore is None:
            raise Problem("keystore-refused")
        return self._keystore

    async def in_keystore(self) -> tuple[bytes, str]:
        """A new share, kept by the operating system, and what it calls it; Problem("keystore-refused")."""
        share, place = secrets.token_bytes(SHARE_BYTES), PLACE + secrets.token_hex(8)
        await asyncio.to_thread(self._system().put, place, share)
        return share, place

    async def from_keystore(self, place: str) -> bytes:
        """The share; Problem("keystore-refused"), or ("keystore-emptied") where it is not there any more."""
        share = await asyncio.to_thread(self._system().get, place)
        if share is None:
            raise Problem("keystore-emptied")
        return share

    async def forget(self, place: str) -> None:
        """The vault is no more."""
        if place:
            await asyncio.to_thread(self._system().erase, place)


async def keep_at_server(http: Http, chosen: Stretched, keeper: bytes) -> bytes:
    """A new share, kept by the server against the proof of the PIN; the same ``keeper`` may replace it later."""
    share = secrets.token_bytes(SHARE_BYTES)
    body = {
        "share": share.hex(),
        "verifier": verifier_of(chosen.proof).hex(),
        "keeper": keeper.hex(),
        "shown": keeper.hex(),
    }
    await http.json("PUT", "/v1/vault/share", json=body, ticket=True)
    return share


async def from_server(http: Http, tried: Stretched, wrong: Problem) -> bytes:
    """The share against the proof.

    Raises:
        Problem: ``wrong`` where it is not the PIN, ``tries-used-up`` where it was the last one, ``share-unknown``, or
            why the server cannot be reached.
    """
    answer = await http.json("POST", "/v1/vault/share/release", json={"proof": tried.proof.hex()}, ticket=True)
    try:
        share, left = answer["share"], int(answer["tries_left"])
        if share is not None:
            return bytes.fromhex(share)
    except (KeyError, TypeError, ValueError) as error:
        raise Problem("server-not-understood") from error
    raise Problem("tries-used-up") if not left else Problem(wrong.reason, seconds=wrong.seconds, tries_left=left)
