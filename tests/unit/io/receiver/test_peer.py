import pytest

from processor.io.receiver.peer import is_local


@pytest.mark.parametrize(
    "peer",
    [
        "ipv4:127.0.0.1:50000",
        "ipv4:127.8.9.10:1",
        "ipv6:[::1]:50000",
        "ipv6:%5B::1%5D:50000",
        "ipv6:%5B::ffff:127.0.0.1%5D:50000",
        "unix:",
        "unix:/run/llm-cost.sock",
        "unix-abstract:llm-cost",
    ],
)
def test_loopback_and_sockets_of_this_machine_are_local(peer):
    assert is_local(peer)


@pytest.mark.parametrize(
    "peer",
    [
        "",
        "ipv4:",
        "ipv4:10.0.0.7:50000",
        "ipv4:128.0.0.1:50000",
        "ipv4:127.0.0.1.evil.example:1",
        "ipv6:%5B2001:db8::1%5D:50000",
        "ipv6:%5Bfe80::1%25eth0%5D:50000",
        "ipv6:%5B::ffff:10.0.0.7%5D:50000",
        "dns:localhost:1",
        "127.0.0.1:50000",
    ],
)
def test_everything_else_is_not(peer):
    assert not is_local(peer)
