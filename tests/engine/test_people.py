"""Pinned device keys: who is believed at first sight, by endorsement, or not at all."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.authority import Certified, Registrar
from miss_app.engine.people import People
from miss_app.engine.problems import Problem
from miss_app.engine.store import Store


class Desk:
    """One device's view of the people it meets."""

    def __init__(self, folder: Path) -> None:
        self.registrar = Registrar()
        self.me = self.registrar.person("Camille")
        self.phone = self.registrar.device(self.me)
        self.store = Store(folder / "store.db", bytes(32))
        self.people = People(self.store, self.phone.certificate)
        self.meet(self.phone)

    def meet(self, *devices: Certified) -> list[tuple[bool, bool]]:
        """(known person, believed device) for each."""
        with self.store.step() as step:
            met = self.people.meet(step, [one.certificate for one in devices])
        return [(one.person_known, one.trusted) for one in met]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_first_contact_is_believed_with_all_its_devices(desk: Desk) -> None:
    hugo = desk.registrar.person("Hugo")
    phone = desk.registrar.device(hugo)
    other = desk.registrar.device(hugo)
    assert desk.meet(phone, other) == [(False, True), (False, True)]
    assert desk.people.view(hugo.person_id).display_name == "Dr Hugo Fictif"
    assert desk.meet(phone) == [(True, True)]


def test_a_further_device_is_believed_when_a_pinned_one_endorsed_it(desk: Desk) -> None:
    hugo = desk.registrar.person("Hugo")
    phone = desk.registrar.device(hugo)
    desk.meet(phone)
    assert desk.meet(desk.registrar.device(hugo, phone)) == [(True, True)]


def test_chains_of_endorsements_are_followed_whatever_the_order(desk: Desk) -> None:
    hugo = desk.registrar.person("Hugo")
    first = desk.registrar.device(hugo)
    second = desk.registrar.device(hugo, first)
    third = desk.registrar.device(hugo, second)
    desk.meet(second)
    assert desk.meet(third, first) == [(True, True), (True, True)]


UNBELIEVED: dict[str, Callable[[Desk, Certified], Certified]] = {
    "nobody endorsed it": lambda desk, phone: desk.registrar.device(phone.certificate.professional),
    "a forged endorsement": lambda desk, phone: desk.registrar.device(
        phone.certificate.professional, phone, forged=True
    ),
    "endorsed by somebody else's device": lambda desk, phone: desk.registrar.device(
        phone.certificate.professional, desk.phone
    ),
    "endorsed by an unbelieved device": lambda desk, phone: desk.registrar.device(
        phone.certificate.professional, unbelieved(desk, phone)
    ),
}


def unbelieved(desk: Desk, phone: Certified) -> Certified:
    one = desk.registrar.device(phone.certificate.professional)
    assert desk.meet(one) == [(True, False)]
    return one


@pytest.mark.parametrize("case", UNBELIEVED)
def test_what_is_not_believed(desk: Desk, case: str) -> None:
    phone = desk.registrar.device(desk.registrar.person("Hugo"))
    desk.meet(phone)
    new = UNBELIEVED[case](desk, phone)
    assert desk.meet(new) == [(True, False)]
    assert desk.meet(new) == [(True, False)], "and it stays so"


def test_one_s_own_devices(desk: Desk) -> None:
    tablet = desk.registrar.device(desk.me, desk.phone)
    stranger = desk.registrar.device(desk.me)
    assert desk.people.believes(tablet.certificate)
    assert not desk.people.believes(stranger.certificate)
    assert desk.meet(tablet, stranger) == [(True, True), (True, False)]
    assert desk.people.own_devices() == [tablet.keys.device_id]


def test_a_new_device_believes_who_endorsed_it(tmp_path: Path) -> None:
    registrar = Registrar()
    me = registrar.person("Camille")
    phone = registrar.device(me)
    tablet = registrar.device(me, phone)
    store = Store(tmp_path / "store.db", bytes(32))
    people = People(store, tablet.certificate)
    with store.step() as step:
        met = people.meet(step, [tablet.certificate, phone.certificate])
    assert [one.trusted for one in met] == [True, True]


def test_a_known_device_with_another_key_is_refused_and_never_pinned_over(desk: Desk) -> None:
    hugo = desk.registrar.person("Hugo")
    phone = desk.registrar.device(hugo)
    desk.meet(phone)
    swapped = replace(desk.registrar.device(hugo).certificate, device_id=phone.keys.device_id)
    with pytest.raises(Problem, match="device-key-changed"):
        desk.people.check_pinned(swapped)
    assert desk.meet(Certified(phone.keys, swapped)) == [(True, False)]
    desk.people.check_pinned(phone.certificate)


def test_pins_survive_a_restart_and_a_failed_step_leaves_none(desk: Desk) -> None:
    hugo = desk.registrar.device(desk.registrar.person("Hugo"))
    nadia = desk.registrar.device(desk.registrar.person("Nadia"))
    desk.meet(hugo)
    with pytest.raises(KeyError), desk.store.step() as step:
        raise KeyError(desk.people.meet(step, [nadia.certificate]))
    assert desk.people.name(nadia.certificate.person_id) == ""
    again = People(desk.store, desk.phone.certificate)
    assert again.name(hugo.certificate.person_id) == "Dr Hugo Fictif"
    assert again.name(nadia.certificate.person_id) == ""
    assert desk.meet(nadia) == [(False, True)]


def test_who_registered_anew_is_in_doubt_until_accepted(desk: Desk) -> None:
    hugo, stranger = desk.registrar.person("Hugo"), desk.registrar.person("Zoé")
    desk.meet(desk.registrar.device(hugo))
    anew, linked = desk.registrar.device(hugo), desk.registrar.device(stranger)
    own = desk.registrar.device(desk.me)
    with desk.store.step() as step:
        assert desk.people.suspect(step, anew.certificate)
        assert not desk.people.suspect(step, anew.certificate), "once"
        assert not desk.people.suspect(step, linked.certificate), "nobody known"
        assert not desk.people.suspect(step, own.certificate), "one's own are another matter"
    assert (desk.people.in_doubt(hugo.person_id), desk.people.in_doubt(stranger.person_id)) == (True, False)
    assert desk.people.view(hugo.person_id).doubtful
    assert desk.meet(anew) == [(True, False)]
    assert People(desk.store, desk.phone.certificate).in_doubt(hugo.person_id), "also after a restart"

    def accept_and_fail() -> None:
        with desk.store.step() as step:
            desk.people.accept(step, hugo.person_id)
            assert not desk.people.in_doubt(hugo.person_id)
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        accept_and_fail()
    assert desk.people.in_doubt(hugo.person_id), "a step that failed has confirmed nobody"
    with desk.store.step() as step:
        desk.people.accept(step, hugo.person_id)
    assert not desk.people.in_doubt(hugo.person_id)
    assert desk.meet(anew) == [(True, True)]


def test_a_linked_device_shows_the_check_behind_it(desk: Desk) -> None:
    hugo = replace(desk.registrar.person("Hugo"), checked_how="psc")
    phone = desk.registrar.device(hugo)
    later = replace(hugo, checked_how="linked", checked_at_ms=hugo.checked_at_ms + 1000)
    tablet = desk.registrar.device(later, phone)
    forged = desk.registrar.device(later, phone, forged=True)
    desk.meet(phone, tablet)
    shown = {(one.how, one.first_how, one.trusted) for one in desk.people.proofs(hugo.person_id)}
    assert shown == {("psc", "", True), ("linked", "psc", True)}
    desk.meet(forged)
    assert ("linked", "", False) in {
        (one.how, one.first_how, one.trusted) for one in desk.people.proofs(hugo.person_id)
    }
