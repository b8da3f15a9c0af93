"""Draws the pictures of the documentation: what commands really print, as SVG.

    PYTHONPATH=deploy python -m release.pictures [FOLDER]

A month of the demo's company is put into a ledger (or is in that of FOLDER), and each command runs
in a terminal of its own. What it writes there is drawn, without the line that names the ledger's
file, and with the terminal's colours made brighter.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from release.errors import ReleaseError

FOLDER: Final = Path(__file__).parent / "pictures"
SIZE_BYTES_MAX: Final = 60_000
_LINES: Final = 100
_COMMAND: Final = (sys.executable, "-m", "processor.cli")
_SOURCE: Final = re.compile(r"^(?:Read from the ledger|Answered by).*\n\n?", re.MULTILINE)
_THEME: Final = TerminalTheme(
    (22, 27, 34), (230, 237, 243),
    [(72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34),
     (88, 166, 255), (188, 140, 255), (57, 197, 207), (177, 186, 196)],
)  # fmt: skip
"""A dark window, which can be read on a light page as well."""
_BRIGHTER: Final = {
    "38;5;196": "38;2;255;123;114",
    "38;5;28": "38;2;86;211;100",
    "38;5;166": "38;2;255;166;87",
    "38;5;31": "38;2;88;166;255",
}
"""The terminal's colours, which have to do on white too, as they are best on this background."""
_BAR: Final = re.compile(
    r'<text class="([^"]+)" x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"[^>]*>'
    r"([█▏▎▍▌▋▊▉]+)((?:&#160;|·)*)</text>"
)
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_CELL: Final = 12.2
"""How wide a character is, as rich has it; and how high a bar is, of a line of 24.4."""
_BAR_HEIGHT: Final = 15
_FONT: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_FORMAT: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg"
  role="img" aria-label="TITLE">
<style>
.{unique_id}-matrix {{ font-family: FONT; font-size: {char_height}px; }}
.{unique_id}-title {{ font-family: FONT; font-size: 16px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
""".replace("FONT", _FONT)
"""As rich has it, without fonts that a page would have to fetch."""


class Picture(NamedTuple):
    """A command, and the picture of what it prints."""

    name: str
    arguments: str
    columns: int


PICTURES: Final = (Picture("today", "today", 120),)


def main() -> int:
    """Draw them all; the exit code."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        try:
            filled = sys.argv[1] if len(sys.argv) > 1 else folder
            if filled == folder:
                written(f"demo --history 30d --data-dir {folder}", 100)
            for picture in PICTURES:
                svg = drawn(_answer(picture, filled), picture)
                (FOLDER / f"{picture.name}.svg").write_text(svg, encoding="utf-8")
                print(f"{picture.name}.svg  {len(svg.encode()):,} bytes")
        except ReleaseError as problem:
            print(f"NOT DRAWN: {problem}", file=sys.stderr)
            return 1
    return 0


def _answer(picture: Picture, folder: str) -> str:
    """What the command of a picture says of the ledger in a folder. Raises ReleaseError."""
    # With the folder named it is read, whoever answers at port 8888.
    arguments = f"{picture.arguments} --config {folder}/processor.yaml --data-dir {folder}"
    return _SOURCE.sub("", written(arguments, picture.columns))


def written(arguments: str, columns: int) -> str:
    """What a command writes to a terminal of this width. Raises ReleaseError."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        environment.pop(name, None)
    process = subprocess.Popen(
        [*_COMMAND, *arguments.split()], stdin=theirs, stdout=theirs, stderr=theirs,
        env=environment,
    )  # fmt: skip
    os.close(theirs)
    said = io.BytesIO()
    try:
        while part := os.read(ours, 65536):
            said.write(part)
    except OSError:
        pass  # The other end of a terminal is gone.
    os.close(ours)
    text = said.getvalue().decode().replace("\r\n", "\n")
    if process.wait() != 0:
        raise ReleaseError(f"llm-cost {arguments} failed:\n{text}")
    return text


def drawn(text: str, picture: Picture) -> str:
    """What was written as SVG. Raises ReleaseError if that is too large for a page."""
    shown = text.strip("\n")
    for code, brighter in _BRIGHTER.items():
        shown = shown.replace(code, brighter)
    console = Console(
        record=True, width=picture.columns, file=io.StringIO(), force_terminal=True,
        color_system="truecolor", highlight=False, markup=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    console.print(Text.from_ansi(shown), no_wrap=True)
    title = f"llm-cost {picture.arguments}"
    svg = console.export_svg(
        title=title, theme=_THEME, code_format=_FORMAT.replace("TITLE", title),
        unique_id=f"llm-cost-{picture.name}",
    )  # fmt: skip
    svg = _BAR.sub(_rectangle, svg)
    if len(svg.encode()) > SIZE_BYTES_MAX:
        raise ReleaseError(f"{picture.name}.svg has {len(svg.encode()):,} bytes: show less")
    return svg


def _rectangle(found: re.Match[str]) -> str:
    """A bar in one piece, where characters would leave gaps; what is left of it stays text."""
    style, x, y, _, blocks, rest = found.groups()
    length = sum(_EIGHTHS.index(each) for each in blocks) / 8 * _CELL
    bar = (
        f'<rect class="{style}" x="{x}" y="{float(y) - _BAR_HEIGHT + 1:g}" rx="2"'
        f' width="{length:g}" height="{_BAR_HEIGHT}"/>'
    )
    if "·" not in rest:
        return bar
    start, size = float(x) + len(blocks) * _CELL, len(rest) * _CELL
    return f'{bar}<text class="{style}" x="{start:g}" y="{y}" textLength="{size:g}">{rest}</text>'


if __name__ == "__main__":
    sys.exit(main())
