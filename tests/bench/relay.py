"""A bare relay: FastAPI, SQLite with every commit on disk, and nothing of what a messaging server must check.

It takes the bytes of a Submit, stores them, and after COMMIT answers Accepted and sends a Deliver to everybody else who
named the same stream when connecting. There is no login, membership, epoch, claim, cursor or window: what is missing
between this and the real server is the price of those.
"""

import asyncio
import sqlite3
import sys
import threading
import time
from collections import deque
from pathlib import Path

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from miss_protocol.mls.codec import varint

ACCEPTED, DELIVER = b"\x80\x11", b"\x80\x13"
REPLAY_ROWS = 50


class Listener:
    """A connection and what waits to be sent on it."""

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()
        self.wake = asyncio.Event()

    def put(self, message: bytes) -> None:
        self.waiting.append(message)
        self.wake.set()


class Store(threading.Thread):
    """The one writer: whatever waits is one transaction."""

    def __init__(self, file: Path) -> None:
        super().__init__(daemon=True)
        self.loop = asyncio.get_running_loop()
        self.listeners: dict[bytes, set[Listener]] = {}
        self.waiting: list[tuple[Listener, bytes, bytes, bytes]] = []
        self.wake = threading.Event()
        self.database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"):
            self.database.execute(statement)
        self.database.execute("CREATE TABLE log (number INTEGER PRIMARY KEY AUTOINCREMENT, stream BLOB, body BLOB)")
        self.database.execute("CREATE INDEX log_by_stream ON log (stream, number)")
        self.reading = sqlite3.connect(file, check_same_thread=False)
        self.start()

    def run(self) -> None:
        while True:
            self.wake.wait()
            self.wake.clear()
            while self.waiting:
                batch, self.waiting = self.waiting, []
                self.database.execute("BEGIN IMMEDIATE")
                rows = [(stream, body) for _, _, stream, body in batch]
                self.database.executemany("INSERT INTO log (stream, body) VALUES (?,?)", rows)
                self.database.execute("COMMIT")
                self.loop.call_soon_threadsafe(self.forward, batch)

    def take(self, sender: Listener, message: bytes) -> None:
        """A websocket message that holds one Submit, as PROTOCOL.md section 5 writes it, with a body of 64 bytes to 16 KiB."""
        self.waiting.append((sender, message[4:20], message[20:36], message[48:-1]))
        self.wake.set()

    def forward(self, batch: list[tuple[Listener, bytes, bytes, bytes]]) -> None:
        now = int(time.time() * 1000).to_bytes(8, "big")
        for sender, message_id, stream, body in batch:
            sender.put(ACCEPTED + varint(48) + message_id + stream + bytes(8) + now)
            message = deliver(stream, body)
            for listener in self.listeners.get(stream, ()):
                if listener is not sender:
                    listener.put(message)

    def replay(self, listener: Listener, stream: bytes) -> None:
        """Everything of one stream, some rows a message."""
        found = self.reading.execute("SELECT body FROM log WHERE stream = ? ORDER BY number", (stream,))
        while rows := found.fetchmany(REPLAY_ROWS):
            listener.put(b"".join(deliver(stream, body) for (body,) in rows))


def deliver(stream: bytes, body: bytes) -> bytes:
    """A Deliver without number, time or epoch."""
    frame = stream + bytes(8) + b"\x01\x01" + bytes(16) + varint(len(body)) + body
    return DELIVER + varint(len(frame)) + frame


def create_app(file: Path) -> FastAPI:
    app = FastAPI()
    stores: list[Store] = []

    @app.websocket("/v1/socket")
    async def socket(websocket: WebSocket, streams: str, replay: bool) -> None:
        if not stores:
            stores.append(Store(file))
        store, own = stores[0], Listener()
        await websocket.accept("miss.1")
        joined = [bytes.fromhex(one) for one in streams.split(",") if one]
        for stream in joined:
            store.listeners.setdefault(stream, set()).add(own)
            if replay:
                store.replay(own, stream)
        sending = asyncio.create_task(send(websocket, own))
        try:
            while True:
                store.take(own, await websocket.receive_bytes())
        except WebSocketDisconnect:
            sending.cancel()
            for stream in joined:
                store.listeners[stream].discard(own)

    return app


async def send(websocket: WebSocket, listener: Listener) -> None:
    while True:
        await listener.wake.wait()
        listener.wake.clear()
        while listener.waiting:
            await websocket.send_bytes(listener.waiting.popleft())


class Server(uvicorn.Server):
    """Says where it listens, like the real one."""

    folder = Path()

    async def startup(self, sockets: list | None = None) -> None:
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        part = self.folder / "listening.part"
        part.write_text(f"127.0.0.1:{port}\n")
        part.rename(self.folder / "listening")


if __name__ == "__main__":
    Server.folder = Path(sys.argv[1])
    settings = {"ws": "websockets-sansio", "ws_per_message_deflate": False, "access_log": False, "log_level": "warning"}
    Server(uvicorn.Config(create_app(Server.folder / "relay.db"), port=0, backlog=2048, **settings)).run()
