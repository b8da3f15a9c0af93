"""An OTLP backend that records what it takes and misbehaves on demand.

    python tests/backends/recorder.py --listen 127.0.0.1:0 --out FILE [--control FILE] [--http]
        [flags]

The first line on stdout is the bound port. Every request that is answered with OK is appended to
FILE before the answer: 4 bytes length (big-endian, of the payload), 1 byte signal (t, m or l), the
payload as received and decompressed. `read_records` reads such a file. SIGTERM ends the process.

Behaviour comes from flags, or from a control file: a JSON object with the same names, which is
read again whenever it changes (replace it with a rename, so that it is never seen half-written).

    answer         gRPC code to answer with instead of OK, e.g. "UNAVAILABLE"; with --http an
                   HTTP status, e.g. "503"
    times          to how many requests, counted from when the behaviour was set; null: to all
    retry_info_s   send google.rpc.RetryInfo with this delay along with `answer`; with --http a
                   Retry-After
    delay_s        wait this long before doing anything with a request
    poison         refuse for good whatever contains this text (INVALID_ARGUMENT, or 400)
    rejected       answer OK with a partial success that rejects so many items
    message        error message of `answer` or of the partial success
    is_proxy       with --http, give `answer` as a proxy would, as a page of HTML

With --http it speaks OTLP/HTTP in protobuf, at /v1/traces and its kind, instead of OTLP/gRPC.

A refusing backend is `--answer PERMISSION_DENIED`; one that fails three times and then recovers
is `--answer UNAVAILABLE --times 3`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal as signals
import ssl
import struct
import sys
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import grpc
from aiohttp import web
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

SERVICES = {
    "opentelemetry.proto.collector.trace.v1.TraceService": "t",
    "opentelemetry.proto.collector.metrics.v1.MetricsService": "m",
    "opentelemetry.proto.collector.logs.v1.LogsService": "l",
}


PATHS = {"/v1/traces": "t", "/v1/metrics": "m", "/v1/logs": "l"}
PROTOBUF = "application/x-protobuf"


class Record(NamedTuple):
    """One request that was taken."""

    signal: str
    payload: bytes
    metadata: dict[str, str | bytes]
    """Empty when read from a file."""


@dataclass
class Behaviour:
    """How to answer; the fields are described at the top of this file."""

    answer: str = "OK"
    times: int | None = None
    retry_info_s: float | None = None
    delay_s: float = 0.0
    poison: str = ""
    rejected: int = 0
    message: str = ""
    is_proxy: bool = False


@dataclass
class Recorder:
    """The backend itself; keeps records in memory when there is no file for them."""

    behaviour: Behaviour = field(default_factory=Behaviour)
    out: BinaryIO | None = None
    control: Path | None = None
    records: list[Record] = field(default_factory=list)
    attempts: int = 0
    """Requests seen, refused ones included."""
    held: asyncio.Event | None = None
    """While there is one, requests wait until it is set, before anything is done with them."""

    _server: grpc.aio.Server | None = None
    _runner: web.AppRunner | None = None
    _control_seen: tuple[int, int] | None = None

    async def start(
        self, listen: str = "127.0.0.1:0", credentials: grpc.ServerCredentials | None = None
    ) -> int:
        """Listen and return the port."""
        options = (("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0))
        self._server = grpc.aio.server(options=options)
        handlers = [
            grpc.method_handlers_generic_handler(
                service,
                {"Export": grpc.unary_unary_rpc_method_handler(partial(self._export, signal))},
            )
            for service, signal in SERVICES.items()
        ]
        self._server.add_generic_rpc_handlers(tuple(handlers))
        if credentials is None:
            port = self._server.add_insecure_port(listen)
        else:
            port = self._server.add_secure_port(listen, credentials)
        await self._server.start()
        return port

    async def start_http(
        self, listen: str = "127.0.0.1:0", tls: ssl.SSLContext | None = None
    ) -> int:
        """Listen for OTLP/HTTP instead, and return the port."""
        app = web.Application(client_max_size=2**31)
        for path, signal in PATHS.items():
            app.router.add_post(path, partial(self._post, signal))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        host, _, port = listen.rpartition(":")
        await web.TCPSite(self._runner, host, int(port), ssl_context=tls).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Hang up on everyone."""
        if self._server is not None:
            await self._server.stop(None)
        if self._runner is not None:
            await self._runner.cleanup()

    async def _export(self, signal: str, payload: bytes, context: Any) -> bytes:
        behaviour, fails = await self._behave()
        if fails:
            await _abort(context, behaviour)
        if _is_poisoned(payload, behaviour):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "poisoned")
        self._record(signal, payload, dict(context.invocation_metadata()))
        return _response(behaviour)

    async def _post(self, signal: str, request: web.Request) -> web.Response:
        behaviour, fails = await self._behave()
        # It is decompressed by the server already.
        payload = await request.read()
        if fails and behaviour.is_proxy:
            page = "<html>nothing here</html>"
            return web.Response(status=int(behaviour.answer), text=page, content_type="text/html")
        if fails or _is_poisoned(payload, behaviour):
            status = int(behaviour.answer) if fails else 400
            body = Status(message=behaviour.message if fails else "poisoned").SerializeToString()
            after = f"{behaviour.retry_info_s:.0f}" if behaviour.retry_info_s is not None else None
            headers = {"Retry-After": after} if fails and after else {}
            return web.Response(body=body, status=status, headers=headers, content_type=PROTOBUF)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self._record(signal, payload, {**headers})
        return web.Response(body=_response(behaviour), content_type=PROTOBUF)

    async def _behave(self) -> tuple[Behaviour, bool]:
        """How to answer this request, and whether it fails."""
        self.attempts += 1
        self._look_at_control()
        behaviour = self.behaviour
        fails = behaviour.answer != "OK" and behaviour.times != 0
        if fails and behaviour.times is not None:
            behaviour.times -= 1
        if behaviour.delay_s:
            await asyncio.sleep(behaviour.delay_s)  # the delay that was asked for
        if self.held is not None:
            await self.held.wait()
        return behaviour, fails

    def _look_at_control(self) -> None:
        if self.control is None or not self.control.exists():
            return
        status = self.control.stat()
        seen = (status.st_mtime_ns, status.st_ino)
        if seen != self._control_seen:
            self.behaviour = Behaviour(**json.loads(self.control.read_text()))
            self._control_seen = seen

    def _record(self, signal: str, payload: bytes, metadata: dict[str, str | bytes]) -> None:
        if self.out is None:
            self.records.append(Record(signal, payload, metadata))
            return
        self.out.write(struct.pack(">I", len(payload)) + signal.encode() + payload)
        self.out.flush()


def read_records(path: Path) -> list[Record]:
    """What a recorder has written so far; an unfinished record at the end is left out."""
    data = path.read_bytes()
    records = []
    at = 0
    while at + 5 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        start = at + 5
        if start + length > len(data):
            break
        records.append(Record(chr(data[at + 4]), data[start : start + length], {}))
        at = start + length
    return records


async def _abort(context: Any, behaviour: Behaviour) -> None:
    code = grpc.StatusCode[behaviour.answer]
    trailers: tuple[tuple[str, bytes], ...] = ()
    if behaviour.retry_info_s is not None:
        info = RetryInfo()
        info.retry_delay.FromNanoseconds(int(behaviour.retry_info_s * 1e9))
        status = Status(code=code.value[0], message=behaviour.message)
        status.details.add().Pack(info)
        trailers = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(code, behaviour.message, trailers)


def _is_poisoned(payload: bytes, behaviour: Behaviour) -> bool:
    return bool(behaviour.poison) and behaviour.poison.encode() in payload


def _response(behaviour: Behaviour) -> bytes:
    """The response; the three signals' messages are the same on the wire."""
    response = ExportTraceServiceResponse()
    if behaviour.rejected or (behaviour.message and behaviour.answer == "OK"):
        response.partial_success.rejected_spans = behaviour.rejected
        response.partial_success.error_message = behaviour.message
    return response.SerializeToString()


async def serve(arguments: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT."""
    names = {item.name for item in fields(Behaviour)}
    given = {name: value for name, value in vars(arguments).items() if name in names}
    with arguments.out.open("ab") as out:
        recorder = Recorder(Behaviour(**given), out, arguments.control)
        start = recorder.start_http if arguments.http else recorder.start
        port = await start(arguments.listen)
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        ended = asyncio.Event()
        for number in (signals.SIGTERM, signals.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        await ended.wait()
        await recorder.stop()


def main() -> None:
    """Read the flags and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Formatter)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--control", type=Path)
    parser.add_argument("--http", action="store_true")
    parser.add_argument("--answer", default="OK")
    parser.add_argument("--times", type=int)
    parser.add_argument("--retry-info-s", type=float)
    parser.add_argument("--delay-s", type=float, default=0.0)
    parser.add_argument("--poison", default="")
    parser.add_argument("--rejected", type=int, default=0)
    parser.add_argument("--message", default="")
    asyncio.run(serve(parser.parse_args()))


_Formatter = argparse.RawDescriptionHelpFormatter

if __name__ == "__main__":
    main()
