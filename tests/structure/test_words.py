"""Code, messages and documentation speak the field's language, without metaphors of our own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

INSTEAD = {
    "house|floor plans?|plant room|halls?": "package, pipeline, application",
    "rooms": "packages",
    "shells": "packages with I/O",
    "spine": "pipeline",
    "books?|booked": "ledger, charged",
    "desks?|clerks?": "ledger, writer thread",
    "told|tells of": "reported, answered, asked",
    "mend(s|ed|ing|able)?": "fix",
    "shelf|shelves": "price sources",
    "couriers?": "sender",
    "doors?|the way (in(?! which)|out)|ways (in(?! which)|out)": "receiver, exporter, interface",
    "lanes?": "batch, input",
    "come(s)? along|came along": "bundled",
    "hang(s)? in": "attach",
    "glimpses?": "snapshot",
    "echo(es)?": "span reference",
    "waiting room": "pending spans",
}
"""A pattern of whole words -> the standard terms."""
SUFFIXES = {".json", ".md", ".proto", ".py", ".toml", ".yaml", ".yml"}
SKIPPED = {"generated", "data", "node_modules", "__pycache__"}
ALLOWED = (
    "house-translator",  # a model of the demo that an acme company made in-house
    "unless told otherwise",
)
BANNED = re.compile(rf"(?<![a-z])({'|'.join(INSTEAD)})(?![a-z])", re.IGNORECASE)


def files():
    """Every text of the program and its documentation that people wrote."""
    found = [*ROOT.glob("*.md")]
    for folder in ("processor", "config", "deploy"):
        found += [path for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    names = sorted(path.relative_to(ROOT) for path in found)
    return [str(name) for name in names if not SKIPPED & set(name.parts)]


def words_in(text):
    """Text with names like ``_put_back`` and ``FlowCounters`` taken apart."""
    for phrase in ALLOWED:
        text = text.replace(phrase, "")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text.replace("_", " "))


@pytest.mark.parametrize("name", files())
def test_no_metaphor_stands_for_a_standard_term(name):
    """Guarantees: a reader needs no private dictionary."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [
        f"{name}:{number}: {match[0]}"
        for number, line in enumerate(lines, 1)
        if (match := BANNED.search(words_in(line)))
    ]
    assert not found, "\n".join(found)
