"""The class that a plugin is."""
from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from .errors import Diagnostic, Kind
from .words import Asset, AssetRef, Checkpoint, Facts, Metrics, Progress, Record, Revision, Skip, Stream, Unchanged

Message = Record | Skip | Checkpoint | Progress | Metrics | Facts | Revision | Unchanged | Diagnostic


@dataclass(slots=True)
class Environment:
    """Where a source runs."""

    source: str  # name of the source in the config
    base_dir: Path  # that relative paths in the options are relative to
    work_dir: Path  # that the source may write to while the run lasts
    cache_dir: Path | None  # for downloads kept across runs; it may have to be made; None: there is none
    log: logging.Logger  # for developers

    def path(self, name: str) -> Path:
        """A path of the options as seen from the base folder, absolute."""
        return Path(os.path.normpath(self.base_dir / name))


@dataclass(slots=True)
class ReadRequest:
    """What to read."""

    streams: list[str]  # names, to be read in this order; empty: all
    state: dict[str, bytes]  # last stored checkpoint by stream
    run_id: str = ""
    known: dict[str, bytes] = field(default_factory=dict)  # by stream: the Revision that the converter still has all of
    cancelled: threading.Event = field(default_factory=threading.Event)  # set when nobody wants the rest

    def wants(self, stream: str) -> bool:
        """Whether a stream is to be read."""
        return not self.streams or stream in self.streams


class Source:
    """One configured source. Subclass it, say what it is, and give the class to serve()."""

    name: ClassVar[str]  # NAME of converter-plugin-NAME
    version: ClassVar[str]  # semantic
    summary: ClassVar[str]  # one line
    description: ClassVar[str] = ""  # Markdown
    author: ClassVar[str] = ""
    homepage: ClassVar[str] = ""
    license: ClassVar[str] = ""  # SPDX expression of the plugin's own code
    kinds: ClassVar[Sequence[str]] = ()  # of entities it can send
    schema: ClassVar[dict[str, Any]] = {}  # JSON Schema of the options; others are refused unless it says otherwise
    resumable: ClassVar[bool] = False  # read() goes on after request.state
    incremental: ClassVar[bool] = False  # read() heeds request.known, and yields Revisions
    state_version: ClassVar[int] = 0  # to be raised when checkpoints change their form

    def __init__(self, options: dict[str, Any], env: Environment) -> None:
        """Opens the source. A Diagnostic of Kind.INVALID refuses the options, which may then be tried again."""
        self.options = options
        self.env = env

    def check(self) -> None:
        """Raises what is wrong when the source cannot be read."""

    def discover(self) -> Iterable[Stream]:
        """The streams of the source, in the order they are read in."""
        return ()

    def read(self, request: ReadRequest) -> Iterable[Message]:
        """Yields what the streams hold."""
        raise NotImplementedError

    def fetch_asset(self, ref: AssetRef) -> Asset:
        """The bytes of an asset that a record referred to by key. Several threads may call it at once."""
        summary = f'plugin "{self.name}" has no assets to fetch'
        raise Diagnostic(summary, kind=Kind.UNSUPPORTED, code="assets_unsupported")

    def close(self) -> None:
        """Closes what was opened."""
