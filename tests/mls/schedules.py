"""Random lives of groups: whatever happens in whatever order, members agree, the entitled read, the removed do not."""

import random
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest

from miss_protocol.errors import RemoteError
from miss_protocol.mls import commits, public_group
from miss_protocol.mls import group as mls
from miss_protocol.mls.group import OPEN_RULES, Add, Extension, Group, GroupContextExtensions, Remove, SelfRemove
from miss_protocol.mls.messages import decode_message
from miss_protocol.mls.proposals import PreSharedKey
from miss_protocol.mls.schedule import PskId
from miss_protocol.mls.welcome import Welcome
from miss_protocol.terms import EXTENSION_TYPE
from mls.cast import GROUP_ID, NOT_AFTER, NOT_BEFORE, Device

MEMBERS_MAX = 12
PEOPLE = 16
STEPS = 50
PSKS = {b"known to all": b"k" * 32}


@dataclass(frozen=True)
class Row:
    """What the server keeps: ``reach`` are those who get it, ``after`` the members once it took effect."""

    number: int
    kind: str
    epoch: int
    body: bytes
    sender: str
    reach: frozenset[str]
    after: frozenset[str]
    welcome: bytes | None = None
    text: bytes = b""


@dataclass
class Ghost:
    """What somebody knew at the moment a commit removed it."""

    name: str
    group: Group
    row: Row


class Member:
    """A device with a store: what is not saved there is gone after a restart."""

    def __init__(self, name):
        self.name = name
        self.device = Device(name)
        self.identity = self.device.identity
        self.group = None
        self.parts = {}
        self.staged = None
        self.saved_stage = None
        self.cursor = 0
        self.held = []
        self.read = set()
        self.excused = set()

    def save(self, group, changed):
        """One step of the store: the parts named are written, those that vanished deleted."""
        for name in changed & group.part_names():
            self.parts[name] = group.part(name)
        for name in self.parts.keys() - group.part_names():
            del self.parts[name]
        self.group = group

    def stage(self, staged):
        self.staged, self.saved_stage = staged, (staged.message, staged.group.parts())

    def drop_stage(self):
        self.staged = self.saved_stage = None

    def forget(self):
        self.group, self.parts, self.held = None, {}, []
        self.drop_stage()

    def restart(self):
        if self.group is None:
            return
        before = self.group
        self.group = Group.from_parts(self.parts)
        assert self.group.parts() == before.parts(), f"{self.name}: the store lost something"
        if self.saved_stage is not None:
            message, parts = self.saved_stage
            self.staged = replace(self.staged, message=message, group=Group.from_parts(parts))


@dataclass
class Schedule:
    """One random life of one group; ``run`` raises AssertionError at the first thing that is wrong."""

    seed: int
    steps: int = STEPS
    counts: Counter = field(default_factory=Counter)

    def __post_init__(self):
        self.random = random.Random(self.seed)
        self.people = {name: Member(name) for name in (f"m{number}" for number in range(PEOPLE))}
        self.names = {one.identity.key.public: name for name, one in self.people.items()}
        self.rows = []
        self.ghosts = []
        self.authenticators = {}
        founder = self.people["m0"]
        group = mls.create(founder.identity, GROUP_ID, not_before=NOT_BEFORE, not_after=NOT_AFTER)
        founder.save(group, group.part_names())
        self.server = public_group.follow(mls.group_info(group, founder.identity), rules=OPEN_RULES, single=True)

    def run(self):
        """All the steps, and the checks at the end; what happened, counted."""
        acts = {
            self.says: 16,
            self.commits: 9,
            self.proposes: 5,
            self.race: 4,
            self.comes_by_itself: 3,
            self.is_behind: 4,
            self.some_catch_up: 8,
            self.some_restart: 5,
        }
        self.submit_commit(self.people["m0"], self.staged_by(self.people["m0"], adds=4))
        for _ in range(self.steps):
            act = self.random.choices(list(acts), list(acts.values()))[0]
            act()
            self.counts[act.__name__] += 1
            assert len(self.inside()) <= MEMBERS_MAX
        self.check_end()
        return self.counts

    # Who there is.

    def inside(self):
        return {self.names[leaf.signature_key] for leaf in self.server.roster().values()}

    def some(self, names, most):
        names = sorted(names)
        return self.random.sample(names, self.random.randint(0, min(most, len(names))))

    def actor(self):
        """A member that has read all there is."""
        one = self.people[self.random.choice(sorted(self.inside()))]
        self.catch_up(one)
        return one

    def chance(self, probability):
        return self.random.random() < probability

    # What happens.

    def says(self):
        for _ in range(self.random.randint(1, 3)):
            self.submit_text(self.actor())

    def commits(self):
        one = self.actor()
        assert self.submit_commit(one, self.staged_by(one)), "nobody else was there to be first"

    def staged_by(self, one, adds=2):
        """A commit of anything that may stand together, with whatever is pending."""
        leaves = {self.names[leaf.signature_key]: index for index, leaf in one.group.roster().items()}
        proposals, path = [], True
        if self.chance(0.6):
            most = min(adds, self.room_for_more(one.group))
            for name in self.some(self.people.keys() - leaves, most):
                proposals.append(Add(self.people[name].device.package(last_resort=self.chance(0.2))))
            path = self.chance(0.5)
        if self.chance(0.35):
            proposals += [Remove(leaves[name]) for name in self.some(leaves.keys() - {one.name}, 2)]
        if self.chance(0.15):
            proposals.append(GroupContextExtensions((Extension(EXTENSION_TYPE, self.random.randbytes(4)),)))
        if self.chance(0.15):
            proposals.append(PreSharedKey(PskId(1, self.random.randbytes(32), psk_id=b"known to all")))
        options = {"psks": PSKS, "path": path, "include_pending": not path or self.chance(0.9)}
        staged = mls.commit(one.group, one.identity, proposals, rules=OPEN_RULES, **options)
        one.stage(staged)
        return staged

    def room_for_more(self, group):
        waiting = sum(isinstance(one.proposal, Add) for one in group.pending)
        return max(MEMBERS_MAX - len(group.roster()) - waiting, 0)

    def proposes(self):
        one = self.actor()
        kind = self.random.choice(("update", "leave", "remove", "add"))
        others = sorted(index for index in one.group.roster() if index != one.group.my_leaf)
        outside = sorted(self.people.keys() - self.inside())
        if kind == "update":
            proposed = mls.propose_update(one.group, one.identity)
        elif kind == "leave":
            proposed = mls.propose(one.group, one.identity, SelfRemove())
        elif kind == "remove" and others:
            proposed = mls.propose(one.group, one.identity, Remove(self.random.choice(others)))
        elif outside and self.room_for_more(one.group):
            newcomer = self.people[self.random.choice(outside)]
            proposed = mls.propose(one.group, one.identity, Add(newcomer.device.package()))
        else:
            return
        judged = public_group.judge(self.server, proposed.message, rules=OPEN_RULES)
        self.server = judged.public
        one.save(proposed.group, proposed.changed)
        self.add_row("proposal", self.server.epoch, proposed.message, one.name, self.inside(), self.inside())

    def race(self):
        """Several commit at once: one wins, the others follow it, and may try again."""
        runners = [self.people[name] for name in sorted(self.inside())]
        runners = self.random.sample(runners, min(len(runners), self.random.randint(2, 4)))
        for one in runners:
            self.catch_up(one)
        staged = [(one, self.staged_by(one)) for one in runners]
        self.random.shuffle(staged)
        (winner, first), *losers = staged
        assert self.submit_commit(winner, first)
        for one, late in losers:
            assert not self.submit_commit(one, late), "one commit an epoch"
            self.catch_up(one)
            if one.name in self.inside() and self.chance(0.4):
                assert self.submit_commit(one, self.staged_by(one))

    def comes_by_itself(self):
        """An external commit: a member whose state is lost or damaged, or somebody new."""
        inside, witness = self.inside(), self.actor()
        outside = sorted(self.people.keys() - inside)
        again = sorted(inside - {witness.name})
        newcomer = bool(outside) and len(inside) < MEMBERS_MAX and (self.chance(0.4) or not again)
        if not newcomer and not again:
            return
        one = self.people[self.random.choice(outside if newcomer else again)]
        if newcomer or self.chance(0.5):
            self.catch_up(one)
        tree = witness.group.public.tree.encode()
        beside = self.chance(0.5)
        info = mls.group_info(witness.group, witness.identity, with_tree=not beside)
        staged = mls.rejoin(info, one.identity, rules=OPEN_RULES, tree=tree if beside else None)
        judged = public_group.judge(self.server, staged.message, rules=OPEN_RULES)
        self.server = judged.public
        after = self.inside()
        row = self.add_row("commit", staged.group.epoch - 1, staged.message, one.name, inside | after, after)
        if one.group is not None:
            self.ghosts.append(Ghost(one.name, one.group, row))
        one.excused |= {r.number for r in self.rows[one.cursor :]} | {r.number for r in one.held}
        one.forget()
        one.save(staged.group, staged.changed)
        one.cursor = row.number + 1
        self.arrived(one)

    def is_behind(self):
        """Somebody acts on an epoch that is over: refused, and done again after catching up."""
        one = self.actor()
        group = one.group
        sealed = mls.seal(group, one.identity, b"too late")
        one.save(sealed.group, sealed.changed)
        late = self.staged_by(one)
        other = self.actor()
        if other is one:
            one.drop_stage()
            return
        assert self.submit_commit(other, self.staged_by(other))
        assert self.is_stale(sealed.group)
        assert not self.submit_commit(one, late)
        self.catch_up(one)
        if one.name in self.inside():
            self.submit_text(one)

    def is_stale(self, group):
        return group.epoch != self.server.epoch

    def some_catch_up(self):
        for name in self.some(self.people, 6):
            self.catch_up(self.people[name], self.random.randint(1, 12))

    def some_restart(self):
        for name in self.some(self.people, 8):
            self.people[name].restart()
            self.counts["restarts"] += 1

    # What the server does.

    def add_row(self, kind, epoch, body, sender, reach, after, **more):
        row = Row(len(self.rows), kind, epoch, body, sender, frozenset(reach), frozenset(after), **more)
        self.rows.append(row)
        return row

    def submit_text(self, one):
        text = b"%s says %d" % (one.name.encode(), len(self.rows))
        sealed = mls.seal(one.group, one.identity, text, authenticated_data=self.random.randbytes(3))
        one.save(sealed.group, sealed.changed)
        assert not self.is_stale(one.group)
        self.add_row("text", one.group.epoch, sealed.message, one.name, self.inside(), self.inside(), text=text)

    def submit_commit(self, one, staged):
        """Whether the server took it."""
        before = self.server.encode()
        try:
            judged = public_group.judge(self.server, staged.message, rules=OPEN_RULES)
        except RemoteError as error:
            self.counts["lost races"] += error.reason == "stale"
            if error.reason != "stale" or self.server.encode() != before:
                raise
            return False
        if staged.welcome is not None:
            assert public_group.welcome_references(staged.welcome) == judged.added_references
        else:
            assert not judged.added_references
        inside, self.server = self.inside(), judged.public
        more = {"welcome": staged.welcome}
        self.add_row(
            "commit", staged.group.epoch - 1, staged.message, one.name, inside | self.inside(), self.inside(), **more
        )
        self.counts["accepted commits"] += 1
        return True

    # What a member does with what arrives.

    def catch_up(self, one, most=None):
        """Take the next rows, in order but for texts: they overtake each other, get lost on the way, or come twice."""
        taken = 0
        while one.cursor < len(self.rows) and (most is None or taken < most):
            row = self.rows[one.cursor]
            if one.name in row.reach:
                taken += 1
                if row.kind == "text" and one.group is not None and self.chance(0.25):
                    one.held.append(row)
                else:
                    if row.kind == "commit":
                        self.release(one, len(one.held))
                    self.take(one, row)
                if one.held and self.chance(0.4):
                    self.release(one, 1)
                self.provoke(one)
            one.cursor += 1
        if most is None:
            self.release(one, len(one.held))

    def release(self, one, count):
        for _ in range(count):
            self.take(one, one.held.pop(self.random.randrange(len(one.held))))

    def take(self, one, row):
        if row.sender == one.name and row.kind != "commit":
            return
        if row.kind == "text":
            self.take_text(one, row)
        elif row.kind == "proposal":
            noted = mls.receive_proposal(one.group, row.body, OPEN_RULES)
            one.save(noted.group, noted.changed)
        else:
            self.take_commit(one, row)

    def take_text(self, one, row):
        opened = mls.open_message(one.group, row.body)
        assert opened.plaintext == row.text
        assert self.names[one.group.leaf(opened.sender).signature_key] == row.sender
        assert row.number not in one.read
        one.save(opened.group, opened.changed)
        one.read.add(row.number)
        self.counts["texts read"] += 1
        if self.chance(0.1):
            self.refused(one, "replayed", lambda: mls.open_message(one.group, row.body))

    def take_commit(self, one, row):
        staged, group = one.staged, one.group
        one.drop_stage()
        if staged is not None and staged.message == row.body:
            one.save(staged.group, staged.changed)
        elif group is None:
            joined = mls.join(row.welcome, one.device.packages, one.identity, rules=OPEN_RULES, psks=PSKS)
            one.save(joined.group, joined.group.part_names())
            self.check_no_past(one, row)
        else:
            received = mls.receive_commit(group, row.body, OPEN_RULES, psks=PSKS)
            assert (received.group is None) == (one.name not in row.after)
            if received.group is None:
                self.ghosts.append(Ghost(one.name, group, row))
                one.forget()
                return
            one.save(received.group, received.changed)
        self.arrived(one)

    def arrived(self, one):
        """All who reach an epoch agree about it."""
        group = one.group
        known = self.authenticators.setdefault(group.epoch, (group.epoch_authenticator, group.public.tree.hash()))
        assert known == (group.epoch_authenticator, group.public.tree.hash()), f"{one.name} is in another epoch"

    def provoke(self, one):
        """What comes too early or too late is refused, and changes nothing."""
        if one.group is None or not self.chance(0.1):
            return
        row = self.random.choice(self.rows)
        if row.epoch != one.group.epoch:
            reason = "future" if row.epoch > one.group.epoch else "stale"
            self.refused(one, reason, lambda: attempt(one.group, row))

    def refused(self, one, reason, act):
        before = one.group.parts()
        with pytest.raises(RemoteError) as caught:
            act()
        assert caught.value.reason == reason, f"{one.name}: {caught.value}"
        assert one.group.parts() == before
        self.counts["refusals"] += 1

    # What must hold.

    def check_no_past(self, one, joined_by):
        """Who joins reads nothing from before."""
        for row in self.rows[: joined_by.number]:
            if row.kind == "text" and row.number not in one.read:
                self.refused(one, "stale", lambda row=row: mls.open_message(one.group, row.body))

    def check_end(self):
        for one in self.people.values():
            self.catch_up(one)
        inside = self.inside()
        for name, one in self.people.items():
            assert (one.group is not None) == (name in inside), name
            one.restart()
            if one.group is not None:
                assert one.group.epoch == self.server.epoch
                assert one.group.roster() == self.server.roster()
                assert one.group.public.tree.hash() == self.server.tree.hash()
                assert self.authenticators[one.group.epoch][0] == one.group.epoch_authenticator
                assert {p.reference for p in one.group.pending} == {p.reference for p in self.server.pending}
        for row in self.rows:
            for name, one in self.people.items():
                entitled = row.kind == "text" and name in row.reach and name != row.sender
                assert row.number not in one.read or entitled, f"{name} read row {row.number}"
                assert not entitled or row.number in one.read | one.excused, f"{name} missed row {row.number}"
        for ghost in self.ghosts:
            self.check_ghost(ghost)
        self.counts["removed"] += len(self.ghosts)

    def check_ghost(self, ghost):
        """Who was removed reads nothing that came after, and holds no key to what was sealed for the others."""
        for row in self.rows[ghost.row.number + 1 :]:
            try:
                attempt(ghost.group, row)
            except RemoteError:
                continue
            raise AssertionError(f"{ghost.name} still follows")
        suite, group = ghost.group.suite, ghost.group
        if group.epoch != ghost.row.epoch:
            return  # it had lost its state long before: the commit was sealed to a later tree
        authenticated = decode_message(ghost.row.body).authenticated
        enacted = commits.enact(group.public, authenticated, OPEN_RULES)
        sealed = [one for node in enacted.path.nodes for one in node.sealed]
        welcome = decode_message(ghost.row.welcome) if ghost.row.welcome else None
        attempts = [(one, "UpdatePathNode", enacted.provisional.encoded) for one in sealed]
        if isinstance(welcome, Welcome):
            attempts += [(one, "Welcome", welcome.sealed_group_info) for _, one in welcome.secrets]
        for one, label, context in attempts:
            for private in group.member.privates.values():
                try:
                    suite.decrypt_with_label(private, label, context, one)
                except RemoteError:
                    self.counts["keys that open nothing"] += 1
                    continue
                raise AssertionError(f"{ghost.name} holds a key to the epoch without it")


def attempt(group, row):
    """Do with a row what a member does."""
    if row.kind == "text":
        mls.open_message(group, row.body)
    elif row.kind == "proposal":
        mls.receive_proposal(group, row.body, OPEN_RULES)
    else:
        mls.receive_commit(group, row.body, OPEN_RULES, psks=PSKS)
