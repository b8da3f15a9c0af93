"""Every setting of the program, with its default and what it does.

The names in files follow the OpenTelemetry Collector where it has the setting. The reference file
config/processor.yaml is generated from these declarations.
"""

# ruff: noqa: RUF009 - setting() and section() declare fields, as dataclasses.field() does

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from processor.config.exporters import Exporters
from processor.config.logs import Logs
from processor.config.model import section, setting
from processor.config.receivers import Receivers
from processor.config.telemetry import Telemetry
from processor.config.values import duration, secret, several
from processor.core.enrich.emission import READERS
from processor.core.files.fields import choice, flag, optional, text, whole


@dataclass(frozen=True, slots=True)
class Pricing:
    """What calls cost."""

    file: str = setting("", optional(text), "Your own prices. Empty: the prices that come along.")


@dataclass(frozen=True, slots=True)
class Budgets:
    """What is too much."""

    file: str = setting("", optional(text), "Your own budgets. Empty: the budgets that come along.")


@dataclass(frozen=True, slots=True)
class Ledger:
    """The books."""

    path: str = setting(
        "", optional(text), "The file they are kept in. Empty: <data_dir>/ledger.db."
    )


@dataclass(frozen=True, slots=True)
class Privacy:
    """What is kept about people."""

    hash_user_ids: bool = setting(
        default=False,
        check=flag,
        sentence="Keep a keyed hash of each user id in place of the id. Needs the salt.",
    )
    salt: str = setting(
        "",
        optional(secret),
        "The key of the hash, 16 characters or more, such as ${env:LLM_COST_SALT}. Another salt "
        "makes other users of them.",
        secret=True,
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be in memory at once. What does not fit is read from the ledger or counted."""

    traces_in_memory: int = setting(
        50_000, whole(1, 10_000_000), "Traces whose tree is kept ready."
    )
    spans_in_memory: int = setting(
        200_000,
        whole(1, 100_000_000),
        "Spans of these trees together, at two to three KiB each.",
    )
    known_traces: int = setting(
        500_000, whole(1, 100_000_000), "Traces that are known to have LLM calls."
    )
    budget_states: int = setting(
        50_000, whole(1, 10_000_000), "Totals that budgets follow, each of one user, session …"
    )
    waiting_spans: int = setting(
        200_000, whole(0, 100_000_000), "Spans of traces in which no LLM call has been seen yet."
    )
    spans_per_trace: int = setting(
        100_000, whole(1, 10_000_000), "Spans of one trace that attribution looks at."
    )


@dataclass(frozen=True, slots=True)
class Reload:
    """Prices and budgets are read again when their files change."""

    interval_s: float = setting(
        2.0, duration(0.01), "How often to look.", key="interval", shown="2s"
    )


@dataclass(frozen=True, slots=True)
class Log:
    """What the program says about itself."""

    level: str = setting(
        "info", choice(("debug", "info", "warning", "error"), "level"), "Least level to print."
    )


@dataclass(frozen=True, slots=True)
class Forward:
    """Which signals are passed on; one that is switched off is taken and dropped."""

    traces: bool = setting(default=True, check=flag, sentence="Pass spans on.")
    metrics: bool = setting(default=True, check=flag, sentence="Pass metrics on.")
    logs: bool = setting(default=True, check=flag, sentence="Pass logs on.")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. `load_settings` makes them; every one has a default."""

    data_dir: str = setting(
        "./llm-cost-data", text, "Folder for everything that the program keeps, from where it runs."
    )
    receivers: Receivers = section(Receivers)
    exporters: Exporters = section(Exporters)
    pricing: Pricing = section(Pricing)
    budgets: Budgets = section(Budgets)
    ledger: Ledger = section(Ledger)
    privacy: Privacy = section(Privacy)
    limits: Limits = section(Limits)
    reload: Reload = section(Reload)
    log: Log = section(Log)
    forward: Forward = section(Forward)
    logs: Logs = section(Logs)
    telemetry: Telemetry = section(Telemetry)
    shutdown_timeout_s: float = setting(
        10.0,
        duration(),
        "How long what is under way may take to be delivered once the program is told to stop. "
        "Senders of what is left are told to try again.",
        key="shutdown_timeout",
        shown="10s",
    )
    emit: tuple[str, ...] = setting(
        (),
        several(READERS, "reader"),
        "Further tools that look for the cost of a call under names of their own, such as "
        f"[langfuse]: any of {', '.join(READERS)}. These names are written on priced calls only, "
        "and never where the span has one already.",
        shown="[]",
    )
    warnings: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """What was found but has no effect, for the log."""
