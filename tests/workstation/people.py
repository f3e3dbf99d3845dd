"""Two people with a vault each on one workstation, and everything of theirs that must not be found after a lock."""

import asyncio
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from cast import Device, Post, Scene, until
from miss_app.engine import records
from miss_app.engine.account import OwnDevice
from miss_app.engine.conversations import Conversations
from miss_app.engine.store import Store, _derive
from miss_app.engine.vault import Vault
from miss_app.workstation import Workstation
from miss_protocol.mls.schedule import EpochSecrets
from workstation.memory import Needles, forms

PINS = {"vert": "904417263581", "bleu": "715520948362"}  # long enough not to stand in any memory by chance
TEXTS = {"vert": "La plaie de Mme Cassis suinte", "bleu": "Le drain de M. Coquelicot tient"}
SOME_TABLES = (b"messages", b"groups")  # each has a key of its own; each more is a second of searching
SECRETS_MAX = 8


@dataclass
class Person:
    """One of the two: their place on the workstation and what they wrote."""

    name: str  # shown on the machine
    profile: str
    pin: str
    text: str
    own: str  # as the register calls them
    friend: str

    def needles(self, post: Post, workstation: Workstation, scratch: Path) -> Needles:
        """Opens a copy of the folder, as who has the PIN and the server's share can, and says what is in it."""
        copy = scratch / f"copy-{self.profile}"
        shutil.copytree(workstation.folder(self.profile), copy)
        key = _key(post, copy, self.pin)
        store = Store(copy / "store.db", key)
        data = store.get("profile", b"own device")
        assert data is not None
        keys = records.decode(OwnDevice, data).keys
        conversations = Conversations(store)
        groups = [conversations.group(one.conversation_id) for one in conversations.all()]
        mls = {value for group in groups if group is not None for value in _secrets(group)}
        store.close()
        shutil.rmtree(copy)
        assert len(mls) > 5
        return Needles(
            {
                "store key": (key, _derive(key, b"hash"), *(_derive(key, b"table " + one) for one in SOME_TABLES)),
                "MLS secret": tuple(sorted(mls)[:SECRETS_MAX]),
                "signature key": (keys.signature_seed,),
                "PIN": tuple(forms(self.pin)),
                "message text": tuple(forms(self.text)),
                "name": (*forms(self.own), *forms(self.friend)),
            }
        )


def _secrets(group: object) -> set[bytes]:
    """The epoch secrets of a group's state, wherever they lie in it, and the private halves of its leaf."""
    found: set[bytes] = set()
    waiting, seen = [group], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, EpochSecrets):
            found |= {value for value in vars(one).values() if len(value) == 32}
        elif isinstance(one, dict):
            waiting += list(one.values())
        elif isinstance(one, list | tuple):
            waiting += list(one)
        elif hasattr(one, "__dataclass_fields__"):
            for name in one.__dataclass_fields__:
                value = getattr(one, name)
                if "private" in name:
                    values = value.values() if isinstance(value, dict) else [value]
                    found |= {each for each in values if isinstance(each, bytes) and len(each) == 32}
                waiting.append(value)
    return found


def _key(post: Post, folder: Path, pin: str) -> bytes:
    locked = Vault(folder / "vault")
    with sqlite3.connect(f"file:{post.folder / 'miss.db'}?mode=ro", uri=True) as connection:
        shares = [row[0] for row in connection.execute("SELECT share FROM vault_shares")]
    tried = locked.attempt(pin)
    for share in shares:
        try:
            return locked.open(tried, share)
        except Exception:  # somebody else's
            continue
    raise AssertionError("no share opens it")


async def _enter(one: Device, pin: str) -> None:
    await one.register()
    await one.client.choose_pin(pin)
    await one.online()
    account = one.client._account
    assert account is not None
    await until(lambda: account.store.get("profile", b"last resort"), "others can add them")


def settle(post: Post, folder: Path) -> tuple[Workstation, dict[str, Person]]:
    """Both have registered on this machine and written to a friend; nobody has MiSS open."""
    workstation = Workstation(folder / "data")
    people: dict[str, Person] = {}

    async def acts() -> None:
        scene = Scene(post, folder)
        (friend,) = await scene.enter("ami")
        for name, pin in PINS.items():
            profile = workstation.new_profile()
            one = scene.device(f"data/{profile}", post.someone(), keystore=None)
            await _enter(one, pin)
            server = one.client._profile.server()
            assert server is not None
            chat = await one.client.open_direct(await one.find(friend))
            await one.client.send_text(chat, TEXTS[name])
            await friend.reads(chat, TEXTS[name])
            one.client._profile.set_server(server.at(post.address[1]))
            people[name] = Person(name, profile, pin, TEXTS[name], one.view.display_name, friend.view.display_name)
            await one.close()
            workstation.set_shown(profile, name)
        await scene.close()

    asyncio.run(acts())
    return workstation, people
