"""The settings as a file with comments, made from their declarations."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from processor.config.model import Section, parts_of
from processor.config.settings import Settings
from processor.core.files.document import Path

_WIDTH = 98
_INDENT = "  "

_HEAD = """\
# Every setting of llm-cost-processor, with its default. Generated from processor/config/settings.py
# by `python -m processor.config`; all of it may be left out.
#
# A setting takes effect when its line is uncommented. Flags of the command line win over this
# file, this file wins over OTEL_EXPORTER_OTLP_* in the environment, and those over the defaults.
# ${env:NAME} stands for an environment variable, ${env:NAME:-default} for one that may be unset.
# Durations are written 300ms, 5s, 1m30s or 2h.
"""


def render_reference() -> str:
    """The text of config/processor.yaml: sections in force, settings commented out."""
    return _HEAD + "\n".join(_lines(Settings, ())) + "\n"


def _lines(kind: type[Any], path: Path) -> Iterator[str]:
    indent = _INDENT * len(path)
    for part in parts_of(kind, path):
        if not path:
            yield ""
        yield from textwrap.wrap(
            part.sentence, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )
        key = part.path[-1]
        if isinstance(part, Section):
            yield f"{indent}{key}:"
            yield from _lines(part.kind, part.path)
        else:
            yield f"{indent}#{key}: {part.shown}"
