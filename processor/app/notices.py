"""What keeps costs from being known, said once for each service that sends it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Final

from processor.core.model import Intake, Plan
from processor.surfaces.queries.unknown import fix_of

_LOG = logging.getLogger(__name__)

_WAIT_S: Final = 30.0
"""How long the calls of an agent may take to come: exporters of SDKs send every five seconds."""
_SERVICES_MAX: Final = 256
"""Services that something is said of: senders choose their names."""
_TRACES_MAX: Final = 64
"""Traces of one service in which a call is looked for."""


@dataclass(slots=True)
class _Agents:
    """The agents of a service, until a call is seen with one of them."""

    runs: int = 0
    traces: set[bytes] = field(default_factory=set)


class Notices:
    """Looks at what turns charge. `note` is called on the event loop."""

    def __init__(self, wait_s: float = _WAIT_S) -> None:
        self._wait_s = wait_s
        self._settled: set[str] = set()
        """Services of whose agents nothing more is to be found out."""
        self._agents: dict[str, _Agents] = {}
        self._without_usage: set[str] = set()

    def note(self, _intake: Intake, plan: Plan) -> None:
        """Take in what was committed for a batch."""
        for row in plan.rows:
            if row.is_agent and row.service not in self._settled:
                self._note_agent(row.service, row.trace_id)
            entry = row.stamp.entry
            if entry is not None and entry.status == "usage_missing":
                self._say_usage_is_missing(row.service, entry.model)
        if self._agents:
            called = {each.trace_id for each in plan.traces if each.totals.calls}
            called.update(each.trace_id for each in plan.traces if each.totals.tokens)
            found = [name for name, agents in self._agents.items() if agents.traces & called]
            for service in found:
                del self._agents[service]
                self._settled.add(service)

    def _note_agent(self, service: str, trace_id: bytes) -> None:
        agents = self._agents.get(service)
        if agents is None:
            if len(self._agents) + len(self._settled) >= _SERVICES_MAX:
                return
            agents = self._agents[service] = _Agents()
            loop = asyncio.get_running_loop()
            loop.call_later(self._wait_s, self._say_calls_are_missing, service)
        agents.runs += 1
        if len(agents.traces) < _TRACES_MAX:
            agents.traces.add(trace_id)

    def _say_calls_are_missing(self, service: str) -> None:
        agents = self._agents.pop(service, None)
        if agents is None:
            return
        self._settled.add(service)
        _LOG.warning(
            "agents of service %r came, and no LLM call with them (%d so far): nothing can be "
            "charged. Have the client of the model instrumented as well, or the gateway that it "
            "calls, and its spans sent here with the same trace",
            service or "(no name)",
            agents.runs,
        )

    def _say_usage_is_missing(self, service: str, model: str) -> None:
        if service in self._without_usage or len(self._without_usage) >= _SERVICES_MAX:
            return
        self._without_usage.add(service)
        _LOG.warning(
            "a call of %s from service %r has no usage, so its cost is unknown and totals with it "
            "say at least: %s",
            model or "a model without a name",
            service or "(no name)",
            fix_of("usage_missing"),
        )
