"""A call as some spans report it, and which of its reports it is charged by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from processor.core.attribution.node import Node
from processor.core.model import Entry, Usage

REPEATED = "response_id_repeated"
"""The doubt about calls of several traces that name one response; see `same_response`."""

_NAME_MAX_CHARS = 512
_REQUESTS, _WEB_SEARCHES = map(Usage._fields.index, ("requests", "web_searches"))
_BILLED_UNITS = slice(Usage._fields.index("characters"), None)
"""Of `Usage`: what is billed by units other than tokens."""
_PREFIX = re.compile(r"(?:.*/)?(?:[a-z][a-z-]*\.)*(?=[a-z])")
_SUFFIX = re.compile(
    r"(?:-20\d\d-?[01]\d-?[0-3]\d|@20\d\d(?:-[01]\d-?|[01]\d-)[0-3]\d"
    r"|[-@](?:latest|default|v\d+)|[@:]\d+)+$"
)
"""No text fits two alternatives: a long name of such parts would take for ever."""

Form = tuple[int, ...]
"""Input and output of a call; its units where it has no tokens."""


@lru_cache(maxsize=4096)
def family_of(model: str) -> str:
    """The name of a model without its path, vendor, region and date: reports differ in these."""
    name = model[:_NAME_MAX_CHARS].lower()
    prefix = _PREFIX.match(name)
    return _SUFFIX.sub("", name[prefix.end() :] if prefix else name)


def whole_of(usage: Usage) -> Form:
    """All input and all output of a call, or its units where it has no tokens."""
    inputs, outputs = usage.input_tokens, usage.output_tokens
    return (inputs, outputs) if inputs or outputs else tuple(usage)[_BILLED_UNITS]


class Forms(NamedTuple):
    """What a call's input and output are, and may be on another report of it."""

    whole: tuple[Form, ...]
    """As they were read, then without reasoning."""
    uncached: tuple[Form, ...] = ()
    """The same without what was read from a cache or written to it."""
    may_exclude: bool = True
    """Whether its input may be what is left without the cached tokens."""

    @property
    def stated(self) -> Form:
        """Input and output as they were read."""
        return self.whole[0]


def forms_of(usage: Usage, *, may_exclude: bool) -> Forms:
    """Input and output as they were read, and as they are if details were read otherwise."""
    inputs, outputs, *units = whole_of(usage)
    if units:
        return Forms(((inputs, outputs, *units),), (), may_exclude)
    read, written = usage.cached_tokens, usage.cache_write + usage.cache_write_1h
    if not (read or written or usage.reasoning):
        return Forms(((inputs, outputs),), (), may_exclude)
    sides = tuple(dict.fromkeys((outputs, outputs - usage.reasoning)))
    uncached = dict.fromkeys((inputs - read, inputs - written, inputs - read - written))
    uncached.pop(inputs, None)
    return Forms(
        tuple((inputs, output) for output in sides),
        tuple((each, output) for output in sides for each in uncached),
        may_exclude,
    )


def has_counts(usage: Usage) -> bool:
    """Whether anything but a request was counted."""
    return any(usage[:_REQUESTS]) or any(usage[_REQUESTS + 1 :])


class Reported:
    """A call with the spans that report it. A value: never changed in place."""

    __slots__ = (
        "details",
        "end_ns",
        "forms",
        "has_failed",
        "ids",
        "is_timed",
        "members",
        "order",
        "start_ns",
        "writers",
    )  # fmt: skip

    def __init__(self, node: Node) -> None:
        """Take one report, which is a call of its own until another one is known."""
        entry = node.entry
        if entry is None:
            raise ValueError("the span is not of a call")
        usage = entry.usage
        self.members: tuple[Node, ...] = (node,)
        self.start_ns, self.end_ns = entry.start_ns or node.time_ns, node.time_ns
        self.order = node.span_id
        self.is_timed = entry.start_ns > 0
        """False where the times of the span cannot be trusted."""
        self.writers: frozenset[str] = frozenset((entry.scope,))
        self.ids: frozenset[int] = frozenset(filter(None, (entry.response,)))
        self.forms: tuple[Forms, ...] = ()
        if usage is not None:
            self.forms = (forms_of(usage, may_exclude=entry.may_exclude_cache),)
        self.details = (0, 0) if usage is None else _details(usage)
        """How many tokens were read from a cache and written to it, as far as a report says."""
        self.has_failed = entry.status == "failed"

    def repeated(self, other: Reported) -> Reported:
        """The call that another span with the same response id and counts reports once more."""
        both = self.plus(other)
        both.start_ns, both.end_ns, both.order = self.start_ns, self.end_ns, self.order
        return both

    def plus(self, other: Reported) -> Reported:
        """The call that both are reports of."""
        both = object.__new__(Reported)
        both.members = self.members + other.members
        both.start_ns = min(self.start_ns, other.start_ns)
        both.end_ns = max(self.end_ns, other.end_ns)
        both.order = min(self.order, other.order)
        both.is_timed = self.is_timed
        both.has_failed = self.has_failed
        both.writers = self.writers | other.writers
        both.ids = self.ids | other.ids
        same = self.forms == other.forms
        both.forms = self.forms if same else tuple({*self.forms, *other.forms})
        both.details = max(self.details, other.details)
        return both


def _details(usage: Usage) -> tuple[int, int]:
    return usage.cached_tokens, usage.cache_write + usage.cache_write_1h


def best_report(members: Sequence[Node], lasted_ns: Mapping[str, int]) -> Node:
    """The report that a call is charged by: what it says of prices and caches comes first.

    Of those that say the same it is the inner one: that of the instrumentation whose reports
    together lasted shortest, so that of calls alike the same one's are charged. Where one of them
    is excluded it is that one, so that no other report brings the call back.
    """
    if len(members) == 1:
        return members[0]
    excluded = [node for node in members if node.is_excluded]
    return min(excluded or members, key=lambda node: _rank(node, lasted_ns))


def _rank(node: Node, lasted_ns: Mapping[str, int]) -> tuple[object, ...]:
    entry: Entry | None = node.entry
    if entry is None:
        return (True,)
    usage = entry.usage
    details = 0
    if usage is not None:
        details = sum(map(bool, usage[:_REQUESTS] + usage[_WEB_SEARCHES + 1 :]))
    return (
        entry.amount is None,
        usage is None,
        usage is None or not any(_details(usage)),
        -details,
        # That a response is named in another trace says nothing about how well it is counted.
        entry.doubt not in {"", REPEATED},
        lasted_ns.get(entry.scope, 0),
        entry.scope,
        node.time_ns,
        node.span_id,
    )
