"""Files for other programs: rows of calls, of usage, and of FOCUS, the format of cost data.

    requests     what is asked, and which files that makes
    reading      rows in slices, and what the ledger says of the whole time of a file;
                 export_queries: what is asked of the ledger beside that
    calls        a row for each call; usage: for each combination of dimensions; sums: of both
    focus        a row for each meter; focus_names: how it names providers, services and makers
    manifest     what a folder holds: rows, sums, hashes, and which moment they are of

Writes no files. README.md has the columns, and what is decided.
"""

from processor.surfaces.exports.export_queries import ExportQueries
from processor.surfaces.exports.manifest import (
    Contents,
    Entry,
    entry_of,
    file_name,
    name_of,
    options_of,
    read_manifest,
    write_manifest,
)
from processor.surfaces.exports.reading import PeriodReading
from processor.surfaces.exports.requests import (
    CheckedExport,
    ExportRequest,
    Period,
)

__all__ = [
    "CheckedExport",
    "Contents",
    "Entry",
    "ExportQueries",
    "ExportRequest",
    "Period",
    "PeriodReading",
    "entry_of",
    "file_name",
    "name_of",
    "options_of",
    "read_manifest",
    "write_manifest",
]
