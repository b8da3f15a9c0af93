"""The processor on a terminal: a pseudo-terminal of some size, and what stands on it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

from e2e.processes import ROOT, wait_until

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *command: object, columns: int = 80, errors: Path | None = None) -> None:
        """`errors` is a file for stderr, which else is the same terminal."""
        self._main, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        ignored = ("OTEL_", "COLUMNS", "NO_COLOR")
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(ignored)
        }
        with contextlib.ExitStack() as stack:
            stderr = other if errors is None else stack.enter_context(errors.open("wb"))
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "processor.cli", *map(str, command)],
                stdin=other,
                stdout=other,
                stderr=stderr,
                cwd=ROOT,
                env=environment | {"TERM": "xterm-256color"},
                start_new_session=True,
            )
        self._other = other
        self._read = bytearray()
        self._reader = threading.Thread(target=self._follow, daemon=True)
        self._reader.start()

    def _follow(self) -> None:
        with contextlib.suppress(OSError):  # Nobody has the other end any more.
            while read := os.read(self._main, 65_536):
                self._read.extend(read)

    def stand_still(self) -> None:
        """Take nothing any more, as after Ctrl-S."""
        termios.tcflow(self._other, termios.TCOOFF)

    @property
    def raw(self) -> str:
        """All that was written, with its colours."""
        return bytes(self._read).decode("utf-8", "replace").replace("\r\n", "\n")

    @property
    def lines(self) -> list[str]:
        """The same without colours, by line."""
        return _COLOUR.sub("", self.raw).split("\n")

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line in which `pattern` is found."""

        def find() -> re.Match[str] | None:
            return next(filter(None, (re.search(pattern, line) for line in self.lines)), None)

        found: re.Match[str] = wait_until(find, what=f"{pattern!r} was not shown")
        return found

    def stop(self) -> int:
        """Press Ctrl-C; returns the exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGINT)
        code = self.popen.wait(20)
        self._hang_up()
        return code

    def _hang_up(self) -> None:
        """Close our copy of the terminal, so that what was read is all."""
        if self._other >= 0:
            os.close(self._other)
            self._other = -1
        self._reader.join(5)

    def kill(self) -> None:
        """End it whatever it does."""
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait(10)
        self._hang_up()
        os.close(self._main)
