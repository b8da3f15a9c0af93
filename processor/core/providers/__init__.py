"""Who serves models: the one table of providers, and what follows from it.

    table       spellings, hosts, model names, service tiers, placeholder models: data only
    identify    lookups in the table

Reading asks which statement on a span names the provider; pricing asks which provider that is,
and infers one from the model's name where none is stated. Both use this package, so the same
words mean the same everywhere.
"""

from processor.core.providers.identify import (
    api_id,
    choose_statement,
    infer_provider,
    is_placeholder,
    normalise_tier,
    provider_id,
    provider_of_class,
    split_tier,
)
from processor.core.providers.table import (
    CUSTOMER_NAMED,
    IMITATED,
    REGION_MARK,
    RESELLERS,
    SPELLINGS,
)

__all__ = [
    "CUSTOMER_NAMED",
    "IMITATED",
    "REGION_MARK",
    "RESELLERS",
    "SPELLINGS",
    "api_id",
    "choose_statement",
    "infer_provider",
    "is_placeholder",
    "normalise_tier",
    "provider_id",
    "provider_of_class",
    "split_tier",
]
