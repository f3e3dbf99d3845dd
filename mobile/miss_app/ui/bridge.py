"""Between the engine's thread and the screen's: questions one way, answers and events the other, once a frame."""

import logging
import queue
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any, Protocol

from kivy.clock import Clock

from miss_app.engine.events import Event

logger = logging.getLogger(__name__)


class Engine(Protocol):
    """What the screens need of the engine's thread."""

    client: Any
    events: "queue.SimpleQueue[Event]"
    on_wake: Callable[[], None]

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def call(self, coroutine: Coroutine[Any, Any, Any]) -> "Future[Any]": ...


@dataclass(frozen=True)
class Failure:
    """Why the engine could not do it: a reason, what the server said of it, how long to wait in seconds, and how often
    one may still try where that is limited."""

    reason: str
    sentence: str = ""
    seconds: float = 0.0
    tries_left: int | None = None


class Bridge:
    """Asks the engine without ever waiting for it, and hands its events to ``hear`` on the main thread."""

    def __init__(self, engine: Engine, hear: Callable[[Event], None]) -> None:
        self._engine = engine
        self._hear = hear
        self._answers: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._wake = Clock.create_trigger(self._drain)
        engine.on_wake = self._wake

    def close(self) -> None:
        """Hear nothing more of this engine."""
        self._wake.cancel()
        self._engine.on_wake = lambda: None

    def ask(
        self,
        coroutine: Coroutine[Any, Any, Any],
        done: Callable[[Any], None] | None = None,
        failed: Callable[[Failure], None] | None = None,
    ) -> None:
        """Run ``coroutine`` on the engine; later, on the main thread, ``done(result)`` or ``failed(failure)``.

        The reason is a ``Problem``'s, or "unexpected-" with the error's name for anything else.
        """
        future = self._engine.call(coroutine)

        def answer() -> None:
            try:
                result = future.result()
            except CancelledError:
                return
            except Exception as error:
                if failed is None:
                    raise
                reason = getattr(error, "reason", "") or f"unexpected-{type(error).__name__}"
                if reason.startswith("unexpected"):
                    logger.error("The engine failed unexpectedly.", exc_info=error)
                failed(
                    Failure(
                        reason,
                        getattr(error, "sentence", ""),
                        getattr(error, "seconds", 0.0),
                        getattr(error, "tries_left", None),
                    )
                )
            else:
                if done is not None:
                    done(result)

        def landed(_future: "Future[Any]") -> None:
            self._answers.put(answer)
            self._wake()

        future.add_done_callback(landed)

    def later(self, deed: Callable[[], None]) -> None:
        """Do this on the main thread; from any thread."""
        self._answers.put(deed)
        self._wake()

    def _drain(self, _dt: float) -> None:
        while not self._answers.empty():
            self._answers.get()()
        while not self._engine.events.empty():
            self._hear(self._engine.events.get())
