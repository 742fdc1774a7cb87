"""Which records count: a correction stands for what it corrects. Pure.

Records come from several devices, in any order and more than once, and are never changed.
So what counts is worked out from the set of records alone, whatever came first:

- A correction counts instead of the record it names, and may be corrected in turn. It may
  come before that record: it counts at once, and the record does not when it comes.
- A correction of a record of another kind, crop or place is no correction of it: both
  count, each as an entry of its own, and pages say so.
- Two corrections of one record, made on two phones, are a conflict. The one that was
  corrected further counts (which is how a person settles it); until then the lower id.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from greenwater.storage.registry.books import Record


class Family(Struct, frozen=True):
    """A record with all its corrections.

    ``root`` is the id of the first of them, even where that has not come yet; ``rivals``
    are the others that could count as well as ``chosen``: a person is to choose.
    """

    root: str
    chosen: Record
    rivals: tuple[Record, ...]
    members: tuple[Record, ...]


def is_fitting(correction: Record, record: Record) -> bool:
    """Return whether one can stand for the other: same kind, crop and place."""
    return correction.corrects == record.id and what_of(correction) == what_of(record)


def what_of(one: Record) -> tuple[str | None, ...]:
    """Return what a record is of: a correction stays within it."""
    return (one.organisation, one.kind, one.crop, one.unit, one.site)


def families(records: Iterable[Record]) -> list[Family]:
    """Return the records with their corrections, in the order of their roots' ids.

    Corrections of one record that has not come are of one family already.
    """
    known = {one.id: one for one in records}
    below: dict[_Root, list[str]] = defaultdict(list)
    roots: set[_Root] = set()
    for name, one in sorted(known.items()):
        target = known.get(one.corrects or "")
        if target is not None and target is not one and is_fitting(one, target):
            below[target.id, ()].append(name)
        elif one.corrects is not None and target is None:
            absent = (one.corrects, what_of(one))
            below[absent].append(name)
            roots.add(absent)
        else:
            roots.add((name, ()))
    seen: set[str] = set()
    found = [_family(root, known, below, seen) for root in sorted(roots, key=str)]
    # What corrects itself in a circle has no root: the lowest id is as good as any.
    for name in sorted(known):
        if name not in seen:
            found.append(_family((name, ()), known, below, seen))
    return found


_Root = tuple[str, tuple[str | None, ...]]
"""An id; of a record that is not there also what its corrections say it is."""


def _family(
    root: _Root,
    known: Mapping[str, Record],
    below: Mapping[_Root, Sequence[str]],
    seen: set[str],
) -> Family:
    name, what = root
    level = sorted(below[root]) if what else [name]
    seen.update(level)
    members = list(level)
    while deeper := [
        further
        for one in level
        for further in below.get((one, ()), ())
        if further not in seen
    ]:
        seen.update(deeper)
        members += deeper
        level = sorted(deeper)
    chosen = known[level[0]]
    return Family(
        root=name,
        chosen=chosen,
        rivals=tuple(
            one
            for one in (known[further] for further in level[1:])
            if (one.fields, one.happened_ms) != (chosen.fields, chosen.happened_ms)
        ),
        members=tuple(known[one] for one in members),
    )


def in_force(records: Iterable[Record]) -> list[Record]:
    """Return the records that count, in the order in which they were given."""
    kept = list(records)
    chosen = {one.chosen.id for one in families(kept)}
    return [one for one in kept if one.id in chosen]
