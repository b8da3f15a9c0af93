"""What to write into a price file so that a model has a price."""

from __future__ import annotations

import json
from collections.abc import Sequence

from processor.core.pricing.names import NAME_LIMIT, is_opaque
from processor.core.pricing.shapes import ANY
from processor.core.providers import (
    CUSTOMER_NAMED,
    infer_provider,
    is_placeholder,
    provider_id,
)

_PRICES = "prices: [{input: 1.00, output: 3.00}]"
_EXAMPLE = f"{_PRICES}   # USD per 1M tokens: put in yours"
_AWS = "aws"


def suggest_entry(provider: str, models: Sequence[str]) -> tuple[str, ...]:
    """The lines of one item of ``models`` that would price what a span names, to be filled in.

    A name that a customer has given to a deployment or resource becomes an alias of the model
    behind it, anything else an entry with prices. Nothing when the span names nothing.
    """
    names = [name.strip() for name in models if not is_placeholder(name)]
    names = [name for name in names if len(name) <= NAME_LIMIT]
    seller = provider.strip().lower()
    if not provider_id(seller):
        seller = next(filter(None, map(infer_provider, names[:1])), "")
    if not names:
        # The spans do not say which model it was, so only a price for any of them would hold.
        every = f"{_PRICES}   # for every model of {seller} that has no price of its own"
        return _lines(seller, ANY, every) if seller else ()
    model = names[0]
    is_resource = is_opaque(model.lower())
    if is_resource or provider_id(seller) in CUSTOMER_NAMED:
        seller = seller or _AWS
        aliases = f"aliases: [{_quoted(f'{seller}:{model}')}]"
        return _lines(seller, f"put in the model behind {model}", aliases)
    return _lines(seller or ANY, model, _EXAMPLE)


def _lines(provider: str, model: str, last: str) -> tuple[str, ...]:
    return f"- provider: {_quoted(provider)}", f"  model: {_quoted(model)}", f"  {last}"


def _quoted(text: str) -> str:
    """Text as YAML reads it back; JSON's quoting is valid YAML."""
    return json.dumps(text, ensure_ascii=False)
