"""What a source plugin of converter is made with, in Python.

A plugin is a program called converter-plugin-NAME. This one is whole; put the folder converter_source beside it:

    #!/usr/bin/env python3
    from converter_source import Record, Source, serve


    class Guard(Source):
        name = "guard"
        version = "0.1.0"
        summary = "One guard, who greets."
        kinds = ["creature"]
        schema = {"properties": {"greeting": {"type": "string", "default": "Hail", "description": "What he says"}}}

        def read(self, request):
            yield Record("guards", "guard-1", {"name": "Guard", "says": self.options["greeting"]})


    if __name__ == "__main__":
        serve(Guard)

Subclass Source and say in class attributes what the plugin is; schema is the JSON Schema of its options. What the
options of a user hold, with the defaults filled in, is self.options; unknown, missing and misshapen ones have been
refused before. Override __init__ (call super) where something is opened first, and close() where it has to be closed.

read() yields, in order and one at a time:

    Record       a document, which goes to a stream, a named sequence of records
    Skip         a document that cannot be read, with the reason; reading goes on
    Checkpoint   what was yielded of a stream so far need not be read again; comes back in request.state
    Progress     how far a long step is
    Metrics      what was fetched from the net
    Facts        what is known of a stream beside its records
    Revision     what the state of a stream is called; comes back in request.known at the next run
    Unchanged    the stream, or a record of it, is as it was at the revision of request.known
    Diagnostic   something the user is to know that concerns no single record

Records travel in batches, and a generator is only asked for more when the converter wants more: never read everything
before the first yield. When a run is cancelled, the generator is closed; what waits for long watches request.cancelled.
When it returns, everything has been read; when it raises, the reading has failed. Raise a Diagnostic for what a user
can do something about: only one of Kind.UNAVAILABLE is tried again. Several at once go into an ExceptionGroup. Any
other exception arrives with its traceback.

Where a plugin knows more, it also has check(), discover() and fetch_asset(). Which of them a class overrides is what
the converter is told it can do. fetch_asset() is called by several threads at once, and while read() runs.

Log with the logging module: what is logged appears in the converter's log, at its level and with the plugin's name. So
does what is printed. Each plugin can be run with two arguments: "describe" prints what it is; "--debug" has it wait for
a run to attach to it, under pdb for example.

The modules: words (what a source says), errors (what goes wrong), source (the class), options (looks at options), wire
(messages), reading (one call of read), service (answers calls), process (from the handshake to the end), log; and
source_pb2 and source_pb2_grpc, which are generated. It needs Python 3.11, grpcio and protobuf.
"""
import os
import sys


def _fit() -> None:
    """Ends the program when this Python cannot serve. The last line is what a user of the plugin gets to see."""
    me = sys.executable or "this Python"
    if sys.version_info < (3, 11):
        raise SystemExit(f"this plugin needs Python 3.11 or newer, and {me} is {sys.version.split()[0]}")
    try:
        import grpc  # noqa: F401

        import google.protobuf.internal.builder  # noqa: F401
    except ImportError as error:
        cure = f"run: {me} -m pip install grpcio protobuf"
        if os.path.isdir("/usr/lib/python3/dist-packages/grpc") and not me.startswith("/usr/bin/"):
            cure = "/usr/bin/python3 has it: make #!/usr/bin/python3 the first line of the plugin, or " + cure
        elif os.path.exists("/etc/debian_version"):
            cure = "run: apt-get install python3-grpcio python3-protobuf (for /usr/bin/python3), or " + cure
        lacks = "grpc" if error.name == "grpc" else "protobuf"
        raise SystemExit(f"{me} lacks the module {lacks}, which this plugin needs; {cure}") from None


_fit()

from .errors import Diagnostic, Kind, Severity  # noqa: E402
from .process import serve  # noqa: E402
from .source import Environment, ReadRequest, Source  # noqa: E402
from .words import (  # noqa: E402
    Asset,
    AssetRef,
    Checkpoint,
    Embedded,
    Estimate,
    Fact,
    Facts,
    License,
    Link,
    Metrics,
    Origin,
    Progress,
    Quality,
    Record,
    Revision,
    Ruleset,
    Skip,
    Stream,
    Text,
    Unchanged,
)

__all__ = [
    "Asset",
    "AssetRef",
    "Checkpoint",
    "Diagnostic",
    "Embedded",
    "Environment",
    "Estimate",
    "Fact",
    "Facts",
    "Kind",
    "License",
    "Link",
    "Metrics",
    "Origin",
    "Progress",
    "Quality",
    "ReadRequest",
    "Record",
    "Revision",
    "Ruleset",
    "Severity",
    "Skip",
    "Source",
    "Stream",
    "Text",
    "Unchanged",
    "serve",
]
