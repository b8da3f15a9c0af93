"""The table of signals agrees with OTLP's own descriptors."""

from typing import get_args

import pytest

from processor.core.model import Signal
from processor.core.otlp.signals import SIGNALS

SIGNALS_OF_OTLP = get_args(Signal)


def test_every_signal_has_its_row():
    assert tuple(SIGNALS) == SIGNALS_OF_OTLP


@pytest.mark.parametrize("signal", SIGNALS_OF_OTLP)
def test_a_signal_has_the_service_and_messages_of_the_specification(signal):
    """Guarantees: service, request and response are those of one Export method."""
    spec = SIGNALS[signal]
    (service,) = spec.request.DESCRIPTOR.file.services_by_name.values()
    export = service.methods_by_name["Export"]
    assert spec.service == service.full_name
    assert spec.method == f"/{service.full_name}/Export"
    assert (
        export.input_type,
        export.output_type,
    ) == (spec.request.DESCRIPTOR, spec.response.DESCRIPTOR)
    assert spec.path == f"/v1/{signal}"
    partial_success = spec.response.DESCRIPTOR.fields_by_name["partial_success"].message_type
    assert set(partial_success.fields_by_name) == {spec.rejected, "error_message"}
    assert partial_success.fields_by_name[spec.rejected].json_name == spec.rejected_json
