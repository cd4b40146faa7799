"""What a plugin logs, in lines that the host understands."""
from __future__ import annotations

import json
import logging
import os
import sys
import time

LEVEL_KEY = "CONVERTER_LOG_LEVEL"

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LONGEST = 4 << 10  # of a message; the host cuts lines, and a line that is cut is not JSON


class HostHandler(logging.Handler):
    """Writes a JSON object a line to standard error. What is given as extra becomes members of it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            entry = {
                "@level": _word(record.levelno),
                "@message": record.getMessage()[:_LONGEST],
                "@module": record.name,
                "@timestamp": f"{seconds}.{record.msecs:03.0f}Z",
            }
            entry |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
            if record.exc_info:
                entry["exception"] = logging.Formatter().formatException(record.exc_info)[-_LONGEST:]
            sys.stderr.write(json.dumps(entry, default=str) + "\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


def _word(level: int) -> str:
    for word, least in reversed(_LEVELS.items()):
        if level >= least:
            return word
    return "trace"


def to_host() -> None:
    """Hands all that is logged to the host, as far as it shows it."""
    logging.basicConfig(
        handlers=[HostHandler()], level=_LEVELS.get(os.environ.get(LEVEL_KEY, ""), logging.INFO), force=True
    )


def to_terminal() -> None:
    """Shows all that is logged to the person who has started the plugin."""
    logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(name)s: %(message)s", force=True)
