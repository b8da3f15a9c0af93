"""``llm-cost export`` as people run it, on a ledger's file."""

import csv
import hashlib
import json
import random
from decimal import Decimal

import pytest
from asked.tables import write
from property.test_question_laws import random_charges

from processor.cli import export, main


@pytest.fixture(scope="module")
def charges():
    return random_charges(random.Random(7), 60)


@pytest.fixture
def run(tmp_path, charges, capsys):
    """Runs the command on a ledger with these charges; returns its code and what it printed."""
    path = tmp_path / "ledger.db"
    write(path, charges).close()

    def given(*flags, code=0, out="out"):
        found = main(
            [
                "export",
                "--ledger",
                str(path),
                "--period",
                "all",
                "--out",
                str(tmp_path / out),
                *flags,
            ]
        )
        printed = capsys.readouterr()
        assert found == code, printed.err
        return printed

    return given


def manifest(folder, dataset):
    return json.loads((folder / f"manifest-{dataset}.json").read_text())


@pytest.mark.parametrize("form", ["csv", "csv.gz"])
@pytest.mark.parametrize("dataset", ["calls", "usage", "focus"])
def test_files_are_those_of_the_manifest(run, tmp_path, charges, dataset, form):
    """Guarantees: hashes are true, costs add up, and a second run writes nothing."""
    run("--dataset", dataset, "--format", form)
    found = manifest(tmp_path / "out", dataset)
    total = sum(each.totals.cost_nano_usd for each in charges)
    assert Decimal(found["totals"]["cost_usd"]) * 10**9 == total
    for file in found["files"]:
        octets = (tmp_path / "out" / file["name"]).read_bytes()
        assert hashlib.sha256(octets).hexdigest() == file["sha256"]
        assert len(octets) == file["size_bytes"]
        assert file["is_consistent"]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert len(before) == len(found["files"]) + 1
    again = run("--dataset", dataset, "--format", form)
    count = len(found["files"])
    assert f"rows, sums and hashes of {count} file{'' if count == 1 else 's'}\n" in again.out
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before
    assert again.out.count(": unchanged") == len(found["files"])


def test_costs_of_rows_are_exact_decimal_texts(run, tmp_path, charges):
    run()
    costs = []
    for path in (tmp_path / "out").glob("usage-*.csv"):
        with path.open(newline="") as file:
            costs += [Decimal(row["cost_usd"]) for row in csv.DictReader(file) if row["cost_usd"]]
    assert sum(costs) * 10**9 == sum(each.totals.cost_nano_usd for each in charges)


def test_a_month_without_calls_is_a_header(run, tmp_path):
    run("--period", "", "--since", "2026-01-01", "--until", "2026-02-01")
    [file] = manifest(tmp_path / "out", "usage")["files"]
    assert (file["name"], file["rows"], file["totals"]["calls"]) == ("usage-2026-01.csv", 0, 0)
    assert len((tmp_path / "out" / file["name"]).read_text().splitlines()) == 1


def test_a_folder_has_files_of_one_kind(run, tmp_path):
    run()
    printed = run("--grain", "hour", "--filter", "model=a", code=2)
    assert "has files of another kind" in printed.err
    assert 'grain "day"' in printed.err
    assert "name another folder" in printed.err
    run("--grain", "hour", out="other")
    run("--dataset", "calls")
    assert manifest(tmp_path / "out", "calls")["files"]


def test_calls_of_unknown_cost_can_stop_it_or_be_left_out(run, tmp_path):
    printed = run("--unpriced", "fail", code=1, out="failed")
    assert "is not written: the cost of" in printed.err
    assert not list((tmp_path / "failed").iterdir())
    printed = run("--dataset", "calls", "--unpriced", "omit")
    assert "calls of unknown cost" in printed.out
    assert sum(file["omitted_calls"] for file in manifest(tmp_path / "out", "calls")["files"]) > 0


def test_parquet_without_its_package_says_how_to_install_it(run, monkeypatch):
    monkeypatch.setattr(export, "has_parquet", lambda: False)
    printed = run("--format", "parquet", code=2)
    assert "pip install" in printed.err
    assert "pyarrow" in printed.err


@pytest.mark.parametrize(
    ("flags", "where"),
    [
        (("--filter", "tem=a"), "--filter"),
        (("--filter", "team"), "--filter"),
        (("--period", "moth"), "--period"),
        (("--since", "7d"), "--period"),
        (("--time-zone", "Europe/Berln"), "--time-zone"),
        (("--dataset", "focus", "--time-zone", "Europe/Berlin"), "--time-zone"),
        (("--ledger", "nowhere.db"), "--ledger"),
    ],
)
def test_what_is_wrong_names_its_flag(run, flags, where):
    assert run(*flags, code=2).err.startswith(f"llm-cost: {where}")


def test_a_manifest_of_something_else_is_left_alone(run, tmp_path):
    run()
    path = tmp_path / "out" / "manifest-usage.json"
    path.write_text("{}")
    assert "is no manifest of an export" in run(code=2).err
    assert path.read_text() == "{}"
