"""The engine's own thread: an asyncio loop that goes on while a screen stands still."""

import asyncio
import concurrent.futures
import queue
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from miss_app.engine.client import Client
from miss_app.engine.events import Event
from miss_app.policy import NONE, Policy
from miss_app.ports.interfaces import SecureStore

T = TypeVar("T")
START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 10.0


class EngineThread:
    """A client on its own loop in its own thread.

    ``events`` are to be drained by the screen; ``on_wake`` is called, in the engine's thread, whenever one was added.
    """

    def __init__(
        self,
        folder: Path,
        *,
        language: str = "fr",
        device_name: str = "",
        keystore: SecureStore | None = None,
        shared: bool = False,
        policy: Policy = NONE,
    ) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.on_wake: Callable[[], None] = lambda: None
        self.client = Client(
            folder,
            language=language,
            on_event=self._hear,
            device_name=device_name,
            keystore=keystore,
            shared=shared,
            policy=policy,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="miss-engine", daemon=True)

    def start(self) -> None:
        """Start the thread; returns when the client knows its stage."""
        self._thread.start()
        self.call(self.client.start()).result(START_SECONDS_MAX)

    def stop(self) -> None:
        """Stop the client, then the loop and the thread."""
        if not self._thread.is_alive():
            return
        try:
            self.call(self.client.stop()).result(STOP_SECONDS_MAX)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STOP_SECONDS_MAX)

    def call(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run a verb of the client on its loop, from any thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    def _hear(self, event: Event) -> None:
        self.events.put(event)
        self.on_wake()
