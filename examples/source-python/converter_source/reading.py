"""One call of Read: a thread runs the source, and whoever sends takes batches from it."""
from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator

from . import source_pb2 as pb
from .errors import REPORT, Diagnostic, Kind, clip, diagnose, diagnostic_to_wire, said
from .source import Message, ReadRequest, Source
from .words import Checkpoint, Fact, Facts, Metrics, Progress, Record, Revision, Skip, Unchanged, record_to_wire

MAX_RECORD = 8 << 20  # bytes of a record's message
MAX_REVISION = 4 << 10
MAX_NOTE = 2 << 10
BATCH_RECORDS = 100
BATCH_BYTES = 1 << 20
BATCH_AGE = 0.2  # seconds that a record waits for others at most
PROGRESS_AGE = 0.1
METRICS_AGE = 0.5
WAITING = 2  # messages that wait to be sent at most: a host that takes nothing stops the source

STATES = pb.StreamStatus


class _Cancelled(BaseException):
    """Ends the thread of a reading that nobody listens to any more."""


class _Counts:
    def __init__(self) -> None:
        self.records = 0
        self.failed = 0
        self.same = 0


class Reading:
    """Runs read() of a source in a thread of its own and makes messages of what it yields.

    The thread holds one batch, one record, and WAITING messages; then it waits. An open batch is sent when it is full,
    when something else of the source follows it, and when it is BATCH_AGE old, whatever the source is doing.
    """

    def __init__(self, source: Source, request: ReadRequest, limits: pb.BatchLimits, remembers: bool = True) -> None:
        self.request = request
        self._source = source
        self._remembers = remembers
        self._most_records = _limit(limits.records, BATCH_RECORDS, 10 * BATCH_RECORDS)
        self._most_bytes = _limit(limits.bytes, BATCH_BYTES, 4 * BATCH_BYTES)
        self._counts: dict[str, _Counts] = {}  # by stream, in order of their first message
        self._progressed = 0.0
        self._error: BaseException | None = None

        self._changed = threading.Condition()  # guards what follows
        self._waiting: deque[pb.ReadResponse] = deque()
        self._batch: pb.ReadResponse | None = None
        self._held = 0  # records in the open batch
        self._size = 0  # and their bytes
        self._born = 0.0
        self._fetched = pb.Metrics()
        self._measured = 0.0
        self._over = False

    def messages(self) -> Iterator[pb.ReadResponse]:
        """Yields what is to be sent, and raises what the source raised. The thread is gone when it ends."""
        thread = threading.Thread(target=self._run, name="read", daemon=True)
        thread.start()
        try:
            while (message := self._next()) is not None:
                yield message
        finally:
            self.cancel()
            thread.join()
        if self._error is not None:
            raise self._error

    def cancel(self) -> None:
        """Ends the reading early. It may be called at any time and by any thread."""
        with self._changed:
            self.request.cancelled.set()
            self._changed.notify_all()

    def _next(self) -> pb.ReadResponse | None:
        """Waits for the next message; None: there are no more."""
        with self._changed:
            while not self.request.cancelled.is_set():
                if self._waiting:
                    message = self._waiting.popleft()
                    self._changed.notify_all()
                    return message
                if self._over:
                    return None
                wait = BATCH_AGE if self._batch is None else self._born + BATCH_AGE - time.monotonic()
                if wait > 0 and self._changed.wait(wait):
                    continue
                if self._batch is not None:
                    return self._take_batch()
                if self._has_metrics():
                    return self._take_metrics()
            return None

    # What follows runs in the thread, but for the _take_ methods.

    def _run(self) -> None:
        try:
            try:
                self._read()
                state = STATES.STATE_COMPLETE
            except _Cancelled:
                return
            except BaseException as error:  # SystemExit of a library too: it ends the reading, not the plugin
                self._error = error
                state = STATES.STATE_INCOMPLETE
            self._end(state)
        except _Cancelled:
            pass
        finally:
            with self._changed:
                self._over = True
                self._changed.notify_all()

    def _read(self) -> None:
        items = self._source.read(self.request)
        try:
            for item in items:
                self._take(item)
        finally:
            if hasattr(items, "close"):
                items.close()
        for stream in self.request.streams:  # those that had nothing to send
            self._open(stream)

    def _take(self, item: Message) -> None:
        match item:
            case Record():
                self._record(item)
            case Skip():
                self._skip(item.stream, item.id, item.reason)
            case Checkpoint():
                self._checkpoint(item)
            case Progress():
                self._progress(item)
            case Metrics():
                self._metrics(item)
            case Facts():
                self._facts(item)
            case Revision():
                self._revision(item)
            case Unchanged():
                self._unchanged(item)
            case Diagnostic():
                self._send(pb.ReadResponse(diagnostic=diagnostic_to_wire(item)))
            case _:
                raise TypeError(f"read() yielded a {type(item).__name__}, which is nothing that can be sent")

    def _record(self, record: Record) -> None:
        counts = self._open(record.stream)
        try:
            message = record_to_wire(record)
        except Diagnostic as fault:
            return self._skip(record.stream, record.id, fault)
        size = message.ByteSize()
        if size > MAX_RECORD:
            return self._skip(record.stream, record.id, _too_large(f"the record has {size} bytes"))
        with self._changed:
            batch = self._batch
            if batch is not None and (batch.records.stream != record.stream or self._size + size > self._most_bytes):
                self._flush()
            if self._batch is None:
                self._batch = pb.ReadResponse(records=pb.RecordBatch(stream=record.stream))
                self._held, self._size, self._born = 0, 0, time.monotonic()
            self._batch.records.records.append(message)
            self._held += 1
            self._size += size
            counts.records += 1
            if self._held >= self._most_records or self._size >= self._most_bytes:
                self._flush()

    def _skip(self, stream: str, id: str, reason: str | BaseException) -> None:
        counts = self._open(stream)
        if isinstance(reason, str):
            reason = Diagnostic(reason, kind=Kind.INVALID, code="record_unreadable")
        found = diagnose(reason)
        message = diagnostic_to_wire(found[0])
        if message.code == "plugin_exception":  # what it says is the reason, not where it was raised
            message.code, message.detail, message.suggestion = "record_unreadable", "", ""
        message.detail = "\n".join(filter(None, [message.detail, *(said(d) for d in found[1:])]))
        message.severity = pb.Diagnostic.SEVERITY_ERROR
        message.stream, message.record_id, message.skipped = stream, clip(id, MAX_NOTE), True
        self._send(pb.ReadResponse(diagnostic=message))
        counts.failed += 1

    def _checkpoint(self, point: Checkpoint) -> None:
        self._open(point.stream)
        if len(point.state) > MAX_RECORD:
            raise _too_large(f"a checkpoint of stream {point.stream!r} has {len(point.state)} bytes")
        self._send(pb.ReadResponse(checkpoint=pb.Checkpoint(stream=point.stream, state=point.state)))

    def _progress(self, step: Progress) -> None:
        """Sends how far a step is, unless it did so a moment ago and the step is not done."""
        self._open(step.stream)
        now = time.monotonic()
        if not 0 < step.total <= step.done and now - self._progressed < PROGRESS_AGE:
            return
        self._progressed = now
        message = pb.Progress(stream=step.stream, done=step.done, total=step.total, note=clip(step.note, MAX_NOTE))
        self._put(pb.ReadResponse(progress=message))

    def _facts(self, known: Facts) -> None:
        self._open(known.stream)
        message = pb.StreamFacts(stream=known.stream, facts=[_fact_to_wire(f) for f in known.facts])
        self._send(pb.ReadResponse(facts=message))

    def _revision(self, named: Revision) -> None:
        self._open(named.stream)
        if len(named.revision) > MAX_REVISION:
            raise _too_large(f"a revision of stream {named.stream!r} has {len(named.revision)} bytes", MAX_REVISION)
        if self._remembers:
            self._send(pb.ReadResponse(revision=pb.StreamRevision(stream=named.stream, revision=named.revision)))

    def _unchanged(self, same: Unchanged) -> None:
        counts = self._open(same.stream)
        if same.stream not in self.request.known:
            raise Diagnostic(
                f"the source said of stream {same.stream!r} what has not changed, and was given no revision of it",
                code="revision_unknown",
                suggestion=REPORT,
            )
        if same.id:
            counts.same += 1
            message = pb.Unchanged(stream=same.stream, ids=[same.id])
        elif counts.records + counts.failed + counts.same > 0:
            raise Diagnostic(
                f"the source sent a part of stream {same.stream!r} and then said that nothing of it has changed",
                code="unchanged_late",
                suggestion=REPORT,
            )
        else:
            message = pb.Unchanged(stream=same.stream, whole=True)
        self._send(pb.ReadResponse(unchanged=message))

    def _metrics(self, more: Metrics) -> None:
        with self._changed:
            for name in more.__slots__:
                before, value = getattr(self._fetched, name), getattr(more, name)
                if name == "most_in_flight":
                    value = max(before, value)
                elif name != "in_flight":
                    value += before
                elif not more.most_in_flight:
                    value = before
                setattr(self._fetched, name, value)
            if self._has_metrics():
                self._put(self._take_metrics())

    def _has_metrics(self) -> bool:
        return self._fetched.ByteSize() > 0 and time.monotonic() - self._measured >= METRICS_AGE

    def _take_metrics(self) -> pb.ReadResponse:
        message = pb.ReadResponse(metrics=self._fetched)
        self._fetched, self._measured = pb.Metrics(), time.monotonic()
        return message

    def _end(self, state: int) -> None:
        if self._fetched.ByteSize() > 0:
            self._put(self._take_metrics())
        for stream, counts in self._counts.items():
            end = pb.StreamStatus(stream=stream, state=state, records=counts.records, failed=counts.failed, unchanged=counts.same)
            self._send(pb.ReadResponse(status=end))

    def _open(self, stream: str) -> _Counts:
        """The counts of a stream, which is started when this is its first message."""
        counts = self._counts.get(stream)
        if counts is not None:
            return counts
        if not stream or not self.request.wants(stream):
            raise Diagnostic(
                f"the plugin wrote to stream {stream!r}, which it was not asked to read",
                code="stream_not_asked_for",
                suggestion=REPORT,
            )
        counts = self._counts[stream] = _Counts()
        self._send(pb.ReadResponse(status=pb.StreamStatus(stream=stream, state=STATES.STATE_STARTED)))
        return counts

    def _send(self, message: pb.ReadResponse) -> None:
        """Hands over a message after the records that came before it."""
        with self._changed:
            self._flush()
            self._put(message)

    def _flush(self) -> None:
        self._wait_for_room()
        if self._batch is not None:
            self._put(self._take_batch())

    def _take_batch(self) -> pb.ReadResponse:
        message, self._batch = self._batch, None
        return message

    def _put(self, message: pb.ReadResponse) -> None:
        with self._changed:
            self._wait_for_room()
            self._waiting.append(message)
            self._changed.notify_all()

    def _wait_for_room(self) -> None:
        while len(self._waiting) >= WAITING and not self.request.cancelled.is_set():
            self._changed.wait()
        if self.request.cancelled.is_set():
            raise _Cancelled


def _limit(asked: int, standard: int, most: int) -> int:
    return min(asked, most) if asked > 0 else standard


def _too_large(what: str, most: int = MAX_RECORD) -> Diagnostic:
    return Diagnostic(
        f"{what}; more than {most} cannot be sent",
        kind=Kind.UNSUPPORTED,
        code="TOO_LARGE",
        suggestion="leave binaries out of records: refer to them as assets",
    )


def _fact_to_wire(f: Fact) -> pb.Fact:
    value = {"text": f.text} if f.text else {"number": f.number}
    return pb.Fact(name=f.name, label=f.label, unit=f.unit, notable=f.notable, **value)
