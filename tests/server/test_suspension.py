"""Somebody whom the register does not hold any more: their sockets close, and they cannot log in until they are back."""

import asyncio

from sqlalchemy import update

from miss_protocol.frames import Challenge
from miss_server.clock import now_ms
from miss_server.register_tables import people
from server.office import Wire, login, play


def test_a_suspended_person_is_shown_the_door_and_may_come_back(shared_office):
    async def scene() -> None:
        camille = shared_office.device()
        shared_office.person(camille.person_id, "99700001010")

        def stand(suspended_at_ms: int | None) -> None:
            statement = update(people).where(people.c.person_id == camille.person_id)
            values = statement.values(suspended_at_ms=suspended_at_ms)
            shared_office.in_database(lambda connection: connection.execute(values).rowcount)

        wire = await shared_office.dial(camille)
        await asyncio.to_thread(stand, now_ms())
        assert await wire.closed() == (4401, "suspended")
        again = Wire(await shared_office.raw(), camille)
        await again.say(login(camille, await again.next(Challenge)))
        assert await again.closed() == (4401, "suspended")
        await asyncio.to_thread(stand, None)
        async with shared_office.wire(camille):
            pass

    play(scene)
