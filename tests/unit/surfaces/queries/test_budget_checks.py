"""Checks of budgets before a call, over a small ledger."""

from __future__ import annotations

import asyncio
from itertools import count
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from processor.core.budgets import Budget, Policy
from processor.core.budgets.applicable import Unchecked
from processor.core.budgets.reservations import Estimate, Reservation, Reservations
from processor.core.errors import InvalidQuestionError, LedgerUnavailableError, OverloadedError
from processor.core.model import Calendar
from processor.core.semconv import ReadOptions
from processor.core.semconv.owners import hash_user
from processor.surfaces.queries import BudgetCheckRequest, BudgetChecks

UTC = Calendar(ZoneInfo("UTC"))


def budget(name, scope, limit, window="none", unit="usd", **more):
    return Budget(name, scope, window, limit, unit, UTC, **more)


def call(user="u1", cost=None, **more):
    return BudgetCheckRequest({"user": user}, cost, **more)


def held(name, user="u1", cost=None, **more):
    return call(user, cost, reserve=True, reservation_id=name, **more)


@pytest.fixture
def checks(ask, given_calls, catalog):
    """Checks over a ledger in which u1 has spent 60 of 100, and a clock that a test can set."""
    made = given_calls.charged
    calls = (
        made(1, 10, 60, user="u1", input_tokens=500, output_tokens=100),
        made(2, 20, 7, user="u2", unpriced=1, session="s"),
        made(3, -given_calls.DAY_S, 11, user="u1"),
    )

    def build(*budgets, options=None, before_answer=None, error=None, **more):
        policy = Policy(budgets or (budget("daily", "user", 100, "day"),), calendar=UTC)
        reader = ask(*calls, policy=policy)._reader
        readings = []

        class Reader:
            async def ask(self, work):
                readings.append(work)
                if error is not None:
                    raise error
                found = await reader.ask(work)
                await asyncio.sleep(0)
                if before_answer is not None:
                    before_answer()
                return found

        clock, numbers = SimpleNamespace(now_s=0.0), count(1)
        found = BudgetChecks(
            lambda: policy, Reader(), lambda: catalog, lambda: options or ReadOptions(),
            lambda: f"new-{next(numbers)}", now_ns=lambda: given_calls.NOW_S * 10**9,
            clock_s=lambda: clock.now_s, **more,
        )  # fmt: skip
        return SimpleNamespace(
            check=found.check, release=found.release, charged=found.note_charged, clock=clock,
            readings=readings,
        )  # fmt: skip

    return build


async def test_a_call_is_allowed_up_to_the_limit(checks):
    """Guarantees: of the window of now; the answer has the figures, and when it ends."""
    asked = checks()
    found = await asked.check(call(cost=40))
    standing = found.deciding.standing
    assert (found.is_allowed, found.message) == (True, "")
    assert (standing.spent, standing.limit, found.deciding.remaining) == (60, 100, 40)
    assert standing.window_end_s - standing.window_start_s == 86_400
    refused = await asked.check(call(cost=41))
    assert not refused.is_allowed
    assert refused.message.startswith("Budget would be exceeded: daily of user u1: ")
    assert (await asked.check(call("new", cost=100))).is_allowed


async def test_what_is_reserved_counts_for_others_and_not_for_itself(checks):
    """Guarantees: the same request with the same id is the same reservation."""
    asked = checks()
    first = await asked.check(held("a", cost=30))
    assert (first.is_allowed, first.reservation_id) == (True, "a")
    assert not (await asked.check(call(cost=11))).is_allowed
    again = await asked.check(held("a", cost=30))
    assert (again.is_allowed, again.checks[0].reserved) == (True, 0)
    assert again.expires_ns == first.expires_ns
    assert (await asked.check(held("b", cost=10))).is_allowed
    refused = await asked.check(held("c", cost=1))
    assert (refused.is_allowed, refused.reservation_id) == (False, "")
    assert asked.release("a")
    assert not asked.release("a")
    assert (await asked.check(held("c", cost=30))).is_allowed


async def test_one_that_was_allowed_stays_allowed(checks):
    """Guarantees: a repeated check does not take back what a caller may have used already."""
    asked = checks()
    assert (await asked.check(held("a", cost=40))).is_allowed
    asked.clock.now_s = 599
    assert (await asked.check(held("a", cost=40))).is_allowed
    asked.clock.now_s = 600
    assert (await asked.check(call(cost=40))).is_allowed, "it has lapsed"


@pytest.mark.parametrize("other", [held("a", cost=2), held("a", "u2", cost=1), held("a")])
async def test_an_id_is_of_one_call(checks, other):
    asked = checks()
    await asked.check(held("a", cost=1))
    with pytest.raises(InvalidQuestionError, match="is held for a call that was asked otherwise"):
        await asked.check(other)
    asked.charged(["a"])
    with pytest.raises(InvalidQuestionError, match="is of a call that was charged"):
        await asked.check(held("a", cost=1))


async def test_callers_at_the_same_time_never_pass_a_limit_together(checks):
    """Guarantees: all that wait are decided by one reading, one after the other."""
    asked = checks()
    found = await asyncio.gather(*(asked.check(call(cost=3, reserve=True)) for _ in range(200)))
    allowed = [each.reservation_id for each in found if each.is_allowed]
    assert len(allowed) == len(set(allowed)) == 13
    assert len(asked.readings) <= 2


async def test_a_charge_while_totals_are_read_is_read_again(checks):
    """Guarantees: a call that was charged meanwhile is in the totals or counted as held."""
    asked = None
    charged = iter([["a"], [], []])
    asked = checks(before_answer=lambda: asked.charged(next(charged)) if is_on else None)
    is_on = False
    await asked.check(held("a", cost=40))
    asked.readings.clear()
    is_on = True
    # The ledger of this test never has the charge: read anew, what is left is left again.
    assert (await asked.check(call(cost=40))).is_allowed
    assert len(asked.readings) == 2


async def test_where_charges_never_end_the_answer_is_the_cautious_one(checks):
    reservations, names = Reservations(), map(str, count())

    def charge_another():
        one = Reservation(next(names), b"", {"user": "u1"}, Estimate(40), 10**6)
        reservations.hold(one, 0)
        reservations.charge([one.id], 0)

    asked = checks(before_answer=charge_another, reservations=reservations)
    assert not (await asked.check(call(cost=40))).is_allowed
    assert len(asked.readings) == 3


async def test_tokens_are_checked_by_tokens_and_single_calls_by_themselves(checks):
    asked = checks(
        budget("tokens", "user", 1000, "day", "tokens"), budget("each", "call", 50),
        budget("each-tokens", "call", 300, unit="tokens"),
    )  # fmt: skip
    assert (await asked.check(call(cost=50, tokens=300))).is_allowed
    found = await asked.check(call(cost=51, tokens=400))
    assert [each.is_allowed for each in found.checks] == [True, False, False]
    await asked.check(held("a", cost=50, tokens=300))
    reserved = [each.reserved for each in (await asked.check(call())).checks]
    assert reserved == [300, 0, 0]


async def test_a_model_is_priced_for_the_caller(checks):
    """Guarantees: its name and provider are those that filters look at."""
    asked = checks(
        budget("m", "user", 10**9, match={"model": ("gpt-4o",), "provider": ("openai",)})
    )
    found = await asked.check(
        call(model="gpt-4o", input_tokens=1000, cached_tokens=1000, output_tokens=100)
    )
    assert found.priced is not None
    assert (found.priced.model, found.priced.provider) == ("gpt-4o", "openai")
    assert found.estimate.tokens == 1100
    assert found.checks[0].estimate == found.estimate.cost_nano_usd == 2_250_000


async def test_a_model_without_tokens_has_no_estimate(checks):
    """Guarantees: what is not known is not zero: a limit that is met allows nothing more."""
    found = await checks(budget("m", "user", 60, "day")).check(call(model="gpt-4o"))
    assert found.estimate == Estimate(None, None)
    assert not found.is_allowed


async def test_an_unknown_model_has_no_estimate_and_says_so(checks):
    asked = checks(budget("daily", "user", 61, "day"))
    found = await asked.check(call(model="who", input_tokens=10))
    assert (found.estimate.cost_nano_usd, found.estimate.tokens) == (None, 10)
    assert found.priced.status == "unpriced"
    assert found.is_allowed, "something is left"
    assert not (await asked.check(call(cost=2, model="who", input_tokens=10))).is_allowed


async def test_budgets_that_nobody_can_tell_of_are_named(checks):
    asked = checks(budget("team", "session", 5), budget("all", "total", 100))
    found = await asked.check(call())
    assert found.unchecked == [Unchecked("team", ("session",))]
    [of_session] = (await asked.check(BudgetCheckRequest({"session": "s"}))).checks[:1]
    assert (of_session.standing.spent, of_session.standing.at_least) == (7, True)


async def test_users_are_known_by_their_own_ids_where_these_are_hashed(checks):
    """Guarantees: an application names the user as on its spans."""
    asked = checks(options=ReadOptions(user_hash_salt="salt"))
    found = await asked.check(call("u1", cost=1))
    assert found.checks[0].standing.scope_id == hash_user("u1", "salt")


async def test_a_ledger_that_cannot_be_read_fails_each(checks):
    asked = checks(error=LedgerUnavailableError("gone"))
    found = await asyncio.gather(*(asked.check(call()) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in found] == [LedgerUnavailableError] * 3


async def test_no_place_for_a_reservation_fails_it_alone(checks):
    asked = checks(reservations=Reservations(number_max=1))
    first, second, third = await asyncio.gather(
        asked.check(held("a", cost=1)), asked.check(held("b", cost=1)), asked.check(call(cost=1)),
        return_exceptions=True,
    )  # fmt: skip
    assert first.is_allowed
    assert isinstance(second, OverloadedError)
    assert third.is_allowed


async def test_a_caller_who_has_gone_holds_nothing(checks):
    asked = checks()
    waiting = asyncio.ensure_future(asked.check(held("a", cost=40)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert (await asked.check(call(cost=40))).is_allowed


async def test_many_windows_are_added_up_each_by_itself(checks):
    """Guarantees: more than one statement takes, of scopes with and without totals of their own."""
    users = [budget(f"b{at}", "user", 1000 + at, "day") for at in range(3)]
    asked = checks(*users, budget("all", "total", 1000), budget("ever", "user", 1000))
    names = ["u1", "u2", *(f"other-{at}" for at in range(60))]
    found = await asyncio.gather(*(asked.check(call(name)) for name in names))
    assert len(asked.readings) <= 2
    spent = [[each.standing.spent for each in answer.checks] for answer in found]
    assert spent[:3] == [[60, 60, 60, 78, 71], [7, 7, 7, 78, 7], [0, 0, 0, 78, 0]]
    assert all(each == [0, 0, 0, 78, 0] for each in spent[3:])
