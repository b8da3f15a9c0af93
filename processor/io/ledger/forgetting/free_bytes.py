"""What the file still has of rows that were changed or deleted: overwritten with zeros.

SQLite keeps such bytes in free pages, and in the unused parts of pages that are in use, until
something else is written there. They are overwritten in place: no program reads them, so it does
not matter where that is cut off. The format is that of https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import apsw

from processor.io.ledger.database import TRANSLATED

_READ_BYTES: Final = 1024 * 1024
_HEADER_BYTES: Final = 100
_LOCK_BYTE: Final = 0x40000000
"""SQLite's locks are on bytes of the page here, which has no content."""
_LEAVES: Final = frozenset({10, 13})
_INTERIOR: Final = frozenset({2, 5})
_SMALLEST_BLOCK: Final = 4


class FreeBytes:
    """One way through the file. While it lasts only its own thread may change or checkpoint it."""

    def __init__(self, database: apsw.Connection, path: Path, needles: Sequence[bytes]) -> None:
        """`needles` are what no unused byte may be part of."""
        self._database = database
        self._path = path
        self._needles = needles
        self._page_bytes = int(str(database.pragma("page_size")))
        self._free: set[int] | None = None
        self.position = 0
        """The offset where the next step goes on."""
        self.cleaned = 0
        """Pages in which something was overwritten."""
        self.left = 0
        """Pages that have them in bytes that are in use, as far as can be seen."""
        self.is_done = False

    @TRANSLATED
    def begin(self) -> bool:
        """Copy the log into the file; False while a reader is in the way."""
        in_log, copied = self._database.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        # Pages that were read before would be written again with all of their bytes.
        self._database.execute("PRAGMA shrink_memory")
        self._free = None
        return in_log == copied

    @TRANSLATED
    def step(self) -> None:
        """Look at the next part of the file. There is no transaction."""
        # SQLite's own way to the file keeps the locks that POSIX drops with any other descriptor.
        file = apsw.VFSFile(
            "",
            str(self._path),
            [apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_READWRITE, 0],
        )
        try:
            if self._free is None:
                self._free = self._free_pages(file)
            size = file.xFileSize()
            data = file.xRead(min(_READ_BYTES, size - self.position), self.position)
            if any(needle in data for needle in self._needles):
                before = self.cleaned
                for at in range(0, len(data), self._page_bytes):
                    page = data[at : at + self._page_bytes]
                    if any(needle in page for needle in self._needles):
                        self._clean(file, self.position + at, page)
                if self.cleaned > before:
                    file.xSync(apsw.SQLITE_SYNC_NORMAL)
            self.position += len(data)
            self.is_done = self.position >= size
        finally:
            file.xClose()
        self._database.execute("PRAGMA shrink_memory")

    def _clean(self, file: apsw.VFSFile, offset: int, page: bytes) -> None:
        number = offset // self._page_bytes + 1
        if offset == _LOCK_BYTE:
            return
        if self._free is not None and number in self._free:
            unused = [(0, len(page))]
        else:
            unused = _unused(page, _HEADER_BYTES if number == 1 else 0)
        after = bytearray(page)
        for start, end in unused:
            after[start:end] = bytes(end - start)
        if after != page:
            file.xWrite(bytes(after), offset)
            self.cleaned += 1
        self.left += any(needle in after for needle in self._needles)

    def _free_pages(self, file: apsw.VFSFile) -> set[int]:
        """Pages that nothing is in, but for those that list them."""
        found, trunks = set[int](), set[int]()
        trunk = int.from_bytes(file.xRead(4, 32))
        while trunk and trunk not in trunks:
            trunks.add(trunk)
            page = file.xRead(self._page_bytes, (trunk - 1) * self._page_bytes)
            count = int.from_bytes(page[4:8])
            listed = min(count, self._page_bytes // 4 - 2)
            found |= {int.from_bytes(page[at : at + 4]) for at in range(8, 8 + 4 * listed, 4)}
            rest = page[8 + 4 * listed :]
            if any(needle in rest for needle in self._needles):
                at = (trunk - 1) * self._page_bytes + 8 + 4 * listed
                file.xWrite(bytes(len(rest)), at)
                self.cleaned += 1
            trunk = int.from_bytes(page[:4])
        return found


def _unused(page: bytes, start: int) -> list[tuple[int, int]]:
    """The parts of a page of a table or index that nothing is in; none of other pages."""
    kind = page[start]
    if kind not in _LEAVES | _INTERIOR:
        return []
    header = 8 if kind in _LEAVES else 12
    cells = int.from_bytes(page[start + 3 : start + 5])
    content = int.from_bytes(page[start + 5 : start + 7]) or 65536
    gap = start + header + 2 * cells
    if not gap <= content <= len(page):
        return []
    found = [(gap, content)]
    block, last = int.from_bytes(page[start + 1 : start + 3]), 0
    while block:
        if not last < block <= len(page) - _SMALLEST_BLOCK:
            return []
        size = int.from_bytes(page[block + 2 : block + 4])
        if size < _SMALLEST_BLOCK or block + size > len(page):
            return []
        found.append((block + _SMALLEST_BLOCK, block + size))
        block, last = int.from_bytes(page[block : block + 2]), block
    return found
