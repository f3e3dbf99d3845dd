"""The console's own HTTP server, beside the public one: another address, the same process and loop."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.datastructures import State

from miss_server import data_folder
from miss_server.config import Console, Settings
from miss_server.console.app import create_console
from miss_server.encryption import tls_options

SHUTDOWN_SECONDS = 5
START_PAUSE_SECONDS = 0.005


class ConsoleAddressError(Exception):
    """The console's address is taken, or another machine's."""


class Listening:
    """Takes the address at once, serves once the public server is up.

    Args:
        settings: with a console.

    Raises:
        ConsoleAddressError: it cannot listen there.
    """

    def __init__(self, settings: Settings) -> None:
        assert settings.console is not None
        console: Console = settings.console
        family = socket.AF_INET6 if ":" in console.host else socket.AF_INET
        try:
            self._socket = socket.create_server((console.host, console.port), family=family)
        except OSError as error:
            raise ConsoleAddressError(f"{console.host}:{console.port}") from error
        self.origin = console.public(self._socket.getsockname()[1])
        self.state = State()  # of the console's application, once it is served
        self._settings = settings
        self._server: _Beside | None = None
        self._serving: asyncio.Task[None] | None = None

    async def open(self, server: Any) -> None:
        """Serves the console of the server whose application's state this is."""
        console = self._settings.console
        assert console is not None
        tls = tls_options(self._settings) if not console.loopback else {}
        app = create_console(server, self.origin)
        self.state = app.state
        self._server = _Beside(
            uvicorn.Config(
                app,
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                **tls,
            )
        )
        self._serving = asyncio.create_task(self._server.serve([self._socket]))
        while not self._server.started and not self._serving.done():
            await asyncio.sleep(START_PAUSE_SECONDS)
        self._settings.console_listening.write_text(f"{self.origin}\n", encoding="ascii")

    async def close(self) -> None:
        """Ends what is under way and lets go of the address."""
        self._settings.console_listening.unlink(missing_ok=True)
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving
        self._socket.close()


class _Beside(uvicorn.Server):
    """A server that leaves the process's signals to the other one."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def origin_of(settings: Settings) -> str | None:
    """Where browsers find the console now or once it runs; None where none is set, or its port is not known yet."""
    for folder in data_folder.running(settings.data):
        file: Path = folder / settings.console_listening.name
        if file.exists():
            return file.read_text(encoding="ascii").strip()
    console = settings.console
    if console is None or not (console.port or console.origin):
        return None
    return console.public(console.port)
