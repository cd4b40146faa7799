"""What goes wrong: diagnostics, their kinds, and how they travel."""
from __future__ import annotations

import traceback
from collections.abc import Iterator
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage

from . import source_pb2 as pb
from .wire import to_wire, whole

if TYPE_CHECKING:
    from .words import Origin


class Kind(str, Enum):
    """What went wrong, in the few words that the converter goes by."""

    INTERNAL = "internal"  # what should not happen
    INVALID = "invalid"  # what was given is wrong; trying again does not help
    NOT_FOUND = "not_found"  # what was asked for is not there
    UNAVAILABLE = "unavailable"  # it may work later; the converter tries again
    UNSUPPORTED = "unsupported"  # right, but not something this plugin can do
    CANCELLED = "cancelled"  # somebody ended it


class Severity(IntEnum):
    """How bad a diagnostic is."""

    INFO = pb.Diagnostic.SEVERITY_INFO
    WARNING = pb.Diagnostic.SEVERITY_WARNING
    ERROR = pb.Diagnostic.SEVERITY_ERROR


class Diagnostic(Exception):
    """Says what happened, where, and what to do next. Raise it, yield it from read(), or give it to a Skip.

    code is stable and dotted, such as guard.no_gate. config_path is a JSON Pointer into the options.
    """

    def __init__(
        self,
        summary: str,
        *,
        kind: Kind = Kind.INTERNAL,
        code: str = "failed",
        detail: str = "",
        suggestion: str = "",
        config_path: str = "",
        stream: str = "",
        record_id: str = "",
        origin: Origin | None = None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.kind = kind
        self.code = code
        self.detail = detail
        self.suggestion = suggestion
        self.config_path = config_path
        self.stream = stream
        self.record_id = record_id
        self.origin = origin
        self.severity = severity


REPORT = "this is a fault of the plugin: please report it to its author"


def diagnose(error: BaseException) -> list[Diagnostic]:
    """All diagnostics in an exception; one that has none becomes one."""
    found = list(_within(error))
    if found:
        return found
    kind = kind_of(error)
    return [
        Diagnostic(
            said(error),
            kind=kind,
            code="plugin_exception" if kind is Kind.INTERNAL else "failed",
            detail="".join(traceback.format_exception(error)),
            suggestion=REPORT if kind is Kind.INTERNAL else "",
        )
    ]


def _within(error: BaseException | None) -> Iterator[Diagnostic]:
    if isinstance(error, Diagnostic):
        yield error
    elif isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _within(inner)
    elif error is not None:
        yield from _within(error.__cause__)


def kind_of(error: BaseException) -> Kind:
    """The kind of an exception that does not say."""
    for classes, kind in (
        (FileNotFoundError, Kind.NOT_FOUND),
        ((TimeoutError, ConnectionError), Kind.UNAVAILABLE),
        (NotImplementedError, Kind.UNSUPPORTED),
    ):
        if isinstance(error, classes):
            return kind
    return Kind.INTERNAL


def said(error: BaseException) -> str:
    """An exception in words."""
    return f"{type(error).__name__}: {error}".removesuffix(": ")


MAX_DIAGNOSTICS = 64
MAX_SUMMARY = 2 << 10
MAX_DETAIL = 16 << 10


def clip(text: str, limit: int) -> str:
    """The text shortened to about limit characters, and fit for the wire."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= limit else text[:limit] + " … (shortened)"


def diagnostic_to_wire(d: Diagnostic) -> pb.Diagnostic:
    """The message of a diagnostic."""
    detail = d.detail
    if d.__cause__ is not None:
        detail = f"{detail}\n{said(d.__cause__)}".strip()
    return pb.Diagnostic(
        severity=int(d.severity),
        code=clip(d.code, MAX_SUMMARY),
        summary=clip(d.summary, MAX_SUMMARY),
        detail=clip(detail, MAX_DETAIL),
        suggestion=clip(d.suggestion, MAX_SUMMARY),
        config_path=clip(d.config_path, MAX_SUMMARY),
        stream=clip(d.stream, MAX_SUMMARY),
        record_id=clip(d.record_id, MAX_SUMMARY),
        origin=pb.Origin(**whole(to_wire(d.origin))) if d.origin else None,
        kind=d.kind.value,
    )


_CODES = {
    Kind.INTERNAL: grpc.StatusCode.INTERNAL,
    Kind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Kind.UNSUPPORTED: grpc.StatusCode.UNIMPLEMENTED,
    Kind.CANCELLED: grpc.StatusCode.CANCELLED,
}


def fail(context: grpc.ServicerContext, error: BaseException) -> NoReturn:
    """Ends a call with a status that carries the diagnostics of an exception."""
    found = diagnose(error)
    if len(found) > MAX_DIAGNOSTICS:
        more = len(found) - MAX_DIAGNOSTICS
        rest = Diagnostic(f"and {more} more", kind=found[0].kind, code=found[0].code)
        found = [*found[:MAX_DIAGNOSTICS], rest]
    code = _CODES[found[0].kind]
    text = clip("\n".join(d.summary for d in found), MAX_SUMMARY)
    status = b"\x08" + _varint(code.value[0]) + _field(2, text.encode())
    for d in found:
        packed = AnyMessage()
        packed.Pack(diagnostic_to_wire(d))
        status += _field(3, packed.SerializeToString())
    context.set_trailing_metadata((("grpc-status-details-bin", status),))
    context.abort(code, text)
    raise AssertionError("abort returns never")


# A status is a google.rpc.Status, whose Python package is not everywhere: int32 code = 1, string message = 2,
# repeated Any details = 3.


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(n: int) -> bytes:
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)
