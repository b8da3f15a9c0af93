"""Who keeps other senders out by many connections is seen."""

import socket
from contextlib import ExitStack

from processor.io.receiver.grpc_connections import GrpcConnections, count_open

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:10DD 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 9 1 0
   1: 0100007F:10DD 0100007F:A001 01 00000000:00000000 00:00000000 00000000  1000        0 8 1 0
   2: 0100007F:A001 0100007F:10DD 01 00000000:00000000 00:00000000 00000000  1000        0 7 1 0
   3: 0100007F:10DD 0100007F:A002 06 00000000:00000000 03:00000000 00000000  1000        0 6 1 0
   4: 0100007F:10DD 0100007F:A003 01 00000000:00000000 00:00000000 00000000  1000        0 0 1 0
"""


def test_only_accepted_and_established_connections_of_the_port_count(tmp_path):
    table = tmp_path / "tcp"
    table.write_text(TABLE)
    assert count_open(4317, (table, tmp_path / "missing", table)) == 2
    assert count_open(4318, (table,)) == 0


def test_real_connections_are_counted():
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = server.getsockname()[1]
        for _ in range(3):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            stack.enter_context(server.accept()[0])
        assert count_open(port) == 3


def test_the_log_says_once_that_none_is_left_and_once_that_some_are(caplog):
    caplog.set_level("INFO")
    connections = GrpcConnections(20)
    connections.look(17, 0.0)
    assert not caplog.messages
    assert not connections.state.is_used_up
    for now_s in (5.0, 10.0, 15.0):
        connections.look(19, now_s)
    assert connections.state.is_used_up
    assert [each[:8] for each in caplog.messages] == ["19 of 20"]
    for now_s in (20.0, 50.0):
        connections.look(3, now_s)
    assert caplog.messages[1:] == [
        "further connections to the gRPC port are let in again, after 10 s"
    ]
