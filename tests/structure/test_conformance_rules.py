"""Every rule of OTLP conformance has a test that is named after it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from conformance.rules import RULES

FOLDER = Path(__file__).parents[1] / "conformance"
NAME = re.compile(r"test_rule_(\d\d)_[a-z0-9_]+")


def numbers_in_names() -> dict[int, list[str]]:
    """The names of tests, by the number they carry."""
    found: dict[int, list[str]] = {}
    for path in sorted(FOLDER.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                match = NAME.fullmatch(node.name)
                if match:
                    found.setdefault(int(match[1]), []).append(f"{path.name}: {node.name}")
    return found


def test_the_list_has_no_gaps():
    """Guarantees: 62 rules, each one sentence."""
    assert list(RULES) == list(range(1, 63))
    assert all(sentence.endswith(".") for sentence in RULES.values())


def test_every_rule_has_a_test():
    """Guarantees: no rule is only claimed."""
    found = numbers_in_names()
    missing = {number: sentence for number, sentence in RULES.items() if number not in found}
    assert not missing


def test_no_test_claims_a_rule_that_there_is_not():
    """Guarantees: numbers in names of tests mean what the list says."""
    assert set(numbers_in_names()) <= set(RULES)
