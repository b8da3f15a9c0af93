"""How the command line is read: no abbreviations, and a misspelt word is answered with its like."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Collection, Sequence
from typing import Any, Final, TypeAlias

from processor.core.files.similar import nearest
from processor.surfaces.terminal.paint import columns, plain

_WIDE: Final = 72
"""Cells from which on the texts of flags have a column of their own width."""
_EXITS: Final = """\
exit codes:
  0    all is well
  1    {one}
  2    {two}
  130  interrupted"""
_UNUSABLE: Final = (
    "a flag, a setting, prices or budgets cannot be used; each problem is a line on stderr"
)
_NUMBER: Final = re.compile(r"-[0-9.]")


class Parser(argparse.ArgumentParser):
    """A parser whose flags cannot be abbreviated, and which proposes what was probably meant."""

    def __init__(self, *, epilog: str, description: str, prog: str | None = None) -> None:
        """An abbreviation that works today would be ambiguous once there are more flags."""
        self.flags: set[str] = set()
        self._with_values: dict[str, bool] = {}
        """Flags that a value follows, and whether it may be several."""
        self._commands: Commands | None = None
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            formatter_class=_Formatter,
            allow_abbrev=False,
        )

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:  # noqa: ANN401 - as argparse has it
        """As argparse, and remembers the flags."""
        action = super().add_argument(*names, **settings)
        self.flags.update(action.option_strings)
        if action.nargs != 0:
            self._with_values.update(dict.fromkeys(action.option_strings, action.nargs == "+"))
        return action

    def add_commands(self, dest: str, metavar: str, *, required: bool = False) -> Commands:
        """Let commands follow; their parsers are of this class too."""
        self._commands = self.add_subparsers(
            dest=dest, metavar=metavar, title="commands", required=required
        )
        return self._commands

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401 - as argparse has it
        """As argparse, which calls it for a command as well; what nobody knows ends the program."""
        given: Sequence[str] = sys.argv[1:] if args is None else list(args)
        is_value = may_go_on = False
        for word in given:
            if word == "--":
                break
            if is_value and not _is_flag(word):
                is_value = may_go_on
                continue
            is_value, may_go_on = word in self._with_values, self._with_values.get(word, False)
            if self._commands is not None and not _is_flag(word):
                self._check_command(word, self._commands.choices)
                break  # What follows is the command's.
            if _is_flag(word):
                self._check_flag(word)
        return super().parse_known_args(given, namespace)

    def _check_command(self, word: str, known: Collection[str]) -> None:
        if word not in known:
            self.error(_unknown("command", word, known, f"it takes {', '.join(known)}"))

    def _check_flag(self, word: str) -> None:
        flag = word.partition("=")[0]
        if flag in self.flags:
            return
        commands = self._commands.choices.values() if self._commands else ()
        if any(flag in each.flags for each in commands):
            self.error(plain(f"{flag} stands after the command"))
        self.error(_unknown("flag", flag, self.flags, f"{self.prog} --help lists all"))


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # noqa: SLF001 - it has no public name
"""The commands of a parser."""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Breaks lines where the terminal ends, keeps paragraphs and indented lines as they are."""

    def __init__(self, prog: str) -> None:
        width = columns()
        super().__init__(prog, max_help_position=26 if width >= _WIDE else 18, width=width)
        # By itself argparse forgets that the names of commands are indented.
        self._action_max_length = 4 + len("check-config")

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(
            line
            for paragraph in text.split("\n")
            for line in textwrap.wrap(
                paragraph,
                width,
                initial_indent=indent,
                subsequent_indent=indent + " " * _hang(paragraph),
                break_long_words=False,
                break_on_hyphens=False,
            )
            or [""]
        )


def _hang(paragraph: str) -> int:
    """Where lines after the first begin: below the text of an exit code, or as the first does.

    Those of an example stand further in, or they would look like another one.
    """
    found = re.match(r" *(\d+ +)?", paragraph)
    hang = len(found[0]) if found else 0
    return hang + 4 if paragraph.startswith("  llm-cost ") else hang


def sentence(text: str) -> str:
    """The short help of a command as the first sentence of its description."""
    return f"{text[0].upper()}{text[1:]}."


def exit_codes(one: str, two: str = "") -> str:
    """What the exit codes of a command mean; `one` and `two` are what its 1 and its 2 say."""
    return _EXITS.format(one=one, two=two or _UNUSABLE)


def _is_flag(word: str) -> bool:
    """As argparse decides it: a dash with something after it that is neither number nor text."""
    return len(word) > 1 and word[0] == "-" and " " not in word and not _NUMBER.match(word)


def _unknown(noun: str, word: str, known: Collection[str], otherwise: str) -> str:
    near = nearest(word, known)
    return plain(f"unknown {noun} {word[:40]} ({f'did you mean {near}?' if near else otherwise})")
