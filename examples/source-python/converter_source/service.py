"""Answers the calls of a host with a source."""
from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

from . import options
from . import source_pb2 as pb
from . import source_pb2_grpc
from .errors import Diagnostic, Kind, fail
from .reading import Reading
from .source import Environment, ReadRequest, Source
from .wire import to_wire
from .words import Asset, AssetRef

SDK = "converter_source 0.1.0"
PROTOCOL = 1
REVISIONS = "revisions"
ASSET_CHUNK = 256 << 10


def capabilities(source: type[Source]) -> dict[str, bool]:
    """What a class of sources can do: what it overrides, and what it says."""
    return {
        "check": source.check is not Source.check,
        "discover": source.discover is not Source.discover,
        "resumable": source.resumable,
        "incremental": source.incremental,
        "fetch_asset": source.fetch_asset is not Source.fetch_asset,
    }


class Service(source_pb2_grpc.SourceServiceServicer):
    """Answers with a source of a class. Where it may be configured again, the source before is closed."""

    def __init__(self, kind: type[Source], again: bool = False) -> None:
        self._kind = kind
        self._again = again
        self._changed = threading.Condition()  # guards what follows
        self._source: Source | None = None
        self._reading: Reading | None = None
        self._calls = 0  # that run
        self._ending = False
        self._remembers = False  # the host takes revisions

    @contextmanager
    def _call(self, context: grpc.ServicerContext) -> Iterator[None]:
        """Counts a call, and turns what it raises into its status."""
        with self._changed:
            ending = self._ending
            self._calls += 1
        try:
            if ending:
                raise Diagnostic("the plugin is ending", kind=Kind.UNAVAILABLE, code="plugin_ending")
            yield
        except GeneratorExit:
            raise
        except BaseException as error:  # SystemExit of a library too: it ends the call, not the plugin
            if not context.is_active():
                context.abort(grpc.StatusCode.CANCELLED, "the host has ended the call")
            fail(context, error)
        finally:
            with self._changed:
                self._calls -= 1
                self._changed.notify_all()

    def end(self, grace: float) -> bool:
        """Ends what runs, closes the source, and returns whether all calls have ended."""
        with self._changed:
            self._ending = True
            reading = self._reading
        if reading is not None:
            reading.cancel()
        with self._changed:
            idle = self._changed.wait_for(lambda: self._calls == 0, grace)
        if idle and self._source is not None:
            self._source.close()
        return idle

    def _ready(self) -> Source:
        source = self._source
        if source is None:
            raise Diagnostic("the source is not configured yet", code="not_configured")
        return source

    def GetSpec(self, request: pb.GetSpecRequest, context: grpc.ServicerContext) -> pb.GetSpecResponse:
        with self._call(context):
            self._remembers = REVISIONS in request.host_features
            k = self._kind
            spec = pb.Spec(
                name=k.name, version=k.version, summary=k.summary, description=k.description, author=k.author,
                homepage=k.homepage, license=k.license, kinds=k.kinds, state_version=k.state_version, sdk_version=SDK,
                config_schema=json.dumps(options.complete(k.schema)).encode(),
                capabilities=pb.Capabilities(**capabilities(k)),
            )
            return pb.GetSpecResponse(spec=spec)

    def Configure(self, request: pb.ConfigureRequest, context: grpc.ServicerContext) -> pb.ConfigureResponse:
        with self._call(context):
            self._unconfigure()
            given = options.check(self._kind.schema, request.options)
            env = Environment(
                source=request.source,
                base_dir=Path(request.base_dir),
                work_dir=Path(request.work_dir),
                cache_dir=Path(request.cache_dir) if request.cache_dir else None,
                log=logging.getLogger(self._kind.name),
            )
            self._source = self._kind(given, env)
            return pb.ConfigureResponse()

    def _unconfigure(self) -> None:
        """Makes sure that there is no source, or not any more."""
        with self._changed:
            if self._source is None:
                return
            if not self._again:
                raise Diagnostic("the source is configured already", code="already_configured")
            if self._reading is not None:
                summary = "another run is still reading the source"
                raise Diagnostic(summary, kind=Kind.UNAVAILABLE, code="already_reading")
            source, self._source = self._source, None
        source.close()

    def Check(self, request: pb.CheckRequest, context: grpc.ServicerContext) -> pb.CheckResponse:
        with self._call(context):
            self._ready().check()
            return pb.CheckResponse()

    def Discover(self, request: pb.DiscoverRequest, context: grpc.ServicerContext) -> pb.DiscoverResponse:
        with self._call(context):
            streams = self._ready().discover()
            return pb.DiscoverResponse(streams=[pb.Stream(**to_wire(s)) for s in streams])

    def Read(self, request: pb.ReadRequest, context: grpc.ServicerContext) -> Iterator[pb.ReadResponse]:
        with self._call(context):
            asked = ReadRequest(
                streams=list(request.streams), state=dict(request.state), run_id=request.run_id, known=dict(request.known)
            )
            reading = self._begin(Reading(self._ready(), asked, request.limits, self._remembers), context)
            try:
                yield from reading.messages()
            finally:
                with self._changed:
                    self._reading = None
                    self._changed.notify_all()

    def _begin(self, reading: Reading, context: grpc.ServicerContext) -> Reading:
        """Refuses a second reading at the same time. One that the host has given up is waited for."""
        with self._changed:
            while self._reading is not None and context.is_active() and not self._ending:
                if not self._reading.request.cancelled.is_set():
                    raise Diagnostic("the source is being read already", code="already_reading")
                self._changed.wait(0.1)  # nobody tells when this call is cancelled
            self._reading = reading
        if not context.add_callback(reading.cancel):  # it has ended meanwhile
            reading.cancel()
        return reading

    def FetchAsset(
        self, request: pb.FetchAssetRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.FetchAssetResponse]:
        with self._call(context):
            asset = self._ready().fetch_asset(_asset_ref(request.asset))
            try:
                yield from _chunks(asset)
            finally:
                if not isinstance(asset.body, bytes):
                    asset.body.close()


def _asset_ref(ref: pb.AssetRef) -> AssetRef:
    fields: dict[str, Any] = {field.name: value for field, value in ref.ListFields()}
    return AssetRef(**{"uri": "", "status": "", **fields})


def _chunks(asset: Asset) -> Iterator[pb.FetchAssetResponse]:
    size = len(asset.body) if isinstance(asset.body, bytes) else asset.size
    yield pb.FetchAssetResponse(info=pb.AssetInfo(media_type=asset.media_type, size=size))
    sent = 0
    while chunk := _part(asset.body, sent):
        sent += len(chunk)
        yield pb.FetchAssetResponse(chunk=chunk)
    if size >= 0 and sent != size:
        raise Diagnostic(f"the asset has {sent} bytes, not {size} as announced", kind=Kind.INVALID, code="asset_size")


def _part(body: Any, at: int) -> bytes:
    return body[at : at + ASSET_CHUNK] if isinstance(body, bytes) else body.read(ASSET_CHUNK)
