"""Who is calling, as far as the connection says."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from urllib.parse import unquote


def is_local(peer: str) -> bool:
    """Whether a gRPC peer (``ipv4:127.0.0.1:5000``, ``ipv6:%5B::1%5D:5000``) is on this machine.

    That is, whether it came over the loopback interface or a Unix socket. What a proxy on this
    machine passes on looks local as well.
    """
    kind, _, place = unquote(peer).partition(":")
    if kind in {"unix", "unix-abstract"}:
        return True
    if kind not in {"ipv4", "ipv6"}:
        return False
    host = place.rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
