"""Log records that carry a wanted name are read, whatever stands around them."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from processor.core.errors import TooLargeError, UndecodableError
from processor.core.model import Wanted
from processor.core.wire import logs, scan_logs

WANTED = Wanted(keys=frozenset({"event.name", "n", "service.name"}), events=frozenset({"a.call"}))


def request(*records, service="shop", scope="s"):
    """A request with one record for each (body, event name, attributes)."""
    message = ExportLogsServiceRequest()
    group = message.resource_logs.add()
    group.resource.attributes.add(key="service.name").value.string_value = service
    inner = group.scope_logs.add()
    inner.scope.name = scope
    for number, (body, name, attributes) in enumerate(records):
        record = inner.log_records.add(time_unix_nano=number + 1, observed_time_unix_nano=9)
        record.body.string_value = body
        record.event_name = name
        for key, value in attributes.items():
            pair = record.attributes.add(key=key)
            if isinstance(value, int):
                pair.value.int_value = value
            else:
                pair.value.string_value = value
    return message


def test_a_payload_without_a_name_is_not_even_decoded():
    """Guarantees: what is not looked at cannot fail, and costs a search for bytes."""
    assert len(scan_logs(b"\xff\xff nothing of the kind", WANTED)) == 0


@pytest.mark.parametrize(
    "record",
    [
        ("a.call", "", {"n": 5}),
        ("", "a.call", {"n": 5}),
        ("", "", {"event.name": "a.call", "n": 5}),
    ],
)
def test_a_name_counts_wherever_it_stands(record):
    """Guarantees: body, event name and attribute are all there to judge the name by."""
    found = scan_logs(request(("b", "", {}), record).SerializeToString(), WANTED)
    assert len(found) == 1
    assert (found.bodies[0], found.event_names[0]) == record[:2]
    assert found.attributes[0] == record[2]
    assert (found.time_ns, found.observed_ns) == ([2], [9])


def test_only_records_with_a_name_are_read_and_each_knows_its_group():
    """Guarantees: resource and scope are those around the record; long bodies are no names."""
    message = request(("x", "", {}), ("a.call", "", {"n": 1}))
    message.MergeFrom(request(("y" * 500 + "a.call", "", {"n": 2}), service="other", scope="t"))
    message.MergeFrom(request(("z", "", {"n": 3}), service="third"))
    found = scan_logs(message.SerializeToString(), WANTED)
    assert [attributes["n"] for attributes in found.attributes] == [1, 2]
    assert found.bodies == ["a.call", ""]
    groups = [found.group[index] for index in found.groups]
    assert [group.resource["service.name"] for group in groups] == ["shop", "other"]
    assert [group.scope_name for group in groups] == ["s", "t"]


def test_a_resource_in_parts_is_one_resource():
    """Guarantees: a singular message that comes in pieces is read as protobuf reads it."""
    payload = request(("a.call", "", {"n": 1})).SerializeToString()
    inner = payload[payload.index(b"\x0a", 1) :]
    more = ExportLogsServiceRequest()
    more.resource_logs.add().resource.attributes.add(key="n").value.int_value = 7
    tail = more.resource_logs[0].SerializeToString()
    body = inner + tail
    whole = b"\x0a" + bytes([len(body)]) + body
    assert ExportLogsServiceRequest.FromString(whole).resource_logs[0].resource.attributes[1].key
    (group,) = scan_logs(whole, WANTED).group
    assert group.resource == {"service.name": "shop", "n": 7}


@pytest.mark.parametrize(
    "payload",
    [b"a.call", b"\x0a\x10a.call", b"\x0a\x06a.call", b"\x0a\x0b\x12\x09\x12\x07a.call\xff"],
)
def test_what_cannot_be_read_around_a_name_is_undecodable(payload):
    """Guarantees: one error for everything that is no request."""
    with pytest.raises(UndecodableError):
        scan_logs(payload, WANTED)


def test_too_many_fields_are_too_large(monkeypatch):
    """Guarantees: a sender cannot make a small request cost much memory."""
    monkeypatch.setattr(logs, "FIELDS_MAX", 3)
    payload = request(*[("a.call", "", {})] * 9).SerializeToString()
    with pytest.raises(TooLargeError):
        scan_logs(payload, WANTED)
