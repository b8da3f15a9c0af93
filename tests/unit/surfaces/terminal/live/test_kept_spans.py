from processor.surfaces.terminal.live.kept_spans import KeptSpans
from processor.surfaces.terminal.paint import Paint
from processor.surfaces.terminal.tree import render_trace

ONE, TWO = b"1" * 16, b"2" * 16


def test_tree_is_drawn_from_what_was_charged(turns):
    kept = KeptSpans()
    kept.note(*turns.call(ONE, name="chat gpt-4o"))
    kept.note(*turns.agent(ONE))
    text = "\n".join(render_trace(kept.take(ONE), Paint(enabled=False), 100))
    assert "chat gpt-4o" in text
    assert "0.001000" in text
    assert "POST /ask" in text
    assert kept.take(ONE) == []


def test_repeat_is_not_kept(turns, repeat):
    kept = KeptSpans()
    turn = turns.call(ONE)
    kept.note(*turn)
    kept.take(ONE)
    kept.note(*repeat(turn))
    assert kept.take(ONE) == []


def test_of_too_many_spans_those_of_the_quietest_trace_go(turns):
    """Guarantees: memory is bounded, whatever comes."""
    kept = KeptSpans(spans_max=4)
    for trace_id in (ONE, TWO, ONE, TWO, TWO):
        kept.note(*turns.call(trace_id))
    assert kept.take(ONE) == []
    assert len(kept.take(TWO)) == 3
