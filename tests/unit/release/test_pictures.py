"""Pictures of the terminal: small, of real lines, and without anything from a network."""

import re
from xml.etree import ElementTree as ET

import pytest
from unit.deploy.shipped import ROOT

from release.errors import ReleaseError
from release.pictures import FOLDER, PICTURES, SIZE_BYTES_MAX, Picture, drawn, written

TABLE = Picture("table", "today", 40)
BAR = "\x1b[38;5;31m"
END = "\x1b[0m"


def texts(svg):
    root = ET.fromstring(svg)
    return [(each.text or "").replace("\xa0", " ") for each in root.iter() if "text" in each.tag]


def test_a_line_is_drawn_as_it_is_with_its_bar_in_one_piece():
    """Guarantees: two and a half characters of a bar are as many cells, and dots stay text."""
    svg = drawn(f" writer  {BAR}██▌·····{END}  <62%>\n", TABLE)
    shown = "".join(texts(svg))
    assert " writer  " in shown
    assert "·····" in shown
    assert "<62%>" in shown
    (bar,) = re.findall(r'<rect class="[^"]+" x="109.8" y="6" rx="2" width="([\d.]+)"', svg)
    assert float(bar) == pytest.approx(2.5 * 12.2)


def test_nothing_is_fetched_to_show_it():
    svg = drawn("a line", TABLE)
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
    assert "@font-face" not in svg


def test_a_picture_too_large_for_a_page_is_refused():
    with pytest.raises(ReleaseError, match=r"table\.svg has .* bytes"):
        drawn("\n".join(f"{number} {'x' * 30}" for number in range(400)), TABLE)


def test_a_command_writes_as_to_a_terminal_of_that_width():
    wide, narrow = (written("today --help", columns).splitlines() for columns in (120, 60))
    assert wide[0].startswith("usage: llm-cost today")
    assert 60 < max(map(len, wide)) <= 120
    assert max(map(len, narrow)) <= 60
    with pytest.raises(ReleaseError, match="llm-cost no-such-command failed"):
        written("no-such-command", 50)


def test_the_pages_show_the_pictures_that_are_there():
    """Guarantees: each is drawn by the script, small, of this program, and shown with a text."""
    files = {path.stem for path in FOLDER.glob("*.svg")}
    assert files == {picture.name for picture in PICTURES}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for picture in PICTURES:
        svg = (FOLDER / f"{picture.name}.svg").read_text(encoding="utf-8")
        assert len(svg.encode()) <= SIZE_BYTES_MAX
        assert f"llm-cost {picture.arguments}" in texts(svg)
        shown = re.search(rf"!\[(.+)\]\(deploy/release/pictures/{picture.name}\.svg\)", readme)
        assert shown, picture.name
