"""One of each message, who receives it, and the changes of one bit or one field that all of them must refuse."""

import random
from collections import Counter
from dataclasses import fields, is_dataclass, replace

import pytest

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import group as mls
from miss_protocol.mls import public_group
from miss_protocol.mls.framing import PublicMessage
from miss_protocol.mls.group import OPEN_RULES, Add, SelfRemove
from miss_protocol.mls.messages import decode_message, encode_message
from mls.cast import Device, room_of

KINDS = ("commit", "sealed", "external", "proposal", "text", "welcome", "info")


class Scene:
    """One of each message, and who is to receive it."""

    def __init__(self):
        self.alice, self.bob, self.zoe = Device("alice"), Device("bob"), Device("zoe")
        self.room = room_of(self.alice, self.bob)
        alice, identity = self.alice.group, self.alice.identity
        staged = mls.commit(alice, identity, [Add(self.zoe.package())], rules=OPEN_RULES)
        self.commit, self.welcome = staged.message, staged.welcome
        added = [Add(Device("yann").package())]
        self.sealed = mls.commit(alice, identity, added, rules=OPEN_RULES, private=True).message
        self.info = mls.group_info(alice, identity)
        self.external = mls.rejoin(self.info, identity, rules=OPEN_RULES).message
        self.proposal = mls.propose(alice, identity, SelfRemove()).message
        self.text = mls.seal(alice, identity, b"text").message
        self.parts = self.bob.group.parts()
        self.server = self.room.server.encode()

    def receivers(self, kind, message=None):
        """Who takes a message of this kind; ``message`` leaves out the server where it cannot see what is wrong."""
        bob, server = self.bob.group, self.room.server
        judges = [lambda m: public_group.judge(server, m, rules=OPEN_RULES)]
        if message is not None and self._is_hidden(kind, message):
            judges = []
        return {
            "commit": [lambda m: mls.receive_commit(bob, m, OPEN_RULES), *judges],
            "sealed": [lambda m: mls.receive_commit(bob, m, OPEN_RULES)],
            "external": [lambda m: mls.receive_commit(bob, m, OPEN_RULES), *judges],
            "proposal": [lambda m: mls.receive_proposal(bob, m, OPEN_RULES), *judges],
            "text": [lambda m: mls.open_message(bob, m)],
            "welcome": [lambda m: mls.join(m, self.zoe.packages, self.zoe.identity, rules=OPEN_RULES)],
            "info": [
                lambda m: public_group.follow(m, rules=OPEN_RULES),
                lambda m: mls.rejoin(m, self.bob.identity, rules=OPEN_RULES),
            ],
        }[kind]

    def _is_hidden(self, kind, message):
        """Whether only the tags differ, which are made with secrets: that is for members to notice."""
        try:
            before, after = decode_message(getattr(self, kind)), decode_message(message)
        except RemoteError:
            return False
        if not isinstance(before, PublicMessage) or not isinstance(after, PublicMessage):
            return False
        one, other = before.authenticated, after.authenticated
        tagged = bool(one.confirmation_tag) == bool(other.confirmation_tag)
        return tagged and (one.content, one.signature) == (other.content, other.signature)


def damaged(message, steps):
    """``message`` with bytes changed, cut out, repeated or put in: (what, where from 0 to 1, value) a step."""
    data = bytearray(message)
    for what, where, value in steps:
        position = int(where * len(data)) if data else 0
        if what == "flip" and data:
            data[position] ^= value
        elif what == "cut":
            del data[position : position + value % 9 + 1]
        elif what == "insert":
            data[position:position] = bytes([value]) * (value % 5 + 1)
        elif what == "repeat":
            data[position:position] = data[position : position + value]
        else:
            data[position : position + 4] = (value << 22).to_bytes(4, "big")
    return bytes(data)


class Mutations:
    """Seeded changes of one message: of one bit, or of one field of its structure, encoded anew."""

    def __init__(self, scene, kind, seed):
        self.scene, self.kind, self.message = scene, kind, getattr(scene, kind)
        self.random = random.Random(f"{seed} {kind}")
        self.others = [decode_message(getattr(scene, one)) for one in KINDS]

    def run(self, count):
        """``count`` changes, all of them refused by everybody, nothing changed; how many there were of each sort."""
        made = Counter()
        while made.total() < count:
            sort = self.random.choice(("bit", "field"))
            forged = self.flipped() if sort == "bit" else self.reshaped()
            if forged is None or forged == self.message:
                continue
            for receive in self.scene.receivers(self.kind, forged):
                with pytest.raises(RemoteError):
                    receive(forged)
            assert self.scene.bob.group.parts() == self.scene.parts
            assert self.scene.room.server.encode() == self.scene.server
            made[sort] += 1
        return made

    def flipped(self):
        data = bytearray(self.message)
        bit = self.random.randrange(8 * len(data))
        data[bit // 8] ^= 1 << bit % 8
        return bytes(data)

    def reshaped(self):
        """The message with one field changed, or None where that cannot be encoded."""
        try:
            return encode_message(self.changed(decode_message(self.message)))
        except (LocalError, ValueError, TypeError, AttributeError, LookupError, OverflowError, StopIteration):
            return None  # a value that its place cannot hold: nobody can send it

    def changed(self, value):
        """``value`` with something in it changed, at a random depth."""
        if is_dataclass(value):
            names = [one.name for one in fields(value) if one.init]
            if not names:
                return value
            name = self.random.choice(names)
            return replace(value, **{name: self.changed(getattr(value, name))})
        if isinstance(value, tuple):
            return self.changed_list(value)
        if isinstance(value, bool) or value is None:
            return self.random.choice((None, b"", b"x" * 32))
        if isinstance(value, int):
            return type(value)(self.random.choice((0, value + 1, value - 1, value ^ 1 << self.random.randrange(16))))
        return self.changed_bytes(value)

    def changed_list(self, items):
        act = self.random.choice(("drop", "repeat", "reverse", "empty", "inside", "inside", "inside"))
        if not items:
            return items
        place = self.random.randrange(len(items))
        if act == "drop":
            return items[:place] + items[place + 1 :]
        if act == "repeat":
            return items[: place + 1] + items[place:]
        if act == "reverse":
            return items[::-1]
        if act == "empty":
            return ()
        return (*items[:place], self.changed(items[place]), *items[place + 1 :])

    def changed_bytes(self, data):
        act = self.random.choice(("flip", "cut", "longer", "zeros", "empty", "swap"))
        if act == "flip" and data:
            place = self.random.randrange(len(data))
            return data[:place] + bytes([data[place] ^ self.random.randrange(1, 256)]) + data[place + 1 :]
        if act == "cut":
            return data[: self.random.randrange(len(data) + 1)]
        if act == "longer":
            return data + self.random.randbytes(self.random.randrange(1, 40))
        if act == "zeros":
            return bytes(len(data))
        if act == "swap":
            return self.random.choice([one for one in strings_of(self.others) if len(one) == len(data)] or [b""])
        return b""


def strings_of(value):
    """Every byte string in a structure."""
    if isinstance(value, bytes):
        return [value]
    if isinstance(value, tuple | list):
        return [one for item in value for one in strings_of(item)]
    if is_dataclass(value):
        return [one for field in fields(value) for one in strings_of(getattr(value, field.name))]
    return []
