"""The receiver: the gRPC server with its services, and OTLP/HTTP beside it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import grpc
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server

from processor.core.counters import OpenConnections
from processor.core.flow import FlowCounters
from processor.core.memory import MemoryLimit
from processor.core.model import Transport
from processor.core.otlp.addresses import parse_listen
from processor.core.otlp.signals import SIGNALS
from processor.core.ports import Service
from processor.io.receiver.admission import Admission, Handle
from processor.io.receiver.authentication import BearerInterceptor, BearerTokens
from processor.io.receiver.grpc_connections import GrpcConnections
from processor.io.receiver.grpc_services import GrpcExport, Health
from processor.io.receiver.headers import HEADERS_READ, ForwardedHeaders
from processor.io.receiver.http_server import HttpListener, HttpServer
from processor.io.receiver.listening import check_free, refusal
from processor.io.receiver.places import Places
from processor.io.receiver.responder import Responder
from processor.io.receiver.service_calls import ServiceCalls
from processor.io.receiver.tls import Ends, ServerTls, TlsInForce

_log = logging.getLogger(__name__)
_library_log: Final = logging.getLogger("grpc._cython.cygrpc")

_MIB = 1024 * 1024
_LIMITS: Final = (
    # Two processes must never share a port unknowingly.
    ("grpc.so_reuseport", 0),
    # Bounds what one connection can hold open; well above what an OTLP exporter uses.
    ("grpc.max_concurrent_streams", 1024),
    # What has come of a stream before its message is asked for is bounded by this, and never more.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 65_535),
    # Messages are unpacked here, within their limit, and not by gRPC before we see them.
    ("grpc.per_message_decompression", 0),
    # Idle connections are closed, since each has a descriptor, and beyond a bound none is let in.
    # As over HTTP: above the 60 s at which metrics are usually sent, as who finds its connection
    # closed writes that to its log, and has to try again what it sends in that very moment.
    ("grpc.max_connection_idle_ms", 75_000),
    ("grpc.server_handshake_timeout_ms", 10_000),
    # Finds senders that vanished without closing the connection.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Senders behind load balancers ping often; without this they would be disconnected for it.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)


def _may_be_logged(record: logging.LogRecord) -> bool:
    """False for the line of gRPC's library about a header that is no UTF-8.

    Anybody can have it written for each request, with a traceback and the value, such as a token.
    """
    return not str(record.msg).startswith("Invalid encoding on")


_library_log.addFilter(_may_be_logged)


class Receiver:
    """Receives OTLP, and offers further services over gRPC; `answers` counts answers by code.

    The bearer tokens are needed to send; services say themselves who may call them.
    """

    def __init__(
        self,
        listen: str,
        handle: Handle,
        services: Sequence[Service] = (),
        *,
        max_message_bytes: int = 64 * _MIB,
        max_concurrent_requests: int = 1024,
        max_arriving_requests: int = 128,
        max_connections: int = 4096,
        max_header_bytes: int = 16 * 1024,
        memory: MemoryLimit | None = None,
        wait_s: float = 2.0,
        read_timeout_s: float = 30.0,
        tls: ServerTls | None = None,
        bearer_tokens: tuple[str, ...] = (),
        processor_tokens: tuple[str, ...] = (),
        http: HttpListener | None = None,
        forward_headers: Collection[str] = (),
        flow: FlowCounters | None = None,
    ) -> None:
        """Without `http` only gRPC is received, which the other settings are about.

        `max_message_bytes` holds after decompression, and is applied while unpacking. At most
        `max_concurrent_requests` of both protocols together are under way, of which the bodies of
        `max_arriving_requests` are still coming, within `memory`; see `places`. Others wait up to
        `wait_s`, and are then answered UNAVAILABLE before their body is read.
        `forward_headers` are the names, in lower case, of what batches carry as metadata. Raises
        ConfigError.
        """
        self._address = parse_listen(listen)
        self._tls = None if tls is None else TlsInForce(tls)
        self._credentials: grpc.ServerCredentials | None = None
        self._tokens = BearerTokens(bearer_tokens, processor_tokens)
        self._max_message_bytes = max_message_bytes
        self._responder = Responder()
        self._connections = GrpcConnections(max_connections)
        self._max_header_bytes = max_header_bytes
        self.memory = memory = memory or MemoryLimit(1024 * _MIB)
        """What requests under way hold, and may hold."""
        most, arriving = max_concurrent_requests, max_arriving_requests
        places = Places(memory, max_requests=most, max_arriving=arriving, wait_s=wait_s)
        self._admission = Admission(handle, places, read_timeout_s=read_timeout_s, flow=flow)
        forwarded = ForwardedHeaders(forward_headers)
        self._grpc_export = GrpcExport(
            self._admission,
            self._responder,
            forwarded,
            self._tokens,
            max_message_bytes=max_message_bytes,
            max_header_bytes=max_header_bytes,
        )
        self._services = services
        otlp = (spec.service for spec in SIGNALS.values())
        self._health = Health([*otlp, *(service.name for service in services)])
        share = (self._admission, self._responder, forwarded)
        self._http = None if http is None else HttpServer(http, *share)
        self._server: grpc.aio.Server | None = None
        self.http_port = 0
        """The port of OTLP/HTTP, once started; 0 where it is off."""

    @property
    def answers(self) -> Counter[str]:
        """How many requests were answered with each gRPC status code; see `Responder.answers`."""
        return self._responder.answers

    @property
    def under_way(self) -> int:
        """How many export requests are being read or handled."""
        return self._admission.under_way

    @property
    def grpc_connections(self) -> OpenConnections:
        """How many connections over gRPC are open, as `follow_connections` has last seen."""
        return self._connections.state

    async def follow_connections(self, port: int) -> None:
        """Count the connections to the gRPC port every few seconds, for ever."""
        await self._connections.follow(port)

    async def start(self) -> int:
        """Listen, and return the gRPC port. Raises ConfigError when that is not possible."""
        check_free(self._address)
        # gRPC reads longer headers than ours as well, so that we can say what is wrong. Where the
        # two are not the same, it refuses what lies between them at random.
        header_bytes = HEADERS_READ * self._max_header_bytes
        options = (
            ("grpc.max_receive_message_length", self._max_message_bytes),
            ("grpc.max_metadata_size", header_bytes),
            ("grpc.absolute_max_metadata_size", header_bytes),
            ("grpc.max_allowed_incoming_connections", self.grpc_connections.max_open),
            *_LIMITS,
        )
        names = [service.name for service in self._services]
        bearer = BearerInterceptor(self._tokens, self._responder, names)
        interceptors = [bearer] if self._tokens.is_required else []
        server = grpc.aio.server(interceptors=interceptors, options=options)
        calls = ServiceCalls(self._responder, self._tokens)
        offered = map(calls.handler_of, self._services)
        server.add_generic_rpc_handlers((*self._grpc_export.handlers(), *offered))
        add_HealthServicer_to_server(self._health, server)
        port = self._bind(server)
        if self._http is not None:
            self.http_port = await self._http.start()
        await server.start()
        self._server = server
        await self._health.open()
        return port

    async def show_health(self, *, is_well: bool) -> None:
        """Say SERVING or NOT_SERVING over gRPC, until `stop` says the latter for good."""
        await self._health.show(is_well=is_well)

    def use_tls(self, transport: Transport, tls: ServerTls) -> None:
        """Show these certificates, and trust these clients, from the next connection on."""
        in_force = self._in_force[transport]
        if in_force is not None:
            in_force.value = tls

    def use_tokens(self, transport: Transport, tokens: Iterable[str]) -> None:
        """Accept these bearer tokens, and no others, from the next request on."""
        if transport == "grpc":
            self._tokens.replace(tokens)
        elif self._http is not None:
            self._http.tokens.replace(tokens)

    def certificate_ends_s(self) -> Ends:
        """When the certificates end that are shown and trusted, as they are in force."""
        return {
            (transport, file): end_s
            for transport, in_force in self._in_force.items()
            if in_force is not None
            for file, end_s in in_force.value.ends_s.items()
        }

    @property
    def _in_force(self) -> dict[Transport, TlsInForce | None]:
        return {"grpc": self._tls, "http": None if self._http is None else self._http.tls}

    def close_idle(self) -> bool:
        """Close the HTTP connection that has been idle the longest; False where none is."""
        return self._http is not None and self._http.close_idle()

    async def stop(self, grace_s: float) -> None:
        """Say NOT_SERVING, take nothing new, and wait up to `grace_s` for what is under way."""
        if self._server is None:
            return
        await self._health.drain()
        self._admission.refuse_further()
        if self._http is not None:
            await self._http.refuse_connections()
        stopping = asyncio.ensure_future(self._server.stop(grace_s))
        abandoned = await self._admission.finish(grace_s)
        await self._health.release()
        await stopping
        if self._http is not None:
            await self._http.stop()
        self._server = None
        if abandoned:
            _log.warning("%d batches were not finished within %g s", abandoned, grace_s)

    def _bind(self, server: grpc.aio.Server) -> int:
        try:
            if self._tls is None:
                return server.add_insecure_port(str(self._address))
            # gRPC's library asks them for changes, and does not keep them itself.
            self._credentials = self._tls.grpc_credentials()
            return server.add_secure_port(str(self._address), self._credentials)
        except RuntimeError as error:
            why = str(error) or "the address was refused"
            raise refusal(self._address, why, "see the address and the TLS files") from error
