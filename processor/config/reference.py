"""The settings as a file with comments, made from their declarations."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from processor.config.channels import KINDS
from processor.config.load import named_sections_in, sections_in
from processor.config.settings import Settings
from processor.config.values import Section, duration_text
from processor.core.files.validation import keys_of

_WIDTH = 98
_INDENT = "  "

_MAPS = frozenset({"channels", "dimensions", "exports", "filters", "headers", "low_quality"})
"""Settings that are maps, of which the default is empty."""

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
    return _HEAD + "\n".join(_lines(Settings, 0)) + "\n"


def sentence_of(section: type[Section]) -> str:
    """What a section is about."""
    return (section.__doc__ or "").splitlines()[0]


def _lines(section: type[Section], depth: int) -> Iterator[str]:
    """First the settings of a section, then the sections in it."""
    inner, named = sections_in(section), named_sections_in(section)
    for key, field in keys_of(section).items():
        if key not in inner:
            yield from _commented(field.description or "", depth)
            yield f"{_INDENT * depth}#{key}: {_shown(field.default, key)}"
        if key in named:
            yield from _lines_of_one(named[key])
        if key == "channels":
            yield from _channels(depth)
    for key, kind in inner.items():
        yield from _commented(sentence_of(kind), depth)
        yield f"{_INDENT * depth}{key}:"
        yield from _lines(kind, depth + 1)


def _lines_of_one(section: type[Section]) -> Iterator[str]:
    """The settings of a section that has a name, as comments below where it may stand."""
    for key, field in keys_of(section).items():
        yield from _commented(f"{key}: {_shown(field.default, key)}", 1)
        yield from textwrap.wrap(
            field.description or "", _WIDTH, initial_indent="  #   ", subsequent_indent="  #   "
        )


def _channels(depth: int) -> Iterator[str]:
    """What channels of each type have, as comments: the names of channels are the operator's."""
    for name, kind in KINDS.items():
        yield f"{_INDENT * depth}#"
        yield from _commented(f"type: {name}. {sentence_of(kind)}", depth)
        for key, field in keys_of(kind).items():
            if key != "type":
                is_needed = field.default in {"", ()}
                default = "" if is_needed else f" ({_shown(field.default, key)})"
                yield from _commented(f"{key}{default}: {field.description}", depth, _INDENT)


def _commented(sentence: str, depth: int, indent: str = "") -> Iterator[str]:
    if not depth:
        yield ""
    start = f"{_INDENT * depth}# {indent}"
    more = f"{start}{indent}"
    yield from textwrap.wrap(sentence, _WIDTH, initial_indent=start, subsequent_indent=more)


def _shown(default: object, key: str) -> str:
    """A default as it stands in a file."""
    match default:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[default]
        case float():
            return duration_text(default)
        case () | {}:
            return "{}" if key in _MAPS else "[]"
        case tuple():
            return f"[{', '.join(map(str, default))}]"
        case _:
            return str(default) or '""'
