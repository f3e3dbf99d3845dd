"""The people one knows: their cards as certified, and the keys of their devices as first seen.

A device's key is pinned when it is first met. A further device of a known person is trusted when a pinned device of the
same person endorsed it (or was endorsed by it: the newer device may be met first); otherwise somebody may have
registered in that person's name, and the chat says so in red.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from miss_app.engine import records
from miss_app.engine.events import PersonView, ProofView
from miss_app.engine.http import Http
from miss_app.engine.model import Card, Pin
from miss_app.engine.problems import Problem
from miss_app.engine.store import Step, Store
from miss_protocol.errors import RemoteError
from miss_protocol.identity import DeviceCertificate
from miss_protocol.mls.nodes import KeyPackage, LeafNode

_ENDORSEMENTS_MAX = 8
_parse = lru_cache(maxsize=4096)(DeviceCertificate.parse)


def certificate_of_leaf(leaf: LeafNode) -> DeviceCertificate:
    """The device certificate of a leaf whose credential was checked when it entered the tree."""
    if len(leaf.credential.certificates) != 1:
        raise RemoteError("bad-credential", "one device certificate is expected")
    return _parse(leaf.credential.certificates[0])


def person_of_leaf(leaf: LeafNode) -> bytes:
    return certificate_of_leaf(leaf).person_id


def certificate_of_package(package: KeyPackage) -> DeviceCertificate:
    return certificate_of_leaf(package.leaf)


@dataclass(frozen=True)
class Met:
    """A device just seen in a group: whether its person was known before, and whether its key may be believed."""

    certificate: DeviceCertificate
    person_known: bool
    trusted: bool


class People:
    """Cards and pins in one open store.

    Args:
        own: this device's certificate.
    """

    def __init__(self, store: Store, own: DeviceCertificate) -> None:
        self._store = store
        self._own = own
        self._cards: dict[bytes, Card] = {}
        self._pins: dict[bytes, Pin] = {}
        for row in store.all_rows("people"):
            card = records.decode(Card, row.body)
            self._cards[card.person_id] = card
        for row in store.all_rows("pins"):
            pin = records.decode(Pin, row.body)
            self._pins[pin.device_id] = pin
        self.believed: Callable[[DeviceCertificate], bool] = lambda _: False  # whom this person has made sure of
        self._doubtful = {pin.person_id for pin in self._pins.values() if not pin.trusted}

    @property
    def me(self) -> bytes:
        return self._own.person_id

    def renew_own(self, certificate: DeviceCertificate) -> None:
        """This device's certificate was renewed."""
        self._own = certificate

    def view(self, person_id: bytes) -> PersonView:
        """A person as the screen shows them; a person never met has empty names."""
        card = self._cards.get(person_id)
        if card is None:
            return PersonView(person_id, "", "", "", False)
        return PersonView(
            person_id,
            card.display_name,
            card.profession,
            card.place,
            not card.gone,
            card.checked_how,
            card.checked_at_ms,
            doubtful=self.in_doubt(person_id),
            suspended=card.suspended,
        )

    def name(self, person_id: bytes) -> str:
        card = self._cards.get(person_id)
        return "" if card is None else card.display_name

    def meet(self, step: Step, certificates: Iterable[DeviceCertificate]) -> list[Met]:
        """Learn cards and pin keys of devices that entered a group together; says what to think of each."""
        seen = list(certificates)
        known_before = {one.person_id for one in seen if self._knows(one.person_id)}
        for one in seen:
            self._learn(step, one)
        met: dict[bytes, Met] = {}
        waiting = [one for one in seen if one.device_id not in self._pins]
        while waiting:
            # Endorsements form chains; each round may make the next link believable.
            vouched = [one for one in waiting if one.person_id not in known_before or self._is_good(one)]
            for one in vouched or waiting:
                trusted = bool(vouched)
                self._pin(step, one, trusted)
                met[one.device_id] = Met(one, one.person_id in known_before, trusted)
            waiting = [one for one in waiting if one.device_id not in self._pins]
        for one in seen:
            pin = self._pins[one.device_id]
            same = pin.signature_key == one.signature_key and pin.person_id == one.person_id
            met.setdefault(one.device_id, Met(one, True, pin.trusted and same))
        return [met[one.device_id] for one in seen]

    def check_pinned(self, certificate: DeviceCertificate) -> None:
        """Raises Problem("device-key-changed") where this device was known by another key or person."""
        pin = self._pins.get(certificate.device_id)
        if pin is None:
            return
        if (pin.person_id, pin.signature_key) != (certificate.person_id, certificate.signature_key):
            raise Problem("device-key-changed")

    def introduce(self, step: Step, person: PersonView) -> None:
        """Remember a directory entry until the person's certificate says who they are."""
        if person.person_id in self._cards:
            return
        card = Card(person.person_id, person.display_name, person.profession, person.place, person.checked_how, 0)
        step.put("people", card.person_id, records.encode(card))
        self._cards[card.person_id] = card
        step.undo(lambda: _restore(self._cards, card.person_id, None))

    def mark_gone(self, step: Step, person_id: bytes) -> None:
        """This person has left MiSS: their name stays with what they wrote."""
        card = self._cards.get(person_id)
        if card is None:
            return
        after = replace(card, gone=True)
        step.put("people", person_id, records.encode(after))
        self._cards[person_id] = after
        step.undo(lambda: _restore(self._cards, person_id, card))

    def gone(self, person_id: bytes) -> bool:
        """Whether this person has left MiSS."""
        card = self._cards.get(person_id)
        return card is not None and card.gone

    def mark_suspended(self, step: Step, person_id: bytes, suspended: bool) -> bool:
        """The register knows this person no more, or again; whether that is news."""
        card = self._cards.get(person_id)
        if card is None or card.suspended is suspended:
            return False
        after = replace(card, suspended=suspended)
        step.put("people", person_id, records.encode(after))
        self._cards[person_id] = after
        step.undo(lambda: _restore(self._cards, person_id, card))
        return True

    def in_doubt(self, person_id: bytes) -> bool:
        """Whether a device of somebody else's is neither vouched for nor accepted."""
        return person_id in self._doubtful and person_id != self.me

    def proofs(self, person_id: bytes) -> list[ProofView]:
        """What the devices of somebody that were seen here show of their proofs, the newest first."""
        found = [self._proof(_parse(pin.certificate), pin.trusted) for pin in self.pins() if pin.person_id == person_id]
        return sorted(found, key=lambda one: one.from_ms, reverse=True)

    def _proof(self, certificate: DeviceCertificate, trusted: bool) -> ProofView:
        who, first = certificate.professional, certificate
        for _ in range(_ENDORSEMENTS_MAX):  # back to the device that somebody proved themselves with
            endorser = None if first.endorsement is None else self._pins.get(first.endorsement.endorser)
            if endorser is None or not _endorsed(first, endorser.device_id, endorser.signature_key):
                break
            first = _parse(endorser.certificate)
        before = first.professional if first is not certificate else None
        return ProofView(
            who.checked_how,
            who.checked_at_ms,
            certificate.not_before_ms,
            certificate.not_after_ms,
            trusted,
            "" if before is None else before.checked_how,
            0 if before is None else before.checked_at_ms,
        )

    def trusted(self, person_id: bytes) -> list[DeviceCertificate]:
        """The devices of somebody that were seen here and are believed."""
        return [_parse(pin.certificate) for pin in self.pins() if pin.person_id == person_id and pin.trusted]

    def leads_back(self, certificate: DeviceCertificate, keys: frozenset[bytes]) -> bool:
        """Whether a device holds one of these keys, or is vouched for, over whatever devices, by one that does."""
        for _ in range(_ENDORSEMENTS_MAX):
            if certificate.signature_key in keys:
                return True
            endorser = None if certificate.endorsement is None else self._pins.get(certificate.endorsement.endorser)
            if endorser is None or endorser.person_id != certificate.person_id:
                return False
            if not _endorsed(certificate, endorser.device_id, endorser.signature_key):
                return False
            certificate = _parse(endorser.certificate)
        return False

    def any_in_doubt(self) -> bool:
        """Whether anybody is, as hardly ever somebody is."""
        return bool(self._doubtful)

    def suspect(self, step: Step, certificate: DeviceCertificate) -> bool:
        """A new device of somebody known, for which nobody vouches; whether it is news."""
        known = certificate.person_id != self.me and self._knows(certificate.person_id)
        if not known or certificate.device_id in self._pins:
            return False
        self._learn(step, certificate)
        self._pin(step, certificate, self.believed(certificate))
        return True

    def accept(self, step: Step, person_id: bytes) -> None:
        """This person has made sure of somebody: the devices of theirs that were seen are believed."""
        for pin in self.pins():
            if pin.person_id == person_id and not pin.trusted:
                self._pin(step, _parse(pin.certificate), True)

    def believes(self, certificate: DeviceCertificate) -> bool:
        """Whether this device is known, or vouched for, as its person's: only such devices of one's own are added."""
        pin = self._pins.get(certificate.device_id)
        if pin is not None:
            return pin.trusted and pin.signature_key == certificate.signature_key
        return self._vouched(certificate)

    def own_devices(self) -> list[bytes]:
        """The ids of this person's other devices that are believed."""
        me = self._own
        return [
            pin.device_id
            for pin in self._pins.values()
            if pin.person_id == me.person_id and pin.trusted and pin.device_id != me.device_id
        ]

    def disown(self, step: Step, device_id: bytes) -> None:
        """A device of one's own that was ended: it is not believed any more."""
        pin = self._pins.get(device_id)
        if pin is not None and pin.person_id == self.me:
            self._pin(step, _parse(pin.certificate), False)

    def learn(self, step: Step, certificate: DeviceCertificate) -> None:
        """A known device has a newer certificate, of the same key: what it says of its person holds."""
        pin = self._pins.get(certificate.device_id)
        if pin is None or (pin.person_id, pin.signature_key) != (certificate.person_id, certificate.signature_key):
            return
        self._learn(step, certificate)
        if certificate.not_before_ms > _parse(pin.certificate).not_before_ms:
            self._pin(step, certificate, pin.trusted)

    def has_disowned(self) -> bool:
        """Whether this person has, or had, a device that is not believed; it may still be counted somewhere."""
        return any(pin.person_id == self.me and not pin.trusted for pin in self._pins.values())

    def vouch(self, step: Step, certificate: DeviceCertificate) -> None:
        """Pin a device that this one endorsed."""
        self._learn(step, certificate)
        self._pin(step, certificate, True)

    def known(self) -> list[bytes]:
        """Everybody of whom there is a card."""
        return sorted(self._cards)

    def pins(self) -> list[Pin]:
        """The devices whose keys were seen."""
        return sorted(self._pins.values(), key=lambda one: one.device_id)

    def adopt(self, step: Step, card: Card) -> None:
        """A card as another device knows it; what a certificate has said here holds against it."""
        before = self._cards.get(card.person_id)
        if before is not None and before.checked_at_ms >= card.checked_at_ms:
            return
        step.put("people", card.person_id, records.encode(card))
        self._cards[card.person_id] = card
        step.undo(lambda: _restore(self._cards, card.person_id, before))

    def adopt_pin(self, step: Step, certificate: DeviceCertificate, trusted: bool) -> None:
        """A key as another device of this person knows it: who vouched for it may be gone since, so its word holds."""
        known = self._pins.get(certificate.device_id)
        if known is None:
            self._pin(step, certificate, trusted)
        elif known.signature_key == certificate.signature_key and known.trusted is not trusted:
            self._pin(step, _parse(known.certificate), trusted)

    def _knows(self, person_id: bytes) -> bool:
        return person_id == self.me or any(pin.person_id == person_id for pin in self._pins.values())

    def _is_good(self, new: DeviceCertificate) -> bool:
        return self._vouched(new) or self.believed(new)

    def _vouched(self, new: DeviceCertificate) -> bool:
        pinned = [pin for pin in self._pins.values() if pin.person_id == new.person_id and pin.trusted]
        others = [(pin.device_id, pin.signature_key, _parse(pin.certificate)) for pin in pinned]
        if new.person_id == self.me:
            if new.device_id == self._own.device_id:
                return new.signature_key == self._own.signature_key
            others.append((self._own.device_id, self._own.signature_key, self._own))
        for device_id, key, certificate in others:
            if _endorsed(new, device_id, key) or _endorsed(certificate, new.device_id, new.signature_key):
                return True
        return False

    def _learn(self, step: Step, certificate: DeviceCertificate) -> None:
        """Names as the latest certificate has them, and the latest check."""
        who, as_of_ms = certificate.professional, certificate.not_before_ms
        before = self._cards.get(who.person_id)
        card = before or Card(who.person_id, "", "", "", "", 0)
        if as_of_ms > card.as_of_ms:
            name, profession, place = who.display_name, who.profession, who.place
            card = replace(card, display_name=name, profession=profession, place=place, as_of_ms=as_of_ms)
        if who.checked_at_ms > card.checked_at_ms:
            card = replace(card, checked_how=who.checked_how, checked_at_ms=who.checked_at_ms)
        if card == before:
            return
        step.put("people", card.person_id, records.encode(card))
        self._cards[card.person_id] = card
        step.undo(lambda: _restore(self._cards, card.person_id, before))

    def _pin(self, step: Step, certificate: DeviceCertificate, trusted: bool) -> None:
        pin = Pin(certificate.person_id, certificate.device_id, certificate.signature_key, trusted, certificate.der)
        before = self._pins.get(pin.device_id)
        step.put("pins", pin.device_id, records.encode(pin), shelf=pin.person_id)
        self._pins[pin.device_id] = pin
        self._weigh(pin.person_id)

        def back() -> None:
            _restore(self._pins, pin.device_id, before)
            self._weigh(pin.person_id)

        step.undo(back)

    def _weigh(self, person_id: bytes) -> None:
        """Whether a person is in doubt, looked up often and changed rarely."""
        self._doubtful.discard(person_id)
        if any(pin.person_id == person_id and not pin.trusted for pin in self._pins.values()):
            self._doubtful.add(person_id)


def _restore(known: dict[bytes, Card] | dict[bytes, Pin], name: bytes, before: Card | Pin | None) -> None:
    known.pop(name, None)
    if before is not None:
        known[name] = before  # type: ignore[assignment]  # the value came from this very dictionary


def _endorsed(certificate: DeviceCertificate, endorser_id: bytes, endorser_key: bytes) -> bool:
    if certificate.endorsement is None or certificate.endorsement.endorser != endorser_id:
        return False
    try:
        certificate.check_endorsement(endorser_key)
    except RemoteError:
        return False
    return True


async def search(http: Http, words: str, profession: str, place: str) -> list[PersonView]:
    """People of the directory; Problem where the server cannot be reached or refuses."""
    query = {"words": words, "profession": profession, "place": place}
    found = await http.json("GET", "/v1/directory", query={k: v for k, v in query.items() if v}, ticket=True)
    try:
        return [person_view(one) for one in found["people"]]
    except (KeyError, TypeError, ValueError) as error:
        raise Problem("server-not-understood") from error


async def new_near(http: Http) -> list[PersonView]:
    """Who is new on MiSS near this person; Problem where the server cannot be reached."""
    found = await http.json("GET", "/v1/directory/new", ticket=True)
    try:
        return [person_view(one) for one in found["people"]]
    except (KeyError, TypeError, ValueError) as error:
        raise Problem("server-not-understood") from error


async def colleagues(http: Http, words: str) -> list[PersonView]:
    """An establishment's own correspondents; Problem where the server cannot be reached."""
    query = {"words": words} if words else {}
    found = await http.json("GET", "/v1/establishments/staff", query=query, ticket=True)
    try:
        return [person_view(one) for one in found["people"]]
    except (KeyError, TypeError, ValueError) as error:
        raise Problem("server-not-understood") from error


async def check_contactable(http: Http, person: PersonView) -> None:
    """Asks before a conversation is begun; a server that is away is no answer, the conversation waits for it.

    Raises:
        Problem: ``not-contactable``, or ``person-not-reachable`` where the server knows nobody of that id.
    """
    try:
        found = await http.json("GET", f"/v1/people/{person.person_id.hex()}", ticket=True)
    except Problem as problem:
        if problem.reason == "not-found":
            raise Problem("person-not-reachable") from problem
        return
    if not found.get("contactable", True):
        raise Problem("not-contactable")


def person_view(entry: dict[str, object]) -> PersonView:
    """A directory entry as a view."""
    at_ms = entry.get("checked_at_ms")
    return PersonView(
        bytes.fromhex(str(entry["person"] or "")),
        str(entry["display_name"]),
        str(entry["profession"]),
        str(entry["place"]),
        bool(entry["reachable"]),
        str(entry.get("checked_how") or ""),
        at_ms if isinstance(at_ms, int) else 0,
        str(entry.get("invite") or ""),
    )
