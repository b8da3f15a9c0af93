"""``llm-cost budget set`` and ``budget --daily``: limits changed in the budgets file."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from processor.cli.sources import settings_from
from processor.config import Settings, bundled
from processor.config.rewriting import FileNotWritableError, OriginalFile, create_file
from processor.core.budgets.editing import BudgetChange, ChangedText, change_budgets
from processor.core.errors import ConfigError, Problem
from processor.surfaces.terminal.paint import plain

TOTALS: Final = {"daily": "day", "weekly": "week", "monthly": "month"}
"""Flag of a limit for everything together -> its window."""
_NEW_FILE: Final = "budgets.yaml"


def run(arguments: argparse.Namespace) -> int:
    """Change the file, or say what to paste; 1 where it cannot be written. Raises ConfigError."""
    settings = settings_from(arguments)
    changes = _changes(arguments)
    if settings.budgets.file:
        return _change(settings, OriginalFile.read(Path(settings.budgets.file)), changes, arguments)
    return _create(settings, changes, arguments)


def _changes(arguments: argparse.Namespace) -> list[BudgetChange]:
    warn_at = tuple(arguments.warn_at or ())
    if arguments.action == "set":
        limits = getattr(arguments, "limit", None), getattr(arguments, "limit_tokens", None)
        if limits == (None, None) and not warn_at:
            fix = "give --limit, --limit-tokens or --warn-at"
            raise ConfigError([Problem("budget set", "says nothing of the budget", fix)])
        new = getattr(arguments, "scope", ""), getattr(arguments, "window", "")
        return [BudgetChange(arguments.name, *limits, warn_at, *new)]
    return [
        BudgetChange(f"total-{flag}", limit, None, warn_at, "total", window, is_any_name=True)
        for flag, window in TOTALS.items()
        if (limit := getattr(arguments, flag))
    ]


def _change(
    settings: Settings,
    original: OriginalFile,
    changes: Sequence[BudgetChange],
    arguments: argparse.Namespace,
) -> int:
    """Change the file that the settings name."""
    source = str(original.path)
    changed = change_budgets(original.text, source, changes, settings.dimension_names)
    if arguments.dry_run:
        _show(changed, source)
        _show_lines(original.text, changed.text)
        print("Nothing was written.")
        return 0
    if changed.text == original.text:
        _show(changed, source)
        print("The file says that already; nothing was written.")
        return 0
    try:
        original.replace(changed.text)
    except FileNotWritableError as error:
        print(plain(f"{error}. Change it there:"))
        _show_lines(original.text, changed.text)
        return 1
    _show(changed, source)
    print(
        f"A processor that has this file uses it within {settings.reload.interval_s + 1:.0f} s, "
        "and writes the change into its audit (llm-cost audit)."
    )
    return 0


def _create(
    settings: Settings, changes: Sequence[BudgetChange], arguments: argparse.Namespace
) -> int:
    """Write the bundled budgets, changed, to a file of the operator's own."""
    path = Path(arguments.config).parent / _NEW_FILE if arguments.config else Path(_NEW_FILE)
    use = f"--budgets {path}, or in the settings: budgets: {{file: {path}}}"
    text = bundled(_NEW_FILE)
    if path.exists():
        fix = f"to change it, name it: {use}"
        raise ConfigError([Problem(str(path), "is there, and no setting names it", fix)])
    changed = change_budgets(text, "the bundled budgets", changes, settings.dimension_names)
    if arguments.dry_run:
        _show(changed, str(path))
        _show_lines(text, changed.text)
        print(plain(f"Nothing was written; {path} would be, from the bundled budgets."))
        return 0
    try:
        create_file(path, changed.text)
    except FileNotWritableError as error:
        print(plain(f"{error}. Add to a budgets file of your own:"))
        _show_lines(text, changed.text)
        return 1
    _show(changed, str(path))
    print(plain(f"{path} is new, from the bundled budgets. Nothing uses it yet; start with"))
    print(plain(use))
    return 0


def _show(changed: ChangedText, source: str) -> None:
    """The budgets before and after."""
    for each in changed.budgets:
        before = each.before or "none"
        print(plain(f"{source}:{each.line}: {each.name}"))
        if before == each.after:
            print(plain(f"  unchanged  {each.after}"))
            continue
        print(plain(f"  before  {before}"))
        print(plain(f"  now     {each.after}"))
    for name in changed.switched_off:
        print(plain(f"{source}: {name} is switched off: it says enabled: false"))


def _show_lines(before: str, after: str) -> None:
    print(*map(plain, _changed_lines(before.splitlines(), after.splitlines())), sep="\n")


def _changed_lines(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """What to put in place of what, with the numbers of lines before."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        lines = f"line {end}" if end - start <= 1 else f"lines {start + 1} to {end}"
        yield f"  after {lines}:" if kind == "insert" else f"  instead of {lines}:"
        yield from (f"  - {line}" for line in before[start:end])
        yield from (f"  + {line}" for line in after[new_start:new_end])
