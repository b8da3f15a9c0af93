"""LiteLLM's price file as a catalogue: its entries become entries like an operator's.

The file is a JSON map of model -> fields; `docs.litellm.ai/docs/provider_registration` describes
them. Prices are USD for one token, character, second, image, page or query. An entry counts only
where its prices are whole: one without prices, or whose prices are all zero, is none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from processor.core.errors import ConfigError, Problem
from processor.core.pricing.catalogues import Listing
from processor.core.pricing.entry_tariff import compile_entry
from processor.core.pricing.litellm_fields import entry_of
from processor.core.pricing.names import Candidate, is_fine_tune
from processor.core.pricing.shapes import CacheDefaults, PriceEntry, Tariff
from processor.core.providers import provider_id

MARK = "litellm"

_KEPT = ("provider", "mode", "alias_of", "tiered_pricing", "off_peak_pricing", "specific_entry")
_LATER = frozenset({"azure_ai", "bedrock_mantle", "gemini", "text-completion-openai"})
"""Sections of the file whose models give way to those of the same provider's main section."""

_PREFIXES = frozenset({"azure", "azure_ai", "bedrock", "bedrock_mantle", "gemini", "vertex_ai"})
"""What stands before models of several sections."""

_WITH_PARTS = ("vertex_ai-", "fireworks_ai-")
"""How the names of sections begin that are parts of one provider."""

_CHARS_MAX = 64 * 1024 * 1024


class LitellmModel(NamedTuple):
    """One entry of the file that has a price."""

    provider: str
    """Our id, or LiteLLM's own name of a provider that we have none for."""
    name: str
    """As its provider calls it, in lower case."""
    fields: Mapping[str, Any]

    @property
    def entry(self) -> PriceEntry | None:
        """Its prices in the form of an operator's entry; None where they are not whole."""
        return entry_of(self.provider, self.name, self.fields)


class LitellmPrices:
    """The models of the file by provider and name; each is compiled when it is asked for."""

    def __init__(self, text: str, source: str) -> None:
        """Read the file's text; `source` names it in messages. Raises ConfigError."""
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        self.version = f"{MARK} {digest[:8]}"
        self._models: dict[str, dict[str, LitellmModel]] = {}
        for model in sorted(_models_in(_parsed(text, source)), key=_is_later):
            self._models.setdefault(model.provider, {}).setdefault(model.name, model)

    def __iter__(self) -> Iterator[LitellmModel]:
        """Every model, with a price or without."""
        for models in self._models.values():
            yield from models.values()

    def has_provider(self, provider: str) -> bool:
        """Whether it has models of a provider."""
        return provider in self._models

    def find(self, provider: str, names: Sequence[Candidate]) -> Listing | None:
        """The model that is called like a call's; a merely similar one is none."""
        models = self._models.get(provider, {})
        only_fine_tunes = bool(names) and is_fine_tune(names[0].name)
        for name in names:
            model = models.get(name.name)
            if model is None or (only_fine_tunes and not is_fine_tune(model.name)):
                continue
            entry = model.entry
            if entry is not None:
                return _listing(model, entry, name.how)
        return None


def _listing(model: LitellmModel, entry: PriceEntry, how: str) -> Listing:
    def compile_at(tier: str) -> Tariff:
        return compile_entry(entry, (), CacheDefaults(), tier)

    return Listing(
        MARK,
        model.provider,
        model.name,
        is_full_match=True,
        how=how,
        compile=compile_at,
        alternatives=entry.alternatives,
    )


def _parsed(text: str, source: str) -> dict[str, Any]:
    fix = "name LiteLLM's model_prices_and_context_window.json, as it is published"
    if len(text) > _CHARS_MAX:
        raise ConfigError([Problem(source, f"is larger than {_CHARS_MAX >> 20} MiB", fix)])
    try:
        found = json.loads(text, parse_float=Decimal, parse_constant=lambda _text: None)
    # An exponent of a hundred digits is an ArithmeticError of decimals.
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ConfigError([Problem(source, f"is not valid JSON: {error}", fix)]) from error
    if not isinstance(found, dict) or not any(isinstance(each, dict) for each in found.values()):
        raise ConfigError([Problem(source, "is no map of models", fix)])
    return found


def _models_in(found: Mapping[str, Any]) -> Iterator[LitellmModel]:
    for key, fields in found.items():
        if not isinstance(fields, dict) or "*" in key:
            continue  # A star stands for sections of rented capacity.
        alias = fields.get("alias_of")
        meant = found.get(alias) if isinstance(alias, str) else fields
        if not isinstance(meant, dict) or not isinstance(meant.get("litellm_provider"), str):
            continue
        section = meant["litellm_provider"]
        provider = _provider_of(section)
        kept = {name: each for name, each in meant.items() if "cost" in name or _is_kept(name)}
        yield LitellmModel(provider, _name_of(key.lower(), section, provider), kept)


def _is_kept(name: str) -> bool:
    return name.endswith((*_KEPT, "_multiplier_eu", "_multiplier_us", "uplift_multiplier"))


def _is_later(model: LitellmModel) -> bool:
    return model.fields["litellm_provider"] in _LATER


def _provider_of(section: str) -> str:
    """``bedrock_converse``, ``vertex_ai-anthropic_models`` -> our id of the provider."""
    main = section.partition("-")[0] if section.startswith(_WITH_PARTS) else section
    return provider_id(main) or section.lower()


def _name_of(key: str, section: str, provider: str) -> str:
    """A key without the segment before it by which LiteLLM names the provider."""
    segment, slash, rest = key.partition("/")
    is_prefix = segment == section.lower() or (
        segment in _PREFIXES and provider_id(segment) == provider
    )
    return rest if slash and is_prefix else key
