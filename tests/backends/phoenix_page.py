"""Reads a span's page in a running Phoenix as a person does: with a browser.

    python phoenix_page.py --chromium PATH --phoenix http://127.0.0.1:6006 --span ID --picture FILE

Prints JSON: the attributes of the span and of its event llm.budget.exceeded, as they are shown.
The picture shows the former, `…-events.png` beside it the latter. Runs in the environment of
install_phoenix.sh.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright  # type: ignore[import-not-found]  # in .cache

WAIT_MS = 30_000
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def read_table(part: Locator) -> dict[str, str]:
    """The rows of a table of keys and values, as they are shown."""
    rows = [row.get_by_role("cell").all_inner_texts() for row in part.get_by_role("row").all()]
    return {cells[0]: cells[1] for cells in rows if len(cells) == 2}


def read_attributes(page: Page, picture: Path) -> dict[str, str]:
    """The attributes of the span."""
    page.get_by_role("tab", name="Attributes").click()
    shown = page.get_by_role("tabpanel", name="Attributes")
    shown.get_by_text("llm.cost_usd", exact=True).wait_for()
    page.screenshot(path=picture)
    return read_table(shown)


def read_budget_event(page: Page, picture: Path) -> dict[str, str]:
    """The attributes of the span's event llm.budget.exceeded, which is closed at first."""
    page.get_by_role("tab", name="Events").click()
    events = page.get_by_role("tabpanel", name="Events")
    events.get_by_role("button", name="llm.budget.exceeded").click()
    events.get_by_text("budget.limit_usd").wait_for()
    page.screenshot(path=picture)
    return read_table(events)


def main() -> None:
    """Open the page, read it, and print what is there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chromium", required=True)
    parser.add_argument("--phoenix", required=True)
    parser.add_argument("--span", required=True)
    parser.add_argument("--picture", required=True, type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=given.chromium,
            args=FLAGS,
            viewport={"width": 1600, "height": 1400},
        )
        page = browser.pages[0]
        page.set_default_timeout(WAIT_MS)
        page.goto(f"{given.phoenix}/redirects/spans/{given.span}")
        attributes = read_attributes(page, given.picture)
        events = given.picture.with_name(f"{given.picture.stem}-events.png")
        found = {"attributes": attributes, "budget_event": read_budget_event(page, events)}
        browser.close()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
