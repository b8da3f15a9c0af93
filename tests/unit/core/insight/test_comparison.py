from processor.core.insight import changed_patterns, compare

NOW_NS = 1_800_000_000 * 10**9
A = "{provider: openai, model: a, prices: [{input: 1, output: 2}]}"
DEARER = "{provider: openai, model: a, prices: [{input: 3, output: 2}]}"
LATER = (
    "{provider: openai, model: a, prices: [{input: 1, output: 2}, "
    "{input: 9, output: 9, effective_from: 2027-06-01}]}"
)
B = "{provider: openai, model: b, prices: [{input: 1, output: 2}]}"
ALIASED = "{provider: openai, model: b, aliases: ['azure:mine'], prices: [{input: 1, output: 2}]}"
PATTERN = "{provider: openai, model: 'c*', prices: [{input: 1, output: 2}]}"
DEARER_PATTERN = "{provider: openai, model: 'c*', prices: [{input: 7, output: 2}]}"
UNLIKE = "{provider: openai, model: '*', prices: [{input: 1, output: 2}]}"


def kinds(before, after, *asked):
    found = compare(before, after, asked, NOW_NS)
    return {f"{item.asked[0]}:{item.asked[1][0]}": item.kind for item in found}


def test_each_model_of_either_file_is_new_removed_changed_or_the_same(prices):
    found = kinds(prices(A, B), prices(DEARER, B))
    assert found == {"openai:a": "changed", "openai:b": "same"}
    assert kinds(prices(A), prices(B)) == {"openai:a": "removed", "openai:b": "new"}


def test_names_of_calls_are_compared_too(prices):
    asked = ("openai", ("c-1",), "")
    assert kinds(prices(A), prices(A, PATTERN), asked)["openai:c-1"] == "new"
    assert kinds(prices(PATTERN), prices(DEARER_PATTERN), asked) == {"openai:c-1": "changed"}


def test_a_price_of_another_time_is_a_change_elsewhere(prices):
    [item] = compare(prices(A), prices(LATER), (), NOW_NS)
    assert (item.kind, item.is_elsewhere) == ("changed", True)
    [item] = compare(prices(A), prices(DEARER), (), NOW_NS)
    assert (item.kind, item.is_elsewhere) == ("changed", False)


def test_aliases_start_and_stop(prices):
    found = {item.asked[1][0]: item for item in compare(prices(B), prices(ALIASED), (), NOW_NS)}
    assert found["mine"].starts_as_alias
    assert found["mine"].after.rule == "openai:b"
    assert not found["b"].starts_as_alias
    found = {item.asked[1][0]: item for item in compare(prices(ALIASED), prices(B), (), NOW_NS)}
    assert found["mine"].stops_as_alias
    assert not found["mine"].starts_as_alias


def test_patterns_are_reported_by_themselves(prices):
    before, after = prices(A, PATTERN).file, prices(A, DEARER_PATTERN, UNLIKE).file
    found = changed_patterns(before, after)
    assert [item[:2] for item in found] == [("openai:*", "new"), ("openai:c*", "changed")]
    assert found[0].before is None
    assert found[1].after in after.entries
    found = changed_patterns(after, before)
    assert [item[:2] for item in found] == [("openai:*", "removed"), ("openai:c*", "changed")]
    assert changed_patterns(before, before) == []
