"""MLSMessage, RFC 9420 section 6: the envelope around everything that travels."""

from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Reader, Writer, decode
from miss_protocol.mls.framing import PrivateMessage, PublicMessage, WireFormat
from miss_protocol.mls.nodes import KeyPackage
from miss_protocol.mls.suite import PROTOCOL_VERSION
from miss_protocol.mls.welcome import GroupInfo, Welcome

Message = PublicMessage | PrivateMessage | Welcome | GroupInfo | KeyPackage

_FORMATS: tuple[tuple[WireFormat, type[Message]], ...] = (
    (WireFormat.PUBLIC, PublicMessage),
    (WireFormat.PRIVATE, PrivateMessage),
    (WireFormat.WELCOME, Welcome),
    (WireFormat.GROUP_INFO, GroupInfo),
    (WireFormat.KEY_PACKAGE, KeyPackage),
)


def encode_message(message: Message) -> bytes:
    """The MLSMessage that carries ``message``."""
    number = next(number for number, kind in _FORMATS if isinstance(message, kind))
    out = Writer().u16(PROTOCOL_VERSION).u16(number)
    message.write(out)
    return out.bytes()


def decode_message(data: bytes) -> Message:
    """What an MLSMessage carries; RemoteError("malformed") or ("unsupported")."""

    def read(reader: Reader) -> Message:
        if reader.u16() != PROTOCOL_VERSION:
            raise RemoteError("unsupported", "protocol version")
        number = reader.u16()
        for known, kind in _FORMATS:
            if number == known:
                return kind.read(reader)
        raise RemoteError("malformed", "wire format")

    return decode(data, read)


def decode_public(data: bytes) -> PublicMessage:
    """The PublicMessage in an MLSMessage; RemoteError("malformed") when it carries something else."""
    message = decode_message(data)
    if not isinstance(message, PublicMessage):
        raise RemoteError("malformed", "not a public message")
    return message
