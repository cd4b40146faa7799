"""What a source says. The fields are those of the messages in source.proto, where each of them is explained."""
from __future__ import annotations

import json
import os
from dataclasses import KW_ONLY, dataclass, field
from enum import IntEnum
from typing import Any, BinaryIO

from . import source_pb2 as pb
from .errors import Diagnostic, Kind
from .wire import to_wire, whole


@dataclass(slots=True)
class Ruleset:
    """The game rules a document is written for."""

    system: str = ""
    version: str = ""
    edition: str = ""


@dataclass(slots=True, kw_only=True)
class Origin:
    """Where a record comes from."""

    package_kind: str = ""
    package: str = ""
    package_version: str = ""
    pack: str = ""
    pack_label: str = ""
    format: str = ""
    uri: str = ""
    page: int = 0
    pointer: str = ""
    book: str = ""
    system_version: str = ""
    core_version: str = ""
    created_ms: int = 0
    modified_ms: int = 0
    derived_from: str = ""


@dataclass(slots=True)
class License:
    """The licence of a piece of content: an SPDX expression where there is one, else the words of the source."""

    expression: str = ""
    attribution: str = ""
    url: str = ""
    from_: str = ""


@dataclass(slots=True)
class AssetRef:
    """A reference of a record to a binary. At most one of url, path and key says how its bytes are had."""

    uri: str
    _: KW_ONLY
    pointer: str = ""
    role: str = ""
    status: str = "present"
    media_type: str = ""
    size: int = 0
    revision: str = ""
    url: str = ""
    path: str | os.PathLike[str] = ""
    key: str = ""
    license: License | None = None

    def __post_init__(self) -> None:
        self.path = os.fspath(self.path)
        if bool(self.url) + bool(self.path) + bool(self.key) > 1:
            raise ValueError(f"asset {self.uri!r} has more than one of url, path and key")


@dataclass(slots=True, kw_only=True)
class Link:
    """A reference of a record to another document."""

    pointer: str = ""
    kind: str = ""
    raw: str = ""
    target: str = ""
    label: str = ""
    anchor: str = ""
    part: str = ""


@dataclass(slots=True, kw_only=True)
class Text:
    """A piece of a record that people read, as Markdown."""

    pointer: str = ""
    role: str = ""
    title: str = ""
    markdown: str = ""
    has_secrets: bool = False


@dataclass(slots=True, kw_only=True)
class Embedded:
    """A document inside a record."""

    part: str = ""
    pointer: str = ""
    kind: str = ""
    native_type: str = ""
    name: str = ""
    book: str = ""
    page: int = 0
    license: License | None = None
    derived_from: str = ""


@dataclass(slots=True)
class Record:
    """One source-native document: the stream it goes to, its id, and the document as a dict or as JSON text.

    The id is unique in the source and the same at every reading. JSON text is sent as it is.
    """

    stream: str
    id: str
    json: dict[str, Any] | str | bytes
    _: KW_ONLY
    scope: str = ""
    kind: str = ""
    native_type: str = ""
    name: str = ""
    revision: str = ""
    lang: str = ""
    folder_path: list[str] = field(default_factory=list)
    sort: int = 0
    ruleset: Ruleset | None = None
    origin: Origin | None = None
    license: License | None = None
    visibility: str = ""
    assets: list[AssetRef] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    incomplete: bool = False
    aliases: list[str] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    embedded: list[Embedded] = field(default_factory=list)
    facts: bytes = b""  # JSON text of one object


@dataclass(slots=True)
class Skip:
    """A document that cannot be read. The id may be empty when it is not known."""

    stream: str
    id: str
    reason: str | Exception


@dataclass(slots=True)
class Checkpoint:
    """What was yielded of the stream so far need not be read again. The state is for the source alone."""

    stream: str
    state: bytes


@dataclass(slots=True)
class Progress:
    """How far a long step is, in units of the source's choice; total 0: not known."""

    stream: str
    done: int
    total: int = 0
    note: str = ""


@dataclass(slots=True, kw_only=True)
class Metrics:
    """What was fetched, and what had changed, since the Metrics before."""

    http_requests: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    bytes_fetched: int = 0
    records_unchanged: int = 0  # they are as they were when the plugin read them last
    records_changed: int = 0  # they are not, or were met for the first time
    http_retries: int = 0  # of the requests: sent once more after a try that came to nothing
    cache_confirmed: int = 0  # of the hits: the server said 304
    wait_limit_us: int = 0  # microseconds that requests waited for their turn, because only so many may begin in a time
    wait_pause_us: int = 0  # while a server was left alone, as it had asked
    wait_backoff_us: int = 0  # before they were sent once more
    in_flight: int = 0  # requests under way now; says nothing where most_in_flight is 0
    most_in_flight: int = 0  # at one time, at most


@dataclass(slots=True, kw_only=True)
class Fact:
    """One thing to know of a stream beside its records. Its value is the text, or where there is none the number."""

    name: str  # for programs: lower-case letters, digits and underscores
    label: str = ""  # for people; empty: the name
    number: int = 0
    text: str = ""
    unit: str = ""  # what the number counts: bytes, ms, or a word
    notable: bool = False  # somebody should look into it


@dataclass(slots=True)
class Facts:
    """What is known of a stream, in place of what was said before. It is kept with the stream's next checkpoint."""

    stream: str
    facts: list[Fact]


@dataclass(slots=True)
class Revision:
    """Names the state that a stream is read in, by a hash say; at most 4096 bytes, the last one counts.

    It comes back in request.known, and has to be another one whenever anything that is yielded of the stream might be. A
    stream that changes while it is read has none.
    """

    stream: str
    revision: bytes


@dataclass(slots=True)
class Unchanged:
    """All of the stream is as it was in the revision of request.known, and nothing else is yielded of it; with an id, the next
    record is the one of that id, as it was."""

    stream: str
    id: str = ""


class Quality(IntEnum):
    """How good an estimate is."""

    EXACT = pb.Estimate.QUALITY_EXACT
    APPROXIMATE = pb.Estimate.QUALITY_APPROXIMATE
    LOWER_BOUND = pb.Estimate.QUALITY_LOWER_BOUND


@dataclass(slots=True)
class Estimate:
    """A count with its quality."""

    count: int
    quality: Quality = Quality.EXACT


@dataclass(slots=True)
class Stream:
    """A named sequence of records of a source."""

    name: str
    _: KW_ONLY
    title: str = ""
    kind: str = ""
    records: Estimate | None = None
    assets: Estimate | None = None
    bytes: Estimate | None = None
    license: License | None = None
    revision: bytes = b""  # of the stream, as far as looking at it shows; empty: nothing is known


@dataclass(slots=True)
class Asset:
    """The bytes of an asset: a file to read from, which is closed in the end, or bytes. size -1: not known."""

    body: BinaryIO | bytes
    media_type: str = ""
    size: int = -1


def record_to_wire(record: Record) -> pb.Record:
    """The message of a record. A Diagnostic is raised for one that cannot be sent."""
    if not record.id:
        raise Diagnostic("a record has no id", kind=Kind.INVALID, code="record_without_id")
    fields = to_wire(record, "stream", "json")
    fields["json"] = document(record.json)
    try:
        return pb.Record(**fields)
    except ValueError:  # half of a character, or what is wrong a second time as well
        return pb.Record(**whole(fields))


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_ascii = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


def document(value: dict[str, Any] | str | bytes) -> bytes:
    """The bytes of a document."""
    try:
        if isinstance(value, (bytes, str)):
            text = value.encode() if isinstance(value, str) else value
            text.decode()
        else:
            try:
                text = _encode(value).encode()
            except UnicodeEncodeError:  # half of a character, as in names of files that are not UTF-8
                text = _encode_ascii(value).encode()
    except (TypeError, ValueError) as error:
        raise Diagnostic(f"the record is not JSON: {error}", kind=Kind.INVALID, code="record_invalid") from None
    bare = text.strip()
    if not (bare.startswith(b"{") and bare.endswith(b"}")):
        raise Diagnostic("the record is not a JSON object", kind=Kind.INVALID, code="record_invalid")
    return text
