"""``llm-cost check-config``: everything that is wrong, at once, or what was found."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeVar

from processor.app.addresses import refuse_loop
from processor.app.assembly import build_exporter
from processor.app.channels import channel_lines, secrets_of
from processor.app.resources import (
    MemoryPlan,
    describe_memory,
    memory_warnings,
    plan_memory,
)
from processor.app.start_lines import describe_exports
from processor.app.watched_files import WatchedFiles
from processor.cli.invocation import install_command
from processor.cli.price_change import change_lines
from processor.cli.sources import budgets_from, file_name, prices_from, settings_from
from processor.config import Settings, read_text
from processor.core.budgets import Budget, Policy
from processor.core.budgets.wording import window_words
from processor.core.errors import ConfigError, Problem
from processor.core.files.document import Document
from processor.core.insight import Prices
from processor.core.memory import MemoryLimit
from processor.core.money import format_usd
from processor.core.wording import counted, fit
from processor.io.datasets import has_parquet
from processor.io.ledger import examine_file
from processor.surfaces.terminal.paint import left, plain

T = TypeVar("T")

_LABEL_CHARS: Final = 15
_BUDGET_LABEL_CHARS: Final = 29
_WARNING_LABEL_CHARS: Final = 10


def run(arguments: argparse.Namespace) -> int:
    """Print what settings, prices and budgets say. Raises ConfigError with all that is wrong."""
    problems: list[Problem] = []
    settings = _attempt(lambda: settings_from(arguments), problems)
    # Files that the flags name can be checked even where the settings file is broken.
    pricing = settings.pricing.file if settings else arguments.pricing or ""
    budgets = settings.budgets.file if settings else arguments.budgets or ""
    own = settings.dimension_names if settings else _declared(arguments.config)
    prices = _attempt(lambda: prices_from(pricing), problems)
    channels = settings.notifications.budget_channels if settings else None
    policy = _attempt(lambda: budgets_from(budgets, own, channels), problems)
    older = (
        _attempt(lambda: prices_from(arguments.against), problems) if arguments.against else None
    )
    if settings is not None:
        problems += _problems_of_connections(settings)
        ledger = Path(settings.ledger.path)
        _attempt(lambda: examine_file(ledger), problems)
    if settings is None or prices is None or policy is None or problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    for line in _lines(settings, prices, policy, arguments.config or "defaults"):
        print(plain(line))
    if older is not None:
        for line in change_lines(arguments.against, older, prices, Path(settings.ledger.path)):
            print(plain(line))
    return 0


def _declared(path: str | None) -> tuple[str, ...]:
    """Dimensions of a settings file that has mistakes, so that budgets are not blamed for these."""
    try:
        root = Document(read_text(Path(path)), path).root if path else None
    except ConfigError:
        return ()
    found = root.get("dimensions") if isinstance(root, dict) else None
    return tuple(map(str, found)) if isinstance(found, dict) else ()


def _attempt(work: Callable[[], T], problems: list[Problem]) -> T | None:
    try:
        return work()
    except ConfigError as error:
        problems += error.problems
        return None


def _problems_of_connections(settings: Settings) -> list[Problem]:
    """What is wrong with addresses together, certificates, tokens and exporters."""
    problems: list[Problem] = []
    _attempt(lambda: refuse_loop(settings), problems)
    memory = MemoryLimit(plan_memory(settings).requests)
    files = WatchedFiles(settings)
    for read in (*files.credentials(), *secrets_of(settings.notifications)):
        _attempt(read, problems)
    _attempt(lambda: build_exporter(settings, memory, files), problems)
    return problems


def _lines(settings: Settings, prices: Prices, policy: Policy, config: str) -> Iterator[str]:
    yield f"settings  {config}"
    protocols = settings.receivers.otlp.protocols
    http = f" (gRPC) and {protocols.http.endpoint} (HTTP)" if protocols.http.endpoint else ""
    yield f"  listens on   {protocols.grpc.endpoint}{http}"
    yield from fit(f"  forwards to  {' and '.join(settings.exporters.ways())}", _LABEL_CHARS)
    yield f"  ledger       {settings.ledger.path}"
    yield from fit(f"  keeps        {settings.ledger.retention.describe()}", _LABEL_CHARS)
    plan = plan_memory(settings)
    yield from fit(f"  memory       {describe_memory(settings, plan)}", _LABEL_CHARS)
    for line in describe_exports(settings):
        yield from fit(f"  exports      {line}", _LABEL_CHARS)
    yield from _price_lines(settings.pricing.file, prices)
    yield f"budgets   {file_name(settings.budgets.file)}, version {policy.version}"
    yield f"  {counted(len(policy.budgets), 'limit')}"
    for budget in policy.budgets:
        yield from fit(_budget_line(budget), _BUDGET_LABEL_CHARS)
    for line in channel_lines(settings.notifications, policy):
        yield from fit(line, _LABEL_CHARS)
    for warning in _warnings(settings, plan, prices, policy):
        yield from fit(f"warning   {warning}", _WARNING_LABEL_CHARS)


def _price_lines(path: str, prices: Prices) -> Iterator[str]:
    catalog = prices.catalog
    yield f"prices    {file_name(path)}, version {catalog.version}"
    yield f"  {counted(len(prices.file.entries), 'entry', 'entries')} in the file"
    age = catalog.age_days(time.time_ns())
    if not catalog.catalogue_names:
        yield "  no catalogue"
    for name in catalog.catalogue_names:
        of_age = "" if age is None or "genai" not in name else f", newest price {age} days old"
        yield f"  the catalogue {name}{of_age}"


def _budget_line(budget: Budget) -> str:
    window = "" if budget.window == "none" else window_words(budget.window, "and")
    scope = f"{budget.scope} {window}".rstrip()
    limit = Decimal(format_usd(budget.limit))
    amount = f"${limit:,f}" if budget.unit == "usd" else f"{budget.limit:,} tokens"
    extras = [f"warns at {', '.join(f'{share:.0%}' for share in budget.warn_at)}"]
    extras = extras if budget.warn_at else []
    extras += [f"only {key} {' or '.join(each)}" for key, each in budget.match.items()]
    if budget.overrides:
        extras.append(f"{counted(len(budget.overrides), 'override')}")
    whose = f"per {scope}"
    if budget.scope == "total":
        window = window and window_words(budget.window, "in each")
        whose = f"for everything {window}".rstrip()
    return f"    {left(budget.name, 24)} {amount} {whose}{''.join(f'; {e}' for e in extras)}"


def _warnings(
    settings: Settings, plan: MemoryPlan, prices: Prices, policy: Policy
) -> Iterator[str]:
    yield from settings.warnings
    yield from memory_warnings(plan)
    for name, export in settings.exports.items():
        if export.format == "parquet" and not has_parquet():
            yield (
                f"exports.{name}.format: parquet needs pyarrow, which is missing here "
                f"(install it: {install_command('export')})"
            )
    yield from map(str, prices.file.warnings)
    if prices.catalog.is_stale(time.time_ns()):
        limit = prices.catalog.warn_if_older_than_days
        yield f"the catalogue is older than {limit} days: update genai-prices"
    yield from policy.warnings
