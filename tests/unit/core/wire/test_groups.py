import pytest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from processor.core.model import Wanted
from processor.core.wire import groups
from processor.core.wire.groups import REMEMBERED_MAX, SIZE_MAX, Remembered, Scope, group_readers

WANTED = Wanted(frozenset({"a"}), supporting=frozenset({"service.name"}))


def resource(**pairs: str) -> Resource:
    message = Resource()
    for key, value in pairs.items():
        message.attributes.add(key=key.replace("_", ".")).value.string_value = value
    return message


@pytest.fixture
def counted():
    """A reader that notes what it had to read."""
    read: list[Resource] = []

    def note(message: Resource) -> int:
        read.append(message)
        return len(read)

    return Remembered(note), read


def test_wanted_and_supporting_attributes_are_read():
    readers = group_readers(WANTED)
    assert readers.resource(resource(service_name="shop", b="1")) == {"service.name": "shop"}
    scope = InstrumentationScope(name="openai", version="1.2")
    scope.attributes.add(key="a").value.int_value = 3
    assert readers.scope(scope) == Scope("openai", "1.2", {"a": 3})


def test_other_wishes_have_another_memory():
    message = resource(a="1", b="2")
    assert group_readers(WANTED).resource(message) == {"a": "1"}
    assert group_readers(Wanted(frozenset({"b"}))).resource(message) == {"b": "2"}


def test_equal_messages_are_read_once(counted):
    reader, read = counted
    assert [reader(resource(a="1")), reader(resource(a="2")), reader(resource(a="1"))] == [1, 2, 1]
    assert len(read) == 2


def test_a_large_message_is_not_remembered(counted):
    reader, read = counted
    for _ in range(2):
        reader(resource(a="x" * SIZE_MAX))
    assert len(read) == 2


def test_the_memory_is_emptied_when_it_is_full(counted, monkeypatch):
    reader, read = counted
    monkeypatch.setattr(groups, "REMEMBERED_MAX", 2)
    assert REMEMBERED_MAX >= 2
    for text in ("1", "2", "3", "3", "1"):
        reader(resource(a=text))
    assert [message.attributes[0].value.string_value for message in read] == ["1", "2", "3", "1"]
