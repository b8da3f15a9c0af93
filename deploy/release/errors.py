"""Why a release cannot be made."""

from __future__ import annotations


class ReleaseError(Exception):
    """A release cannot be made; the message says what to do."""
