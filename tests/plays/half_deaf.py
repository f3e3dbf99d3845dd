"""A cable whose way back can be cut or held up while the device is still heard: answers are lost, or late."""

import asyncio
import itertools

from demo.cable import Cable


class HalfDeafCable(Cable):
    """A cable whose way back can be cut, or held up, alone."""

    _hosts = itertools.count(10)

    def __init__(self, target: tuple[str, int]) -> None:
        # Each device comes from an address of its own, as they do in life: the server counts claims by address.
        self._host = f"127.0.0.{next(self._hosts) % 240 + 10}"
        self.deaf = False
        self.held = False
        super().__init__(target)

    def deafen(self) -> None:
        """From now on nothing comes back; pulling the cable ends it."""
        self.deaf = True

    def hold(self) -> None:
        """From now on what comes back waits."""
        self.held = True

    def release(self) -> None:
        """What waited comes, in order."""
        self.held = False

    def pull(self) -> None:
        super().pull()
        self.deaf = self.held = False

    async def _accept(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        if not self._plugged:
            to_near.transport.abort()
            return
        try:
            far, to_far = await asyncio.open_connection(*self._target, local_addr=(self._host, 0))
        except OSError:
            to_near.transport.abort()
            return
        self._open |= {to_near, to_far}
        await asyncio.gather(self._pipe(near, to_far), self._pipe_back(far, to_near))
        self._open -= {to_near, to_far}

    async def _pipe_back(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                while self.held:
                    await asyncio.sleep(0.01)
                if not self.deaf:
                    sink.write(data)
                    await sink.drain()
        except OSError:
            pass  # the cable was pulled
        sink.close()
