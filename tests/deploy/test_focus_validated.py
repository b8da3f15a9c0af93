"""Exports in the columns of FOCUS, held to the specification by its own validator."""

from __future__ import annotations

import random
import re
import subprocess

import pytest
from asked.tables import write
from property.test_question_laws import random_charges

from processor.cli import main

pytestmark = pytest.mark.backend

NO_INVOICE = {"InvoiceId-C-005-C"}
"""It wants the id of an invoice, and nobody has seen one."""


@pytest.mark.parametrize("grain", ["hour", "day"])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_validator_finds_nothing_but_that_there_is_no_invoice(
    tmp_path, focus_validator, grain, form
):
    """Guarantees: all rules of 1.2.0.1, for calls with and without a price, over two months."""
    ledger, out = tmp_path / "ledger.db", tmp_path / "out"
    write(ledger, random_charges(random.Random(5), 200)).close()
    flags = ["--ledger", ledger, "--period", "all", "--out", out, "--grain", grain]
    words = ["export", "--dataset", "focus", "--format", form, *flags]
    assert main([str(word) for word in words]) == 0
    files = sorted(out.glob(f"focus-*.{form}"))
    assert len(files) == 2
    for path in files:
        done = subprocess.run(
            [focus_validator, "--data-file", path, "--validate-version", "1.2.0.1",
             "--block-download"],
            # It looks for its rules from where its packages are.
            cwd=next(focus_validator.parents[1].glob("lib/python3*/site-packages")),
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        passed = re.findall(r"^\S+ ([\w-]+): PASS", done.stdout, re.MULTILINE)
        failed = re.findall(r"^\S+ ([\w-]+): FAIL", done.stdout, re.MULTILINE)
        assert len(passed) > 100, done.stdout + done.stderr
        assert set(failed) == NO_INVOICE, done.stdout
