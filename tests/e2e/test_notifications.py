"""Notifications of a process as users run it, which is killed while channels fail."""

from __future__ import annotations

import pytest
from chaos.notifications import run


@pytest.mark.timeout(300)
def test_each_crossing_arrives_and_none_that_did_not_happen_through_kills():
    """Guarantees: by webhook, Slack and e-mail, no more often than crossings and kills together."""
    differences, summary = run(seed=20261130, kills=4)
    assert not differences, summary
