"""A budgets file with limits of some budgets changed, or with budgets added; all else stays."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, NamedTuple

from processor.core.budgets.parse import NAMED_LIMITS, parse_budgets
from processor.core.budgets.policy import Budget, Policy
from processor.core.budgets.wording import budget_text
from processor.core.errors import ConfigError, Problem
from processor.core.files.document import Document, Map, Path
from processor.core.files.editing import EditableText
from processor.core.files.similar import nearest

_LIMITS: Final = ("limit_usd", "limit_tokens")


@dataclass(frozen=True, slots=True)
class BudgetChange:
    """What a budget shall say from now on; what is empty stays as it is."""

    name: str
    limit_usd: Decimal | None = None
    limit_tokens: Decimal | None = None
    """A whole number, which the parser of the file sees to."""
    warn_at: tuple[Decimal, ...] = ()
    scope: str = ""
    """Of a budget that is added where the name is not there."""
    window: str = ""
    is_any_name: bool = False
    """The one budget with this scope and window is meant too, whatever its name."""


class ChangedBudget(NamedTuple):
    """A budget in words, before and after."""

    name: str
    line: int
    """In the changed text."""
    before: str
    """``""`` where it was not there, or is switched off."""
    after: str


@dataclass(frozen=True, slots=True)
class ChangedText:
    """A budgets file with changes in it, which has been read again."""

    text: str
    budgets: Sequence[ChangedBudget]
    switched_off: Sequence[str]
    """Names of changed budgets that are not in force, since they say ``enabled: false``."""


class _Place(NamedTuple):
    """Where a budget stands."""

    path: Path
    key: str
    """The key of a limit by name alone; ``""`` for a rule."""


def change_budgets(
    text: str, source: str, changes: Sequence[BudgetChange], dimensions: Collection[str] = ()
) -> ChangedText:
    """Change budgets in the `text` of a file that `source` names in messages.

    The result is read by the parser of the file, and holds no other difference than the changes.
    Raises ConfigError: the file has mistakes, a budget is not known, or a change would be one.
    """
    before = parse_budgets(text, source, dimensions)
    names = [_name_of(change, before) for change in changes]
    for change, name in zip(changes, names, strict=True):
        text = _changed(text, source, replace(change, name=name))
    after = parse_budgets(text, source, dimensions)
    _check_others(before, after, names, source)
    return ChangedText(text, *_differences(before, after, names))


def _name_of(change: BudgetChange, policy: Policy) -> str:
    """The name of the budget that is meant: by its own name, else by what it limits."""
    if change.name in {each.name for each in policy.budgets} or not change.is_any_name:
        return change.name
    alike = [
        each.name
        for each in policy.budgets
        if (each.scope, each.window) == (change.scope, change.window)
        and each.unit == "usd"
        and not each.match
    ]
    return alike[0] if len(alike) == 1 else change.name


def _changed(text: str, source: str, change: BudgetChange) -> str:
    root = Document(text, source).root
    place = _place_of(change.name, root)
    if place is None:
        if not change.scope:
            raise ConfigError([_unknown(change.name, [name for name, _ in _places(root)], source)])
        return _added(text, source, change, root)
    _check_kind(change, root, place, source)
    if place.key:
        return _named_limit(text, source, change, place)
    for key, value in _values(change):
        text = EditableText(text, source).set_value(place.path, key, value, _LIMITS)
    return text


def _check_kind(change: BudgetChange, root: Any, place: _Place, source: str) -> None:  # noqa: ANN401 - YAML holds anything
    """Raise ConfigError where a budget is another one than what it is said to limit."""
    if place.key:
        scope, window = map(str, NAMED_LIMITS[place.key][1:])
    else:
        rule = root["budgets"][place.path[1]]
        scope, window = str(rule.get("scope")).strip(), str(rule.get("window", "none")).strip()
    for key, given, found in (("scope", change.scope, scope), ("window", change.window, window)):
        if given and given != found:
            what = f"{change.name} is there, and its {key} is {found}, not {given}"
            raise ConfigError([Problem(source, what, "leave it out, or choose another name")])


def _values(change: BudgetChange) -> Iterator[tuple[str, str]]:
    if change.limit_usd is not None:
        yield "limit_usd", _usd(change.limit_usd)
    if change.limit_tokens is not None:
        yield "limit_tokens", f"{change.limit_tokens:f}"
    if change.warn_at:
        yield "warn_at", f"[{', '.join(f'{share:f}' for share in change.warn_at)}]"


def _usd(limit: Decimal) -> str:
    """At least two decimals, as amounts are written everywhere."""
    whole, _, part = f"{limit:f}".partition(".")
    return f"{whole}.{part.ljust(2, '0')}"


def _named_limit(text: str, source: str, change: BudgetChange, place: _Place) -> str:
    """A limit by name alone says how much, and nothing else."""
    if change.limit_usd is None or change.limit_tokens or change.warn_at:
        editable = EditableText(text, source)
        where = f"{source}:{editable.line_of((*place.path, place.key))}: {place.key}"
        _, scope, window = NAMED_LIMITS[place.key]
        rule = f"{{name: {change.name}, scope: {scope}, window: {window}, limit_usd: …}}"
        what = "is a limit in USD by name alone, which has no warnings and no tokens"
        raise ConfigError([Problem(where, what, f"write it as a rule below budgets: - {rule}")])
    return EditableText(text, source).set_value(place.path, place.key, _usd(change.limit_usd))


def _added(text: str, source: str, change: BudgetChange, root: Any) -> str:  # noqa: ANN401 - YAML holds anything
    """The text with one more budget: a rule, or a limit by name alone where the file has those."""
    editable = EditableText(text, source)
    budgets = root.get("budgets") if isinstance(root, Map) else None
    if isinstance(budgets, Map):
        keys = [key for key, (name, *_) in NAMED_LIMITS.items() if name == change.name]
        if keys:
            return _named_limit(text, source, change, _Place(("budgets",), keys[0]))
        where = f"{source}:{editable.line_of(('budgets',))}: budgets"
        what = f"has limits by name alone, of which none is called {change.name}"
        raise ConfigError([Problem(where, what, "write it as a list of rules")])
    values = {"name": _yaml_text(change.name), "scope": change.scope}
    if change.window and change.window != "none":
        values["window"] = change.window
    return editable.add_item("budgets", {**values, **dict(_values(change))})


def _yaml_text(name: str) -> str:
    """A name as YAML has it: in quotes unless it is a plain word."""
    is_plain = name.replace("-", "").replace("_", "").isalnum() and name[0].isalpha()
    is_word = name.lower() in {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
    return name if is_plain and not is_word else "'" + name.replace("'", "''") + "'"


def _place_of(name: str, root: Any) -> _Place | None:  # noqa: ANN401 - YAML holds anything
    """Where the budget of a name stands."""
    return next((place for found, place in _places(root) if found == name), None)


def _places(root: Any) -> Iterator[tuple[str, _Place]]:  # noqa: ANN401 - YAML holds anything
    if not isinstance(root, Map):
        return
    budgets, cost = root.get("budgets"), root.get("cost")
    if isinstance(budgets, list):
        for position, rule in enumerate(budgets):
            if isinstance(rule, Map):
                yield str(rule.get("name", "")).strip(), _Place(("budgets", position), "")
    alerts = cost.get("alerts") if isinstance(cost, Map) else None
    for path, limits in (((), root), (("budgets",), budgets), (("cost", "alerts"), alerts)):
        if isinstance(limits, Map):
            for key, (name, *_) in NAMED_LIMITS.items():
                if key in limits:
                    yield name, _Place(path, key)


def _unknown(name: str, known: Sequence[str], source: str) -> Problem:
    near = nearest(name, known)
    guess = f"did you mean {near}?" if near else f"there are {', '.join(known) or 'none'};"
    fix = "to add it, say what it limits, such as --scope user --window day"
    return Problem(source, f"has no budget {name[:40]!r}", f"{guess} {fix}")


def _check_others(before: Policy, after: Policy, names: Collection[str], source: str) -> None:
    """Raise ConfigError where a value that others repeat by an alias was changed with them."""
    others = [_others(policy, names) for policy in (before, after)]
    different = {name for name, _ in set(others[0].items()) ^ set(others[1].items())}
    if different:
        what = f"the change would be one of {', '.join(sorted(different))} as well"
        raise ConfigError([Problem(source, what, "they share a value (&); edit the file by hand")])


def _others(policy: Policy, names: Collection[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for each in policy.budgets:
        if each.name not in names:
            texts[each.name] = f"{texts.get(each.name, '')} {budget_text(each)} {each.calendar}"
    return texts


def _differences(
    before: Policy, after: Policy, names: Sequence[str]
) -> tuple[list[ChangedBudget], list[str]]:
    old, new = _by_name(before), _by_name(after)
    found = [
        ChangedBudget(name, new[name][0].source_line, _words(old.get(name, [])), _words(new[name]))
        for name in names
        if name in new
    ]
    return found, [name for name in names if name not in new]


def _by_name(policy: Policy) -> Mapping[str, list[Budget]]:
    found: dict[str, list[Budget]] = {}
    for each in policy.budgets:
        found.setdefault(each.name, []).append(each)
    return found


def _words(budgets: Sequence[Budget]) -> str:
    return " and ".join(map(budget_text, budgets))
