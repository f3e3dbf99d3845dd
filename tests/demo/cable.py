"""A network cable that can be pulled: forwards one local port to another until it is told to stop."""

import asyncio
import threading
from contextlib import suppress


class Cable:
    """Forwards connections made to ``port`` to ``target``; ``pull`` cuts them all, ``plug`` allows new ones.

    Args:
        target: host and port on this machine.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()
        self._plugged = True
        self._loop = asyncio.new_event_loop()
        self.port = 0
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(20)

    def pull(self) -> None:
        """Cut every connection and refuse new ones."""
        self._loop.call_soon_threadsafe(self._cut)

    def plug(self) -> None:
        """Let connections through again; what was pulled just before is cut first."""
        self._loop.call_soon_threadsafe(self._allow)

    def _allow(self) -> None:
        self._plugged = True

    def _cut(self) -> None:
        self._plugged = False
        for writer in self._open:
            writer.transport.abort()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)

        async def listen() -> None:
            server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()

        self._loop.run_until_complete(listen())
        self._loop.run_forever()

    async def _accept(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        if not self._plugged:
            to_near.transport.abort()
            return
        try:
            far, to_far = await asyncio.open_connection(*self._target)
        except OSError:
            to_near.transport.abort()
            return
        self._open |= {to_near, to_far}
        await asyncio.gather(self._pipe(near, to_far), self._pipe(far, to_near))
        self._open -= {to_near, to_far}

    @staticmethod
    async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()
