"""A processor's API as commands see it."""

from unit.cli.questions.conftest import api as api  # noqa: PLC0414 - fixtures are found by name
