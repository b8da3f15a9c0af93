"""YAML text as plain values that know which line they came from.

Stricter than YAML 1.1 where that would cost money: a key that is set twice to different values is
an error instead of "the last one wins", numbers are exact Decimals, and keys are always text.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

from processor.core.errors import ConfigError, Problem

Path = tuple[str | int, ...]

_SIZE_LIMIT_BYTES = 8 * 1024 * 1024
_VALUES_MAX = 200_000
"""Values of one file, counted as often as aliases repeat them."""


class Map(dict[str, Any]):
    """A map that knows its place in the file."""

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path


class Document:
    """A parsed file: `root` is its value, `problem` names a place in it.

    Numbers with a fraction or exponent are Decimals, so that prices stay exact.
    """

    def __init__(self, text: str, source: str) -> None:
        """Parse `text`; `source` names the file in messages. Raises ConfigError."""
        self.source = source
        self.lines: dict[Path, int] = {}
        self.warnings: list[Problem] = []
        """What is allowed but looks like a mistake: a key that is set twice to the same value."""
        self._problems: list[Problem] = []
        if len(text) > _SIZE_LIMIT_BYTES:
            limit = _SIZE_LIMIT_BYTES // 1024 // 1024
            raise ConfigError([Problem(source, f"is larger than {limit} MiB")])
        self._values = 0
        try:
            node = yaml.compose(text, Loader=_Loader)
            self.root: Any = None if node is None else self._value(node, (), frozenset())
        except RecursionError as error:
            raise ConfigError([Problem(source, "is nested too deeply")]) from error
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line = mark.line + 1 if mark is not None else 1
            raise ConfigError(
                [Problem(f"{source}:{line}", f"is not valid YAML: {error.problem}")]
            ) from error
        except yaml.YAMLError as error:
            raise ConfigError([Problem(source, f"is not valid YAML: {error}")]) from error
        if self._problems:
            raise ConfigError(self._problems)

    def problem(self, path: Path, what: str, fix: str = "") -> Problem:
        """A problem at `path`, with the line of the nearest known place around it."""
        return Problem(self.where(path), what, fix)

    def where(self, path: Path) -> str:
        """A place as messages name it: file, line and path."""
        return f"{self.source}:{self.line(path)}: {dotted(path)}"

    def line(self, path: Path) -> int:
        """The line of `path`, or of the nearest known place around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def _value(self, node: yaml.Node, path: Path, above: frozenset[int]) -> Any:  # noqa: ANN401 - YAML holds anything
        self._values += 1
        if self._values > _VALUES_MAX:
            raise ConfigError([Problem(self.source, f"has more than {_VALUES_MAX} values")])
        self.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in above:
            self._problems.append(self.problem(path, "refers to itself"))
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, above | {id(node)})
        if isinstance(node, yaml.SequenceNode):
            inner = above | {id(node)}
            return [self._value(item, (*path, i), inner) for i, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path, above: frozenset[int]) -> Map:
        result = Map(path)
        last = ""
        for key_node, value_node in node.value:
            key = str(key_node.value)
            here = (*path, key)
            line = key_node.start_mark.line + 1
            if node.flow_style and _is_after_comma(result.get(last), key_node, value_node):
                result[last] = f"{result[last]},{key}"
                continue
            last = key
            if key in result:
                self._repeated(here, line, result[key], self._again(value_node, here, above))
                continue
            self.lines[here] = line
            result[key] = self._value(value_node, here, above)
        return result

    def _again(self, node: yaml.Node, path: Path, above: frozenset[int]) -> Any:  # noqa: ANN401 - YAML holds anything
        """The value that a key has the second time; the lines stay those of the first."""
        lines, self.lines = self.lines, {}
        try:
            return self._value(node, path, above)
        finally:
            self.lines = lines

    def _repeated(self, path: Path, line: int, first: object, second: object) -> None:
        where = f"{self.source}:{line}: {dotted(path)}"
        before = f"first in line {self.lines[path]}"
        # Compared as text, because 1, 1.0 and true are equal.
        if repr(first) == repr(second):
            what = f"is set twice to the same value, {before}"
            self.warnings.append(Problem(where, what, "remove one of them"))
        else:
            what = f"is set twice to different values, {before}"
            self._problems.append(Problem(where, what, "keep one of them"))

    def _scalar(self, node: yaml.Node, path: Path) -> Any:  # noqa: ANN401 - YAML holds anything
        text = str(node.value)
        if node.tag == "tag:yaml.org,2002:null":
            return None
        if node.tag == "tag:yaml.org,2002:bool":
            return text.lower() in {"true", "yes", "on"}
        if node.tag in {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}:
            return self._number(text.replace("_", ""), path)
        if node.tag in {"tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp"}:
            return text
        self._problems.append(
            self.problem(path, f"has the tag {node.tag}", "use plain text, numbers, lists and maps")
        )
        return None

    def _number(self, text: str, path: Path) -> int | Decimal | None:
        try:
            number = Decimal(text)
        except InvalidOperation:
            self._problems.append(
                self.problem(path, f"{text} is read as a number here", "put it in quotes")
            )
            return None
        is_whole = number.is_finite() and "." not in text and "e" not in text.lower()
        return int(number) if is_whole else number


class Findings:
    """What is found in a document once its form is right."""

    def __init__(self, document: Document, problems: list[Problem]) -> None:
        """Add to the `problems` that were found in its form."""
        self.document = document
        self.problems = problems
        self.warnings = list(document.warnings)

    def problem(self, path: Path, what: str, fix: str = "") -> None:
        """Note an error at a place."""
        self.problems.append(self.document.problem(path, what, fix))

    def warning(self, path: Path, what: str, fix: str = "") -> None:
        """Note something that is allowed but looks like a mistake."""
        self.warnings.append(self.document.problem(path, what, fix))


def _is_after_comma(before: object, key: yaml.Node, value: yaml.Node) -> bool:
    """Whether a key is the rest of a number: in ``{input: 5,00}`` YAML finds a key ``00``."""
    has_value = not isinstance(value, yaml.ScalarNode) or value.value != ""
    if has_value or not isinstance(key, yaml.ScalarNode) or key.style is not None:
        return False
    is_number = isinstance(before, int) and not isinstance(before, bool)
    # With more than one comma, the value has become text by the one before.
    is_begun = isinstance(before, str) and before.replace(",", "").isdecimal() and "," in before
    return key.value.isdecimal() and (is_number or is_begun)


class _Loader(yaml.SafeLoader):
    """A loader that refuses aliases beyond a bound, so that a small file cannot grow huge."""

    _aliases_left = 100

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            self._aliases_left -= 1
            if self._aliases_left < 0:
                mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # PyYAML
                raise yaml.composer.ComposerError(None, None, "too many aliases", mark)
        return super().compose_node(parent, index)


def dotted(path: Path) -> str:
    """A path as people write it: ``budgets[2].limit_usd``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the file"
