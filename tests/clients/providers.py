"""Stand-ins for OpenAI, Anthropic and Google on the loopback interface.

The first step of a request's path names the scenario (``/cached/v1/chat/completions``). Each
request of a scenario is answered with the next of its answers, and what was served is noted as
a provider would put it on the bill.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from clients import anthropic_wire, gemini_wire, openai_wire
from clients.answers import Answer

Json = dict[str, Any]
Whole = Callable[[Json, Answer, int], Json]
Streamed = Callable[[Json, Answer, int], Iterator[bytes]]

_WIRE: Mapping[str, tuple[Whole, Streamed | None]] = {
    "v1/chat/completions": (openai_wire.chat, openai_wire.stream_chat),
    "v1/responses": (openai_wire.response, openai_wire.stream_response),
    "v1/embeddings": (openai_wire.embeddings, None),
    "v1/messages": (anthropic_wire.message, anthropic_wire.stream_message),
    "v1/messages/count_tokens": (anthropic_wire.count_tokens, None),
    f"v1beta/models/{gemini_wire.MODEL}:streamGenerateContent": (
        gemini_wire.content,
        gemini_wire.stream_content,
    ),
}
_STREAMS = ":streamGenerateContent"
"""How a path ends where it says, and not the request, that the answer is to be streamed."""
_FREE = frozenset({"v1/messages/count_tokens"})


class ServiceTier(NamedTuple):
    """One request, and the answer it got."""

    scenario: str
    path: str
    request: Json
    answer: Answer

    @property
    def is_billed(self) -> bool:
        """Whether it costs anything."""
        return self.answer.status == 200 and self.path not in _FREE


class _Server(ThreadingHTTPServer):
    """A server to which a client that hangs up is nothing strange."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report what goes wrong here, but not that a connection is gone."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Providers:
    """The server, and what it has served so far. A context manager."""

    def __init__(self, scenarios: Mapping[str, Sequence[Answer]]) -> None:
        """Answers by the name of their scenario, in the order in which they are given."""
        self._answers = {name: iter(answers) for name, answers in scenarios.items()}
        self._lock = threading.Lock()
        self.served: list[ServiceTier] = []
        self.surprises: list[str] = []
        """Requests that no scenario has an answer for."""
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, path: str, body: Json) -> tuple[ServiceTier, int] | None:
        """Note a request; returns it with its answer and number, None for an unexpected one."""
        scenario, _, rest = path.strip("/").partition("/")
        with self._lock:
            answers = self._answers.get(scenario, iter(())) if rest in _WIRE else iter(())
            answer = next(answers, None)
            if answer is None:
                self.surprises.append(path)
                return None
            served = ServiceTier(scenario, rest, body, answer)
            self.served.append(served)
            return served, len(self.served)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        providers = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                taken = providers.take(self.path.partition("?")[0], body)
                if taken is None:
                    self._send(404, {"error": {"message": f"no answer for {self.path}"}})
                    return
                served, number = taken
                whole, streamed = _WIRE[served.path]
                if served.answer.status != 200:
                    is_message = served.path.startswith("v1/messages")
                    wire = anthropic_wire if is_message else openai_wire
                    self._send(served.answer.status, wire.error(served.answer.status))
                elif streamed is not None and (body.get("stream") or _STREAMS in served.path):
                    self._stream(streamed(body, served.answer, number), number)
                else:
                    self._send(200, whole(body, served.answer, number))

            def _send(self, status: int, body: Json) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.send_header("retry-after-ms", "1")
                self.end_headers()
                self.wfile.write(data)

            def _stream(self, events: Iterator[bytes], number: int) -> None:
                self.send_response(200)
                self.send_header("request-id", f"req_{number:06d}")
                self.send_header("content-type", "text/event-stream")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for event in events:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
                """Say nothing: what was served is noted."""

        return Handler
