"""YAML text in which one value is changed or added, and every other character stays.

A place is found by the parser, so comments, quotes, line ends, tabs and the order of keys need no
care: what is not replaced is never written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import yaml

from processor.core.errors import ConfigError, Problem
from processor.core.files.document import Path, dotted

_PROPERTIES: Final = re.compile(r"(?:[&!]\S*\s+)*")
"""An anchor and a tag before a value, which stay."""
_LINE_END: Final = re.compile(r"\r?\n|\r|\Z")
_NOTHING_MORE: Final = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?\r?\n)*[ \t]*(?:#[^\r\n]*)?")
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_ITEM_INDENT: Final = 2
_BY_HAND: Final = "edit the file by hand"


@dataclass(slots=True)
class _Node:
    """A value with the place of its text."""

    kind: Literal["scalar", "alias", "map", "list"]
    start: int
    end: int
    """Where its text ends; of a block that is the end of what stands last in it."""
    column: int
    is_flow: bool = False
    is_literal: bool = False
    """A scalar that begins with ``|`` or ``>``."""
    key: str = ""
    """What it says where it is a key."""
    items: list[_Node] = field(default_factory=list)
    """Of a list; of a map its keys and values in turns."""


class EditableText:
    """The text of a YAML file, to change single values in."""

    def __init__(self, text: str, source: str) -> None:
        """Read a `text` that `Document` has accepted; `source` names the file in messages."""
        self.text = text
        self._source = source
        events = yaml.parse(text, Loader=yaml.SafeLoader)
        nodes = (_node(each, events) for each in events if isinstance(each, yaml.NodeEvent))
        self._root = next(nodes, None)
        found = re.search(r"\r?\n", text)
        self._newline = found[0] if found else "\n"

    def set_value(self, path: Path, key: str, value: str, after: Sequence[str] = ()) -> str:
        """The text with `key` of the map at `path` set to `value`, which is YAML in one line.

        A new key is put behind the last one of `after` that is there, or at the end of the map.
        Raises ConfigError where the map is another part of the file that an alias repeats.
        """
        target = self._map(path)
        items = _by_key(target)
        if key in items:
            return self._replaced(items[key], (*path, key), value)
        place = [items[each] for each in after if each in items] or target.items
        if target.is_flow:
            lead = ", " if place else ""
            at = place[-1].end if place else target.end - 1
            return self._inserted(at, f"{lead}{key}: {value}")
        last = max(place, key=lambda each: each.end)
        return self._line_after(last.end, f"{' ' * target.items[0].column}{key}: {value}")

    def add_item(self, key: str, values: Mapping[str, str]) -> str:
        """The text with a map of `values` as the last item of the list at the root's `key`.

        Raises ConfigError where something else stands there.
        """
        flow = f"{{{', '.join(f'{name}: {value}' for name, value in values.items())}}}"
        target, root = _below(self._root, key), self._root
        is_empty = target is None or (target.kind == "scalar" and target.key in _NULLS)
        is_written = target is not None and target.start < target.end
        if is_empty and (is_written or (root is not None and root.is_flow)):
            return self.set_value((), key, f"[{flow}]")
        if target is None:
            return self._with_root_key(*_block(f"{key}:", values))
        if is_empty:
            return self._line_after(target.end, *_block("", values)[1:])
        if target.kind != "list":
            raise self._not_editable((key,), "is no list")
        if target.is_flow:
            last = target.items[-1].end if target.items else target.end - 1
            return self._inserted(last, f", {flow}" if target.items else flow)
        return self._block_item(target, values)

    def line_of(self, path: Path) -> int:
        """The line of what is at `path`, or of the map or list around it."""
        node = self._root
        at = 0 if node is None else node.start
        for part in path:
            node = _below(node, part)
            if node is None:
                break
            at = node.start
        return self.text.count("\n", 0, at) + 1

    def _replaced(self, node: _Node, path: Path, value: str) -> str:
        if node.kind in {"map", "list"} and not node.is_flow:
            start = len(self.text[: node.start].rstrip())
            is_plain = node.kind == "list" and self.text[:start].endswith(":")
            if not is_plain or "#" in self.text[start : node.end]:
                raise self._not_editable(path, "has lines of its own")
            return f"{self.text[:start]} {value}{self.text[node.end :]}"
        if node.is_literal:
            raise self._not_editable(path, "is text of several lines")
        start = node.start
        if node.kind != "alias" and (kept := _PROPERTIES.match(self.text, start, node.end)):
            start = kept.end()
        lead = " " if start == node.end else ""  # Nothing stood behind the colon.
        return f"{self.text[:start]}{lead}{value}{self.text[node.end :]}"

    def _block_item(self, target: _Node, values: Mapping[str, str]) -> str:
        """One more item, in the style of those that are there."""
        last = target.items[-1]
        indent, inner = " " * target.column, " " * last.column
        if last.column <= target.column or last.kind != "map" or last.is_flow:
            inner = indent + " " * _ITEM_INDENT
        lines = [f"{inner}{name}: {value}" for name, value in values.items()]
        lines[0] = f"{indent}-{lines[0][len(indent) + 1 :]}"
        before = self.text[target.items[-2].end : last.start] if target.items[1:] else ""
        is_apart = not before or re.search(r"\n[ \t]*\r?\n", before)
        at = self._after_comments(last.end, len(inner))
        return self._line_after(at, *([""] if is_apart else []), *lines)

    def _after_comments(self, at: int, column: int) -> int:
        """Behind the comments in the lines that follow, which are indented like what is at `at`."""
        comment = re.compile(rf"(?:\r?\n)[ ]{{{column},}}#[^\r\n]*")
        at = self._line_end(at)
        while found := comment.match(self.text, at):
            at = found.end()
        return at

    def _with_root_key(self, *lines: str) -> str:
        """The text with another key at the left margin, behind all that is there."""
        root = self._root
        if root is not None and root.kind == "map" and not root.is_flow:
            if root.column:
                raise self._not_editable((), "is indented")
            if not _NOTHING_MORE.fullmatch(self.text, root.end):
                return self._line_after(root.end, "", *lines)
        elif root is not None and not (root.kind == "scalar" and root.start == root.end):
            raise self._not_editable((), "is no map")
        is_ended = not self.text or self.text.endswith("\n")
        written = self._newline.join(["", *lines] if self.text else lines)
        return f"{self.text}{'' if is_ended else self._newline}{written}{self._newline}"

    def _line_after(self, at: int, *lines: str) -> str:
        """The text with more lines behind the one that `at` is in."""
        end = self._line_end(at)
        return self._inserted(end, "".join(f"{self._newline}{line}" for line in lines))

    def _line_end(self, at: int) -> int:
        found = _LINE_END.search(self.text, at)
        return found.start() if found else len(self.text)

    def _inserted(self, at: int, text: str) -> str:
        return f"{self.text[:at]}{text}{self.text[at:]}"

    def _map(self, path: Path) -> _Node:
        """The map at a path. Raises ConfigError."""
        node = self._root
        for part in path:
            node = _below(node, part)
        if node is None or node.kind != "map":
            raise self._not_editable(path, "is not written out here")
        return node

    def _not_editable(self, path: Path, why: str) -> ConfigError:
        where = f"{self._source}:{self.line_of(path)}: {dotted(path)}"
        return ConfigError([Problem(where, f"cannot be changed by a command: it {why}", _BY_HAND)])


def _node(event: yaml.Event, events: Iterator[yaml.Event]) -> _Node:
    """The value that begins with an event, with all that is in it."""
    node = _Node("alias", _index(event.start_mark), _index(event.end_mark), _column(event))
    if isinstance(event, yaml.ScalarEvent):
        node.kind, node.key = "scalar", event.value
        node.is_literal = event.style in {"|", ">"}
    if not isinstance(event, yaml.CollectionStartEvent):
        return node
    node.kind = "map" if isinstance(event, yaml.MappingStartEvent) else "list"
    node.is_flow = bool(event.flow_style)
    for each in events:
        if isinstance(each, yaml.CollectionEndEvent):
            if node.is_flow:
                node.end = _index(each.end_mark)
            break
        node.items.append(_node(each, events))
        node.end = node.items[-1].end
    return node


def _index(mark: Any) -> int:  # noqa: ANN401 - PyYAML has two kinds, and events may lack it
    """The place of a mark; events of a text all have one."""
    return 0 if mark is None else int(mark.index)


def _column(event: yaml.Event) -> int:
    return 0 if event.start_mark is None else event.start_mark.column


def _by_key(node: _Node) -> dict[str, _Node]:
    """The values of a map; of a key that is there twice the first one."""
    pairs = zip(node.items[::2], node.items[1::2], strict=True)
    found: dict[str, _Node] = {}
    for key, value in pairs:
        found.setdefault(key.key, value)
    return found


def _below(node: _Node | None, part: str | int) -> _Node | None:
    if node is None:
        return None
    if node.kind == "map":
        return _by_key(node).get(str(part))
    is_there = node.kind == "list" and isinstance(part, int) and part < len(node.items)
    return node.items[part] if is_there and isinstance(part, int) else None


def _block(head: str, values: Mapping[str, str]) -> list[str]:
    """A key with a list of one map, in lines."""
    lines = [f"    {name}: {value}" for name, value in values.items()]
    return [head, f"  - {lines[0].strip()}", *lines[1:]]
