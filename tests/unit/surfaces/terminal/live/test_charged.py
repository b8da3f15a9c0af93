import pytest

from processor.core.model import Crossing, Totals
from processor.surfaces.terminal.live.charged import ChargedTraces

ONE, TWO = b"1" * 16, b"2" * 16
CROSSING = Crossing("daily", "user", "ada", 0, 86_400, 10**9, "usd", 1.0, 2 * 10**9)


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def charged(clock):
    return ChargedTraces(traces_max=3, clock_s=clock)


def shown(charged, at_most=10, **options):
    traces, left_out = charged.take(at_most, **options)
    return traces, left_out


def test_trace_is_shown_a_second_after_its_root(charged, clock, turns):
    charged.note(*turns.call(ONE))
    charged.note(*turns.agent(ONE))
    assert shown(charged)[0] == []
    clock.now_s += 1.1
    ((trace,), _) = shown(charged)
    assert (trace.agent, trace.root, trace.service) == ("planner", "POST /ask", "shop")
    assert (trace.change.calls, trace.change.cost_nano_usd) == (1, 1_000_000)
    assert trace.is_new
    assert trace.owner.user == "ada"
    assert shown(charged)[0] == []


def test_trace_without_its_root_is_waited_for(charged, clock, turns):
    charged.note(*turns.call(ONE))
    clock.now_s += 10
    assert shown(charged)[0] == []
    clock.now_s += 6
    assert [trace.trace_id for trace in shown(charged)[0]] == [ONE]


def test_trace_that_is_never_quiet_is_shown_all_the_same(charged, clock, turns):
    for _ in range(31):
        clock.now_s += 1
        charged.note(*turns.call(ONE))
    ((trace,), _) = shown(charged)
    assert trace.change.calls == 31


def test_what_comes_later_is_shown_as_what_it_adds(charged, turns):
    charged.note(*turns.agent(ONE))
    charged.note(*turns.call(ONE))
    shown(charged, is_last=True)
    charged.note(*turns.call(ONE, 5))
    ((trace,), _) = shown(charged, is_last=True)
    assert trace.change == Totals(cost_nano_usd=5, input_tokens=100, calls=1)
    assert trace.total == turns.totals[ONE]
    assert not trace.is_new


def test_repeat_is_not_shown(charged, turns, repeat):
    """Guarantees: a span that is sent again is no cost on the terminal a second time."""
    turn = turns.call(ONE)
    charged.note(*turn)
    charged.note(*repeat(turn))
    ((trace,), _) = shown(charged, is_last=True)
    assert trace.change.calls == 1
    charged.note(*repeat(turn))
    assert shown(charged, is_last=True)[0] == []


def test_agent_without_a_call_is_shown_without_a_cost(charged, turns):
    charged.note(*turns.agent(ONE))
    ((trace,), _) = shown(charged, is_last=True)
    assert not trace.change.is_cost_known


def test_more_than_is_drawn_is_summed(charged, turns):
    """Guarantees: what is drawn and what stands for the rest add up to what was charged."""
    for trace_id in (ONE, TWO):
        charged.note(*turns.call(trace_id, crossings=(CROSSING,)))
    traces, left_out = shown(charged, at_most=1, is_last=True)
    assert [trace.trace_id for trace in traces] == [ONE]
    assert (left_out.traces, left_out.change) == (1, turns.totals[TWO])
    assert left_out.crossings == [CROSSING]


def test_traces_beyond_the_limit_are_summed_each_counted_once(charged, turns):
    """Guarantees: memory is bounded by the limit, and no cost is lost to it."""
    numbers = [number.to_bytes(16, "big") for number in range(1, 1001)]
    for trace_id in numbers:
        charged.note(*turns.call(trace_id))
    charged.note(*turns.call(numbers[-1], crossings=(CROSSING,)))
    traces, left_out = shown(charged, is_last=True)
    assert len(traces) == 3
    assert left_out.traces == 997
    assert left_out.crossings == [CROSSING]
    together = left_out.change
    for trace in traces:
        together = together.plus(trace.change)
    assert (together.calls, together.cost_nano_usd) == (1001, 1_001_000_000)
    assert shown(charged, is_last=True)[1].traces == 0


def test_crossings_and_troubles_of_one_trace_are_bounded(charged, turns):
    for _ in range(500):
        charged.note(*turns.call(ONE, None, crossings=(CROSSING,)))
    ((trace,), _) = shown(charged, is_last=True)
    assert len(trace.crossings) + trace.hidden_crossings == 500
    assert len(trace.crossings) == 20
    assert sum(trace.troubles.values()) == 500
    assert len(trace.troubles) == 1
