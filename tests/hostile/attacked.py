"""A processor under attack: how it is spoken to, and what must hold of it afterwards."""

from __future__ import annotations

import socket
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from conformance.incoming import METHODS, a_span, record, traces
from conformance.scraping import PREFIX
from e2e.processes import SIDECAR_MIB, Process
from prometheus_client.parser import text_string_to_metric_families

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
_OWN_CHANNEL = (("grpc.use_local_subchannel_pool", 1),)


@dataclass
class Answer:
    """What came back: an HTTP status, or the name of a gRPC code, and what it says."""

    status: int | str
    text: str = ""


@dataclass
class Attacked:
    """The process, and where it listens."""

    process: Process
    http_port: int
    metrics_port: int

    # --- sending ------------------------------------------------------------------------------

    def post(
        self, body: bytes, kind: str = PROTOBUF, path: str = "/v1/traces", **headers: str
    ) -> Answer:
        """One request over HTTP; headers with underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.get(
            f"http://127.0.0.1:{self.http_port}{path}", body, {"Content-Type": kind, **named}
        )

    def get(self, url: str, body: bytes | None = None, headers: Any = None) -> Answer:
        """One request to any of its ports."""
        request = urllib.request.Request(url, body, headers or {})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return Answer(response.status, response.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode("utf-8", "replace"))

    def call(self, body: bytes, signal: str = "traces", **settings: Any) -> Answer:
        """One export over gRPC, on a connection of its own."""
        with grpc.insecure_channel(f"127.0.0.1:{self.process.port}", _OWN_CHANNEL) as channel:
            try:
                channel.unary_unary(METHODS[signal], None, None)(body, timeout=30, **settings)
            except grpc.RpcError as error:
                return Answer(error.code().name, error.details() or "")
        return Answer("OK")

    def both(self, body: bytes) -> set[int | str]:
        """One export over each protocol: both statuses."""
        return {self.call(body).status, self.post(body).status}

    def raw(self, data: bytes, port: int = 0, *, tls: ssl.SSLContext | None = None) -> bytes:
        """Bytes to a port, and the first kilobyte that comes back; nothing where it is closed."""
        with socket.create_connection(("127.0.0.1", port or self.http_port), 15) as plain:
            stream = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
            stream.sendall(data)
            try:
                return stream.recv(1024)
            except (ConnectionError, TimeoutError):
                return b""

    # --- looking ------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        return self.process.popen.pid

    def peak_mib(self) -> int:
        """The most memory that it has had, in MiB."""
        return self.process.peak_mib()

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def scrape(self) -> str:
        return self.get(f"http://127.0.0.1:{self.metrics_port}/metrics").text

    def count(self, name: str, **labels: str) -> float:
        """A metric summed over the labels that are not given."""
        wanted = set(labels.items())
        return sum(
            sample.value
            for family in text_string_to_metric_families(self.scrape())
            for sample in family.samples
            if sample.name == PREFIX + name and wanted <= set(sample.labels.items())
        )

    def refusals(self, reason: str) -> float:
        """Requests that were refused, rejected or unreadable, by reason."""
        return sum(
            self.count(f"receiver_{name}_requests_total", reason=reason)
            for name in ("refused", "rejected", "unreadable")
        )

    def is_well(self) -> bool:
        """Whether it runs, serves the next good request over both protocols, within its memory."""
        good = traces(a_span())
        assert self.process.popen.poll() is None, "\n".join(self.process.lines)
        assert self.both(good) == {"OK", 200}
        assert self.peak_mib() < SIDECAR_MIB
        return True


def span_of(fields: bytes) -> bytes:
    """A request with one span that has these fields beside its ids."""
    ids = record(1, b"t" * 16) + record(2, b"s" * 8)
    return record(1, record(2, record(2, ids + fields)))
