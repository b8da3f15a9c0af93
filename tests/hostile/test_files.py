"""Hostile inputs 37, 51, 52, 54 and 60: files that it reads while it runs, and where it writes.

Elsewhere: each mistake of a file with its line and fix (`unit/config`, `unit/core/files`), a file
that is half written or gone (`unit/config/test_reload.py`), values of the environment in messages
(`unit/config/test_load.py`), a full disk (`conformance/test_durability.py`).
"""

from __future__ import annotations

import os

import pytest
from conformance.incoming import a_call, traces
from e2e.processes import wait_until

GOOD = "models:\n  - {provider: openai, model: gpt-4o, prices: {input: 1, output: 1}}\n"
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
BAD = {
    "negative": GOOD.replace("input: 1", "input: -1"),
    "NaN": GOOD.replace("input: 1", "input: .nan"),
    "infinite": GOOD.replace("input: 1", "input: .inf"),
    "1e308": GOOD.replace("input: 1", "input: 1e308"),
    "an exponent of many digits": GOOD.replace("input: 1", f"input: 1e{'9' * 50}"),
    "a model twice": GOOD
    + "  - {provider: openai, model: gpt-4o, prices: {input: 2, output: 1}}\n",
    "a billion laughs": LAUGHS,
    "a Python object": "models: !!python/object/apply:os.system ['touch forged']\n",
    "nested 10,000 deep": "[" * 10_000,
    "no text": "\0\1\2",
    "half written": GOOD[:-4],
}


@pytest.fixture
def priced(attack_one, tmp_path):
    """A processor that looks at its price file ten times a second."""
    prices = tmp_path / "prices.yaml"
    prices.write_text(GOOD)
    settings = "reload: {interval: 100ms}\n"
    return attack_one("--pricing", prices, settings=settings), prices


def test_37_no_price_file_ends_it_or_changes_what_is_in_force(priced, tmp_path):
    """Guarantees: each is refused, counted and logged in one line; the last good one stays."""
    attacked, prices = priced
    for number, text in enumerate(BAD.values(), 1):
        prices.write_text(text)
        wait_until(lambda number=number: attacked.count("config_refused_files_total") >= number)
    prices.unlink()
    prices.symlink_to("/dev/zero")
    wait_until(lambda: attacked.count("config_refused_files_total") > len(BAD))
    prices.unlink()
    with prices.open("wb") as file:
        os.truncate(file.fileno(), 2**30)
    assert attacked.post(traces(a_call())).status == 200
    assert attacked.peak_mib() < 300
    assert attacked.count("config_reloaded_files_total") == 0
    assert not [line for line in attacked.process.lines if "Traceback" in line]
    assert not list(tmp_path.rglob("forged"))
    prices.unlink()
    prices.write_text(GOOD.replace("input: 1", "input: 2"))
    wait_until(lambda: attacked.count("config_reloaded_files_total") == 1)


def test_51_52_no_name_of_a_sender_becomes_a_path(attack_one, tmp_path):
    """Guarantees: what is written lies in the data folder, under names that are ours."""
    attacked = attack_one()
    outside = {path for path in tmp_path.rglob("*") if "data" not in path.parts}
    for number, name in enumerate(("../../escaped", "/tmp/escaped", "CON", "a\0b", "n" * 300), 1):
        call = a_call(name, trace_id=number.to_bytes(16), span_id=number.to_bytes(8))
        for key in ("session.id", "user.id", "service.name"):
            call.attributes.add(key=key).value.string_value = name
        assert attacked.post(traces(call)).status == 200
    after = {path for path in tmp_path.rglob("*") if "data" not in path.parts}
    assert after == outside
    assert not [path for path in tmp_path.rglob("*") if "escaped" in path.name]
