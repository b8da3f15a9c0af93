"""One span in the tree of its trace."""

from __future__ import annotations

from typing import Final, NamedTuple

from processor.core.attribution.share import NO_SHARE, NO_SUBTOTAL, Share, Subtotal
from processor.core.model import NO_SUMS, NOBODY, Entry, Owner, OwnIds, Stamp, Sums

EXCLUDED: Final = "excluded"
"""The status of what somebody has taken out of all sums."""


class ScopeIds(NamedTuple):
    """Where a span's share is posted.

    None where a scope does not apply, ``""`` where the owner is not known.
    """

    session: str
    user: str
    org: str
    agent: str
    feature: str
    task: str
    task_type: str
    purpose: str
    agent_run: str
    model: str | None
    provider: str | None
    service: str
    kind: str
    """Of a call; ``agent`` for an agent, which is no call."""
    status: str
    """Of a call; ``aggregate`` for what is charged of one that repeats others."""
    own_dimensions: OwnIds = ()
    """The operator's own dimensions, as far as they are known."""


class Node:
    """A span that matters for money. Working copy: the ledger's rows are the truth."""

    __slots__ = (
        "below",
        "entry",
        "height",
        "inherited",
        "is_agent",
        "is_charged_elsewhere",
        "is_cut",
        "is_duplicate",
        "is_excluded",
        "is_linked",
        "is_local_root",
        "is_reference",
        "is_tool",
        "matched_span",
        "own",
        "parent_id",
        "posted",
        "previous",
        "row",
        "row_id",
        "scope_ids",
        "service",
        "share",
        "span_id",
        "stamp",
        "time_ns",
        "tool_calls",
    )  # fmt: skip

    def __init__(
        self,
        span_id: bytes,
        parent_id: bytes,
        time_ns: int,
        *,
        row: int = -1,
        is_agent: bool = False,
        is_local_root: bool = False,
        own: Owner = NOBODY,
        inherited: Owner = NOBODY,
        service: str = "",
        entry: Entry | None = None,
        is_reference: bool = False,
        is_tool: bool = False,
    ) -> None:
        self.span_id = span_id
        self.parent_id = parent_id
        self.time_ns = time_ns
        self.row = row
        """Its row in the batch at hand; -1 once that batch is done."""
        self.is_agent = is_agent
        self.is_local_root = is_local_root
        """A root, or a span whose parent is in another process."""
        self.own = own
        self.inherited = inherited
        self.service = service
        self.entry = entry
        self.is_cut = False
        """True when its parent is not followed: it leads back to itself, or too far up."""
        self.is_duplicate = False
        """True for a call that another span of the trace reports as well; see `duplicates`."""
        self.is_charged_elsewhere = False
        """True for a call that a span of another trace is charged for; see `same_response`."""
        self.is_excluded = False
        """True for a call or agent that somebody has taken out of all sums."""
        self.is_reference = is_reference
        """True among log records for a reference to a span; see `log_matching`."""
        self.is_tool = is_tool
        self.matched_span: Node | None = None
        """Of a log record, the reference to the span that reports the same call."""
        self.previous: Node | None = None
        """The call whose tokens it counts again; see `tool_loops`."""
        self.height = 1
        """How many spans stand above one another in its subtree, itself included."""
        self.is_linked = False
        """True once its ancestors have been asked for."""
        self.below: Subtotal = NO_SUBTOTAL
        """Sum of the shares of all spans below it."""
        self.tool_calls: Subtotal = NO_SUBTOTAL
        """The part of `below` that stands below a tool."""
        self.share: Share = NO_SHARE
        self.scope_ids: ScopeIds | None = None
        """Where its share is posted; None while it has none."""
        self.posted: Sums = NO_SUMS
        """What stands at its place: its share, and one agent run if it is the outermost agent."""
        self.row_id = 0
        """Id of its latest row in the ledger; 0 while that has none."""
        self.stamp: Stamp | None = None

    @property
    def is_counted(self) -> bool:
        """False for what is excluded, and for a log record of a call that is.

        What it adds to those above it stays as it was, so that none of them is charged for it.
        """
        matched = self.matched_span
        return not self.is_excluded and (matched is None or not matched.is_excluded)

    def tool_subtotal(self) -> Subtotal:
        """The part of `subtotal` that stands below a tool, itself being one or not."""
        return self.subtotal() if self.is_tool else self.tool_calls

    def subtotal(self) -> Subtotal:
        """What it and all below it add to its parent."""
        if self.below is NO_SUBTOTAL:
            return self.share
        if self.share is NO_SHARE:
            return self.below
        return self.below.plus(self.share)
