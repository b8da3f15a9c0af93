"""Whoever speaks something else than HTTP/1.1 at the HTTP port: a line that names the mistake.

Its sender sees an error of its own library only, such as ``error reading server preface``, so the
log of the processor is where the mend can be told.
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
_TELLTALES: Final = {"Pause on PRI": _GRPC, "Received HTTPS traffic": _TLS}
"""How aiohttp begins to complain of it."""
_SILENCE_S: Final = 600.0
"""How long a mistake that was told is not told again: such senders try several times a second."""


class Strangers(logging.Filter):
    """Looks at what aiohttp would log, and lets pass what is no malformed request.

    With a traceback for each of those, senders could fill the disk.
    """

    def __init__(self, log: logging.Logger, now_s: Callable[[], float] = time.monotonic) -> None:
        """`log` is told of mistakes that can be mended."""
        super().__init__()
        self._log = log
        self._now_s = now_s
        self._silent_until_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """False for malformed requests, and for what is only said for debugging."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return record.levelno > logging.DEBUG
        for beginning, line in _TELLTALES.items():
            if error.message.startswith(beginning):
                self._tell(line, record.args)
        return False

    def _tell(self, line: str, arguments: object) -> None:
        now_s = self._now_s()
        if now_s < self._silent_until_s.get(line, now_s):
            return
        self._silent_until_s[line] = now_s + _SILENCE_S
        sender = arguments[0] if isinstance(arguments, tuple) and arguments else "an address"
        self._log.warning(line, sender)
