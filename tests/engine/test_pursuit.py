"""A pursuit ends when it is told to, whatever comes at the same moment; and rests no longer than there is no news."""

import asyncio

import pytest

from miss_app.engine.pursuit import Pursuit, news_within


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_who_stops_it_does_not_wait_for_ever_when_news_come_at_the_same_moment(turns: int) -> None:
    async def play() -> bool:
        async def work() -> None:
            while True:
                pursuit.begin()
                await pursuit.rest(60)

        pursuit = Pursuit(work)
        pursuit.resume()
        for _ in range(5):
            await asyncio.sleep(0)
        pursuit.resume()  # news, and some turns of the loop later the end
        for _ in range(turns):
            await asyncio.sleep(0)
        _, waiting = await asyncio.wait({asyncio.create_task(pursuit.stop())}, timeout=20)
        return not waiting

    assert asyncio.run(play())


def test_it_looks_again_at_news_and_comes_to_an_end() -> None:
    async def play() -> list[bool]:
        rested: list[bool] = []

        async def work() -> None:
            while len(rested) < 2:
                pursuit.begin()
                rested.append(await pursuit.rest(0.01 if rested else 60))

        pursuit = Pursuit(work)
        pursuit.resume()
        await asyncio.sleep(0.01)
        pursuit.resume()
        async with asyncio.timeout(20):
            while len(rested) < 2:
                await asyncio.sleep(0.01)
        await pursuit.stop()
        return rested

    assert asyncio.run(play()) == [True, False]


def test_news_that_came_before_are_news() -> None:
    async def play() -> tuple[bool, bool]:
        news = asyncio.Event()
        news.set()
        came = await news_within(news, 60)
        news.clear()
        return came, await news_within(news, 0.01)

    assert asyncio.run(play()) == (True, False)
