"""The websocket of the HTTP server, with a short way for what nearly every frame is: a whole binary message.

The library below it parses a frame in a dozen steps of Python. Frames are cut out here, and those that a socket takes
at once (``carrier.Carrier``) never reach it. Every other frame does, whole: fragments, pings, a close, whatever is
wrong with one (RFC 6455 section 5). So it is between two frames, and the two ways may take turns.
"""

from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

try:
    from websockets.speedups import apply_mask
except ImportError:  # a machine without its wheel
    from websockets.utils import apply_mask

from miss_protocol import limits
from miss_server.carrier import CARRIER

MESSAGE_BYTES_MAX = limits.WEBSOCKET_MESSAGE_BYTES_MAX + 1_024
_BINARY = 0x82  # FIN, no reserved bit, opcode 2 (section 5.2)
_OPCODES = frozenset((0, 1, 2, 8, 9, 10))
_MASKED = 0x80
_MASK_BYTES = 4
_REST_BYTES_MAX = 64 * 1024  # copied with each piece that comes: who sends byte by byte must not make that dear


class Websocket(WebSocketsSansIOProtocol):
    """One connection; a socket that is logged in speaks with it directly."""

    listener: Callable[[bytes], bool] | None = None
    _rest = b""  # of a frame that has not come whole
    # Something came before the handshake's end, was wrong, or is so long that it is gathered where that costs nothing:
    # from then on it is known below only where frames begin.
    _parsed_below = False

    async def run_asgi(self) -> None:
        self.scope[CARRIER] = self  # type: ignore[literal-required]  # an extension of ours
        await super().run_asgi()

    def data_received(self, data: bytes) -> None:
        if not self.handshake_initiated:
            super().data_received(data)  # the request
            return
        if self.conn.state is State.CONNECTING:
            self._parsed_below = True
        if self._parsed_below:
            super().data_received(data)
            return
        if self._rest:
            data, self._rest = self._rest + data, b""
        at, size = 0, len(data)
        while at < size:
            if self.conn.state is not State.OPEN:
                super().data_received(data[at:])
                return
            start, end = _frame(data, at, size)
            if end < 0 or (end > size and size - at > _REST_BYTES_MAX):
                self._parsed_below = True
                super().data_received(data[at:])
                return
            if end > size:
                self._rest = data[at:]
                return
            if not (data[at] == _BINARY and self._is_taken(data[start:end], data[start - _MASK_BYTES : start])):
                super().data_received(data[at:end])
            at = end

    def _is_taken(self, masked: bytes, mask: bytes) -> bool:
        """Whether the socket takes this message at once; not before what came earlier and waits to be received."""
        if self.listener is None or self.close_sent or not self.queue.empty():
            return False
        return self.listener(bytes(apply_mask(masked, mask)))

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":  # no message of ours is text: it is refused unread, UTF-8 or not
            self.curr_msg_data_type, self.frames = "bytes", [b""]
        super().send_receive_event_to_app()

    def send_now(self, message: bytes) -> bool:
        if self.close_sent or self.disconnected or self.transport.is_closing() or self.conn.state is not State.OPEN:
            return False
        self.transport.write(_head(len(message)) + message)
        return True

    def abort(self) -> None:
        self.transport.abort()


def _frame(data: bytes, at: int, size: int) -> tuple[int, int]:
    """Where the payload of the frame at ``at`` begins and ends.

    The end is beyond ``size`` where it has not come whole, and negative where its head is to be refused already.
    """
    if size - at < 2:
        return size, size + 1
    if data[at] & 0x0F not in _OPCODES:
        return at, -1
    length, start = data[at + 1] & 0x7F, at + 2
    if length >= 126:
        start += 2 if length == 126 else 8
        if start > size:
            return start, size + 1
        length = int.from_bytes(data[at + 2 : start], "big")
    if not data[at + 1] & _MASKED or length > MESSAGE_BYTES_MAX:
        return at, -1
    start += _MASK_BYTES
    return start, start + length


def _head(size: int) -> bytes:
    """Of a binary frame of the server's: whole, not masked, its length in as few bytes as may be (section 5.2)."""
    if size < 126:
        return bytes((_BINARY, size))
    if size < 1 << 16:
        return b"\x82\x7e" + size.to_bytes(2, "big")
    return b"\x82\x7f" + size.to_bytes(8, "big")
