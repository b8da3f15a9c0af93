"""Files for other programs: whole or not there, the same bytes for the same rows."""

import csv
import gzip
import hashlib
import multiprocessing
from decimal import Decimal

import pytest

from processor.core.columns import Column
from processor.core.errors import ExportFailedError
from processor.io.datasets import DatasetFolder

COLUMNS = (
    Column("name"),
    Column("at", "time"),
    Column("cost", "usd"),
    Column("price", "decimal"),
    Column("tokens", "quantity"),
    Column("calls", "count"),
    Column("least", "flag"),
)
ROWS = [
    ('a "b", c', 1_800_000_000_123_000_000, -1, Decimal("1.250000000000000"), 10**30, 2, True),
    (None, 1_800_000_000_000_000_000, 10**25, None, 0, 0, False),
    ("ä\nö", None, None, Decimal("1E-7"), None, None, None),
]


def write(folder, name="a.csv", rows=ROWS, form="csv"):
    """Returns what was written, and whether the file is a new one."""
    with folder.opened(), folder.partial(name, COLUMNS, form) as file:
        for row in rows:
            file.write([row])
        written = file.finish()
        return written, file.keep(written)


def names(folder):
    return sorted(path.name for path in folder.path.iterdir())


@pytest.fixture
def folder(tmp_path):
    return DatasetFolder(tmp_path / "made" / "here")


def test_csv_has_exact_decimals_and_nothing_for_what_is_not_known(folder):
    written, _ = write(folder)
    octets = (folder.path / "a.csv").read_bytes()
    assert written == (3, len(octets), hashlib.sha256(octets).hexdigest())
    assert list(csv.reader(octets.decode().splitlines(keepends=True))) == [
        ["name", "at", "cost", "price", "tokens", "calls", "least"],
        ['a "b", c', "2027-01-15T08:00:00.123Z", "-0.000000001", "1.25", str(10**30), "2", "true"],
        ["", "2027-01-15T08:00:00Z", "10000000000000000.000000000", "", "0", "0", "false"],
        ["ä\nö", "", "", "0.0000001", "", "", ""],
    ]


def test_packed_files_have_the_same_bytes_each_time(folder):
    first, _ = write(folder, "a.csv.gz", form="csv.gz")
    again, is_new = write(folder, "a.csv.gz", form="csv.gz")
    write(folder)
    assert again == first
    assert not is_new
    packed = (folder.path / "a.csv.gz").read_bytes()
    assert hashlib.sha256(packed).hexdigest() == first.sha256
    assert gzip.decompress(packed) == (folder.path / "a.csv").read_bytes()


def test_no_rows_make_a_header(folder):
    written, is_new = write(folder, rows=[])
    assert (written.rows, is_new) == (0, True)
    assert (folder.path / "a.csv").read_text() == "name,at,cost,price,tokens,calls,least\n"


def test_a_file_is_replaced_only_by_other_bytes(folder):
    write(folder)
    before = (folder.path / "a.csv").stat()
    assert write(folder)[1] is False
    after = (folder.path / "a.csv").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert write(folder, rows=ROWS[:1])[1] is True
    assert (folder.path / "a.csv").stat().st_ino != before.st_ino
    assert names(folder) == ["a.csv"]


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
def test_what_is_interrupted_leaves_what_was_there(folder, form):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    write(folder, rows=ROWS[:1], form=form)
    before = (folder.path / "a.csv").read_bytes()

    def rows():
        yield ROWS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(folder, rows=rows(), form=form)
    assert names(folder) == ["a.csv"]
    assert (folder.path / "a.csv").read_bytes() == before


def test_a_text_is_replaced_as_a_whole(folder):
    with folder.opened():
        assert folder.read_text("m.json") is None
        folder.write_text("m.json", "one")
        folder.write_text("m.json", "two")
        assert folder.read_text("m.json") == "two"
    assert names(folder) == ["m.json"]


def _hold(path, held, done):
    with DatasetFolder(path).opened():
        held.set()
        done.wait(30)


def test_one_process_writes_at_a_time(folder):
    context = multiprocessing.get_context("fork")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(folder.path, held, done))
    other.start()
    try:
        assert held.wait(30)
        with pytest.raises(ExportFailedError, match="another export"):
            write(folder)
    finally:
        done.set()
        other.join(30)
    assert write(folder)[1] is True


def test_what_cannot_be_written_says_where(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportFailedError, match="cannot be written"):
        write(DatasetFolder(tmp_path / "file" / "folder"))


def test_parquet_has_the_same_values_as_decimals(folder):
    parquet = pytest.importorskip("pyarrow.parquet")
    first, _ = write(folder, "a.parquet", form="parquet")
    again, is_new = write(folder, "a.parquet", form="parquet")
    assert (again, is_new) == (first, False)
    table = parquet.read_table(folder.path / "a.parquet")
    assert [str(each) for each in table.schema.types] == [
        "string", "timestamp[us, tz=UTC]", "decimal128(38, 9)", "decimal128(38, 15)",
        "decimal128(38, 0)", "int64", "bool",
    ]  # fmt: skip
    rows = table.to_pylist()
    assert [row["cost"] for row in rows] == [Decimal("-1E-9"), Decimal(10) ** 16, None]
    assert [row["price"] for row in rows] == [Decimal("1.25"), None, Decimal("1E-7")]
    assert rows[0]["tokens"] == 10**30
    assert rows[0]["at"].isoformat() == "2027-01-15T08:00:00.123000+00:00"
    assert [row["least"] for row in rows] == [True, False, None]


def test_parquet_without_rows_has_its_columns(folder):
    parquet = pytest.importorskip("pyarrow.parquet")
    write(folder, "a.parquet", rows=[], form="parquet")
    table = parquet.read_table(folder.path / "a.parquet")
    assert (table.num_rows, table.column_names[0]) == (0, "name")
