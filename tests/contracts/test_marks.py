"""Marks of change: the same while nothing was committed, another once something was."""

from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.labels import SigningKey
from tests.contracts.registries import NOW, Databases, a_farm


def test_a_mark_stays_until_something_is_committed(databases: Databases) -> None:
    url = databases.migrated()
    with open_registry(url) as registry, open_registry(url) as other:
        before = registry.mark()
        registry.sites()
        assert registry.mark() == before, "whoever reads changes nothing"
        a_farm(registry, "hoa")
        own = registry.mark()
        assert own != before
        a_farm(other, "binh")
        assert registry.mark() != own, "another process's work is seen too"


def test_a_stamp_changes_with_what_it_counts(registry: Registry) -> None:
    before = registry.stamp_of("lot", "label")
    a_farm(registry)
    assert registry.stamp_of("lot", "label") == before
    registry.add_signing_key(SigningKey("k", "A" * 43, NOW, None, None))
    added = registry.stamp_of("lot", None)
    registry.revoke_signing_key("k", at_ms=NOW)
    assert before != added != registry.stamp_of("lot", None) != before


def test_what_is_read_at_one_moment_does_not_change_meanwhile(
    databases: Databases,
) -> None:
    url = databases.migrated()
    with open_registry(url) as registry, open_registry(url) as other:
        with registry.at_one_moment():
            assert not registry.sites()
            a_farm(other, "hoa")
            assert not registry.sites()
        assert registry.sites()
