"""``llm-cost prices import``: a part of a published catalogue as entries of the price file."""

from __future__ import annotations

import argparse
from fnmatch import fnmatchcase
from pathlib import Path

from processor.config import read_text
from processor.core.errors import ConfigError, Problem
from processor.core.files.similar import nearest
from processor.core.pricing.litellm import LitellmPrices
from processor.core.pricing.written import entry_lines
from processor.core.providers import provider_id
from processor.core.wording import counted
from processor.surfaces.terminal.paint import plain

_FIX = "llm-cost prices import --help says where LiteLLM's price file is"


def run(arguments: argparse.Namespace) -> int:
    """Print the entries that were asked for; 0 when there are any, else 1. Raises ConfigError."""
    catalogue = _catalogue(arguments.file)
    provider = _provider(catalogue, arguments.provider)
    pattern = arguments.model.strip().lower() or "*"
    models = [
        model
        for model in catalogue
        if provider in {"", model.provider} and fnmatchcase(model.name, pattern)
    ]
    entries = [entry for model in models if (entry := model.entry) is not None]
    matching = counted(len(models), "model")
    print(f"# {catalogue.version}: {len(entries)} of {matching} that match have a price")
    if entries:
        print("models:")
    for entry in entries:
        print(*(f"  {plain(line)}" for line in entry_lines(entry)), sep="\n")
    return 0 if entries else 1


def _catalogue(path: str) -> LitellmPrices:
    try:
        return LitellmPrices(read_text(Path(path)), path)
    except ConfigError as error:
        raise ConfigError(
            [each._replace(fix=each.fix or _FIX) for each in error.problems]
        ) from error


def _provider(catalogue: LitellmPrices, asked: str) -> str:
    """The id of the provider that was asked for; ``""`` for all."""
    if not asked.strip():
        return ""
    found = provider_id(asked) or asked.strip().lower()
    known = {model.provider for model in catalogue}
    if found not in known:
        near = nearest(found, sorted(known))
        fix = f"did you mean {near}?" if near else f"known are {', '.join(sorted(known))}"
        raise ConfigError([Problem("--provider", f"the file has no prices of {asked}", fix)])
    return found
