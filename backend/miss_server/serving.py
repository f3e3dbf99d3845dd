"""The HTTP server around the application: listens, says where, and stops cleanly."""

import asyncio
import gc
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from miss_server import data_folder
from miss_server.app import create_app
from miss_server.config import Settings
from miss_server.console.listening import Listening
from miss_server.encryption import tls_options
from miss_server.meters import Meters
from miss_server.websocket import MESSAGE_BYTES_MAX, Websocket

BACKLOG = 2_048
SHUTDOWN_SECONDS = 5
PING_SECONDS = 20
DRAIN_LOOK_SECONDS = 0.1
HEAD_SECONDS_MAX = 20
COLLECT_AFTER_OBJECTS = 20_000


class _Http(H11Protocol):
    """The HTTP protocol of uvicorn; who takes too long to say what they want is left."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own
        super().connection_made(transport)
        self._waiting = self.loop.call_later(HEAD_SECONDS_MAX, transport.close)

    def data_received(self, data: bytes) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(HEAD_SECONDS_MAX, self.transport.close)
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:  # the head is whole; the body has a limit of its own (``Door``)
            self._wait_no_more()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class Server(uvicorn.Server):
    """A server that says where it listens.

    Args:
        listening: told host and port once connections are taken.
    """

    def __init__(self, settings: Settings, listening: Callable[[str, int], None]) -> None:
        self.console = Listening(settings) if settings.console is not None else None
        super().__init__(_config(settings))
        self._settings = settings
        self._listening = listening
        self.metrics_port, self._end_metrics = 0, _nothing
        if settings.metrics is not None:
            meters: Meters = self.config.app.state.meters  # type: ignore[union-attr]  # the application itself
            self._end_metrics, self.metrics_port = meters.serve(*settings.metrics)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            if self.console is not None:
                await self.console.open(self.config.app.state)  # type: ignore[union-attr]  # the application itself
            host = self._settings.host
            shown = f"[{host}]" if ":" in host else host
            self._listening(host, port)
            _announce(self._settings.listening, f"{shown}:{port}\n")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drains: says that it is not ready, for the balancer; takes no more; sends everybody elsewhere; stops."""
        state = self.config.app.state  # type: ignore[union-attr]  # the application itself
        state.draining = True
        self._settings.listening.unlink(missing_ok=True)
        until = time.monotonic() + self._settings.drain_seconds
        while time.monotonic() < until and not self.force_exit:
            await asyncio.sleep(DRAIN_LOOK_SECONDS)
        for server in self.servers:
            server.close()
        await state.doorbell.dismiss()
        if self.console is not None:
            await self.console.close()
        self._end_metrics()
        await super().shutdown(sockets)


def serve(settings: Settings, listening: Callable[[str, int], None]) -> bool:
    """Serves until a signal says stop.

    Returns:
        whether it ever listened.

    Raises:
        FolderInUseError, NewerDatabaseError, ConsoleAddressError, MetricsAddressError: nothing was touched.
    """
    settings.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    with data_folder.held(settings.run):
        settings.listening.unlink(missing_ok=True)
        server = Server(settings, listening)
        _settle_memory()
        _outlive_signals()
        server.run()
    return server.started


def _nothing() -> None:
    """What there is to end where nothing was begun."""


def _announce(file: Path, text: str) -> None:
    """Whoever waits for the file finds it whole."""
    part = file.with_name(f"{file.name}.part")
    part.write_text(text, encoding="ascii")
    part.replace(file)


def _settle_memory() -> None:
    """What is there now stays: the collector of cycles need not look at it again, nor after every few messages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS, 20, 20)


def _outlive_signals() -> None:
    """After it has stopped cleanly, uvicorn raises the signal again for whoever was there before: for nobody, here."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)


def _config(settings: Settings) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    options = tls_options(settings) if settings.tls_cert is not None else {}
    return uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http=_Http,
        ws=Websocket,
        ws_max_size=MESSAGE_BYTES_MAX,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        proxy_headers=False,
        **options,
    )
