"""From the names and values of a query to parameters, or to all that is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from processor.core.files.similar import nearest
from processor.surfaces.api.parameters import PATH, Parameters
from processor.surfaces.api.problems import InvalidParametersError, ParameterProblem
from processor.surfaces.queries import listed_values

P = TypeVar("P", bound=Parameters)

_OF_FILTER: Final = re.compile(r"filter\[(.*)\]", re.DOTALL)
_SHOWN_MAX_CHARS: Final = 100
_FLAGS: Final = ("true", "false")


def read_parameters(kind: type[P], path: Mapping[str, str], query: Iterable[tuple[str, str]]) -> P:
    """Parameters of `kind` from the values in a path, and a query's names and values in order.

    Raises InvalidParametersError with every problem.
    """
    given: dict[str, Any] = dict(path)
    problems: list[ParameterProblem] = []
    fields = {name: field for name, field in kind.model_fields.items() if not is_in_path(field)}
    for name, value in query:
        of_filter = _OF_FILTER.fullmatch(name)
        if of_filter and "filter" in fields:
            given.setdefault("filter", {}).setdefault(of_filter[1], []).extend(listed_values(value))
        elif name == "filter" and "filter" in fields:
            problems.append(_problem(name, "names no dimension", "write filter[agent]=…"))
        elif name not in fields:
            problems.append(_unknown(name, fields))
        elif _is_list(fields[name]):
            given.setdefault(name, []).extend(listed_values(value))
        elif name in given:
            problems.append(_problem(name, "is given more than once", "give it once"))
        else:
            given[name] = value
    try:
        parameters = kind.model_validate(given)
    except ValidationError as error:
        problems += map(reworded, error.errors(include_url=False))
        raise InvalidParametersError(problems) from None
    if problems:
        raise InvalidParametersError(problems)
    return parameters


def is_in_path(field: FieldInfo) -> bool:
    """Whether a parameter stands in the path."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and extra.items() >= PATH.items()


def _is_list(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is list


def _unknown(name: str, fields: Mapping[str, FieldInfo]) -> ParameterProblem:
    known = ["filter[…]" if each == "filter" else each for each in fields]
    near = nearest(name, fields)
    fix = f"did you mean {near}?" if near else ""
    return _problem(name[:_SHOWN_MAX_CHARS], "unknown parameter", fix, known)


def reworded(mistake: ErrorDetails) -> ParameterProblem:
    """What pydantic has found, in the words of all other problems."""
    # A body that is no JSON has no place.
    name = str((*mistake["loc"], "body")[0])
    got = str(mistake["input"])[:_SHOWN_MAX_CHARS]
    limits = mistake.get("ctx", {})
    match mistake["type"]:
        case "missing" | "extra_forbidden" as kind:
            detail = "is missing" if kind == "missing" else "unknown parameter"
            return _problem(name[:_SHOWN_MAX_CHARS], detail, "")
        case "greater_than_equal" | "less_than_equal":
            bound = f"least {limits['ge']}" if "ge" in limits else f"most {limits['le']}"
            return _problem(name, f"must be at {bound}, got {got}", "")
        case "int_parsing" | "int_parsing_size" | "int_type":
            return _problem(name, f"must be a whole number, got {got!r}", "")
        case "bool_parsing" | "bool_type":
            return _problem(name, f"must be true or false, got {got!r}", "", _FLAGS)
        case "literal_error":
            words = re.findall(r"'([^']*)'", str(limits["expected"]))
            near = nearest(got, words)
            fix = f"did you mean {near}?" if near else ""
            return _problem(name, f"unknown value {got!r}", fix, words)
        case _:
            return _problem(name, f"cannot be used: {mistake['msg']}", "")


def _problem(name: str, detail: str, fix: str, choices: Iterable[str] = ()) -> ParameterProblem:
    return ParameterProblem(parameter=name, detail=detail, fix=fix or None, choices=list(choices))
