"""The settings of the ways out: backends, files, the log, or several of them."""

# ruff: noqa: RUF009 - setting() and section() declare fields, as dataclasses.field() does

from __future__ import annotations

from dataclasses import dataclass

from processor.config.model import section, setting
from processor.config.spool import SendingQueue
from processor.config.values import Headers, duration, header_names, headers
from processor.core.files.fields import choice, flag, optional, text, whole
from processor.core.model import Signal

_MAX_MESSAGE = (
    "Largest request to send, in MiB before compression: what the backend takes. A larger one "
    "leaves in several parts; a span that is larger by itself is left out, and its sender told."
)

_FORWARD_HEADERS = (
    "Headers of senders that are passed on to this backend, such as [x-scope-orgid]; they take the "
    "place of those in headers. None unless named. With authorization named, the backend gets each "
    "sender's own credentials, which may not be meant for it, and sending_queue keeps them."
)


@dataclass(frozen=True, slots=True)
class ClientTls:
    """How the connection to the backend is secured."""

    insecure: bool | None = setting(
        None,
        flag,
        "Where the endpoint has no scheme: true for plain text, false for TLS. Unset: plain text "
        "on the loopback interface, TLS elsewhere.",
        shown="null",
    )
    ca_file: str = setting(
        "", optional(text), "PEM file of the authorities to trust in place of the system's."
    )
    cert_file: str = setting("", optional(text), "PEM file with our own certificate chain.")
    key_file: str = setting("", optional(text), "PEM file with its private key.")


@dataclass(frozen=True, slots=True)
class Retry:
    """What happens while the backend refuses for now or cannot be reached."""

    initial_interval_s: float = setting(
        0.3, duration(), "Wait before the first retry.", key="initial_interval", shown="300ms"
    )
    max_interval_s: float = setting(
        5.0, duration(), "Longest wait between two tries.", key="max_interval", shown="5s"
    )
    max_elapsed_time_s: float = setting(
        300.0,
        duration(0.0),
        "When to give up and tell the sender to try again; sooner if its own deadline is sooner. "
        "0s: never of our own accord.",
        key="max_elapsed_time",
        shown="5m",
    )


@dataclass(frozen=True, slots=True)
class Merge:
    """Small requests that leave while another is under way leave together, as one."""

    enabled: bool = setting(
        default=True, check=flag, sentence="False: every request leaves by itself."
    )
    max_bytes: int = setting(
        65536,
        whole(1024, 16_777_216),
        "Largest merged request; one that has half of that already leaves by itself.",
    )
    max_delay_s: float = setting(
        0.005,
        duration(0.001, 1.0),
        "Longest wait for others. Nothing waits while nothing is under way.",
        key="max_delay",
        shown="5ms",
    )


@dataclass(frozen=True, slots=True)
class OtlpExporter:
    """The backend to pass everything on to, over OTLP/gRPC."""

    endpoint: str = setting(
        "",
        optional(text),
        "Its address: host:port, http://host:port or https://host:port. Empty: no such backend. "
        "Also set by OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and OTEL_EXPORTER_OTLP_ENDPOINT, unless "
        "OTEL_EXPORTER_OTLP_PROTOCOL says http/protobuf, and by --forward-to. There host:port is "
        "gRPC; a URL is HTTP if it has a path, such as http://host:4318/v1/traces, or if that "
        "variable says so, and gRPC otherwise.",
    )
    headers: Headers = setting(
        (),
        headers,
        "Sent with every request, such as {authorization: 'Bearer ${env:TOKEN}'}.",
        shown="{}",
        secret=True,
    )
    compression: str = setting("none", choice(("none", "gzip"), "compression"), "none or gzip.")
    forward_headers: tuple[str, ...] = setting((), header_names, _FORWARD_HEADERS, shown="[]")
    timeout_s: float = setting(
        10.0, duration(), "How long one attempt may take.", key="timeout", shown="10s"
    )
    max_message_mib: int = setting(64, whole(1, 2047), _MAX_MESSAGE)
    max_in_flight_mib: int = setting(
        128,
        whole(1, 65536),
        "Most that may be under way to all backends, in MiB; senders beyond it are told to wait.",
    )
    tls: ClientTls = section(ClientTls)
    retry_on_failure: Retry = section(Retry)
    sending_queue: SendingQueue = section(SendingQueue)
    merge: Merge = section(Merge)


@dataclass(frozen=True, slots=True)
class OtlpHttpExporter:
    """The backend to pass everything on to, over OTLP/HTTP in protobuf."""

    endpoint: str = setting(
        "",
        optional(text),
        "Its base address, such as http://host:4318 or https://host/otlp; /v1/traces, /v1/metrics "
        "and /v1/logs are added. Empty: none. Also set by OTEL_EXPORTER_OTLP_ENDPOINT where "
        "OTEL_EXPORTER_OTLP_PROTOCOL is http/protobuf, and by --forward-to, as said above.",
    )
    traces_endpoint: str = setting(
        "",
        optional(text),
        "For traces, used as it is. A signal without any endpoint does not go to this backend. "
        "Also set by OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, likewise for the other signals.",
    )
    metrics_endpoint: str = setting("", optional(text), "For metrics, used as it is.")
    logs_endpoint: str = setting("", optional(text), "For logs, used as it is.")
    headers: Headers = setting(
        (),
        headers,
        "Sent with every request, such as {authorization: 'Basic ${env:TOKEN}'}.",
        shown="{}",
        secret=True,
    )
    compression: str = setting("none", choice(("none", "gzip"), "compression"), "none or gzip.")
    forward_headers: tuple[str, ...] = setting((), header_names, _FORWARD_HEADERS, shown="[]")
    timeout_s: float = setting(
        10.0, duration(), "How long one attempt may take.", key="timeout", shown="10s"
    )
    max_message_mib: int = setting(64, whole(1, 2047), _MAX_MESSAGE)
    tls: ClientTls = section(ClientTls)
    retry_on_failure: Retry = section(Retry)
    sending_queue: SendingQueue = section(SendingQueue)
    merge: Merge = section(Merge)

    @property
    def own_endpoints(self) -> dict[Signal, str]:
        """The endpoints of single signals; empty texts for those without."""
        return {
            "traces": self.traces_endpoint,
            "metrics": self.metrics_endpoint,
            "logs": self.logs_endpoint,
        }

    @property
    def is_set(self) -> bool:
        """Whether there is such a backend."""
        return bool(self.endpoint or any(self.own_endpoints.values()))


@dataclass(frozen=True, slots=True)
class DebugExporter:
    """The log of the program, for looking at what goes out. Keeps nothing, so is no backend."""

    verbosity: str = setting(
        "none",
        choice(("none", "basic", "detailed"), "verbosity"),
        "none; basic, a line for each request; or detailed, also one for each LLM call.",
    )


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a file is full, and how many are kept."""

    max_megabytes: int = setting(100, whole(1, 1_000_000), "Size of one file.")
    max_backups: int = setting(
        10, whole(1, 100_000), "Full files to keep; the oldest beyond that is removed."
    )


@dataclass(frozen=True, slots=True)
class FileExporter:
    """Files of OTLP JSON, one request a line."""

    path: str = setting(
        "",
        optional(text),
        "Folder to write to. Empty: no files, or <data_dir>/spans when there is no backend either.",
    )
    rotation: Rotation = section(Rotation)


@dataclass(frozen=True, slots=True)
class Exporters:
    """Where everything goes out: to each all of it. A backend in a flag replaces those here."""

    otlp: OtlpExporter = section(OtlpExporter)
    otlphttp: OtlpHttpExporter = section(OtlpHttpExporter)
    file: FileExporter = section(FileExporter)
    debug: DebugExporter = section(DebugExporter)

    @property
    def has_backend(self) -> bool:
        """Whether spans go to another program."""
        return bool(self.otlp.endpoint) or self.otlphttp.is_set

    @property
    def forwarded_headers(self) -> frozenset[str]:
        """The headers of senders that some backend is to be told."""
        return frozenset((*self.otlp.forward_headers, *self.otlphttp.forward_headers))

    def ways(self) -> list[str]:
        """Where everything goes, in words for people."""
        http = self.otlphttp
        # What follows a question mark may be a key.
        urls = [url.partition("?")[0] for url in (http.endpoint, *http.own_endpoints.values())]
        urls = [url for url in urls if url]
        ways = [f"OTLP/gRPC at {self.otlp.endpoint}"] if self.otlp.endpoint else []
        ways += [f"OTLP/HTTP at {', '.join(urls)}"] if urls else []
        ways += [f"files in {self.file.path}"] if self.file.path else []
        return ways + (["the log"] if self.debug.verbosity != "none" else [])

    def promise(self) -> str:
        """What is acknowledged, in words for people."""
        backends = ((self.otlp, bool(self.otlp.endpoint)), (self.otlphttp, self.otlphttp.is_set))
        queues = [each.sending_queue for each, is_set in backends if is_set]
        places = [queue.describe() for queue in queues if queue.enabled]
        delivered = "what has been delivered"
        return f"{delivered}, or waits on disk in {' and '.join(places)}" if places else delivered
