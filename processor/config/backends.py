"""The settings of one backend: how it is reached, and what happens while it is away."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainValidator, model_validator

from processor.config.values import (
    Duration,
    GrpcCodes,
    HeaderNames,
    Headers,
    HttpStatuses,
    Section,
    TlsFiles,
    duration,
)
from processor.core.files.checks import InvalidValueError, choice
from processor.core.files.validation import Flag, OptionalText, Whole, section
from processor.core.otlp.codes import FINAL_HTTP, RETRYABLE, RETRYABLE_HTTP


class ClientTls(TlsFiles):
    """How the connection to the backend is secured."""

    insecure: Flag | None = Field(
        default=None,
        description="Where the endpoint has no scheme: true for plain text, false for TLS. Unset: "
        "plain text on the loopback interface, TLS elsewhere.",
    )
    ca_file: OptionalText = Field(
        default="",
        description="PEM file of the authorities to trust instead of the system's. The files here "
        "are read again when they change.",
    )

    server_name: OptionalText = Field(
        default="",
        description="The name that the backend's certificate is for, where that is not the host "
        "of the endpoint.",
    )
    insecure_skip_verify: Flag = Field(
        default=False,
        description="True: any certificate of the backend will do, so whoever is in between can "
        "read everything. For tests; said in the log at each start. Not possible over gRPC.",
    )


class BackendAuth(Section):
    """What is presented to the backend, beside a certificate."""

    bearer_token_file: OptionalText = Field(
        default="",
        description="File with a token, sent as the header authorization: Bearer. It is read again "
        "when it changes.",
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


class GrpcRetry(Retry):
    """What happens while the backend refuses for now or cannot be reached."""

    retryable_codes: GrpcCodes = Field(
        default=tuple(code.name.lower() for code in sorted(RETRYABLE)),
        description="The gRPC statuses after which a request is sent again, and resource_exhausted "
        "where it names a delay. All others are final; an answer without a gRPC status, as a proxy "
        "gives, is not.",
    )


class HttpRetry(Retry):
    """What happens while the backend refuses for now or cannot be reached."""

    retryable_statuses: HttpStatuses = Field(
        default=tuple(sorted(RETRYABLE_HTTP)),
        description="The HTTP statuses after which a request is sent again, whoever has given "
        "them.",
    )
    final_statuses: HttpStatuses = Field(
        default=tuple(sorted(FINAL_HTTP)),
        description="Those after which it never is, whoever has given them. All others are final "
        "where the answer has the form that OTLP demands (a google.rpc.Status as protobuf, or as "
        "JSON with its code); without it they may be a proxy's, and the request is sent again. "
        "A success with a text or a page is a proxy's too, unless its status is in this list.",
    )

    @model_validator(mode="after")
    def _is_decided(self) -> HttpRetry:
        if both := sorted({*self.retryable_statuses} & {*self.final_statuses}):
            what = f"has {both[0]}, which is in final_statuses too"
            raise InvalidValueError(what, "leave it in one", at=("retryable_statuses",))
        return self


class SendingQueue(Section):
    """A queue on disk for what this backend does not take for now."""

    enabled: Flag = Field(
        default=True,
        description="True: what the backend does not take for now is written to disk, synced and "
        "acknowledged, and sent when the backend is back; other traffic does not touch the disk. "
        "False: while the backend is away senders are asked to retry.",
    )
    directory: OptionalText = Field(
        default="",
        description="Folder of the queue; one process may use it. Empty: "
        "spool/<exporter> in the folder of the ledger.",
    )
    max_megabytes: Whole = Field(
        default=1024,
        ge=1,
        le=1_000_000_000,
        description="Most that the queue may hold, in MiB. Beyond it, and while the disk is full "
        "or fails, senders are asked to retry.",
    )
    when_full: Annotated[
        Literal["refuse", "drop_oldest"],
        PlainValidator(choice(("refuse", "drop_oldest"), "behaviour")),
    ] = Field(
        default="refuse",
        description="refuse; or drop_oldest, which loses the oldest requests that were "
        "acknowledged to make room for new ones. They are counted, logged, and shown in the "
        "health.",
    )
    max_age_s: Annotated[float, PlainValidator(duration(0.0, 10 * 365 * 86400.0))] = Field(
        default=0.0,
        alias="max_age",
        description="How long a request may wait on disk; one that has waited longer is lost, "
        "counted, logged, and shown in the health. 0s: for ever.",
    )
    refused_max_megabytes: Whole = Field(
        default=256,
        ge=1,
        le=1_000_000_000,
        description="Most that may be kept, in MiB, of what the backend refuses for good after it "
        "was acknowledged: OTLP files in the folder refused within that of the queue, which "
        "`llm-cost resend` sends again. Beyond it, refused requests stay in the queue.",
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
    max_concurrent_requests: Whole = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Other requests that may be under way to it at the same time; those that get "
        "no place within spill_after go to disk. For a backend of which you know how many it works "
        "on, as more only wait inside it. 0: any number.",
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

    @model_validator(mode="after")
    def _has_one_token(self) -> OtlpBackend:
        names = {name.lower() for name, _ in self.headers}
        if self.auth.bearer_token_file and "authorization" in names:
            what, fix = "has a token in headers as well", "leave it in one"
            raise InvalidValueError(what, fix, at=("auth", "bearer_token_file"))
        return self

    endpoint: OptionalText = Field(default="", description="Its address.")
    headers: Headers = Field(
        default=(),
        description="Sent with every request, such as {authorization: 'Bearer ${env:TOKEN}'}.",
        repr=False,
    )
    compression: Annotated[
        Literal["none", "gzip", "zstd"],
        PlainValidator(choice(("none", "gzip", "zstd"), "compression")),
    ] = Field(
        default="none",
        description="none, gzip or zstd. Every backend takes gzip; ask yours about zstd.",
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
    max_connection_age_s: Annotated[float, PlainValidator(duration(0.0))] = Field(
        default=60.0,
        alias="max_connection_age",
        description="After so long the next request takes a new connection, for which the "
        "backend's name is looked up anew. 0s: never, as long as a connection holds.",
    )
    tls: ClientTls = section(ClientTls)
    auth: BackendAuth = section(BackendAuth)
    retry_on_failure: Retry = section(Retry)
    sending_queue: SendingQueue = section(SendingQueue)
    merge: Merge = section(Merge)
