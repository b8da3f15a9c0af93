"""Who runs a command, as the audit names them."""

from __future__ import annotations

import getpass
import os


def user_name() -> str:
    """The user of this machine; a number where it has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "a user of this machine"
