"""The operator's own dimensions, such as a team, as the settings declare them."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainValidator

from processor.config.values import one_or_more
from processor.core.budgets.checks import is_dimension_name
from processor.core.files.checks import InvalidValueError, shown, text

_DIMENSIONS_MAX = 16
"""Each is one more total that a call moves."""
_ATTRIBUTES_MAX = 20
_RESERVED = frozenset({"kind", "other", "status", "task_title"})
"""Names that mean something else wherever dimensions are listed."""


def dimensions(value: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A map of names to the attributes that say what a call belongs to."""
    if not isinstance(value, dict):
        raise InvalidValueError(
            f"must be a map of names to attributes, got {shown(value)}",
            "write {team: [team, team.id]}",
        )
    if len(value) > _DIMENSIONS_MAX:
        raise InvalidValueError(f"must be at most {_DIMENSIONS_MAX}, has {len(value)}")
    return tuple((_name(name), _attributes(name, each)) for name, each in value.items())


def _name(name: object) -> str:
    word = text(name)
    if word in _RESERVED or not is_dimension_name(word):
        what = f"has {shown(name)}, which cannot be the name of a dimension of your own"
        fix = "use lower-case letters, digits and _, and no name of a budget's scope"
        raise InvalidValueError(what, fix)
    return word


def _attributes(name: object, value: object) -> tuple[str, ...]:
    listed = one_or_more(value, _ATTRIBUTES_MAX, "attributes", name)
    try:
        return tuple(dict.fromkeys(text(each) for each in listed))
    except InvalidValueError as error:
        what = f"the attributes of {name} must be names: {error.what}"
        raise InvalidValueError(what, error.fix) from None


OwnDimensions = Annotated[tuple[tuple[str, tuple[str, ...]], ...], PlainValidator(dimensions)]
"""Names of dimensions, each with its attributes, best first."""
