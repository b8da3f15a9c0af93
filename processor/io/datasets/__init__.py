"""Files that other programs read: rows as CSV or Parquet, each there as a whole or not at all.

    folder      a folder that one process writes at a time; its files are replaced when they differ
    csv_rows    rows as CSV, packed by gzip or not
    parquet     rows as Parquet, by pyarrow, which is optional

Does not know what the rows are about, and reads no ledger.
"""

from processor.io.datasets.folder import DatasetFolder, PartialFile, Written
from processor.io.datasets.parquet import has_parquet

__all__ = ["DatasetFolder", "PartialFile", "Written", "has_parquet"]
