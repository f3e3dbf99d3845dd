"""Feeds damaged and random bytes to everything that decodes: ``python tests/fuzz.py [--seconds N] [--seed N]``.

An input that reaches a line that none reached before joins the corpus, so that the search goes on from there. Nothing but
RemoteError may come out, no input may take long, and none may take memory out of proportion to its size.
"""

import argparse
import random
import sys
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent))

from miss_protocol import content, enrolment, frames, identity, invitation, notices, terms
from miss_protocol.errors import LocalError, MissError, RemoteError
from miss_protocol.mls import group as mls
from miss_protocol.mls import public_group
from miss_protocol.mls.codec import decode
from miss_protocol.mls.extensions import ExternalSender, RequiredCapabilities
from miss_protocol.mls.framing import AuthenticatedContent
from miss_protocol.mls.group import OPEN_RULES, KeyPackage
from miss_protocol.mls.messages import decode_message
from miss_protocol.mls.proposals import Commit, read_proposal
from miss_protocol.mls.schedule import GroupContext
from miss_protocol.mls.suite import PRODUCT_SUITE
from miss_protocol.mls.tree import RatchetTree
from miss_protocol.mls.welcome import GroupSecrets
from mls import forge
from mls.cast import Registrar
from mls.mutations import KINDS, Scene, damaged

SECONDS_MAX = 2.0
MEMORY_BYTES_MAX = 4 << 20
MEMORY_TIMES_MAX = 400  # a byte of input becomes an object at most, with its place in a list
INPUT_BYTES_MAX = 4096
WEIGHED_EVERY, TRACED_EVERY = 40, 4


@dataclass
class Target:
    """One decoder, and the inputs that reached something new in it."""

    name: str
    act: Callable[[bytes], object]
    corpus: list[bytes] = field(default_factory=list)
    runs: int = 0


@dataclass
class Finding:
    """What should not have happened, and the bytes that made it happen."""

    target: str
    what: str
    data: bytes


def decoders(scene: Scene) -> list[Target]:
    """All that takes bytes from elsewhere, each with whole inputs to start from."""
    alice, bob, server = scene.alice, scene.bob.group, scene.room.server
    messages = [getattr(scene, kind) for kind in KINDS]
    body = forge.body_of(scene.commit)
    parts = bob.parts()
    registrar = Registrar()
    device = registrar.device(registrar.person("Anne"), "phone")
    package = mls.make_key_package(device.identity, not_before=0, not_after=1).key_package
    group_context = bob.public.context.encoded
    everything = [frames.encode(frames.Drained()), frames.encode(frames.Gap(bytes(16), 1, 7))]
    everything.append(frames.encode(frames.Deliver(bytes(16), 3, frames.Kind.WELCOME, frames.Class.NORMAL, 5, 6, b"x")))
    said = content.encode(content.Content(bytes(16), 1, content.Text("bonjour")))
    admins = terms.Terms("group", frozenset([bytes(16)])).encode()
    certificate = device.identity.credential.certificates[0]

    def signed_by_a_member(data: bytes) -> None:
        """Whoever is in the group signs and tags what it likes."""
        message = forge.handshake(alice, decode(data, Commit.read))
        with suppress(RemoteError):
            public_group.judge(server, message, rules=OPEN_RULES)
        mls.receive_commit(bob, message, OPEN_RULES)

    def proposed_by_a_member(data: bytes) -> None:
        message = forge.handshake(alice, decode(data, read_proposal))
        with suppress(RemoteError):
            public_group.judge(server, message, rules=OPEN_RULES)
        mls.receive_proposal(bob, message, OPEN_RULES)

    wholes = [forge.encoded(body), *(b"\0" + bytes([kind]) + bytes(8) for kind in (3, 4, 5, 6, 7, 10))]
    return [
        Target("mls message", decode_message, messages),
        Target("key package", KeyPackage.decode, [package]),
        Target("tree", lambda data: RatchetTree.decode(PRODUCT_SUITE, data), [bob.public.tree.encode()]),
        Target("context", GroupContext.decode, [group_context]),
        Target("group secrets", GroupSecrets.decode, [b"\x20" + bytes(34)]),
        Target("content", lambda data: decode(data, AuthenticatedContent.read), [messages[0][2:]]),
        Target("commit of a member", signed_by_a_member, wholes[:1]),
        Target("proposal of a member", proposed_by_a_member, wholes[1:]),
        Target(
            "required capabilities", lambda data: RequiredCapabilities.of([mls.Extension(3, data)]), [b"\2\0\1\0\0"]
        ),
        Target("external senders", lambda data: ExternalSender.of([mls.Extension(5, data)]), [bytes(40)]),
        Target("state", lambda data: mls.Group.from_parts({**parts, "epoch": data}), [parts["epoch"]]),
        Target("ratchet", lambda data: mls.Group.from_parts({**parts, "ratchet/0": data}), [bytes(80)]),
        Target("public group", public_group.PublicGroup.decode, [server.encode()]),
        Target("receive commit", lambda data: mls.receive_commit(bob, data, OPEN_RULES), [scene.commit, scene.sealed]),
        Target("open message", lambda data: mls.open_message(bob, data), [scene.text]),
        Target(
            "judge", lambda data: public_group.judge(server, data, rules=OPEN_RULES), [scene.commit, scene.proposal]
        ),
        Target(
            "join", lambda d: mls.join(d, scene.zoe.packages, scene.zoe.identity, rules=OPEN_RULES), [scene.welcome]
        ),
        Target("follow", lambda data: public_group.follow(data, rules=OPEN_RULES), [scene.info]),
        Target("frames", frames.decode, [*everything, b"".join(everything)]),
        Target("said", content.decode, [said]),
        Target("terms", terms.Terms.decode, [admins]),
        Target("notice", notices.read, [notices.encode(notices.DeviceAdded(bytes(16), True))]),
        Target("request", enrolment.CertificateRequest.decode, [bytes(200)]),
        Target("endorsement", enrolment.Endorsement.decode, [bytes(16) + b"\x40" + bytes(64)]),
        Target("certificate", identity.DeviceCertificate.parse, [certificate]),
        Target("authority", identity.Authority.decode, [registrar.authority.encode()]),
        Target("invitation", lambda d: invitation.Invitation.parse(d.decode("latin-1")), [b"miss://a.fr#" + b"0" * 64]),
    ]


class Fuzzer:
    """Chooses targets and inputs from a seed, and keeps what it finds."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.targets = decoders(Scene())
        self.findings: list[Finding] = []
        self.lines: set[tuple[str, int]] = set()
        self.root = str(Path(mls.__file__).resolve().parents[1])

    def run(self, seconds: float) -> None:
        """Go on for so long; a target that found something is left alone."""
        deadline = time.monotonic() + seconds
        for target in self.targets:
            for whole in target.corpus:
                self.feed(target, whole)
        while self.targets and time.monotonic() < deadline:
            target = self.random.choice(self.targets)
            self.feed(target, self.input_for(target))

    def input_for(self, target: Target) -> bytes:
        if self.random.random() < 0.05:
            return self.random.randbytes(self.random.randrange(200))
        data = self.random.choice(target.corpus)
        if self.random.random() < 0.15:  # the head of one input on the tail of another
            other = self.random.choice(target.corpus)
            data = data[: self.random.randrange(len(data) + 1)] + other[self.random.randrange(len(other) + 1) :]
        acts = ("flip", "cut", "insert", "repeat", "number")
        count = self.random.choice((0, 1, 1, 1, 2, 2, 4, 8))
        steps = [(self.random.choice(acts), self.random.random(), self.random.randrange(1, 256)) for _ in range(count)]
        return damaged(data, steps)[:INPUT_BYTES_MAX]

    def feed(self, target: Target, data: bytes) -> None:
        target.runs += 1
        traced = target.runs % TRACED_EVERY == 1
        weighed = target.runs % WEIGHED_EVERY == 0
        known = len(self.lines)
        start = time.process_time()
        if weighed:
            tracemalloc.start()
        try:
            if traced:
                sys.settrace(self._trace)
            target.act(data)
        except (RemoteError, LocalError) as error:
            self._judge(target, data, error)
        except Exception as error:  # the very thing that is looked for
            self._found(target, f"{type(error).__name__}: {error}", data)
        finally:
            sys.settrace(None)
            if weighed:
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                if peak > MEMORY_BYTES_MAX + MEMORY_TIMES_MAX * len(data):
                    self._found(target, f"{peak:,} B of memory for {len(data):,} B", data)
        if not traced and not weighed and time.process_time() - start > SECONDS_MAX:
            self._found(target, "too slow", data)
        if len(self.lines) > known and data:
            target.corpus.append(data)

    def _judge(self, target: Target, data: bytes, error: MissError) -> None:
        """LocalError blames ourselves: only bytes of our own store may raise it."""
        if isinstance(error, LocalError) and target.name not in ("state", "ratchet"):
            self._found(target, f"LocalError: {error}", data)

    def _found(self, target: Target, what: str, data: bytes) -> None:
        self.findings.append(Finding(target.name, what, data))
        if target in self.targets:
            self.targets.remove(target)

    def _trace(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(self.root):
            return None
        if event == "line":
            self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self._trace


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    arguments.add_argument("--seconds", type=float, default=600.0)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    chosen = arguments.parse_args()
    fuzzer = Fuzzer(chosen.seed)
    targets = list(fuzzer.targets)
    fuzzer.run(chosen.seconds)
    for target in targets:
        print(f"{target.name:<22} {target.runs:>9,} inputs, {len(target.corpus):>4} kept")
    print(f"seed {chosen.seed}: {sum(one.runs for one in targets):,} inputs reached {len(fuzzer.lines):,} lines")
    for finding in fuzzer.findings:
        print(f"FOUND in {finding.target}: {finding.what}\n  {finding.data.hex()}")
    return 1 if fuzzer.findings else 0


if __name__ == "__main__":
    sys.exit(main())
