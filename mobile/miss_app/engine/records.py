"""Records of the local store as bytes: frozen dataclasses written field by field with the protocol's own codec.

A record written by an older version lacks the fields added since at its end: they take their defaults.
"""

import dataclasses
import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Reader, Writer

T = TypeVar("T")
_Write = Callable[[Writer, Any], object]
_Read = Callable[[Reader], Any]


def encode(record: object) -> bytes:
    """The bytes of a frozen dataclass of int, bool, str, bytes, float, other such dataclasses, or tuples of these."""
    out = Writer()
    kind: Any = type(record)
    for name, (write, _) in _fields(kind).items():
        write(out, getattr(record, name))
    return out.bytes()


def decode(kind: type[T], data: bytes) -> T:
    """The record again.

    Raises:
        RemoteError: ``malformed`` where the bytes are no such record.
    """
    found: T = _read_record(kind, Reader(data))
    return found


def _read_record(kind: Any, reader: Reader) -> Any:
    values: dict[str, Any] = {}
    for name, (_, read) in _fields(kind).items():
        if reader.at_end():
            break
        values[name] = read(reader)
    reader.end()
    try:
        return kind(**values)
    except TypeError as error:
        raise RemoteError("malformed", kind.__name__) from error


@cache
def _fields(kind: Any) -> dict[str, tuple[_Write, _Read]]:
    hints = typing.get_type_hints(kind)
    return {field.name: _codec(hints[field.name]) for field in dataclasses.fields(kind)}


def _codec(hint: Any) -> tuple[_Write, _Read]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is bool:
        return (lambda w, v: w.u8(v)), (lambda r: r.u8() == 1)
    if isinstance(hint, type) and issubclass(hint, str):
        return (lambda w, v: w.text(v)), (lambda r: hint(r.text()))
    if isinstance(hint, type) and issubclass(hint, int):
        return (lambda w, v: w.u64(v)), (lambda r: hint(r.u64()))
    if hint is float:
        return (lambda w, v: w.text(repr(v))), (lambda r: float(r.text()))
    if hint is bytes:
        return (lambda w, v: w.opaque(v)), (lambda r: r.opaque())
    if origin is tuple:
        write, read = _codec(arguments[0])
        return (lambda w, v: w.vector(v, write)), (lambda r: tuple(r.vector(read)))
    if origin in (types.UnionType, typing.Union):
        write, read = _codec(next(one for one in arguments if one is not type(None)))
        return (lambda w, v: w.optional(v, write)), (lambda r: r.optional(read))
    return (lambda w, v: w.opaque(encode(v))), (lambda r: decode(hint, r.opaque()))
