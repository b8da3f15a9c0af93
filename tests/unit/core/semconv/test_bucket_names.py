"""What the words of a name say that a count is."""

from __future__ import annotations

import pytest

from processor.core.semconv.bucket_names import classify, split_words


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("input", "input"),
        ("promptTokenCount", "input"),
        ("candidates_token_count", "output"),
        ("totalTokens", "total"),
        ("cacheReadInputTokens", "cache_read"),
        ("prompt_tokens_details.cached_tokens", "cache_read"),
        ("cached_modality_TEXT", "cache_read"),
        ("input_tokens_details.cache_write_tokens", "cache_write"),
        ("input_ephemeral_5m_input_tokens", "cache_write_5m"),
        ("cache_creation_input_tokens_above_1hr", "cache_write_1h"),
        ("prompt_cache_miss_tokens", "text_input"),
        ("noCacheTokens", "text_input"),
        ("output_flex_reasoning", "reasoning"),
        ("thoughtsTokenCount", "reasoning"),
        ("tool_use_prompt_token_count", "tool_use"),
        ("input_flex", "text_input"),
        ("output_text", "text_output"),
        ("output_accepted_prediction_tokens", "text_output"),
        ("input_audio", "audio_input"),
        ("output_modality_IMAGE", "image_output"),
        ("input_modality_3", "video_input"),
        ("input_modality_MediaModality.VIDEO", "video_input"),
        ("citation_tokens", "citations"),
        ("input_whatever", "other_input"),
        ("output_whatever", "other_output"),
        ("whatever", "other"),
        ("input_cost", None),
        ("prompt_time", None),
        ("tokens_per_second", None),
        ("web_search_requests", None),
        ("inputImages", None),
        ("max_output_tokens", None),
        ("tool_call_count", None),
        ("message_count", None),
        ("retries", None),
        ("elapsed", None),
        ("count", "other"),
    ],
)
def test_a_name_says_what_it_counts(name, field) -> None:
    """Names in every spelling; what is no number of tokens is left out."""
    meaning = classify(split_words(name), is_loose=True)
    assert (meaning and meaning.field) == field
