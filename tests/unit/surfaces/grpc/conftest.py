"""The service is asked over a real connection, by the receiver that offers it."""

from unit.io.receiver.conftest import house as house  # noqa: PLC0414 - fixtures are found by name
