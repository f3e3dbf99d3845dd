"""What the open store keeps of its own vault: how to recognise the PIN, to put another share, to be opened by others.

The key by which another device of the person may open this vault is shared with all of them, and made anew as soon as
one of those has ended: what that one knew opens nothing any more.
"""

import secrets
from dataclasses import dataclass, replace

from miss_app.engine import records
from miss_app.engine.people import People
from miss_app.engine.state_sync import StateSync
from miss_app.engine.store import Step, Store
from miss_app.engine.vault import Vault
from miss_protocol.unlocking import SHARE_BYTES

_NAME = b"vault"
APPROVALS = "unlock/"  # what a person's devices share: for each device's id the key by which the others open it


@dataclass(frozen=True)
class VaultSecrets:
    """``holders`` are the devices that may know ``approval``."""

    confirmation: bytes
    keeper: bytes = b""
    approval: bytes = b""
    holders: tuple[bytes, ...] = ()


def read(store: Store) -> VaultSecrets:
    """What is kept; empty where nothing is."""
    data = store.get("profile", _NAME)
    return VaultSecrets(b"") if data is None else records.decode(VaultSecrets, data)


def keep(step: Step, found: VaultSecrets) -> None:
    step.put("profile", _NAME, records.encode(found))


def let_others_approve(store: Store, people: People, states: StateSync, vault: Vault, key: bytes, me: bytes) -> None:
    """See to it that the person's other devices, and no ended one, hold a key to this vault.

    Args:
        key: the store's key, known at the unlock only.
        me: this device's id.
    """
    kept, holders = read(store), set(people.own_devices())
    if kept.approval and set(kept.holders) <= holders:
        if set(kept.holders) != holders:
            with store.step() as step:
                keep(step, replace(kept, holders=tuple(sorted(holders))))
        return
    fresh = secrets.token_bytes(SHARE_BYTES)
    vault.let_approve(key, fresh)  # first: a crash before the next line makes it anew
    with store.step() as step:
        keep(step, replace(kept, approval=fresh, holders=tuple(sorted(holders))))
        states.set(step, APPROVALS + me.hex(), fresh)
