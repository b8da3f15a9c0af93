"""The settings of the exporters: backends, files, the log, or several of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator, model_validator

from processor.config.values import (
    Duration,
    HeaderNames,
    Headers,
    Section,
    TlsFiles,
    duration,
)
from processor.core.files.checks import InvalidValueError, choice
from processor.core.files.validation import Flag, OptionalText, Whole, section
from processor.core.model import Signal


class ClientTls(TlsFiles):
    """How the connection to the backend is secured."""

    insecure: Flag | None = Field(
        default=None,
        description="Where the endpoint has no scheme: true for plain text, false for TLS. Unset: "
        "plain text on the loopback interface, TLS elsewhere.",
    )
    ca_file: OptionalText = Field(
        default="", description="PEM file of the authorities to trust instead of the system's."
    )


class Retry(Section):
    """What happens while the backend refuses for now or cannot be reached."""

    initial_interval_s: Duration = Field(
        default=0.3, alias="initial_interval", description="Wait before the first retry."
    )
    max_interval_s: Duration = Field(
        default=5.0, alias="max_interval", description="Longest wait between two tries."
    )
    max_elapsed_time_s: Annotated[float, PlainValidator(duration(0.0))] = Field(
        default=300.0,
        alias="max_elapsed_time",
        description="When to give up and ask the sender to retry; sooner if its own deadline is "
        "sooner. 0s: never, unless that deadline passes.",
    )

    @model_validator(mode="after")
    def _is_ascending(self) -> Retry:
        if self.initial_interval_s > self.max_interval_s:
            what, fix = "is longer than max_interval", "raise max_interval"
            raise InvalidValueError(what, fix, at=("initial_interval",))
        return self


class SendingQueue(Section):
    """A queue on disk for what this backend does not take for now."""

    enabled: Flag = Field(
        default=False,
        description="False: a request is acknowledged once the backend has taken it, and while the "
        "backend is away senders are asked to retry. True: what it does not take for now is "
        "written to disk, synced and acknowledged, and sent when the backend is back.",
    )
    directory: OptionalText = Field(
        default="",
        description="Folder of the queue; one process may use it. Empty: "
        "<data_dir>/spool/<exporter>.",
    )
    max_megabytes: Whole = Field(
        default=1024,
        ge=1,
        le=1_000_000_000,
        description="Most that the queue may hold, in MiB. Beyond it, and while the disk is full "
        "or fails, senders are asked to retry.",
    )
    spill_after_s: Duration = Field(
        default=1.0,
        alias="spill_after",
        description="How long delivery is tried before a request goes to disk. An attempt that has "
        "begun may last its timeout; while the backend is known to be away, none is made.",
    )
    num_consumers: Whole = Field(
        default=10,
        ge=1,
        le=1000,
        description="Requests from disk that may be sent at the same time.",
    )

    def describe(self) -> str:
        """Where what it holds is, in words for people."""
        return f"{self.directory} (up to {self.max_megabytes} MiB)"


class Merge(Section):
    """Small requests that arrive while another is being sent are sent together, as one."""

    enabled: Flag = Field(default=True, description="False: every request is sent by itself.")
    max_bytes: Whole = Field(
        default=65536,
        ge=1024,
        le=16_777_216,
        description="Largest merged request; one that has half of that already is sent by itself.",
    )
    max_delay_s: Annotated[float, PlainValidator(duration(0.001, 1.0))] = Field(
        default=0.005,
        alias="max_delay",
        description="Longest wait for others. Nothing waits while nothing is being sent.",
    )


class OtlpBackend(Section):
    """What both ways to send OTLP to a backend have in common."""

    endpoint: OptionalText = Field(default="", description="Its address.")
    headers: Headers = Field(
        default=(),
        description="Sent with every request, such as {authorization: 'Bearer ${env:TOKEN}'}.",
        repr=False,
    )
    compression: Annotated[str, PlainValidator(choice(("none", "gzip"), "compression"))] = Field(
        default="none", description="none or gzip."
    )
    forward_headers: HeaderNames = Field(
        default=(),
        description="Headers of senders that are forwarded to this backend, such as "
        "[x-scope-orgid]; they replace those in headers. None unless named. With authorization "
        "named, the backend gets each sender's own credentials, which may not be meant for it, and "
        "sending_queue keeps them.",
    )
    timeout_s: Duration = Field(
        default=10.0, alias="timeout", description="How long one attempt may take."
    )
    max_message_mib: Whole = Field(
        default=64,
        ge=1,
        le=2047,
        description="Largest request to send, in MiB before compression: what the backend takes. A "
        "larger one is sent in several parts; a span that is larger by itself is left out, and the "
        "sender is informed.",
    )
    tls: ClientTls = section(ClientTls)
    retry_on_failure: Retry = section(Retry)
    sending_queue: SendingQueue = section(SendingQueue)
    merge: Merge = section(Merge)


class OtlpExporter(OtlpBackend):
    """The backend that everything is forwarded to, over OTLP/gRPC."""

    endpoint: OptionalText = Field(
        default="",
        description="Its address: host:port, http://host:port or https://host:port. Empty: no such "
        "backend. Also set by OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and OTEL_EXPORTER_OTLP_ENDPOINT, "
        "unless OTEL_EXPORTER_OTLP_PROTOCOL says http/protobuf, and by --forward-to. There "
        "host:port is gRPC; a URL is HTTP if it has a path, such as http://host:4318/v1/traces, or "
        "if that variable says so, and gRPC otherwise.",
    )
    max_in_flight_mib: Whole = Field(
        default=128,
        ge=1,
        le=65536,
        description="Most that may be on its way to all backends at once, in MiB; senders beyond "
        "it are asked to wait.",
    )


class OtlpHttpExporter(OtlpBackend):
    """The backend that everything is forwarded to, over OTLP/HTTP in protobuf."""

    endpoint: OptionalText = Field(
        default="",
        description="Its base address, such as http://host:4318 or https://host/otlp; /v1/traces, "
        "/v1/metrics and /v1/logs are added. Empty: none. Also set by OTEL_EXPORTER_OTLP_ENDPOINT "
        "where OTEL_EXPORTER_OTLP_PROTOCOL is http/protobuf, and by --forward-to, as said above.",
    )
    traces_endpoint: OptionalText = Field(
        default="",
        description="For traces, used as it is. A signal without any endpoint does not go to this "
        "backend. Also set by OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, likewise for the other signals.",
    )
    metrics_endpoint: OptionalText = Field(default="", description="For metrics, used as it is.")
    logs_endpoint: OptionalText = Field(default="", description="For logs, used as it is.")

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


class Rotation(Section):
    """When a file is full, and how many are kept."""

    max_megabytes: Whole = Field(default=100, ge=1, le=1_000_000, description="Size of one file.")
    max_backups: Whole = Field(
        default=10,
        ge=1,
        le=100_000,
        description="Full files to keep; the oldest beyond that is removed.",
    )


class FileExporter(Section):
    """Files of OTLP JSON, one request a line."""

    path: OptionalText = Field(
        default="",
        description="Folder to write to. Empty: no files, or <data_dir>/spans when there is no "
        "backend either.",
    )
    rotation: Rotation = section(Rotation)


class DebugExporter(Section):
    """The log of the program, for looking at what is sent. Keeps nothing, so is no backend."""

    verbosity: Annotated[
        str, PlainValidator(choice(("none", "basic", "detailed"), "verbosity"))
    ] = Field(
        default="none",
        description="none; basic, a line for each request; or detailed, also one for each LLM "
        "call.",
    )


class Exporters(Section):
    """Where everything is sent: to each all of it. A backend in a flag replaces those here."""

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
        """The headers of senders that are forwarded to some backend."""
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
