"""Every setting of the program, with its default and what it does.

The names in files follow the OpenTelemetry Collector where it has the setting. The reference file
config/processor.yaml is generated from these declarations.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, PlainValidator, PrivateAttr, model_validator

from processor.config.api import Api
from processor.config.dimensions import OwnDimensions
from processor.config.exporters import Exporters
from processor.config.insight import Insight, check_low_quality
from processor.config.notifications import Notifications
from processor.config.pricing import Pricing
from processor.config.receivers import Receivers
from processor.config.retention import Retention
from processor.config.scheduled_exports import ScheduledExports, check_exports
from processor.config.spend import Spend, check_dimensions
from processor.config.values import Duration, OptionalListen, Section, duration, secret, several
from processor.core.enrich.emission import READERS
from processor.core.files.checks import InvalidValueError, choice, optional
from processor.core.files.validation import Flag, OptionalText, Text, Whole, section

METRICS_ENDPOINT: Final = "127.0.0.1:8888"
"""Where metrics are served unless another place is set."""


class Budgets(Section):
    """What is too much."""

    file: OptionalText = Field(
        default="", description="Your own budgets. Empty: the bundled budgets."
    )


class Ledger(Section):
    """Where calls and totals are kept."""

    path: OptionalText = Field(
        default="", description="The ledger's file. Empty: <data_dir>/ledger.db."
    )
    retention: Retention = section(Retention)
    verify: Flag = Field(
        default=True,
        description="Add up the ledger's sums again once a day, as `llm-cost verify` does, slowly "
        "and beside the traffic: a twentieth of a core at most. What differs is in the log, in "
        "/health and in the metric ledger_unequal_totals.",
    )


class Privacy(Section):
    """What is kept about people."""

    hash_user_ids: Flag = Field(
        default=False,
        description="Keep a keyed hash of each user id instead of the id. Needs the salt.",
    )
    salt: Annotated[str, PlainValidator(optional(secret))] = Field(
        default="",
        description="The key of the hash, 16 characters or more, such as ${env:LLM_COST_SALT}. "
        "With another salt, the same users count as new ones.",
        repr=False,
    )

    @model_validator(mode="after")
    def _has_salt(self) -> Privacy:
        if self.hash_user_ids and not self.salt:
            fix = "set privacy.salt, for example ${env:LLM_COST_SALT}"
            raise InvalidValueError("needs a salt", fix, at=("hash_user_ids",))
        return self


MEMORY_MIN_MIB: Final = 200
"""With less there is too little for requests."""


class MemoryLimiter(Section):
    """How much memory the program may use; everything under way has one limit in bytes."""

    limit_mib: Whole = Field(
        default=0,
        ge=0,
        le=1_048_576,
        description="Memory for the whole process, in MiB; at least 200. 0: four fifths of the "
        "container's limit; without one, four fifths of half the machine's memory, but at most "
        "2457 MiB. Half of what the program itself leaves is for requests under way. Beyond that "
        "the slowest senders are cut off first, and others are asked to send again later.",
    )

    @model_validator(mode="after")
    def _is_enough(self) -> MemoryLimiter:
        if 0 < self.limit_mib < MEMORY_MIN_MIB:
            what = f"must be at least {MEMORY_MIN_MIB}, got {self.limit_mib}"
            fix = "the program itself takes half of that; 0 follows the container's limit"
            raise InvalidValueError(what, fix, at=("limit_mib",))
        return self


class Limits(Section):
    """What the ledger may have in memory at once; of less memory, unset ones take their part."""

    traces_in_memory: Whole = Field(
        default=50_000,
        ge=1,
        le=10_000_000,
        description="Traces whose tree is kept in memory, at two KiB each beside their spans.",
    )
    spans_in_memory: Whole = Field(
        default=200_000,
        ge=1,
        le=100_000_000,
        description="Spans of these trees together, at two to three KiB each.",
    )
    known_traces: Whole = Field(
        default=500_000,
        ge=1,
        le=100_000_000,
        description="Traces that are known to have LLM calls, at 160 bytes each.",
    )
    budget_states: Whole = Field(
        default=50_000,
        ge=1,
        le=10_000_000,
        description="Totals that budgets follow, each of one user, session …, at one KiB each.",
    )
    waiting_spans: Whole = Field(
        default=200_000,
        ge=0,
        le=100_000_000,
        description="Spans of traces in which no LLM call has been seen yet, at 200 bytes each "
        "where ten are of one trace, and up to 1.6 KiB where one is alone. The file of the "
        "ledger has up to twice as many, at 20 bytes each, so that a restart loses none.",
    )
    spans_per_trace: Whole = Field(
        default=100_000,
        ge=1,
        le=10_000_000,
        description="Spans of one trace that are followed, at most half of `spans_in_memory`. LLM "
        "calls beyond it are charged nothing and have the status `unpriced`, the total of the "
        "trace is at least, and it is logged. What links the calls that are charged is followed "
        "beyond it, so that none is charged twice.",
    )


class Reload(Section):
    """Prices, budgets, certificates and files of tokens are read again when they change."""

    interval_s: Annotated[float, PlainValidator(duration(0.01))] = Field(
        default=2.0, alias="interval", description="How often to look."
    )


class Log(Section):
    """The log of the program itself."""

    level: Annotated[
        str, PlainValidator(choice(("debug", "info", "warning", "error"), "level"))
    ] = Field(default="info", description="Least level to print.")


class Forward(Section):
    """Which signals are forwarded; one that is switched off is received and dropped."""

    traces: Flag = Field(default=True, description="Forward spans.")
    metrics: Flag = Field(default=True, description="Forward metrics.")
    logs: Flag = Field(default=True, description="Forward logs.")


class Logs(Section):
    """Log records; they are forwarded byte for byte."""

    count_calls: Flag = Field(
        default=True,
        description="Charge the calls that coding agents report in log records (Claude Code, "
        "Codex, Gemini CLI, Qwen Code), once with what their spans report. Also where logs are "
        "dropped.",
    )


class Metrics(Section):
    """Its own metrics for Prometheus at /metrics, its health at /health and /live."""

    endpoint: OptionalListen = Field(
        default=METRICS_ENDPOINT,
        description="Where to listen; empty: nowhere. Where this address is in use, perhaps by a "
        "Collector, or gRPC has port 0, any free port is used unless another is set here.",
    )
    spend: Spend = section(Spend)


class Telemetry(Section):
    """What the program reports about itself over HTTP."""

    metrics: Metrics = section(Metrics)


class Settings(Section):
    """All settings. `load_settings` makes them; every one has a default."""

    data_dir: Text = Field(
        default="./llm-cost-data",
        description="Folder for everything that the program keeps; a relative path starts at the "
        "folder in which the program is started.",
    )
    shutdown_timeout_s: Duration = Field(
        default=10.0,
        alias="shutdown_timeout",
        description="How long requests that have been received may take to be delivered once the "
        "program is asked to stop. Senders of the others are asked to retry.",
    )
    emit: Annotated[tuple[str, ...], PlainValidator(several(READERS, "reader"))] = Field(
        default=(),
        description="Further tools that look for the cost of a call under names of their own, such "
        f"as [langfuse]: any of {', '.join(READERS)}. These names are written on priced calls "
        "only, and never where the span has one already.",
    )
    dimensions: OwnDimensions = Field(
        default=(),
        description="Totals and budgets by dimensions of your own: the name of each, and the "
        "attributes of spans, scopes or resources that say it, best first, such as {team: [team, "
        "team.id], environment: [deployment.environment.name]}. Each is one more total for every "
        "call.",
    )
    receivers: Receivers = section(Receivers)
    exporters: Exporters = section(Exporters)
    pricing: Pricing = section(Pricing)
    budgets: Budgets = section(Budgets)
    notifications: Notifications = section(Notifications)
    ledger: Ledger = section(Ledger)
    privacy: Privacy = section(Privacy)
    memory_limiter: MemoryLimiter = section(MemoryLimiter)
    limits: Limits = section(Limits)
    reload: Reload = section(Reload)
    log: Log = section(Log)
    forward: Forward = section(Forward)
    logs: Logs = section(Logs)
    telemetry: Telemetry = section(Telemetry)
    api: Api = section(Api)
    exports: ScheduledExports = Field(
        default={},
        description="Files as `llm-cost export` writes them, whenever a day or month is over. Each "
        "has a name of your choice, such as {finance: {dataset: focus}}, and may have:",
    )
    insight: Insight = section(Insight)
    _warnings: tuple[str, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        check_dimensions(self.telemetry.metrics.spend, self.dimension_names)
        check_exports(self.exports)
        check_low_quality(self.insight, self.dimension_names)
        return self

    @property
    def dimension_names(self) -> tuple[str, ...]:
        """Names of the operator's own dimensions."""
        return tuple(name for name, _ in self.dimensions)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was accepted but has no effect, or should be looked at, for the log."""
        return self._warnings

    def with_warnings(self, warnings: tuple[str, ...]) -> Settings:
        """The same settings with these warnings."""
        settings = self.model_copy()
        settings._warnings = warnings  # noqa: SLF001 - a copy of its own
        return settings
