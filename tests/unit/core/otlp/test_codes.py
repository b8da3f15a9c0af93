"""Which answers may be retried, and what an HTTP status is in gRPC's codes."""

from processor.core.otlp.codes import Code, code_of_http, is_retryable, is_retryable_http


def test_a_number_that_is_not_known_says_nothing():
    assert Code(99) is Code.UNKNOWN


def test_only_otlps_retryable_codes_are_retried():
    assert [code for code in range(17) if is_retryable(code, None)] == [1, 4, 10, 11, 14, 15]


def test_resource_exhausted_is_retried_only_with_retry_info():
    assert not is_retryable(8, None)
    assert is_retryable(8, 0.0)
    assert not is_retryable(13, 1.0)


def test_only_otlps_retryable_statuses_are_retried():
    found = [s for s in range(200, 600) if is_retryable_http(s, is_otlp=True)]
    assert found == [429, 502, 503, 504]


def test_an_answer_that_is_not_otlps_is_retried_unless_it_is_too_large():
    found = [s for s in range(300, 600) if not is_retryable_http(s, is_otlp=False)]
    assert found == [413]


def test_a_final_status_never_becomes_a_retryable_code():
    """Guarantees: the two tables of retryable answers agree, for every status there is."""
    for status in range(300, 600):
        code = code_of_http(status)
        assert is_retryable(code, None) == is_retryable_http(status, is_otlp=True), status
