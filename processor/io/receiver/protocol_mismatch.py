"""Senders that do not speak HTTP/1.1 at the HTTP port: a line in the log that names the mistake.

The sender sees only an error of its own library, such as ``error reading server preface``, so the
fix can be given only in the log of the processor.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from aiohttp.http_exceptions import HttpProcessingError

_GRPC: Final = (
    "a sender at %s speaks gRPC to the port of OTLP/HTTP: let it send to the port of OTLP/gRPC "
    "(4317 by default), or set its OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf"
)
_TLS: Final = (
    "a sender at %s speaks TLS to the port of OTLP/HTTP, which has no certificate: begin its "
    "endpoint with http://, or set receivers.otlp.protocols.http.tls"
)
_SIGNS: Final = {"Pause on PRI": _GRPC, "Received HTTPS traffic": _TLS}
"""How aiohttp's message begins, and what is logged for it."""
_INTERVAL_S: Final = 600.0
"""How long a mistake is not logged again: such senders try several times a second."""


def is_other_protocol(error: HttpProcessingError) -> bool:
    """Whether aiohttp could not read a request because its sender speaks something else."""
    return error.message.startswith(tuple(_SIGNS))


class ProtocolMismatchFilter(logging.Filter):
    """Drops what aiohttp logs of malformed requests, after warning of those that have a known fix.

    With a traceback for each of them, senders could fill the disk.
    """

    def __init__(self, log: logging.Logger, now_s: Callable[[], float] = time.monotonic) -> None:
        """`log` gets a warning for each mistake that has a known fix."""
        super().__init__()
        self._log = log
        self._now_s = now_s
        self._next_log_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """False for malformed requests, and for lines at debug level."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return record.levelno > logging.DEBUG
        for beginning, line in _SIGNS.items():
            if error.message.startswith(beginning):
                self._warn(line, record.args)
        return False

    def _warn(self, line: str, arguments: object) -> None:
        now_s = self._now_s()
        if now_s < self._next_log_s.get(line, now_s):
            return
        self._next_log_s[line] = now_s + _INTERVAL_S
        sender = arguments[0] if isinstance(arguments, tuple) and arguments else "an address"
        self._log.warning(line, sender)
