"""The folder of the demo's history: settings, prices and budgets beside the ledger."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Final

from processor.cli.demo.month import Timeline
from processor.cli.demo.population import INTERNAL_MODEL
from processor.core.errors import ConfigError, Problem
from processor.io.ledger import examine_file, is_in_use

SETTINGS: Final = "processor.yaml"
_TIMELINE: Final = "demo-history.json"
_PRICES: Final = "pricing.yaml"
_BUDGETS: Final = "budgets.yaml"
_LEDGER: Final = "ledger.db"

_SETTINGS_TEXT: Final = """\
# Settings of the history that `llm-cost demo --history` has made.
data_dir: {folder}
dimensions: {{team: [team], environment: [deployment.environment.name]}}
pricing: {{file: {prices}}}
budgets: {{file: {budgets}}}
"""
_PRICES_TEXT: Final = """\
# The prices of an imaginary company: those of its own model, which became dearer on {since}.
# All other prices are those of the catalogue; house-translator-v2 has none, on purpose.
version: 1
models:
  - provider: {provider}
    model: {model}
    prices:
      - {{input: 0.30, output: 0.90}}
      - {{input: 0.45, output: 1.35, effective_from: {since}}}
"""
_BUDGETS_TEXT: Final = """\
# The budgets of an imaginary company.
version: 1
timezone: UTC
budgets:
  - name: team-daily
    scope: team
    window: day
    limit_usd: 12.00
    warn_at: [0.8]
    overrides: {engineering: 40.00}
  - name: team-monthly
    scope: team
    window: month
    limit_usd: 65.00
    warn_at: [0.5, 0.8]
    overrides: {engineering: 200.00}
  - {name: per-session, scope: session, limit_usd: 10.00, warn_at: [0.8]}
  - {name: total-monthly, scope: total, window: month, limit_usd: 400.00, warn_at: [0.5, 0.8]}
"""


def prepare_folder(folder: Path, timeline: Timeline) -> Timeline:
    """Make the folder ready for a ledger of the demo, and return the timeline of its history.

    That is the one of an earlier demo in this folder, which is continued. Raises ConfigError where
    another ledger is there, another process has it, or its timeline has another seed.
    """
    path, kept = folder / _LEDGER, folder / _TIMELINE
    has_ledger = examine_file(path)
    if has_ledger and is_in_use(path):
        raise ConfigError([Problem(str(path), "is in use", "stop the processor that has it")])
    found = _read(kept)
    if found is None:
        if has_ledger:
            what, fix = "has a ledger that is not the demo's", "name another folder, or none"
            raise ConfigError([Problem(str(folder), what, fix)])
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, timeline)
        return timeline
    if found.seed != timeline.seed:
        what = f"has a history of seed {found.seed}"
        raise ConfigError([Problem(str(folder), what, "name another folder, or that seed")])
    return found


def _read(path: Path) -> Timeline | None:
    """The timeline of an earlier demo; None where there is none."""
    try:
        return Timeline.from_json(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        fix = "name another folder, or none"
        raise ConfigError([Problem(str(path), "is not what the demo has written", fix)]) from error


def _write(folder: Path, timeline: Timeline) -> None:
    provider, model = INTERNAL_MODEL
    prices = _PRICES_TEXT.format(provider=provider, model=model, since=timeline.price_change)
    settings = _SETTINGS_TEXT.format(
        folder=_quoted(folder),
        prices=_quoted(folder / _PRICES),
        budgets=_quoted(folder / _BUDGETS),
    )
    texts = {
        SETTINGS: settings,
        _PRICES: prices,
        _BUDGETS: _BUDGETS_TEXT,
        _TIMELINE: timeline.as_json(),
    }
    for name in texts:
        if (folder / name).exists() and name != _TIMELINE:
            what, fix = "is there already", "name another folder, or none"
            raise ConfigError([Problem(str(folder / name), what, fix)])
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")


def _quoted(path: Path) -> str:
    """A path as YAML takes it, whatever is in it."""
    return json.dumps(str(path), ensure_ascii=False)


def config_flag(folder: Path) -> str:
    """The flag with which a command uses the folder, as a shell takes it."""
    return f"--config {shlex.quote(str(folder / SETTINGS))}"
