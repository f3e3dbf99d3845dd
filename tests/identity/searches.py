"""Searches as people type them, drawn from the people of a register, and who by the extract alone fits each."""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from identity.population import Person
from miss_server.directory import Found, Page, Query
from miss_server.names import fold

STARTS, TOWN, SLIP, TRADE = "start of the name", "name and town", "one letter wrong", "profession and town"
SHARES = {STARTS: 0.40, TOWN: 0.30, SLIP: 0.15, TRADE: 0.15}
FIRST = 10


@dataclass(frozen=True)
class Wanted:
    """A search and whom it was meant for."""

    kind: str
    query: Query
    person: Person

    def fits(self, one: Person) -> bool:
        """Whether somebody answers to what was meant, by plain comparison with the extract."""
        if self.kind == STARTS:
            return any(word.startswith(self.query.words) for word in fold(f"{one.family} {one.given}").split())
        if self.kind == SLIP:
            return fold(one.family) == fold(self.person.family) and fold(one.given) == fold(self.person.given)
        town = fold(self.person.places[0].town)
        there = any(f" {town}" in f" {fold(place.town)}" for place in one.places)
        if self.kind == TRADE:
            return there and one.profession[0] == self.person.profession[0]
        return there and fold(self.person.family) in fold(one.family)


def draw(people: Iterable[Person], count: int, seed: int) -> list[Wanted]:
    """That many searches, each for somebody drawn from ``people``: common names are searched as often as borne."""
    dice = random.Random(f"searches {seed}")
    chosen: list[Person] = []
    for at, one in enumerate(people):  # a reservoir: everybody is as likely
        if at < count:
            chosen.append(one)
        elif (place := dice.randrange(at + 1)) < count:
            chosen[place] = one
    dice.shuffle(chosen)
    kinds = [kind for kind, share in SHARES.items() for _ in range(round(share * count))]
    return [Wanted(kind, _query(dice, kind, one), one) for kind, one in zip(kinds, chosen, strict=False)]


def _query(dice: random.Random, kind: str, one: Person) -> Query:
    town = one.places[0].town.lower()
    family = one.family.lower()
    if kind == STARTS:
        first = fold(one.family).split()[0]
        return Query(words=first[: dice.randrange(3, 7)])
    if kind == TOWN:
        return Query(words=family, place=town) if dice.random() < 0.5 else Query(words=f"{family} {town}")
    if kind == SLIP:
        return Query(words=f"{_misspelt(dice, fold(one.family))} {one.given}")
    return Query(profession=one.profession[1].split("-")[0].lower(), place=town)


def _misspelt(dice: random.Random, name: str) -> str:
    """The name with one letter changed, dropped or added."""
    at, letter = dice.randrange(len(name)), dice.choice("abcdefghijklmnopqrstuvwxyz")
    return dice.choice(
        (name[:at] + letter + name[at + 1 :], name[:at] + name[at + 1 :], name[:at] + letter + name[at:])
    )


@dataclass(frozen=True)
class Measured:
    """What the searches came to: times in ms, and how many had the right person among the first ten."""

    p50_ms: float  # of the quickest of so many times that each was asked
    p99_ms: float
    first_p99_ms: float  # of the first time each was asked
    cpu_p99_ms: float  # of this process alone: what a busy machine lengthens least
    slowest: str
    right: dict[str, str]
    right_share: float
    among_few_share: float  # of those that ten people at most fit

    def told(self) -> dict[str, object]:
        return {
            "p50_ms": round(self.p50_ms, 1), "p99_ms": round(self.p99_ms, 1),
            "first_p99_ms": round(self.first_p99_ms, 1), "cpu_p99_ms": round(self.cpu_p99_ms, 1), "slowest": self.slowest,
            "right": self.right, "right_share": self.right_share, "right_where_ten_at_most_fit": self.among_few_share,
        }  # fmt: skip


def measure(
    searches: list[Wanted], people: Callable[[], Iterable[Person]], search: Callable[[Query], Page], times: int = 1
) -> Measured:
    """Runs every search and judges the answers against all the people.

    The right person is among the first ten, or, where more than ten people fit what was typed as well as they do,
    each of the ten is one of those. Each is asked ``times`` times, of which the quickest counts: what else a machine
    does lengthens one of them, seldom all.
    """
    pages, first, took, worked = [], [], [], []
    for one in searches:
        each = [_timed(search, one.query) for _ in range(times)]
        pages.append(each[0][0])
        first.append(each[0][1])
        took.append(min(wall for _, wall, _ in each))
        worked.append(min(cpu for *_, cpu in each))
    fit = _count_fitting(searches, people())
    right: dict[str, list[bool]] = defaultdict(list)
    few: list[bool] = []
    for one, page, count in zip(searches, pages, fit, strict=True):
        shown = page.people[:FIRST]
        there = any(_is(found, one.person) for found in shown)
        good = there or (count > FIRST and len(shown) == FIRST and all(_may_fit(one, found) for found in shown))
        right[one.kind].append(good)
        if count <= FIRST:
            few.append(there)
    everything = [good for kind in right.values() for good in kind]
    at = max(range(len(took)), key=took.__getitem__)
    return Measured(
        sorted(took)[len(took) // 2],
        sorted(took)[int(len(took) * 0.99)],
        sorted(first)[int(len(took) * 0.99)],
        sorted(worked)[int(len(took) * 0.99)],
        f"{took[at]:.0f} ms: {searches[at].query}",
        {kind: f"{sum(all_)}/{len(all_)}" for kind, all_ in right.items()},
        round(sum(everything) / len(everything), 3),
        round(sum(few) / max(1, len(few)), 3),
    )


def _timed(search: Callable[[Query], Page], query: Query) -> tuple[Page, float, float]:
    """The answer, and in ms how long it took and how long this process worked on it."""
    started, began = time.perf_counter(), time.thread_time()
    page = search(query)
    return page, (time.perf_counter() - started) * 1000, (time.thread_time() - began) * 1000


def _count_fitting(searches: list[Wanted], people: Iterable[Person]) -> list[int]:
    """How many people fit each search, read from the extract's people in one pass by what can make them fit."""
    by_key: dict[str, list[int]] = defaultdict(list)
    for at, one in enumerate(searches):
        for key in _keys_asked(one):
            by_key[key].append(at)
    counts = [0] * len(searches)
    for person in people:
        for at in {at for key in _keys_of(person) for at in by_key.get(key, ())}:
            counts[at] += searches[at].fits(person)
    return counts


def _keys_asked(one: Wanted) -> list[str]:
    if one.kind == STARTS:
        return [f"start {one.query.words[:3]}"]
    if one.kind == TRADE:
        return [f"trade {one.person.profession[0]} {fold(one.person.places[0].town)}"]
    return [f"start {fold(one.person.family)[:3]}"]


def _keys_of(person: Person) -> list[str]:
    starts = [f"start {word[:3]}" for word in fold(f"{person.family} {person.given}").split()]
    return starts + [f"trade {person.profession[0]} {fold(place.town)}" for place in person.places]


def _is(found: Found, person: Person) -> bool:
    """Whether a person shown is this one, as far as is shown: the same name, profession and one of the places."""
    name = fold(found.display_name).removeprefix("dr ")
    place = fold(found.place)
    return name == fold(f"{person.given} {person.family}") and any(place.endswith(fold(p.town)) for p in person.places)


def _may_fit(one: Wanted, found: Found) -> bool:
    """Whether a person shown answers to the search, by what is shown of them."""
    name, place = fold(found.display_name).removeprefix("dr "), fold(found.place)
    if one.kind == STARTS:
        return any(word.startswith(one.query.words) for word in name.split())
    if one.kind == SLIP:
        return name == fold(f"{one.person.given} {one.person.family}")
    town = f" {fold(one.person.places[0].town)}"
    if one.kind == TRADE:
        return town in f" {place}"
    return fold(one.person.family) in name and town in f" {place}"
