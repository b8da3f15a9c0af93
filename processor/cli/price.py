"""``llm-cost price``: what one call costs, and why."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence

from processor.cli.sources import NO_FILE_YET, file_name, prices_from, settings_from
from processor.core.errors import ConfigError, Problem
from processor.core.model import Usage
from processor.core.pricing import Explanation, explain, suggest_entry
from processor.core.pricing.similar import KnownModel, similar_models, similar_tier
from processor.surfaces.terminal.paint import aligned, left, plain, right

_LABELS = {
    "input": "input, uncached",
    "cache_read": "input, read from cache",
    "cache_write": "input, written to cache",
    "output": "output",
    "requests": "request",
    "searches": "search",
}


def run(arguments: argparse.Namespace) -> int:
    """Print the price of one call; 0 when it is known, else 1. Raises ConfigError."""
    usage = _usage(arguments)
    path = settings_from(arguments).pricing.file
    prices = prices_from(path)
    explanation = explain(
        arguments.model,
        usage,
        prices.catalog,
        time_ns=time.time_ns(),
        provider=arguments.provider,
        tier=arguments.tier,
    )
    is_priced = explanation.total_usd is not None
    meant: list[KnownModel] = []
    if not is_priced:
        meant = similar_models(prices.file, explanation.provider, arguments.model)
    tier = similar_tier(prices.file, arguments.tier)
    if arguments.json:
        names = [{"provider": each.provider, "model": each.model} for each in meant]
        answer = {**explanation.as_dict(), "did_you_mean": {"models": names, "tier": tier}}
        print(json.dumps(answer, indent=2))
    else:
        print(*map(plain, _lines(arguments.model, explanation, path, meant)), sep="\n")
        if tier:
            note = f"No price has a service tier {arguments.tier!r}; did you mean {tier}?"
            print("", plain(note), sep="\n")
    return 0 if is_priced else 1


def _usage(arguments: argparse.Namespace) -> Usage:
    fresh = arguments.input - arguments.cached - arguments.cache_write
    if fresh < 0:
        what = f"is {arguments.input}, less than --cached and --cache-write together"
        fix = "--input counts all input tokens, cached ones included"
        raise ConfigError([Problem("--input", what, fix)])
    return Usage(
        input=fresh,
        cache_read=arguments.cached,
        cache_write=arguments.cache_write,
        output=arguments.output,
    )


def _lines(
    asked: str, explanation: Explanation, path: str, meant: Sequence[KnownModel]
) -> Iterator[str]:
    if explanation.total_usd is None:
        yield from _unpriced(asked, explanation, path, meant)
        return
    why = f": {explanation.reason}" if explanation.reason else ""
    tier = explanation.tier_above_tokens
    names = " and ".join(explanation.catalogue_names)
    beside = f" and the catalogue {names}" if names else ""
    yield f"{asked} costs ${explanation.total_usd}"
    yield ""
    yield f"  provider  {explanation.provider or 'not known'}"
    yield f"  model     {explanation.model}"
    yield f"  status    {explanation.status}{why}"
    yield f"  rule      {explanation.rule}"
    yield f"  tier      {f'above {tier:,} input tokens' if tier else 'base'}"
    yield f"  prices    {file_name(path)}{beside}, version {explanation.price_version}"
    yield ""
    yield from _table(explanation)


def _table(explanation: Explanation) -> Iterator[str]:
    """The parts of the cost, with aligned decimal points."""
    parts, total_usd = explanation.components, explanation.total_usd or ""
    rates = aligned([part.rate_usd for part in parts])
    amounts = aligned([*(part.amount_usd for part in parts), total_usd, explanation.saved_usd])
    yield f"  {left('', 24)}{right('quantity', 12)}{right('USD per 1M', 16)}{right('USD', 16)}"
    for part, rate, amount in zip(parts, rates, amounts, strict=False):
        label = left(_LABELS.get(part.name, part.name), 24)
        each = rate if part.per > 1 else f"{rate} each"
        yield f"  {label}{right(f'{part.quantity:,}', 12)}{right(each, 16)}{right(amount, 16)}"
    yield f"  {left('total', 52)}{right(amounts[-2], 16)}"
    if explanation.saved_usd.strip("0.-"):
        yield f"  {left('saved by the cache', 52)}{right(amounts[-1], 16)}"


def _unpriced(
    asked: str, explanation: Explanation, path: str, meant: Sequence[KnownModel]
) -> Iterator[str]:
    """Why there is no price, what was probably meant, and what to write to have a price."""
    yield f"{asked} is unpriced: {explanation.reason}"
    if meant:
        names = [f"{each.model} ({each.provider or 'any provider'})" for each in meant]
        first = f"{', '.join(names[:-1])} or " if names[1:] else ""
        yield f"Did you mean {first}{names[-1]}?"
    yield ""
    yield "Its calls are marked llm.cost.status=unpriced, and totals that hold them say at least."
    entry = suggest_entry(explanation.provider, (explanation.model or asked,))
    if entry:
        yield f"To price it, add this to {path or NO_FILE_YET}:"
        yield ""
        yield "  models:"
        yield from (f"    {line}" for line in entry)
