"""``llm-cost budget``: how every budget stands, or a change of the budgets file."""

from __future__ import annotations

import argparse

from rich.console import Group, RenderableType

from processor.cli import budget_change
from processor.cli.picture import show, with_time_zone
from processor.cli.questions import Questions
from processor.core.errors import ConfigError, Problem
from processor.surfaces.api.documents import BudgetsDocument, NotificationsDocument
from processor.surfaces.terminal.budgets import draw_budgets
from processor.surfaces.terminal.notifications import draw_backlogs

_PATH = "/budgets"


def run(arguments: argparse.Namespace) -> int:
    """Show budgets, or change them where limits are given. Raises ConfigError, NoAnswerError."""
    is_change = any(getattr(arguments, name) is not None for name in budget_change.TOTALS)
    if arguments.action == "set" or is_change:
        return budget_change.run(arguments)
    for flag in ("warn_at", "dry_run"):
        if getattr(arguments, flag):
            fix = "give --daily, --weekly or --monthly, or use llm-cost budget set NAME"
            raise ConfigError([Problem(f"--{flag.replace('_', '-')}", "changes nothing", fix)])
    query = [("limit", str(arguments.ids))]

    def draw(questions: Questions, width: int) -> RenderableType:
        asked = with_time_zone(arguments, query)
        picture = draw_budgets(questions.get(BudgetsDocument, _PATH, asked), width)
        notified = questions.get(NotificationsDocument, "/notifications", [("limit", "1")])
        return Group(picture, *draw_backlogs(notified, width))

    return show(arguments, _PATH, query, draw)
