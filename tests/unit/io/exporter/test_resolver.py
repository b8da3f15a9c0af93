"""Each address of a name has its turn."""

from __future__ import annotations

from processor.io.exporter.resolver import RotatingResolver


async def test_each_name_has_its_own_turn(monkeypatch):
    """Guarantees: two names that are looked up in turn use all of their addresses."""
    resolver = RotatingResolver()

    async def resolve(host, *_):
        return [f"{host}1", f"{host}2"]

    monkeypatch.setattr(resolver._system, "resolve", resolve)
    found = [(await resolver.resolve(host))[0] for host in "abab"]
    assert found == ["a1", "b1", "a2", "b2"]
