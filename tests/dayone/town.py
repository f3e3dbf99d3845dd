"""A server whose fictional people work in several places, two of them under one name."""

from dataclasses import replace
from pathlib import Path

from cast import Device, Post, Scene, fictional
from identity.extract import Job, Someone

HOSPITAL = Job("10", "", "CH FICTIF", "59000", "LILLE")
PRACTICE = Job("10", "", "CABINET DU MODELE", "59100", "ROUBAIX")
COAST = Job("10", "", "CLINIQUE IMAGINAIRE", "62200", "BOULOGNE SUR MER")
SOUTH = Job("60", "", "CABINET SPECIMEN", "13001", "MARSEILLE")
ISLAND = Job("10", "", "CHU IMAGINAIRE", "97400", "SAINT DENIS")
ISLAND_HARBOUR = Job("10", "", "CABINET DU PORT", "97420", "LE PORT")
PLACES = {
    "hospital": HOSPITAL,
    "practice": PRACTICE,
    "coast": COAST,
    "south": SOUTH,
    "island": ISLAND,
    "harbour": ISLAND_HARBOUR,
}


class Town(Post):
    """A post whose people are taken by the place they work in."""

    def __init__(self, folder: Path, each: int = 14) -> None:
        super().__init__(folder, people=0)
        self._free: dict[str, list[Someone]] = {}
        for number, (place, job) in enumerate(PLACES.items()):
            people = [replace(fictional(each * number + serial), jobs=(job,)) for serial in range(each)]
            self._free[place] = people[:]
            self.people += people

    def at(self, place: str) -> Someone:
        """Somebody who works there and has not been taken yet."""
        return self._free[place].pop(0)


async def enter(scene: Scene, **places: str) -> list[Device]:
    """People come in, each registered and online: name=place."""
    town = scene.post
    assert isinstance(town, Town)
    devices = [scene.device(name, town.at(place)) for name, place in places.items()]
    for one in devices:
        await one.register()
        await one.enter()
    return devices
