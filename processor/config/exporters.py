"""The settings of the exporters: backends, files, the log, or several of them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, PlainValidator, model_validator

from processor.config.backends import GrpcRetry, HttpRetry, OtlpBackend
from processor.config.values import GrpcBackend, HttpBase, HttpUrl, Section
from processor.core.files.checks import InvalidValueError, choice
from processor.core.files.validation import OptionalText, Whole, section
from processor.core.model import Signal
from processor.core.otlp.addresses import BackendAddress, parse_backend, parse_url

_USUALLY_HTTP_PORT: Final = 4318


class OtlpExporter(OtlpBackend):
    """The backend that everything is forwarded to, over OTLP/gRPC."""

    compression: Annotated[
        Literal["none", "gzip"], PlainValidator(choice(("none", "gzip"), "compression"))
    ] = Field(default="none", description="none or gzip; gRPC's library has no zstd.")
    retry_on_failure: GrpcRetry = section(GrpcRetry)

    @model_validator(mode="after")
    def _verifies(self) -> OtlpExporter:
        if self.tls.insecure_skip_verify:
            what = "is not possible over gRPC, whose library always verifies"
            fix = "name the authority as tls.ca_file, or the certificate's name as tls.server_name"
            raise InvalidValueError(what, fix, at=("tls", "insecure_skip_verify"))
        return self

    endpoint: GrpcBackend = Field(
        default="",
        description="Its address: host:port, http://host:port or https://host:port. Empty: no such "
        "backend. Also set by OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and OTEL_EXPORTER_OTLP_ENDPOINT, "
        "unless OTEL_EXPORTER_OTLP_PROTOCOL says http/protobuf, and by --forward-to. There "
        "host:port is gRPC; a URL is HTTP if it has a path, such as http://host:4318/v1/traces, or "
        "if that variable says so, and gRPC otherwise.",
    )
    max_in_flight_mib: Whole = Field(
        default=0,
        ge=0,
        le=65536,
        description="Most that may be on its way to all backends at once, in MiB; senders beyond "
        "it are asked to wait. 0: as much as memory_limiter allows.",
    )


class OtlpHttpExporter(OtlpBackend):
    """The backend that everything is forwarded to, over OTLP/HTTP in protobuf."""

    retry_on_failure: HttpRetry = section(HttpRetry)

    endpoint: HttpBase = Field(
        default="",
        description="Its base address, such as http://host:4318 or https://host/otlp; /v1/traces, "
        "/v1/metrics and /v1/logs are added. Empty: none. Also set by OTEL_EXPORTER_OTLP_ENDPOINT "
        "where OTEL_EXPORTER_OTLP_PROTOCOL is http/protobuf, and by --forward-to, as said above.",
    )
    traces_endpoint: HttpUrl = Field(
        default="",
        description="For traces, used as it is. A signal without any endpoint does not go to this "
        "backend. Also set by OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, likewise for the other signals.",
    )
    metrics_endpoint: HttpUrl = Field(default="", description="For metrics, used as it is.")
    logs_endpoint: HttpUrl = Field(default="", description="For logs, used as it is.")

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
        grpc, http = self.otlp, self.otlphttp
        # What follows a question mark may be a key.
        urls = [url.partition("?")[0] for url in (http.endpoint, *http.own_endpoints.values())]
        urls = [url for url in urls if url]
        urls = [
            _with_security(url, parse_url(url, "exporters", insecure=http.tls.insecure).address)
            for url in urls
        ]
        ways = []
        if grpc.endpoint:
            address = parse_backend(grpc.endpoint, insecure=grpc.tls.insecure)
            ways = [f"OTLP/gRPC at {_with_security(grpc.endpoint, address)}"]
        ways += [f"OTLP/HTTP at {', '.join(urls)}"] if urls else []
        ways += [f"files in {self.file.path}"] if self.file.path else []
        return ways + (["the log"] if self.debug.verbosity != "none" else [])

    def warnings(self) -> list[str]:
        """A sentence for each backend that anybody could pretend to be, or whose port is odd."""
        what = "any certificate is accepted, so whoever is in between reads all that is sent to it"
        skips = self.otlphttp.is_set and self.otlphttp.tls.insecure_skip_verify
        found = [f"exporters.otlphttp.tls.insecure_skip_verify: {what}"] if skips else []
        endpoint = self.otlp.endpoint
        if endpoint and parse_backend(endpoint).port == _USUALLY_HTTP_PORT:
            found.append(
                f"{endpoint} is spoken to over gRPC, but {_USUALLY_HTTP_PORT} is usually "
                f"OTLP/HTTP: for that use --forward-to {_as_url(endpoint)}/v1/traces, "
                "exporters.otlphttp, or OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
            )
        return found

    def promise(self) -> str:
        """What is acknowledged, in words for people."""
        backends = ((self.otlp, bool(self.otlp.endpoint)), (self.otlphttp, self.otlphttp.is_set))
        queues = [each.sending_queue for each, is_set in backends if is_set]
        places = [queue.describe() for queue in queues if queue.enabled]
        delivered = "what has been delivered"
        return f"{delivered}, or waits on disk in {' and '.join(places)}" if places else delivered


def _with_security(written: str, address: BackendAddress) -> str:
    """An address; without a scheme, which would say it, with how the connection is secured."""
    if address.has_scheme:
        return written
    return f"{written} {'over TLS' if address.is_tls else 'in plain text'}"


def _as_url(address: str) -> str:
    return address if "://" in address else f"http://{address}"
