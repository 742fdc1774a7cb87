"""A record's corrections and what it corrects, asked of the registry."""

from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Record
from traceability.corrections import Family, families, is_fitting, what_of


def family_of(registry: Registry, record: Record) -> Family:
    """Return a record's family, whatever of it has come."""
    known = {record.id: record}
    top = record
    while top.corrects is not None and top.corrects not in known:
        target = registry.find_record(top.corrects)
        if target is None or not is_fitting(top, target):
            break
        known[target.id] = top = target
    frontier = set(known)
    if top.corrects is not None and registry.find_record(top.corrects) is None:
        frontier.add(top.corrects)
    while frontier:
        further = {
            one.id: one
            for one in registry.corrections_of(frontier)
            if one.id not in known and what_of(one) == what_of(record)
        }
        known.update(further)
        frontier = set(further)
    return next(
        one
        for one in families(known.values())
        if any(member.id == record.id for member in one.members)
    )
