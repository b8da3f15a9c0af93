"""The settings of the ways out: a backend, files, or both."""

# ruff: noqa: RUF009 - setting() and section() declare fields, as dataclasses.field() does

from __future__ import annotations

from dataclasses import dataclass

from processor.config.model import section, setting
from processor.config.values import Headers, duration, headers
from processor.fields import choice, flag, optional, text, whole


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
        duration(),
        "When to give up and tell the sender to try again; sooner if its own deadline is sooner.",
        key="max_elapsed_time",
        shown="5m",
    )


@dataclass(frozen=True, slots=True)
class OtlpExporter:
    """The backend to pass everything on to, over OTLP/gRPC."""

    endpoint: str = setting(
        "",
        optional(text),
        "Its address: host:port, http://host:port or https://host:port. Empty: no such backend. "
        "Also set by OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and OTEL_EXPORTER_OTLP_ENDPOINT.",
    )
    headers: Headers = setting(
        (),
        headers,
        "Sent with every request, such as {authorization: 'Bearer ${env:TOKEN}'}.",
        shown="{}",
        secret=True,
    )
    compression: str = setting("none", choice(("none", "gzip"), "compression"), "none or gzip.")
    timeout_s: float = setting(
        5.0, duration(), "How long one attempt may take.", key="timeout", shown="5s"
    )
    max_in_flight_mib: int = setting(
        128,
        whole(1, 65536),
        "Most that may be under way to the backend, in MiB; senders beyond it are told to wait.",
    )
    tls: ClientTls = section(ClientTls)
    retry_on_failure: Retry = section(Retry)


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
    """Where everything goes out. With several, each gets all of it."""

    otlp: OtlpExporter = section(OtlpExporter)
    file: FileExporter = section(FileExporter)
