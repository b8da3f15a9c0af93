"""The settings of prices, and of what is too much to be a single call."""

from __future__ import annotations

from pydantic import Field

from processor.config.values import Section
from processor.core.files.validation import OptionalText, Whole, section


class ImplausibleAbove(Section):
    """A single call that reports more than this is not charged: its status is `implausible`.

    Totals that contain it say "at least". An aggregate may report a thousand times as much.
    """

    tokens: Whole = Field(
        default=100_000_000, ge=1, le=10**12, description="Input and output tokens together."
    )
    characters: Whole = Field(
        default=1_000_000_000, ge=1, le=10**12, description="Characters that were made speech."
    )
    seconds: Whole = Field(
        default=10_000_000, ge=1, le=10**12, description="Seconds of audio or video."
    )
    images: Whole = Field(default=1_000_000, ge=1, le=10**12, description="Images.")
    pages: Whole = Field(default=10_000_000, ge=1, le=10**12, description="Pages.")
    searches: Whole = Field(
        default=1_000_000, ge=1, le=10**12, description="Searches, in the web or in documents."
    )
    usd: Whole = Field(
        default=1_000_000, ge=1, le=10**9, description="USD, of a cost that the span reports."
    )


class Pricing(Section):
    """What calls cost."""

    file: OptionalText = Field(
        default="", description="Your own prices. Empty: the bundled prices."
    )
    implausible_above: ImplausibleAbove = section(ImplausibleAbove)
