"""The service is asked over a real connection, by the receiver that offers it."""

from unit.io.receiver.conftest import gateway as gateway  # noqa: PLC0414 - fixtures are found by name
