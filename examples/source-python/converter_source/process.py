"""The process of a plugin, from the handshake to the end."""
from __future__ import annotations

import json
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn, TextIO

import grpc

from . import log, options, source_pb2_grpc
from .service import PROTOCOL, SDK, Service, capabilities
from .source import Source

COOKIE_KEY, COOKIE_VALUE = "CONVERTER_PLUGIN", "converter.source"
REATTACH_KEY = "CONVERTER_REATTACH"
MAX_MESSAGE = 16 << 20
WORKERS = 16  # calls at one time; one of them is the host's for standard output, which lasts
PARENT_INTERVAL = 1.0  # seconds between two looks whether the host lives
LAST_WORDS = 1.0  # seconds that calls have to end when the host has said goodbye


def serve(source: type[Source]) -> None:
    """Serves sources of a class to the host that started this process, and returns when it is done with it.

    It is the one statement of a plugin's main program. Started by a person, it says so and ends with status 2. With the
    argument "describe" it prints what the plugin is; with "--debug" it waits for runs to attach to it.
    """
    _look_at(source)
    if sys.argv[1:] == ["describe"]:
        print(json.dumps(_description(source), indent=2, ensure_ascii=False))
    elif sys.argv[1:] == ["--debug"]:
        _serve_debug(source)
    elif os.environ.get(COOKIE_KEY) == COOKIE_VALUE:
        _serve_host(source)
    else:
        print(_notice(source), file=sys.stderr)
        raise SystemExit(2)


def _look_at(source: type[Source]) -> None:
    """Ends a plugin that is declared wrongly, which the first start shows."""
    fault = ""
    if not re.fullmatch(r"[a-z][a-z0-9-]{1,39}", getattr(source, "name", "")):
        fault = "name has to be 2 to 40 lower-case letters, digits and dashes, a letter first"
    elif not getattr(source, "version", "") or not getattr(source, "summary", ""):
        fault = "it needs a version and a summary"
    elif source.read is Source.read:
        fault = "it has no read()"
    if fault:
        raise SystemExit(f"class {source.__name__}: {fault}")


def _notice(source: type[Source]) -> str:
    me, name = sys.argv[0], source.name
    return f"""{name} {source.version} is a source plugin of converter, which starts it by itself.

To use it, name it in converter.yaml:

    sources:
      - name: my-{name}
        plugin: {name}

Its options as JSON: {me} describe
To run it in a debugger: {me} --debug"""


def _description(source: type[Source]) -> dict[str, object]:
    """What "describe" prints. Members that are empty are left out, but for those that everybody has."""
    all_of_it = {
        "name": source.name,
        "version": source.version,
        "summary": source.summary,
        "description": source.description,
        "author": source.author,
        "homepage": source.homepage,
        "license": source.license,
        "kinds": list(source.kinds),
        "capabilities": [word for word, can in capabilities(source).items() if can],
        "state_version": source.state_version,
        "protocols": [PROTOCOL],
        "sdk": SDK,
        "options": options.complete(source.schema),
    }
    return {name: value for name, value in all_of_it.items() if value or name == "capabilities"}


def _serve_host(source: type[Source]) -> None:
    parent = os.getppid()
    host = int(os.environ.get("CONVERTER_HOST_PID") or 0)
    handshake = _take_stdout()
    log.to_host()
    known = os.environ.get("PLUGIN_PROTOCOL_VERSIONS", "").split(",")
    version = max((v for v in [PROTOCOL] if str(v) in known), default=PROTOCOL)  # a host that does not know it says so
    folder = os.environ.get("PLUGIN_UNIX_SOCKET_DIR")
    if not folder:
        raise SystemExit("PLUGIN_UNIX_SOCKET_DIR is not set: the host offers no folder for a socket")
    ending = threading.Event()
    service = Service(source)
    server, path = _listen(service, folder, ending)
    with handshake:
        handshake.write(f"1|{version}|unix|{path}|grpc|\n")
    try:
        while not ending.wait(PARENT_INTERVAL) and os.getppid() == parent and not _gone(host):
            pass
    finally:
        ending.set()
        _end(server, service)


def _gone(pid: int) -> bool:
    """Whether there is no process of that id; 0 is none in particular."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _take_stdout() -> TextIO:
    """Returns a file for the handshake. What else is printed, by anybody, goes to standard error from here on."""
    handshake = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout.flush()  # what was printed before
    sys.stdout.reconfigure(line_buffering=True)
    return handshake


def _listen(service: Service, folder: str, ending: threading.Event) -> tuple[grpc.Server, str]:
    """Starts a server on a socket in the folder."""
    server = grpc.server(
        ThreadPoolExecutor(WORKERS, thread_name_prefix="call"),
        options=[("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", -1)],
    )
    source_pb2_grpc.add_SourceServiceServicer_to_server(service, server)
    server.add_generic_rpc_handlers(_small_services(ending))
    path = os.path.join(folder, "s")
    if not server.add_insecure_port("unix:" + path):
        raise SystemExit(f"cannot listen on {path}")
    server.start()
    return server, path


def _small_services(ending: threading.Event) -> tuple[grpc.GenericRpcHandler, ...]:
    """What go-plugin wants beside the source. Their messages are so small that they are written as bytes."""

    def check(request: bytes, context: grpc.ServicerContext) -> bytes:
        return b"\x08\x01"  # SERVING

    def shutdown(request: bytes, context: grpc.ServicerContext) -> bytes:
        context.add_callback(ending.set)  # when the answer is sent
        return b""

    def stream_stdio(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        ending.wait()  # nothing is sent here: what is printed goes to standard error
        return iter(())

    return (
        grpc.method_handlers_generic_handler(
            "grpc.health.v1.Health", {"Check": grpc.unary_unary_rpc_method_handler(check)}
        ),
        grpc.method_handlers_generic_handler(
            "plugin.GRPCController", {"Shutdown": grpc.unary_unary_rpc_method_handler(shutdown)}
        ),
        grpc.method_handlers_generic_handler(
            "plugin.GRPCStdio", {"StreamStdio": grpc.unary_stream_rpc_method_handler(stream_stdio)}
        ),
    )


def _end(server: grpc.Server, service: Service) -> None:
    """Ends the calls that run, within LAST_WORDS. A source that does not stop does not keep the process alive."""
    stopped = server.stop(None)
    if not service.end(LAST_WORDS):
        _give_up("a call did not end when the host ended it")
    stopped.wait(LAST_WORDS)


def _give_up(why: str) -> NoReturn:
    print(why, file=sys.stderr, flush=True)
    os._exit(1)  # sys.exit would wait for the thread


def _serve_debug(source: type[Source]) -> None:
    """Serves whoever attaches, one run after the other, until it is interrupted."""
    log.to_terminal()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ending = threading.Event()
    service = Service(source, again=True)
    with tempfile.TemporaryDirectory(prefix="converter-debug-") as folder:
        server, path = _listen(service, folder, ending)
        at = {"network": "unix", "addr": path, "pid": os.getpid(), "protocol": PROTOCOL}
        print(f"{REATTACH_KEY}='{json.dumps({source.name: at})}'", flush=True)
        try:
            ending.wait()
        except KeyboardInterrupt:
            pass
        finally:
            ending.set()
            _end(server, service)
