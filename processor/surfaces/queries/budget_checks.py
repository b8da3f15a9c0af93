"""Whether a call may be made: budgets are asked before it, and its estimate may be held."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from processor.core.budgets import Budget, Policy
from processor.core.budgets.applicable import Applicable, Unchecked
from processor.core.budgets.call_check import BudgetCheck, deciding
from processor.core.budgets.reservations import Estimate, Reservation, Reservations
from processor.core.errors import InvalidQuestionError, OverloadedError
from processor.core.insight import CallEstimate, estimate_call
from processor.core.model import NS_PER_S, Usage
from processor.core.ports import LedgerReader, LedgerView
from processor.core.pricing import Catalog
from processor.core.semconv import ReadOptions, read_scope_id
from processor.surfaces.queries.answers import BudgetState
from processor.surfaces.queries.budgets import states_at
from processor.surfaces.queries.questions import check_call, objection
from processor.surfaces.queries.requests import BudgetCheckRequest

UNCHECKED_MAX: Final = 100
_WAITING_MAX: Final = 2000
_TRIES: Final = 3
_DIGEST_BYTES: Final = 16


class BudgetCheckAnswer(NamedTuple):
    """Whether a call may be made, and why."""

    checks: Sequence[BudgetCheck]
    """Every budget that applies."""
    unchecked: Sequence[Unchecked]
    """Budgets that may apply, of which nobody can tell without further ids; some of them."""
    estimate: Estimate
    priced: CallEstimate | None
    """Where the price of the estimate is from, where it was asked for."""
    reservation_id: str
    """Of what is held now; ``""`` for nothing."""
    expires_ns: int
    """When that lapses, in nanoseconds since the Unix epoch."""
    time_ns: int
    """When it was checked."""

    @property
    def is_allowed(self) -> bool:
        """Whether no budget refuses, or it was allowed before and is held."""
        return bool(self.reservation_id) or all(each.is_allowed for each in self.checks)

    @property
    def deciding(self) -> BudgetCheck | None:
        """The budget that refuses, or the one that is the nearest to its limit."""
        return deciding(self.checks)

    @property
    def message(self) -> str:
        """Why it is refused, in words; ``""`` where it is not."""
        if self.is_allowed:
            return ""
        return "; ".join(objection(each) for each in self.checks if not each.is_allowed)


@dataclass(slots=True)
class _Asked:
    """A check that waits for the totals."""

    request: BudgetCheckRequest
    ids: Mapping[str, str]
    estimate: Estimate
    priced: CallEstimate | None
    digest: bytes
    future: asyncio.Future[BudgetCheckAnswer]
    found: Sequence[tuple[Budget, str]] = ()
    tries: int = 0


class BudgetChecks:
    """Decides about calls, one after the other, on the event loop.

    All that wait are decided by one reading of the totals, after which each sees what was held for
    the others before it: two calls are never both allowed what is left for one.
    """

    def __init__(
        self,
        policy: Callable[[], Policy],
        reader: LedgerReader,
        catalog: Callable[[], Catalog],
        options: Callable[[], ReadOptions],
        new_id: Callable[[], str],
        *,
        now_ns: Callable[[], int] = time.time_ns,
        clock_s: Callable[[], float] = time.monotonic,
        reservations: Reservations | None = None,
    ) -> None:
        """`options` say how ids are read from spans; `new_id` makes ids that nobody else has."""
        self._policy = policy
        self._reader = reader
        self._catalog = catalog
        self._options = options
        self._new_id = new_id
        self._now_ns = now_ns
        self._clock_s = clock_s
        self.reservations: Final = Reservations() if reservations is None else reservations
        self._applicable = Applicable(policy())
        self._waiting: list[_Asked] = []
        self._reading: asyncio.Task[None] | None = None

    async def check(self, request: BudgetCheckRequest) -> BudgetCheckAnswer:
        """Whether a call may be made; where it may and is asked for, its estimate is held.

        Raises InvalidQuestionError; OverloadedError where too many wait, or no place is left for a
        reservation; and what the reading raises.
        """
        policy, catalog = self._policy(), self._catalog()
        check_call(request, policy.dimensions)
        if len(self._waiting) >= _WAITING_MAX:
            raise OverloadedError(f"{_WAITING_MAX} checks of budgets are waiting already")
        usage = Usage(
            input=request.input_tokens - request.cached_tokens,
            cache_read=request.cached_tokens,
            output=request.output_tokens,
        )
        priced = None
        if request.model:
            provider = request.provider or request.scopes.get("provider", "")
            priced = estimate_call(provider, request.model, usage, self._now_ns(), catalog)
        asked = _Asked(
            request,
            _ids_of(request, priced, self._options()),
            _estimate_of(request, priced),
            priced,
            _digest_of(request),
            asyncio.get_running_loop().create_future(),
        )
        self._waiting.append(asked)
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read())
        return await asked.future

    def release(self, reservation_id: str) -> bool:
        """Let a reservation go whose call is not made; False where none of this id is held."""
        return self.reservations.release(reservation_id, self._clock_s())

    def note_charged(self, reservation_ids: Iterable[str]) -> None:
        """Let reservations go whose calls have just been charged."""
        self.reservations.charge(reservation_ids, self._clock_s())

    async def _read(self) -> None:
        """Read and decide while checks wait."""
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                group = [each for each in group if not each.future.done()]
                try:
                    await self._decide_group(group)
                except Exception as error:  # noqa: BLE001 - handed to those who asked
                    _fail(group, error)
        finally:
            self._reading = None

    async def _decide_group(self, group: Sequence[_Asked]) -> None:
        policy, now_ns = self._policy(), self._now_ns()
        if policy is not self._applicable.policy:
            self._applicable = Applicable(policy)
        self.reservations.use(self._applicable)
        wanted: dict[tuple[str, str], tuple[Budget, str]] = {}
        for each in group:
            each.found = self._applicable.find(each.ids)
            wanted.update({(budget.name, id_): (budget, id_) for budget, id_ in each.found})
        self.reservations.begin_reading()
        pairs = list(wanted.values())
        time_s = now_ns // NS_PER_S

        def work(view: LedgerView) -> list[BudgetState]:
            return states_at(view, pairs, time_s)

        states = dict(zip(wanted, await self._reader.ask(work), strict=True))
        for each in group:
            if not each.future.done():
                try:
                    self._decide(each, states, now_ns)
                except Exception as error:  # noqa: BLE001 - handed to the one who asked
                    each.future.set_exception(error)

    def _decide(
        self, asked: _Asked, states: Mapping[tuple[str, str], BudgetState], now_ns: int
    ) -> None:
        """Answer, or ask again where a charge came meanwhile and makes the difference."""
        request, now_s = asked.request, self._clock_s()
        self.reservations.let_lapse(now_s)
        known = None
        if request.reservation_id:
            known = self._known(request.reservation_id, asked.digest, now_s)
        answer = self._answer(asked, states, now_ns, known)
        cautious = self._answer(asked, states, now_ns, known, with_charged=True)
        if known is None and answer.is_allowed != cautious.is_allowed:
            asked.tries += 1
            if asked.tries < _TRIES:
                self._waiting.append(asked)
                return
            answer = cautious
        if known is None and request.reserve and answer.is_allowed:
            known = Reservation(
                request.reservation_id or self._new_id(),
                asked.digest,
                asked.ids,
                asked.estimate,
                now_s + request.ttl_s,
            )
            self.reservations.hold(known, now_s)
        if known is not None:
            expires_ns = now_ns + round((known.deadline_s - now_s) * NS_PER_S)
            answer = answer._replace(reservation_id=known.id, expires_ns=expires_ns)
        asked.future.set_result(answer)

    def _known(self, reservation_id: str, digest: bytes, now_s: float) -> Reservation | None:
        """What is held under an id. Raises InvalidQuestionError where that is another call's."""
        field, fix = "reservation_id", "take a new id for each call"
        if self.reservations.was_charged(reservation_id):
            raise InvalidQuestionError(field, "is of a call that was charged", fix)
        known = self.reservations.find(reservation_id, now_s)
        if known is not None and known.digest != digest:
            raise InvalidQuestionError(field, "is held for a call that was asked otherwise", fix)
        return known

    def _answer(
        self,
        asked: _Asked,
        states: Mapping[tuple[str, str], BudgetState],
        now_ns: int,
        known: Reservation | None,
        *,
        with_charged: bool = False,
    ) -> BudgetCheckAnswer:
        checks = []
        for budget, scope_id in asked.found:
            state = states[budget.name, scope_id]
            reserved = self.reservations.amount(budget, scope_id, with_charged=with_charged)
            amount = asked.estimate.amount(budget)
            if known is not None and budget.scope != "call":
                reserved -= known.estimate.amount(budget) or 0
            checks.append(BudgetCheck(state.standing, reserved, amount, state.progress))
        unchecked = self._applicable.unchecked(asked.ids, UNCHECKED_MAX)
        return BudgetCheckAnswer(checks, unchecked, asked.estimate, asked.priced, "", 0, now_ns)


def _estimate_of(request: BudgetCheckRequest, priced: CallEstimate | None) -> Estimate:
    cost, tokens = request.cost_nano_usd, request.tokens
    # Of a model without any tokens it is not known how many it will use, nor what they cost.
    if priced is not None and priced.tokens:
        cost = priced.cost_nano_usd if cost is None else cost
        tokens = priced.tokens if tokens is None else tokens
    return Estimate(cost, tokens)


def _ids_of(
    request: BudgetCheckRequest, priced: CallEstimate | None, options: ReadOptions
) -> dict[str, str]:
    """What is said of the call, as it would be read from its span."""
    ids = {}
    if priced is not None:
        ids = {"model": priced.model}
        if priced.provider:
            ids["provider"] = priced.provider
    for scope, text in request.scopes.items():
        if not text:
            continue  # Of `call` and `total` there is only one.
        found = read_scope_id(scope, text, options)
        if found is None:
            raise InvalidQuestionError(f"scopes[{scope}]", f"must say which {scope}")
        ids[scope] = found
    return ids


def _digest_of(request: BudgetCheckRequest) -> bytes:
    """The same for the same request, however long its reservation is to last."""
    plain = replace(request, ttl_s=0, scopes={})
    text = repr((plain, sorted(request.scopes.items()))).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest()


def _fail(group: Iterable[_Asked], error: Exception) -> None:
    for each in group:
        if not each.future.done():
            each.future.set_exception(error)
