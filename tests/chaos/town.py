"""The people of a siege, written into a data folder before its server starts: who shares a conversation with whom."""

from pathlib import Path
from random import Random

from bench.population import Town, build, settle


def build_town(folder: Path, devices: int, streams: int, members: int, chance: Random, database_url: str = "") -> Town:
    """So many enrolled devices and conversations, each of some members, each device in one at least."""
    town = build(folder, devices, database_url)
    for number in range(streams):
        first = town.users[number % devices]
        others = chance.sample([one for one in town.users if one is not first], members - 1)
        town.stream(first, *others)
    settle(folder, town, database_url)
    return town
