"""The table of providers does not contradict itself."""

from __future__ import annotations

import re
from collections import Counter

from genai_prices.data_snapshot import get_snapshot

from processor.core.providers import provider_id
from processor.core.providers.table import (
    CLIENT_IDS,
    CUSTOMER_NAMED,
    INTERMEDIARIES,
    PROVIDERS,
    PUBLISHERS,
    RESELLERS,
)

_IDS = {provider.id for provider in PROVIDERS}
_SPELLINGS = [name for row in PROVIDERS for name in (row.id, *row.spellings.split())]
_HOSTS = [host for row in PROVIDERS for host in row.hosts]


def test_no_spelling_or_host_means_two_providers() -> None:
    """And none is written twice."""
    for names in (_SPELLINGS, _HOSTS):
        assert [name for name, count in Counter(names).items() if count > 1] == []


def test_names_are_in_lower_case() -> None:
    """What is looked up is."""
    assert all(name == name.lower() for name in (*_SPELLINGS, *_HOSTS, *INTERMEDIARIES))


def test_an_intermediary_is_no_provider() -> None:
    """A name says either who charges or how a call travelled."""
    assert INTERMEDIARIES.isdisjoint(_SPELLINGS)


def test_every_group_names_ids_of_the_table() -> None:
    """A slip there would make a rule that never holds."""
    assert _IDS >= CLIENT_IDS | CUSTOMER_NAMED | PUBLISHERS | RESELLERS


def test_every_provider_of_the_catalogue_is_known_by_its_own_id() -> None:
    """No spelling leads away from a provider that has prices under that name."""
    for provider in get_snapshot().providers:
        assert provider_id(provider.id) == provider.id


def test_no_model_has_the_brand_of_two_providers() -> None:
    """So the order of the table decides nothing."""
    models = {model.id for provider in get_snapshot().providers for model in provider.models}
    for model in models:
        branded = [row.id for row in PROVIDERS if row.brands and re.match(row.brands, model)]
        assert len(branded) <= 1, (model, branded)
