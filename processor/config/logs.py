"""What is done with log records besides passing them on."""

from __future__ import annotations

from dataclasses import dataclass

from processor.config.model import setting
from processor.core.files.fields import flag


@dataclass(frozen=True, slots=True)
class Logs:
    """Log records; they are passed on byte for byte."""

    count_calls: bool = setting(
        default=True,
        check=flag,
        sentence="Charge the calls that coding agents tell of in log records (Claude Code, Codex, "
        "Gemini CLI, Qwen Code), once with what their spans tell of. Also where logs are dropped.",
    )
